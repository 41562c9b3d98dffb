// Members of one conversation as far as its home knows them: all of them up to Limits::listed_members, above that those
// that were looked up. Of users that were looked up it also knows that they are no members.
//
// Threads:  one at a time.
// Owner:    Conversation.
#pragma once

#include "im/limits.hpp"
#include "model/member.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <span>
#include <vector>

namespace flare::im {

class Members {
public:
    explicit Members(const Limits& limits) : limits_(limits) {}

    // `all`: these are all that have a role. Forgets who was known before, but not who was asked for.
    void load(std::span<const model::Member> members, bool all);
    void clear();

    // Null: not known. The row of one who is no member has the role none. Valid until the next call that is not const.
    const model::Member* find(Row user);
    // True: `user` is not known, and nobody has asked yet: ask the store now. Until it answers, later calls say false.
    bool want(Row user);
    bool knows(Row user) const;
    // What the store said. One that nobody has asked for any more is not taken: it may be older than what is known.
    void loaded(const model::Member& member);
    void not_loaded(Row user);
    // What was committed.
    void set(const model::Member& member);

    // All that have a role are known; for_each() shows them, in no order.
    bool listed() const noexcept { return listed_; }
    template <typename Each>
    void for_each(Each each) const {
        for (const auto& [user, slot] : by_user_) {
            if (slots_[slot].known && slots_[slot].member.role != model::Role::none) each(slots_[slot].member);
        }
    }

    void check_invariants() const;

private:
    using Slot = std::uint32_t;
    static constexpr Slot kNone = UINT32_MAX;
    struct Known {
        model::Member member{};
        bool known = false;  // else it is being asked for
        Slot newer = kNone;  // while it may be forgotten
        Slot older = kNone;
    };

    // Members of a list stay as long as it is a list.
    bool stays(const Known& of) const noexcept { return !of.known || (listed_ && of.member.role != model::Role::none); }
    Slot add(Row user);
    void remove(Slot slot);
    void link(Slot slot);
    void unlink(Slot slot);
    void forget_beyond_limit();
    void no_list_any_more();

    const Limits& limits_;
    boost::unordered_flat_map<Row, Slot> by_user_;
    std::vector<Known> slots_;
    std::vector<Slot> free_;
    Slot newest_ = kNone;  // of those that may be forgotten
    Slot oldest_ = kNone;
    std::size_t linked_ = 0;
    std::size_t with_role_ = 0;  // of those that are known
    bool listed_ = false;
};

}  // namespace flare::im
