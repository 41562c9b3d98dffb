#include "store/sqlite/people.hpp"

#include "store/sqlite/columns.hpp"

#include <algorithm>
#include <string>

namespace flare::store::sqlite {
namespace {

// By a message at the offset ?3 in the conversation ?1, at the time ?4.
#define FLARE_TO_BE_WOKEN                                                                                             \
    "role <> 0 AND read_offset < ?3 AND cleared_to < ?3 AND wakes_from >= 0 AND wakes_from <= ?4 AND (notify = 0 OR " \
    "(notify = 1 AND EXISTS (SELECT 1 FROM mention WHERE mention.user IN (member.user, 0) AND "                       \
    "mention.conversation = ?1 AND mention.offset > max(read_offset, cleared_to) AND mention.offset <= ?3)))"

Result<std::vector<Row>> all_numbers(Rows rows) {
    std::vector<Row> found;
    while (rows.next()) found.push_back(rows.number(0));
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

}  // namespace

Result<> PeopleReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            // SQLite's integers have a sign: "for ever" is below 0.
            {&bans_, "SELECT " FLARE_MEMBER_COLUMNS
                     " FROM member WHERE conversation = ?1 AND user > ?2 AND banned_until <> 0 AND (banned_until < 0 "
                     "OR banned_until > ?4) ORDER BY user LIMIT ?3"},
            {&invited_, "SELECT " FLARE_MEMBER_COLUMNS
                        " FROM member INDEXED BY member_invited WHERE conversation = ? AND user > ? AND "
                        "invited_ms <> 0 ORDER BY user LIMIT ?"},
            {&invitations_,
             "SELECT count(*) FROM (SELECT 1 FROM member INDEXED BY member_invitation JOIN conversation ON "
             "conversation.row = member.conversation WHERE member.user = ? AND member.invited_ms <> 0 AND "
             "conversation.removed_ms = 0 LIMIT ?)"},
            {&blocks_,
             "SELECT conversation FROM member WHERE user = ? AND conversation > ? AND blocks <> 0 ORDER BY "
             "conversation LIMIT ?"},
            {&devices_, "SELECT device, service, token, app, stamp FROM push_device WHERE user = ? ORDER BY device"},
            {&awaits_, "SELECT 1 FROM member WHERE conversation = ?1 AND user = ?2 AND " FLARE_TO_BE_WOKEN},
            {&recipients_, "SELECT user FROM member WHERE conversation = ?1 AND " FLARE_TO_BE_WOKEN
                           " AND EXISTS (SELECT 1 FROM push_device WHERE push_device.user = member.user) ORDER BY user "
                           "LIMIT ?2"},
        });
}

Result<std::vector<model::Member>> PeopleReader::bans(Row conversation, Row after, std::uint32_t limit,
                                                      std::uint64_t now_ms) {
    std::vector<model::Member> found;
    Rows rows = bans_.rows(conversation, after, std::uint64_t{limit}, now_ms);
    while (rows.next()) found.push_back(member_of(rows));
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<std::vector<model::Member>> PeopleReader::invitations(Row conversation, Row after, std::uint32_t limit) {
    std::vector<model::Member> found;
    Rows rows = invited_.rows(conversation, after, std::uint64_t{limit});
    while (rows.next()) found.push_back(member_of(rows));
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<std::uint32_t> PeopleReader::count_invitations(Row user, std::uint32_t most) {
    Rows rows = invitations_.rows(user, std::uint64_t{most});
    const auto found = rows.next() ? static_cast<std::uint32_t>(rows.number(0)) : 0;
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<std::vector<Row>> PeopleReader::blocks(Row user, Row after, std::uint32_t limit) {
    return all_numbers(blocks_.rows(user, after, std::uint64_t{limit}));
}

Result<std::vector<PushDevice>> PeopleReader::push_devices(Row user) {
    std::vector<PushDevice> found;
    Rows rows = devices_.rows(user);
    while (rows.next())
        found.push_back({std::string(rows.bytes(0)), std::string(rows.bytes(1)), std::string(rows.bytes(2)),
                         std::string(rows.bytes(3)), rows.number(4)});
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<std::optional<Row>> PeopleReader::awaits_push(Row conversation, Row user, std::uint64_t offset,
                                                     std::uint64_t now_ms) {
    std::optional<Row> found;
    Rows rows = awaits_.rows(conversation, user, offset, now_ms);
    if (rows.next()) found = user;
    if (auto good = rows.error(); !good) return good.error();
    return found;
}

Result<std::vector<Row>> PeopleReader::push_recipients(Row conversation, std::uint64_t offset, std::uint64_t now_ms,
                                                       std::uint32_t limit) {
    return all_numbers(recipients_.rows(conversation, std::uint64_t{limit}, offset, now_ms));
}

}  // namespace flare::store::sqlite
