#include "store/sqlite/mentions.hpp"

#include "model/entry.hpp"

namespace flare::store::sqlite {

// ---- writing ----

Result<> MentionWriter::prepare() {
    return sqlite::prepare(
        database_,
        {
            {&put_,
             "INSERT OR IGNORE INTO mention(user, conversation, offset) SELECT user, conversation, ?3 FROM member "
             "WHERE conversation = ?1 AND user = ?2 AND role <> 0"},
            {&put_all_, "INSERT OR IGNORE INTO mention(user, conversation, offset) VALUES(0, ?, ?)"},
            {&read_, "SELECT user FROM mention WHERE conversation = ? AND offset = ? AND user <> 0 ORDER BY user"},
            {&forget_, "DELETE FROM mention WHERE conversation = ? AND offset = ?"},
        });
}

Result<> MentionWriter::write(const NewEntry& entry, std::uint64_t offset, Outcome& outcome) {
    for (const Row user : entry.mentions) {
        if (auto good = put_.run(entry.conversation, user, offset); !good) return good;
        if (database_.changes() != 0) outcome.mentions.push_back(user);
    }
    if ((entry.flags & model::kMentionAll) == 0) return {};
    return put_all_.run(entry.conversation, offset);
}

Result<> MentionWriter::read(const NewEntry& entry, std::uint64_t offset, Outcome& outcome) {
    if (entry.mentions.empty()) return {};
    Rows rows = read_.rows(entry.conversation, offset);
    while (rows.next()) outcome.mentions.push_back(rows.number(0));
    return rows.error();
}

// ---- reading ----

Result<> MentionReader::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            {&of_entry_, "SELECT user FROM mention WHERE conversation = ? AND offset = ? AND user <> 0 ORDER BY user"},
            {&of_user_,
             "SELECT offset FROM mention WHERE user = ?1 AND conversation = ?2 AND offset BETWEEN ?3 AND ?4 UNION "
             "SELECT offset FROM mention WHERE user = 0 AND conversation = ?2 AND offset BETWEEN ?3 AND ?4 "
             "ORDER BY offset DESC LIMIT ?5"},
        });
}

Result<> MentionReader::add_to(Entry& entry, Row conversation) {
    if ((entry.flags & model::kNamesUsers) == 0 || entry.blank) return {};
    Rows rows = of_entry_.rows(conversation, entry.offset);
    while (rows.next()) entry.mentions.push_back(rows.number(0));
    return rows.error();
}

Result<std::vector<std::uint64_t>> MentionReader::of_user(Row user, Row conversation, std::uint64_t first,
                                                          std::uint64_t last, std::uint32_t most) {
    std::vector<std::uint64_t> offsets;
    Rows rows = of_user_.rows(user, conversation, first, last, std::uint64_t{most});
    while (rows.next()) offsets.push_back(rows.number(0));
    if (auto good = rows.error(); !good) return good.error();
    return offsets;
}

}  // namespace flare::store::sqlite
