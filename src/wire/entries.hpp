// Payloads of the entries by which a log tells its own conversation's changes.
//
// Protocol: proto/flare/im/v1/entries.proto; docs/conversations.md, "The log".
// Threads:  pure functions and values.
#pragma once

#include "model/conversation.hpp"
#include "model/member.hpp"

#include <flare/error.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::wire {

enum class ChangeKind : std::uint8_t {  // the numbers are stored
    unspecified = 0,
    created = 1,
    joined = 2,
    left = 3,
    added = 4,
    removed = 5,
    role = 6,
    muted = 7,
    banned = 8,
    config = 9,
    invited = 10,  // or no longer
};

// One user whose membership changed, as it is from this entry on. Stored with the row, so that a name is in one place
// only; sent with the name, which is all that clients know.
struct ChangedMember {
    std::uint64_t row = 0;
    std::string user{};  // at most kMaxNameBytes
    model::Role role = model::Role::none;
    std::uint64_t muted_until_ms = 0;  // Unix time; 0: not muted
    std::uint64_t banned_until_ms = 0;
    bool invited = false;  // may join, and is no member yet

    friend bool operator==(const ChangedMember&, const ChangedMember&) = default;
};

// More in one entry than may be named by a change, because one may bring a further one: who inherits.
inline constexpr std::size_t kMaxChangedMembers = 128;

struct ConversationChange {
    ChangeKind kind = ChangeKind::unspecified;
    std::vector<ChangedMember> members{};
    std::optional<model::Config> config{};  // all of it, as it is from this entry on

    friend bool operator==(const ConversationChange&, const ConversationChange&) = default;
};

std::string encode(const ConversationChange& change);
// Errors: malformed_frame, invalid_utf8. What a later version added is passed over; a kind or a role of one reads as 0.
Result<ConversationChange> decode_conversation_change(std::string_view payload);

}  // namespace flare::wire
