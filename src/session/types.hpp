// Types shared by both halves of a session: times, keys, limits.
//
// Protocol: docs/protocol.md, "Limits".
// Threads:  values only.
#pragma once

#include "base/place.hpp"
#include "base/rate.hpp"
#include "wire/frame.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace flare::session {

// Time is an argument everywhere in this module; nothing here reads a clock.
using Duration = std::chrono::steady_clock::duration;
using TimePoint = std::chrono::steady_clock::time_point;
inline constexpr TimePoint kNever = TimePoint::max();

using base::Bucket;
using base::Rate;
using wire::LaneIndex;
using wire::Seq;

struct SessionId {
    Uuid value;
    auto operator<=>(const SessionId&) const = default;
};

// Names a carrier towards a session. Chosen by whoever owns the carriers; never 0, never reused within one
// SessionTable or ClientSession.
using CarrierKey = std::uint64_t;
inline constexpr CarrierKey kNoCarrier = 0;

// Credit of a lane of which the peer has not spoken: docs/protocol.md, "Credit".
inline constexpr std::uint32_t kInitialFrames = 2'500;
inline constexpr std::uint64_t kInitialBytes = 1ull << 20;

struct Settings {
    std::uint32_t lanes = 4;                       // 1..wire::kMaxLanes
    std::uint32_t max_unacked_frames = 10'000;     // a side, all lanes; beyond it nothing gets a number
    std::uint64_t max_unacked_bytes = 4ull << 20;  // a side, payload bytes, all lanes
    std::uint64_t max_message_bytes = wire::kDefaultMaxMessageBytes;
    std::uint64_t max_queued_bytes = 32ull << 20;  // not yet numbered; at least twice the largest message
    std::uint32_t max_queued_frames = 20'000;
    std::uint32_t max_batch_bytes = wire::kMaxBatchBytes;  // what a client may put into one batch
    Rate message_rate;                                     // of one device's messages that are acted on
    Rate byte_rate;                                        // and of their payloads
    std::optional<wire::Storing> storing;                  // said in Welcome; nothing: there is no store
    Duration min_ack_delay = std::chrono::milliseconds(25);
    Duration max_ack_delay = std::chrono::milliseconds(200);
    Duration session_life = std::chrono::minutes(2);  // after its last carrier
    Duration heartbeat_interval = std::chrono::seconds(30);
    Duration heartbeat_timeout = std::chrono::seconds(60);
    std::uint32_t max_missed_heartbeats = 3;
    Duration credential_warning = std::chrono::minutes(1);  // before it expires
    std::uint32_t max_devices = 0;  // sessions of one user; beyond it a new one takes the place of the oldest; 0: any
    Duration slow_consumer_after = std::chrono::seconds(30);  // without credit while frames wait
    Duration goodbye_limit = std::chrono::seconds(5);
    Duration tombstone_life = std::chrono::minutes(10);
    std::uint32_t dedupe_ids = 10'000;
    Duration dedupe_window = std::chrono::minutes(2);

    // How long ids are kept: a repeat that was young when it was queued may have waited for a lost carrier.
    Duration dedupe_retention() const noexcept { return dedupe_window + session_life; }
    // The share of one of so many lanes in what may be unacknowledged: the credit that a receiver grants.
    std::uint32_t lane_frames(std::uint32_t agreed) const noexcept { return max_unacked_frames / agreed; }
    std::uint64_t lane_bytes(std::uint32_t agreed) const noexcept { return max_unacked_bytes / agreed; }
    bool limits_rates() const noexcept { return message_rate.limited() || byte_rate.limited(); }
};

// Up to where a batch is filled with frames, so that the last one, which may be of any size that a lane's frame has,
// stays within the limit.
constexpr std::size_t fill_batch_to(std::size_t max_batch_bytes) noexcept {
    constexpr std::size_t kLastFrame = wire::kChunkThreshold + 4096;
    return max_batch_bytes - std::min(max_batch_bytes / 2, kLastFrame);
}

// The lane of a conversation. Any choice is legal on the wire; this one spreads names evenly.
constexpr LaneIndex lane_of(std::string_view conversation, std::uint32_t lanes) noexcept {
    return static_cast<LaneIndex>(base::part_of(base::name_hash(conversation, base::kLaneSeed) >> 16, lanes));
}

// The home worker of a user: all of a user's sessions live there, so presence, message ids and
// replacement need no lock.
constexpr std::uint32_t home_of(std::string_view user, std::uint32_t workers) noexcept {
    return base::worker_of(base::place_of(user), workers);
}

}  // namespace flare::session

template <>
struct std::hash<flare::session::SessionId> {
    std::size_t operator()(const flare::session::SessionId& id) const noexcept {
        return std::hash<flare::Uuid>{}(id.value);
    }
};
