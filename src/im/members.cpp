#include "im/members.hpp"

#include "base/assert.hpp"

namespace flare::im {

void Members::load(std::span<const model::Member> members, bool all) {
    for (auto at = by_user_.begin(); at != by_user_.end();) {
        const Slot slot = at->second;
        ++at;
        if (slots_[slot].known) remove(slot);
    }
    listed_ = all;  // until they are too many
    for (const model::Member& member : members) {
        if (!listed_ && linked_ == limits_.looked_up_members) break;
        set(member);
    }
}

void Members::clear() {
    by_user_.clear();
    slots_.clear();
    free_.clear();
    newest_ = oldest_ = kNone;
    linked_ = with_role_ = 0;
    listed_ = false;
}

const model::Member* Members::find(Row user) {
    const auto at = by_user_.find(user);
    if (at == by_user_.end() || !slots_[at->second].known) return nullptr;
    const Slot slot = at->second;
    if (!stays(slots_[slot]) && newest_ != slot) {
        unlink(slot);
        link(slot);
    }
    return &slots_[slot].member;
}

bool Members::knows(Row user) const {
    const auto at = by_user_.find(user);
    return at != by_user_.end() && slots_[at->second].known;
}

bool Members::want(Row user) {
    if (by_user_.contains(user)) return false;
    add(user);
    return true;
}

void Members::loaded(const model::Member& member) {
    const auto at = by_user_.find(member.user);
    if (at == by_user_.end() || slots_[at->second].known) return;
    set(member);
}

void Members::not_loaded(Row user) {
    const auto at = by_user_.find(user);
    if (at != by_user_.end() && !slots_[at->second].known) remove(at->second);
}

void Members::set(const model::Member& member) {
    const auto at = by_user_.find(member.user);
    const Slot slot = at == by_user_.end() ? add(member.user) : at->second;
    Known& of = slots_[slot];
    if (of.known) {
        if (!stays(of)) unlink(slot);
        if (of.member.role != model::Role::none) --with_role_;
    }
    of.member = member;
    of.known = true;
    if (member.role != model::Role::none) ++with_role_;
    if (!stays(of)) link(slot);
    if (listed_ && with_role_ > limits_.listed_members) no_list_any_more();
    forget_beyond_limit();
}

// A conversation that has grown over the limit: from now on its members are known as those of any large one.
void Members::no_list_any_more() {
    listed_ = false;
    for (const auto& [user, slot] : by_user_) {
        if (slots_[slot].known && slots_[slot].member.role != model::Role::none) link(slot);
    }
}

void Members::forget_beyond_limit() {
    while (linked_ > limits_.looked_up_members) remove(oldest_);
}

Members::Slot Members::add(Row user) {
    Slot slot = 0;
    if (free_.empty()) {
        slot = static_cast<Slot>(slots_.size());
        slots_.emplace_back();
    } else {
        slot = free_.back();
        free_.pop_back();
        slots_[slot] = {};
    }
    slots_[slot].member.user = user;
    by_user_.emplace(user, slot);
    return slot;
}

void Members::remove(Slot slot) {
    Known& of = slots_[slot];
    if (!stays(of)) unlink(slot);
    if (of.known && of.member.role != model::Role::none) --with_role_;
    by_user_.erase(of.member.user);
    of.known = false;
    free_.push_back(slot);
}

void Members::link(Slot slot) {
    slots_[slot].newer = kNone;
    slots_[slot].older = newest_;
    if (newest_ != kNone) slots_[newest_].newer = slot;
    newest_ = slot;
    if (oldest_ == kNone) oldest_ = slot;
    ++linked_;
}

void Members::unlink(Slot slot) {
    Known& of = slots_[slot];
    (of.newer == kNone ? newest_ : slots_[of.newer].older) = of.older;
    (of.older == kNone ? oldest_ : slots_[of.older].newer) = of.newer;
    of.newer = of.older = kNone;
    --linked_;
}

void Members::check_invariants() const {
    std::size_t may_be_forgotten = 0;
    std::size_t with_role = 0;
    for (const auto& [user, slot] : by_user_) {
        const Known& of = slots_.at(slot);
        FLARE_INVARIANT(of.member.user == user, "a member is found under another one's row");
        if (of.known && of.member.role != model::Role::none) ++with_role;
        if (!stays(of)) ++may_be_forgotten;
    }
    std::size_t linked = 0;
    Slot newer = kNone;
    for (Slot slot = newest_; slot != kNone; slot = slots_[slot].older) {
        FLARE_INVARIANT(slots_[slot].newer == newer, "the list of members is torn");
        newer = slot;
        ++linked;
    }
    FLARE_INVARIANT(oldest_ == newer, "the list of members does not end at the oldest");
    FLARE_INVARIANT(linked == may_be_forgotten && linked == linked_, "members that may be forgotten are counted wrong");
    FLARE_INVARIANT(with_role == with_role_, "members with a role are counted wrong");
    FLARE_INVARIANT(linked_ <= limits_.looked_up_members, "more members are known than may be");
    FLARE_INVARIANT(!listed_ || with_role_ <= limits_.listed_members, "the list of members is too long");
    FLARE_INVARIANT(by_user_.size() + free_.size() == slots_.size(), "a place of a member is lost");
}

}  // namespace flare::im
