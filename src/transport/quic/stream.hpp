// One stream of a connection: what it has to send, and what came on it in parts.
//
// Protocol: docs/quic.md, "Streams": a stream begins with the number of its channel; then come parts, each with its
//           length before it, each the frames of one batch that belong to this channel.
// Threads:  one.
// Owner:    Connection.
#pragma once

#include "transport/quic/send_queue.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport::quic {

// 0: frames without a number; 1 + lane: the numbered frames of a lane.
using Channel = std::uint32_t;
inline constexpr Channel kChannels = 17;

// Takes a part off the front of what a stream has brought.
struct PartReader {
    enum class State : std::uint8_t { part, incomplete, too_large, malformed };
    // `bytes`: not read yet. On `part`, `part` is its content and `bytes` moves behind it.
    static State next(std::string_view& bytes, std::size_t max_bytes, std::string_view& part);
    // A varint as protobuf has them; empty: incomplete. `bytes` moves behind it. `malformed` is set when it is too
    // long.
    static std::optional<std::uint64_t> varint(std::string_view& bytes, bool& malformed);
};

struct Stream {
    std::int64_t id = -1;  // -1: not opened yet
    SendQueue out;
    bool blocked = false;  // the peer's flow control, until it extends it

    base::PooledString in;           // arrived, not yet given to the handler
    std::size_t held = 0;            // bytes of flow control that are not given back yet
    std::optional<Channel> channel;  // of what comes in; not known before the first bytes
    bool first_part = true;
    bool readable = false;  // it is in the connection's list
};

}  // namespace flare::transport::quic
