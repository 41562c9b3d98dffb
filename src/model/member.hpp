// A user in a conversation.
//
// Protocol: docs/conversations.md, "Members".
// Threads:  values.
#pragma once

#include <cstdint>

namespace flare::model {

// From the fewest rights to the most. The numbers are stored.
enum class Role : std::uint8_t { none = 0, reader = 1, member = 2, moderator = 3, admin = 4, owner = 5 };

// Times are Unix time in milliseconds, by the server's clock; 0: never.
struct Member {
    std::uint64_t user = 0;  // the row of the user in the store
    Role role = Role::none;  // none: was removed or left, or is banned or invited without ever having been in it
    std::uint64_t joined_at = 0;
    std::uint64_t left_at = 0;       // role none: since when
    std::uint64_t visible_from = 1;  // the first offset that this member may read
    std::uint64_t muted_until = 0;   // may read, and not send
    std::uint64_t banned_until = 0;  // may not join
    bool blocks = false;             // a direct conversation: takes nothing from the other one
    // An invitation that is open; whoever has a role has none.
    std::uint64_t invited_by = 0;  // the row of a user; 0: the server
    std::uint64_t invited_ms = 0;  // when; 0: there is none

    bool invited() const noexcept { return invited_ms != 0; }
    friend bool operator==(const Member&, const Member&) = default;
};

// Of which messages a user's devices are woken. The numbers are stored.
enum class Notify : std::uint8_t { all = 0, mentions = 1, none = 2 };

// What a user has chosen for one conversation.
struct Settings {
    Notify notify = Notify::all;
    std::uint64_t muted_until = 0;  // Unix time in milliseconds: no device is woken before; UINT64_MAX: for ever
    std::uint64_t pinned = 0;       // 0: not; the higher ones come first
    // The list leaves it out as long as the log has fewer messages (Head::messages) than this: the next one brings it
    // back, and nothing is written for that. 0: it is in the list.
    std::uint64_t hidden_below = 0;
    std::uint64_t cleared_to = 0;  // the user does not see entries up to this offset

    constexpr bool hides(std::uint64_t messages) const noexcept { return messages < hidden_below; }
    friend bool operator==(const Settings&, const Settings&) = default;
};

// How far a user has read a conversation. It only grows. Whoever joins has read what is there; who is a member from the
// beginning has read nothing.
struct ReadMark {
    std::uint64_t offset = 0;    // everything up to it is read; 0: nothing
    std::uint64_t messages = 0;  // Head::messages with the entry of that offset
    // The user wants it to count as unread from this entry on, until a mark reaches it; 0: not.
    std::uint64_t unread_from = 0;

    friend bool operator==(const ReadMark&, const ReadMark&) = default;
};

}  // namespace flare::model
