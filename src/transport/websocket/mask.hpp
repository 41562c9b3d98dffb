// Masking of WebSocket payloads: XOR with a 4-byte key, many bytes at a time.
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
    const MaskKey turned{key[position & 3], key[(position + 1) & 3], key[(position + 2) & 3], key[(position + 3) & 3]};
    std::uint32_t narrow = 0;
    std::memcpy(&narrow, turned.data(), sizeof narrow);
    const std::uint64_t wide = std::uint64_t{narrow} << 32 | narrow;

    std::size_t done = 0;
    using Lanes [[gnu::vector_size(16)]] = std::uint64_t;  // a register of every x86-64 and ARMv8
    const Lanes lanes{wide, wide};
    const auto mask_lanes = [&](std::size_t at) {
        Lanes word;
        std::memcpy(&word, from + at, sizeof word);
        word ^= lanes;
        std::memcpy(to + at, &word, sizeof word);
    };
    for (; done + 4 * sizeof lanes <= size; done += 4 * sizeof lanes) {
        mask_lanes(done);
        mask_lanes(done + sizeof lanes);
        mask_lanes(done + 2 * sizeof lanes);
        mask_lanes(done + 3 * sizeof lanes);
    }
    for (; done + sizeof lanes <= size; done += sizeof lanes) mask_lanes(done);
    for (; done + sizeof wide <= size; done += sizeof wide) {
        std::uint64_t word = 0;
        std::memcpy(&word, from + done, sizeof word);
        word ^= wide;
        std::memcpy(to + done, &word, sizeof word);
    }
    for (; done < size; ++done) {
        to[done] = static_cast<char>(static_cast<std::uint8_t>(from[done]) ^ turned[done & 3]);
    }
}

}  // namespace flare::transport::websocket
