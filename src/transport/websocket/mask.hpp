// Masking of WebSocket payloads: XOR with a 4-byte key, eight bytes at a time.
//
// Protocol: RFC 6455 section 5.3.
// Threads:  pure functions.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace flare::transport::websocket {

using MaskKey = std::array<std::uint8_t, 4>;  // in the order of the wire

// Writes `size` bytes of `from`, masked or unmasked, to `to`; they may be the same memory, but not overlap
// otherwise. `position`: how many bytes of the frame's payload came before from[0].
inline void mask_into(char* to, const char* from, std::size_t size, MaskKey key, std::size_t position = 0) noexcept {
    std::array<std::uint8_t, 8> turned{};
    for (std::size_t i = 0; i < turned.size(); ++i) turned[i] = key[(position + i) & 3];
    std::uint64_t wide = 0;
    std::memcpy(&wide, turned.data(), sizeof wide);

    std::size_t done = 0;
    for (; done + sizeof wide <= size; done += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + done, sizeof word);
        word ^= wide;
        std::memcpy(to + done, &word, sizeof word);
    }
    for (; done < size; ++done) {
        to[done] = static_cast<char>(static_cast<std::uint8_t>(from[done]) ^ turned[done & 7]);
    }
}

}  // namespace flare::transport::websocket
