// Conversations: how one is named in the store, what its owner has set, and what is known of its log without reading
// it.
//
// Protocol: docs/conversations.md.
// Threads:  values.
#pragma once

#include "base/pool.hpp"
#include "model/position.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace flare::model {

enum class ConversationKind : std::uint8_t { direct = 1, room = 2 };  // the numbers are stored

// One text for each conversation, whoever of its members names it: "r" and the room's name, or "d" and both users, the
// lesser first, with the length of the first between, so that no two pairs have one text.
class ConversationKey {
public:
    ConversationKey() = default;
    static ConversationKey room(std::string_view name);
    static ConversationKey direct(std::string_view one, std::string_view other);
    // As text() gave it; an empty key if it is none.
    static ConversationKey parse(std::string_view text);

    bool empty() const noexcept { return text_.empty(); }
    ConversationKind kind() const noexcept {
        return text_.starts_with('r') ? ConversationKind::room : ConversationKind::direct;
    }
    std::string_view text() const noexcept { return text_; }
    // Of a room.
    std::string_view name() const noexcept { return std::string_view(text_).substr(1); }
    // Of a direct conversation: the two, the lesser first. They are one and the same in notes to oneself.
    std::string_view first() const noexcept;
    std::string_view second() const noexcept;

    friend bool operator==(const ConversationKey& a, const ConversationKey& b) noexcept { return a.text() == b.text(); }
    friend auto operator<=>(const ConversationKey& a, const ConversationKey& b) noexcept {
        return a.text() <=> b.text();
    }

private:
    explicit ConversationKey(base::PooledString text) : text_(std::move(text)) {}
    base::PooledString text_;  // one is made for each message
};

enum class Join : std::uint8_t { invite = 0, open = 1 };
enum class Visibility : std::uint8_t { since_join = 0, all = 1 };  // how far back a member reads

struct Config {
    std::string title{};  // at most 256 bytes of UTF-8
    Join join = Join::invite;
    Visibility visibility = Visibility::since_join;
    std::uint32_t max_payload_bytes = 64 * 1024;  // inflated
    std::uint32_t slow_mode_ms = 0;               // between two messages of a member; 0: off
    bool frozen = false;                          // nobody sends but who may manage

    friend bool operator==(const Config&, const Config&) = default;
};

struct Head {
    Position last{};             // of the newest entry
    std::uint64_t first = 1;     // the oldest offset that is still there; last.offset + 1 when there is none
    std::uint64_t messages = 0;  // that count as unread, since the log began
    std::uint64_t stamp = 0;     // of the newest entry: log rows and member changes of a store share one counter
    std::uint64_t last_ms = 0;   // time of the newest entry, Unix, milliseconds; never less than that of the one before
    std::uint64_t bytes = 0;     // of all payloads, as they are stored

    friend bool operator==(const Head&, const Head&) = default;
};

}  // namespace flare::model
