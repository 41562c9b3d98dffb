// Who may do what in a conversation. Nothing here is remembered: a right is asked when it is used, so that what takes
// it away counts at once.
//
// Protocol: docs/conversations.md, "Roles".
// Threads:  any.
#pragma once

#include "im/limits.hpp"
#include "im/refusal.hpp"
#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "model/member.hpp"

#include <cstdint>

namespace flare::im {

enum class Capability : std::uint16_t {
    read = 1 << 0,
    send = 1 << 1,
    react = 1 << 2,
    edit_own = 1 << 3,
    delete_own = 1 << 4,
    delete_any = 1 << 5,
    invite = 1 << 6,  // and take an invitation back, whoever has made it
    add = 1 << 7,
    remove = 1 << 8,
    mute = 1 << 9,  // and write without waiting in slow mode
    ban = 1 << 10,
    config = 1 << 11,
    mention_all = 1 << 12,
    manage = 1 << 13,  // give roles, edit what others wrote, write while the conversation is frozen
};

// What a role may do: each may do what the one below it may.
constexpr std::uint16_t capabilities(model::Role role) noexcept {
    constexpr auto bits = [](auto... each) { return static_cast<std::uint16_t>((static_cast<unsigned>(each) | ...)); };
    using enum Capability;
    std::uint16_t may = 0;
    if (role >= model::Role::reader) may |= bits(read);
    if (role >= model::Role::member) may |= bits(send, react, edit_own, delete_own);
    if (role >= model::Role::moderator) may |= bits(delete_any, invite, add, remove, mute, mention_all);
    if (role >= model::Role::admin) may |= bits(ban, config, manage);
    return may;
}
constexpr bool can(model::Role role, Capability capability) noexcept {
    return (capabilities(role) & static_cast<std::uint16_t>(capability)) != 0;
}

// Whether `actor` may do to a member with the role `present` what leaves that one with the role `future`, and has the
// capability for it. Nobody touches one of an equal or higher rank, or gives a role that is not below its own; an owner
// may do both.
Refused may_change(model::Role actor, Capability capability, model::Role present, model::Role future);

// Who writes, and where.
struct Writing {
    const model::Member& sender;  // whom nobody has ever made a member has the role none
    const model::Config& config;
    bool blocked = false;  // by the other one of a direct conversation
};

// Whether such a sender may write at all at present: membership, block, freeze, mute.
Refused may_write(const Writing& writing, Capability capability, std::uint64_t now_ms);

// The entry that an edit, a removal or a reaction is about.
struct About {
    Row sender = 0;
    std::uint64_t time_ms = 0;
    model::EntryKind kind = model::EntryKind::message;
    bool blank = false;  // it was deleted
};

// A message is named by a position of a log that the conversation had before.
Refusal of_another_log();
// What is written: an entry of such a kind. `about`: null: the log has no entry at the offset that it names.
struct Entry {
    model::EntryKind kind = model::EntryKind::message;
    std::uint8_t flags = 0;
    std::uint64_t ref = 0;
    const About* about = nullptr;
    bool other_log = false;  // the offset is of an epoch that is over
    bool pruned = false;     // what was at the offset has been removed by the rules of retention
};
Refused may_append(const Writing& writing, const Entry& entry, std::uint64_t now_ms);

// Who is owner when the last one leaves: the oldest admin, else the oldest of the others; a reader only when there is
// nobody else. Shown every member, in any order.
class HeirSearch {
public:
    explicit HeirSearch(Row leaving) : leaving_(leaving) {}
    void see(const model::Member& member) noexcept;
    // Who is owner beside the one that leaves.
    bool other_owners() const noexcept { return owners_ != 0; }
    const model::Member* heir() const noexcept { return heir_.role == model::Role::none ? nullptr : &heir_; }

private:
    Row leaving_;
    std::uint64_t owners_ = 0;
    model::Member heir_{};
};

}  // namespace flare::im
