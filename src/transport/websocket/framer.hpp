// What one side of a connection sends, as WebSocket frames: each batch a message (compressed: each frame of it), and
// control frames. A client's are masked, each with a key of its own.
//
// Protocol: RFC 6455 section 5; RFC 7692 (permessage-deflate); docs/websocket.md.
// Threads:  any; frames() uses its thread's WriteScratch.
// Owner:    Connection.
#pragma once

#include "transport/carrier.hpp"
#include "transport/tcp/socket.hpp"
#include "transport/websocket/parser.hpp"

#include <array>
#include <span>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

class Framer {
public:
    using Head = std::array<char, kMaxFrameHeaderBytes>;

    // `deflate`: permessage-deflate was agreed on.
    Framer(Role role, WireFormat format, bool deflate) noexcept : role_(role), format_(format), deflate_(deflate) {}

    Role role() const noexcept { return role_; }

    // A batch, ready to be written; what it shares is referenced. It is good until this thread frames or writes again,
    // and as long as `batch` and `head`, where the header may lie. Empty: it cannot be said as JSON, which never
    // happens to a batch that this library made.
    std::span<const tcp::Piece> frames(const wire::Batch& batch, Head& head) const;
    // Appends a whole frame. `reserved`: its RSV bits.
    void append(std::string& out, Opcode opcode, std::string_view payload, std::uint8_t reserved = 0) const;

private:
    const Role role_;
    const WireFormat format_;
    const bool deflate_;
};

}  // namespace flare::transport::websocket
