#include "store/sqlite/listing.hpp"

#include "store/sqlite/columns.hpp"

#include <algorithm>

namespace flare::store::sqlite {

Result<> ListStatements::prepare(Database& database) {
    return sqlite::prepare(
        database,
        {
            // The index has all that is asked of members.
            {&members,
             "SELECT conversation, stamp, role, visible_from, invited_ms <> 0 FROM member INDEXED BY member_user WHERE "
             "user = ? AND (role <> 0 OR joined_at + left_at <> 0 OR invited_ms <> 0)"},
            {&log, "SELECT stamp, removed_ms FROM conversation WHERE row = ?"},
            {&conversation, "SELECT " FLARE_CONVERSATION_COLUMNS " FROM conversation WHERE row = ?"},
            {&member, "SELECT " FLARE_STANDING_COLUMNS
                      " FROM member INDEXED BY member_user WHERE user = ? AND conversation = ?"},
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
        members_.push_back({rows.number(1), static_cast<model::Role>(rows.number(2)), rows.number(4) != 0,
                            request_.with_rest ? rows.number(3) : 0});
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

bool Listing::choose() {
    choice_.emplace(request_, committed_, forgotten_);
    for (std::size_t i = 0; i < rows_.size(); ++i) {
        if (!logs_[i].known()) continue;  // its tombstone was deleted meanwhile
        const auto& [stamp, role, invited, visible_from] = members_[i];
        const bool removed = logs_[i].removed();
        const bool gone = (role == model::Role::none && !invited) || removed;
        choice_->see(
            {stamp_of(role, invited, {stamp, logs_[i].stamp(), removed}), rows_[i], gone, invited && !removed});
    }
    choice_->finish();
    std::vector<Row> chosen;
    chosen.reserve(choice_->found().size() + choice_->rest().size());
    for (const auto* const part : {&choice_->found(), &choice_->rest()})
        for (const Candidate& each : *part) chosen.push_back(each.row);
    shared_.heads->known(chosen, known_);
    return !choice_->found().empty() || std::ranges::any_of(known_, [this](const HeadTable::Known& each) {
        return each.conversation == nullptr || has_moved_on(each.head);
    });
}

// Its members may have changed since they were read, which was before this head was: whoever has left would be shown as
// a member who has heard of it.
bool Listing::has_moved_on(const model::Head& head) const noexcept { return head.stamp > choice_->above(); }

Result<ListPage> Listing::read_page() {
    ListPage page;
    page.upto = choice_->upto();
    page.generation = shared_.generation;
    page.more = choice_->more();
    page.whole = choice_->above() == 0;
    if (auto good = read_found(page.found); !good) return good.error();
    if (auto good = read_rest(page); !good) return good.error();
    return page;
}

Result<> Listing::read_found(std::vector<Listed>& to) {
    const std::vector<Candidate>& chosen = choice_->found();
    to.reserve(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        Listed made;
        const auto there = read_conversation(i, chosen[i], made.conversation);
        if (!there) return there.error();
        const auto listed = read_member(chosen[i].row, made);
        if (!listed) return listed.error();
        if (!*there || !*listed) continue;
        made.stamp = chosen[i].stamp;
        // It went since it was chosen: the next list tells it.
        if (!made.is_gone() || chosen[i].gone) to.push_back(std::move(made));
    }
    return {};
}

// What has moved on since it was chosen is told as what has changed, or its feed would begin behind entries that nobody
// tells. If there is no room for it, the next page has the rest.
Result<> Listing::read_rest(ListPage& page) {
    const std::vector<Candidate>& chosen = choice_->rest();
    page.rest.reserve(chosen.size());
    for (std::size_t i = 0; i < chosen.size(); ++i) {
        Listed made;
        const auto there = read_conversation(choice_->found().size() + i, chosen[i], made.conversation);
        if (!there) return there.error();
        if (!*there) continue;
        if (has_moved_on(made.conversation.head)) {
            const auto listed = read_member(chosen[i].row, made);
            if (!listed) return listed.error();
            if (!*listed || made.is_gone()) continue;  // the next list tells it
            if (page.found.size() == choice_->limit()) {
                page.rest.clear();
                page.more = true;
                return {};
            }
            made.stamp = made.conversation.head.stamp;
            page.found.insert(page.found.begin(), std::move(made));
        } else {
            // In the order of the index.
            const auto at = std::ranges::lower_bound(rows_, chosen[i].row) - rows_.begin();
            const Membership& membership = members_[static_cast<std::size_t>(at)];
            made.member.user = request_.user;
            made.member.role = membership.role;
            made.member.visible_from = membership.visible_from;
            made.stamp = chosen[i].stamp;
            if (!made.is_gone()) page.rest.push_back(std::move(made));
        }
    }
    return {};
}

Result<bool> Listing::read_member(Row conversation, Listed& to) {
    Rows rows = statements_.member.rows(request_.user, conversation);
    const bool there = rows.next();
    if (auto good = rows.error(); !good) return no_answer(good.error());
    if (!there) return false;
    Standing standing = standing_of(rows);
    to.member = standing.member;
    to.mark = standing.mark;
    to.settings = standing.settings;
    return true;
}

Result<bool> Listing::read_conversation(std::size_t nth, const Candidate& chosen, Conversation& to) {
    const HeadTable::Known& known = known_[nth];
    if (known.conversation != nullptr) {
        to = *known.conversation;
        to.head = known.head;
        return true;
    }
    Rows rows = statements_.conversation.rows(chosen.row);
    const bool there = rows.next();
    if (auto good = rows.error(); !good) return no_answer(good.error());
    if (!there) return false;
    to = conversation_of(rows, chosen.row, shared_.generation);
    if (known.ahead && known.ahead->stamp >= to.head.stamp) to.head = *known.ahead;
    shared_.heads->learn(chosen.row, known.ticket, std::make_shared<const Conversation>(to));
    return true;
}

}  // namespace flare::store::sqlite
