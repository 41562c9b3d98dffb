// permessage-deflate without a window that outlives a message: negotiation, and single messages compressed and
// inflated with memory of the thread.
//
// Protocol: RFC 7692; docs/websocket.md, "permessage-deflate".
// Threads:  pure functions; each thread has working memory of its own.
#pragma once

#include <flare/error.hpp>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

// What the server answers to the offers in Sec-WebSocket-Extensions, in their order: the first of permessage-deflate
// that is in order and can be kept. Nothing: none is, and the connection goes without.
std::optional<std::string> choose_deflate(std::string_view offers);

// Messages of fewer bytes are not worth it; larger ones would hold up the event loop.
inline constexpr std::size_t kDeflateFrom = 512;
inline constexpr std::size_t kDeflateUpTo = 128 * 1024;

// The payload of a compressed message; nothing: it does not shrink, or is outside of the bounds above. It is good until
// this thread's next call.
std::optional<std::string_view> deflate_message(std::string_view payload);

// What a compressed message's payload inflates to, at most `max_bytes`. It is good until this thread's next call.
// Errors: batch_too_large, websocket_violation (it is no deflate).
Result<std::string_view> inflate_message(std::string_view payload, std::size_t max_bytes);

}  // namespace flare::transport::websocket
