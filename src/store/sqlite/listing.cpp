#include "store/sqlite/listing.hpp"

#include "store/sqlite/columns.hpp"

#include <algorithm>

namespace flare::store::sqlite {

Result<> ListStatements::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            // The index has all that is asked of who has a role.
            {&members,
             "SELECT conversation, stamp, role FROM member AS m INDEXED BY member_user WHERE user = ? AND (role <> 0 "
             "OR EXISTS(SELECT 1 FROM member AS past WHERE past.conversation = m.conversation AND past.user = m.user "
             "AND past.joined_at + past.left_at <> 0))"},
            {&log, "SELECT stamp, removed_ms FROM conversation WHERE row = ?"},
            {&listed, "SELECT " FLARE_CONVERSATION_COLUMNS ", " FLARE_MEMBER_COLUMNS
                      ", read_offset, read_n FROM conversation JOIN member ON member.conversation = conversation.row "
                      "WHERE conversation.row = ? AND member.user = ?"},
            {&forgotten, "SELECT value FROM meta WHERE name = 'forgotten'"},
        });
}

Result<> Listing::read_members() {
    {
        Rows rows = statements_.forgotten.rows();
        if (rows.next()) forgotten_ = rows.number(0);
        if (auto good = rows.error(); !good) return good;
    }
    Rows rows = statements_.members.rows(request_.user);
    while (rows.next()) {
        rows_.push_back(rows.number(0));
        members_.push_back({rows.number(1), static_cast<model::Role>(rows.number(2))});
    }
    return rows.error();
}

bool Listing::look_up_logs() {
    shared_.heads->stamps_of(rows_, logs_);
    return std::any_of(logs_.begin(), logs_.end(), [](const LogStamp& each) { return !each.known(); });
}

Result<> Listing::read_logs() {
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (logs_[i].known()) continue;
        Rows rows = statements_.log.rows(rows_[i]);
        if (rows.next()) {
            logs_[i] = {rows.number(0), rows.number(1) != 0};
            shared_.heads->learn(rows_[i], logs_[i]);
        }
        if (auto good = rows.error(); !good) return good;
    }
    return {};
}

void Listing::choose() {
    choice_.emplace(request_, committed_, forgotten_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (!logs_[i].known()) continue;  // its tombstone was deleted meanwhile
        const auto& [stamp, role] = members_[i];
        choice_->see(
            {stamp_of(role, stamp, logs_[i].stamp()), rows_[i], role == model::Role::none || logs_[i].removed()});
    }
    choice_->finish();
    rows_.clear();
    for (const auto* const chosen : {&choice_->found(), &choice_->rest()})
        for (const Candidate& each : *chosen) rows_.push_back(each.row);
    std::sort(rows_.begin(), rows_.end());
    shared_.heads->ahead_of(rows_, ahead_);
}

Result<ListPage> Listing::read_page() {
    ListPage page;
    page.upto = choice_->upto();
    page.generation = shared_.generation;
    page.more = choice_->more();
    page.whole = choice_->above() == 0;
    if (auto good = read_all(choice_->found(), page.found); !good) return good.error();
    if (auto good = read_all(choice_->rest(), page.rest); !good) return good.error();
    return page;
}

Result<> Listing::read_all(const std::vector<Candidate>& chosen, std::vector<Listed>& to) {
    to.reserve(chosen.size());
    for (const Candidate& each : chosen) {
        Rows rows = statements_.listed.rows(each.row, request_.user);
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
            // It went since it was chosen: the next list tells it.
            if (made.is_gone() && !each.gone) to.pop_back();
        }
        if (auto good = rows.error(); !good) return good;
    }
    return {};
}

}  // namespace flare::store::sqlite
