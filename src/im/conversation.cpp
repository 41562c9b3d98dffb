#include "im/conversation.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"

#include <algorithm>

namespace flare::im {

void Conversation::load(const Stored& stored, std::span<const model::Member> listed) {
    state_ = State::present;
    row_ = stored.row;
    config_ = stored.config;
    head_ = stored.head;
    member_count_ = stored.members;
    invitation_count_ = stored.invitations;
    const auto members = std::count_if(listed.begin(), listed.end(),
                                       [](const model::Member& each) { return each.role != model::Role::none; });
    members_.load(listed, static_cast<std::uint64_t>(members) == stored.members);
    if (planted(Fault::mute_lost_on_load)) {
        for (model::Member each : listed) {
            each.muted_until = 0;
            members_.set(each);
        }
    }
    heirs_.reset();
}

void Conversation::load_absent() {
    state_ = State::absent;
    row_ = 0;
    config_ = {};
    head_ = {};
    member_count_ = invitation_count_ = 0;
    members_.clear();
    heirs_.reset();
}

void Conversation::forget() {
    load_absent();
    state_ = State::unknown;
}

bool Conversation::blocked_for(Row user) const {
    if (!direct() || planted(Fault::block_not_heeded)) return false;
    bool blocked = false;
    members_.for_each([&](const model::Member& member) { blocked |= member.blocks && member.user != user; });
    return blocked;
}

const HeirSearch* Conversation::heirs(Row leaving) {
    if (heirs_ && heirs_->leaving == leaving) return &heirs_->found;
    if (!members_.listed()) return nullptr;
    HeirSearch search(leaving);
    members_.for_each([&](const model::Member& member) { search.see(member); });
    set_heirs(leaving, search);
    return &heirs_->found;
}

void Conversation::set_heirs(Row leaving, const HeirSearch& found) { heirs_ = Heirs{leaving, found}; }

// What was committed while nobody could say so is a repeat to the store, and not in the head.
bool Conversation::is_news(const Outcome& outcome) const noexcept {
    return outcome.position.epoch != head_.last.epoch || outcome.position.offset > head_.last.offset;
}

void Conversation::advance_head(const Outcome& outcome) {
    FLARE_INVARIANT(outcome.position.epoch != head_.last.epoch || outcome.position.offset == head_.last.offset + 1,
                    "an offset is missing, or was given twice");
    head_.last = outcome.position;
    head_.last_ms = std::max(head_.last_ms, outcome.time_ms);
    head_.stamp = outcome.stamp;
    head_.messages = outcome.messages;
}

void Conversation::appended(const Outcome& outcome) {
    if (present() && is_news(outcome)) advance_head(outcome);
}

void Conversation::apply(const Plan& plan, const Outcome& outcome) {
    if (plan.conversation == 0 && outcome.repeat) {
        forget();  // it was made before, and much may have come since
        return;
    }
    if (plan.tells && !is_news(outcome)) return;
    heirs_.reset();
    if (plan.removed) {
        load_absent();
        return;
    }
    if (plan.conversation == 0) {
        load_absent();
        state_ = State::present;
        row_ = outcome.row;
        head_.last.epoch = outcome.position.epoch;  // also of one that begins without an entry
        members_.load({}, true);
    }
    if (plan.config) config_ = *plan.config;
    const auto changed = [](std::uint64_t count, std::int64_t by) {
        return static_cast<std::uint64_t>(static_cast<std::int64_t>(count) + by);
    };
    member_count_ = changed(member_count_, plan.joined);
    invitation_count_ = changed(invitation_count_, plan.invited);
    for (model::Member member : plan.members) {
        if (member.visible_from == 0) member.visible_from = std::max<std::uint64_t>(outcome.position.offset, 1);
        members_.set(member);
    }
    if (plan.tells) advance_head(outcome);
    head_.first = std::max(head_.first, plan.keep_from);
}

void Conversation::check_invariants() const {
    members_.check_invariants();
    FLARE_INVARIANT((row_ != 0) == present(), "a conversation has a row when it is there");
    if (!members_.listed()) return;
    std::uint64_t listed = 0;
    members_.for_each([&](const model::Member&) { ++listed; });
    FLARE_INVARIANT(listed == member_count_, "members are counted wrong");
}

}  // namespace flare::im
