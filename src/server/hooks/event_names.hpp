// The events of hooks, by name.
//
// Protocol: docs/hooks.md, "Events".
// Threads:  pure functions and values.
#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server::hooks {

enum class Event : std::uint8_t {
    // Of the log: each is told at least once, in the order of its conversation.
    message_created,
    message_updated,
    message_deleted,
    reaction_added,
    reaction_removed,
    conversation_created,
    conversation_updated,
    conversation_ended,
    member_joined,
    member_left,
    member_added,
    member_removed,
    member_role,
    member_muted,
    member_banned,
    member_invited,
    // Told if there is room, and not again.
    push_requested,
    push_cleared,
    session_opened,
    session_closed,
    user_online,
    user_offline,
    // Asked.
    before_message,
    before_update,
    before_conversation,
    before_join,
};
inline constexpr std::size_t kEvents = 26;

constexpr bool is_of_log(Event event) noexcept { return event <= Event::member_invited; }
constexpr bool is_asked(Event event) noexcept { return event >= Event::before_message; }

std::string_view name(Event event) noexcept;

class EventSet {
public:
    // "message.created", or "message.*": those of the log and the others, none that is asked.
    // Empty: it is the name of none.
    static EventSet named(std::string_view name) noexcept;
    static EventSet of_log() noexcept;

    void add(const EventSet& others) noexcept { set_ |= others.set_; }
    void add(Event event) noexcept { set_.set(static_cast<std::size_t>(event)); }
    bool has(Event event) const noexcept { return set_.test(static_cast<std::size_t>(event)); }
    bool empty() const noexcept { return set_.none(); }
    bool any_asked() const noexcept;
    // There is something that both are asked.
    bool shares_asked(const EventSet& other) const noexcept;
    bool any_told() const noexcept;
    bool any_of_log() const noexcept;
    std::vector<std::string> names() const;

private:
    std::bitset<kEvents> set_;
};

}  // namespace flare::server::hooks
