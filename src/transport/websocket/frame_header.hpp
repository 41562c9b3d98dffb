// The header before every WebSocket frame, as bytes and as values.
//
// Protocol: RFC 6455 section 5.2.
// Threads:  pure functions.
#pragma once

#include "transport/websocket/mask.hpp"

#include <cstddef>
#include <cstdint>

namespace flare::transport::websocket {

enum class Opcode : std::uint8_t { continuation = 0, text = 1, binary = 2, close = 8, ping = 9, pong = 10 };

constexpr bool is_control(Opcode opcode) noexcept { return (static_cast<std::uint8_t>(opcode) & 8) != 0; }

inline constexpr std::size_t kMaxFrameHeaderBytes = 14;
inline constexpr std::size_t kMaxControlBytes = 125;  // payload of a close, ping or pong frame

struct FrameHead {
    bool final = true;
    std::uint8_t reserved = 0;       // the three RSV bits; no extension of ours uses them
    Opcode opcode = Opcode::binary;  // any value of 0..15 when decoded
    bool masked = false;
    MaskKey key{};
    std::uint64_t length = 0;
    bool shortest = true;  // decoded: whether the length was written in as few bytes as it takes
};

// How many bytes the header has whose first two are given; 2..14.
std::size_t frame_head_bytes(std::uint8_t first, std::uint8_t second) noexcept;
// `bytes` holds a whole header.
FrameHead decode_frame_head(const char* bytes) noexcept;
// Writes at most kMaxFrameHeaderBytes to `out` and returns how many.
std::size_t encode_frame_head(char* out, const FrameHead& head) noexcept;

}  // namespace flare::transport::websocket
