// What the socket did not take: the rest of one batch, and control frames behind
// it. Shared payloads are referenced, all else is copied once.
//
// Growth:   one batch, one read's worth of pongs, one close frame: the connection adds nothing more while
//           the queue is not empty.
// Threads:  its connection's only.
#pragma once

#include "transport/tcp/socket.hpp"

#include <flare/bytes.hpp>

#include <span>
#include <string_view>
#include <vector>

namespace flare::transport::websocket {

class SendQueue {
public:
    bool empty() const noexcept { return parts_.empty(); }
    // Keeps `pieces` without their first `written` bytes.
    void keep(std::span<const tcp::Piece> pieces, std::size_t written);
    void append(std::string_view bytes) { parts_.emplace_back(bytes); }
    // Writes until empty (ok) or the socket is full (would_block). An empty queue holds no memory.
    IoResult flush(tcp::Socket& socket);
    void clear() noexcept;

private:
    // Invariant: no part is empty; first_ < parts_.size() unless parts_ is empty.
    std::vector<Bytes> parts_;
    std::size_t first_ = 0;  // parts before it have gone
};

}  // namespace flare::transport::websocket
