#include "store/sqlite/listing.hpp"

#include "store/sqlite/columns.hpp"

#include <algorithm>

namespace flare::store::sqlite {

Result<> Listing::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            // Both are in the order of the index, which has all that is asked of a member.
            {&conversations_,
             "SELECT conversation FROM member INDEXED BY member_user WHERE user = ? ORDER BY conversation"},
            {&stamps_,
             "SELECT member.conversation, member.stamp, member.role, conversation.stamp, conversation.removed_ms "
             "FROM member INDEXED BY member_user CROSS JOIN conversation ON conversation.row = member.conversation "
             "WHERE member.user = ? AND (member.role <> 0 OR EXISTS(SELECT 1 FROM member AS past WHERE "
             "past.conversation = member.conversation AND past.user = member.user AND past.joined_at + past.left_at <> "
             "0)) ORDER BY member.conversation"},
            {&listed_, "SELECT " FLARE_CONVERSATION_COLUMNS ", " FLARE_MEMBER_COLUMNS
                       ", read_offset, read_n, member.stamp FROM conversation JOIN member ON member.conversation = "
                       "conversation.row WHERE conversation.row = ? AND member.user = ?"},
            {&forgotten_, "SELECT value FROM meta WHERE name = 'forgotten'"},
        });
}

void Listing::close() noexcept {
    for (Statement* const each : {&conversations_, &stamps_, &listed_, &forgotten_}) *each = Statement();
}

Result<> Listing::look_ahead(Row user) {
    rows_.clear();
    ahead_.clear();
    Rows rows = conversations_.rows(user);
    while (rows.next()) rows_.push_back(rows.number(0));
    if (auto good = rows.error(); !good) return good;
    shared_.heads->ahead_of(rows_, ahead_);
    return {};
}

Result<ListPage> Listing::page(const ListRequest& request, std::uint64_t committed) {
    std::uint64_t forgotten = 0;
    {
        Rows rows = forgotten_.rows();
        if (rows.next()) forgotten = rows.number(0);
        if (auto good = rows.error(); !good) return good.error();
    }
    ListChoice choice(request, committed, forgotten);
    if (auto good = choose(request.user, choice); !good) return good.error();
    ListPage page;
    page.upto = choice.upto();
    page.generation = shared_.generation;
    page.more = choice.more();
    page.whole = choice.above() == 0;
    if (auto good = read_all(request.user, choice.found(), page.found); !good) return good.error();
    if (auto good = read_all(request.user, choice.rest(), page.rest); !good) return good.error();
    return page;
}

Result<> Listing::choose(Row user, ListChoice& choice) {
    auto ahead = ahead_.begin();
    Rows rows = stamps_.rows(user);
    while (rows.next()) {
        const Row row = rows.number(0);
        while (ahead != ahead_.end() && ahead->row < row) ++ahead;
        const std::uint64_t newer = ahead != ahead_.end() && ahead->row == row ? ahead->head.stamp : 0;
        const auto role = static_cast<model::Role>(rows.number(2));
        const std::uint64_t stamp = stamp_of(role, rows.number(1), std::max(rows.number(3), newer));
        choice.see({stamp, row, role == model::Role::none || rows.number(4) != 0});
    }
    choice.finish();
    return rows.error();
}

Result<> Listing::read_all(Row user, const std::vector<Candidate>& chosen, std::vector<Listed>& to) {
    to.reserve(chosen.size());
    for (const Candidate& each : chosen) {
        Rows rows = listed_.rows(each.row, user);
        if (rows.next()) {
            Listed& made = to.emplace_back();
            made.conversation = conversation_of(rows, each.row, shared_.generation);
            made.member = member_of(rows, kConversationColumns);
            made.mark.offset = rows.number(kConversationColumns + kMemberColumns);
            made.mark.messages = rows.number(kConversationColumns + kMemberColumns + 1);
            made.stamp = each.stamp;
            model::Head& head = made.conversation.head;
            const auto ahead = std::lower_bound(ahead_.begin(), ahead_.end(), each.row,
                                                [](const auto& one, Row row) { return one.row < row; });
            if (ahead != ahead_.end() && ahead->row == each.row && ahead->head.stamp >= head.stamp) head = ahead->head;
        }
        if (auto good = rows.error(); !good) return good;
    }
    return {};
}

}  // namespace flare::store::sqlite
