// Between errors and the numbers in WebSocket close frames.
//
// Protocol: docs/websocket.md, "Close codes"; RFC 6455 section 7.4.
// Threads:  pure functions.
#pragma once

#include "transport/carrier.hpp"

#include <flare/error.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

inline constexpr std::uint16_t kNoCloseCode = 0;        // a close frame without a payload
inline constexpr std::uint16_t kFlareCloseBase = 4000;  // + the number of the errc
inline constexpr std::size_t kMaxCloseReasonBytes = 123;

// Whether a peer may put this code into a close frame.
bool is_sendable_close_code(std::uint16_t code) noexcept;

std::uint16_t close_code_of(errc code) noexcept;
// What a received code means on a connection of this format. Codes without a meaning of ours: closed_by_peer.
errc errc_of_close_code(std::uint16_t code, WireFormat format) noexcept;

// The payload of a close frame: code, then `text` cut to 123 bytes at a character; bytes that are not UTF-8
// become '?'. kNoCloseCode gives an empty payload.
std::string close_payload(std::uint16_t code, std::string_view text);

}  // namespace flare::transport::websocket
