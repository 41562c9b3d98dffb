// A user's place: two bytes that anybody can compute from the user id; and the worker to which a server with any number
// of workers assigns that place.
//
// Protocol: docs/protocol.md, "Places".
// Threads:  pure functions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flare::base {

// MurmurHash3_x86_32. Every bit of the name reaches every bit of the hash, so any few bits of it are good. It is no
// secret: it spreads names, and protects against nobody who chooses them.
constexpr std::uint32_t name_hash(std::string_view name, std::uint32_t seed) noexcept {
    const auto byte = [&](std::size_t at) { return std::uint32_t{static_cast<unsigned char>(name[at])}; };
    const auto rotated = [](std::uint32_t value, int bits) { return value << bits | value >> (32 - bits); };
    const auto mixed = [&](std::uint32_t block) { return rotated(block * 0xcc9e2d51u, 15) * 0x1b873593u; };
    std::uint32_t hash = seed;
    std::size_t at = 0;
    for (; name.size() - at >= 4; at += 4) {
        const std::uint32_t block = byte(at) | byte(at + 1) << 8 | byte(at + 2) << 16 | byte(at + 3) << 24;
        hash = rotated(hash ^ mixed(block), 13) * 5 + 0xe6546b64u;
    }
    std::uint32_t tail = 0;
    for (std::size_t i = name.size(); i > at; --i) tail = tail << 8 | byte(i - 1);
    hash ^= mixed(tail) ^ static_cast<std::uint32_t>(name.size());
    hash = (hash ^ hash >> 16) * 0x85ebca6bu;
    hash = (hash ^ hash >> 13) * 0xc2b2ae35u;
    return hash ^ hash >> 16;
}

// The part, of `parts` of equal size, in which a number of 16 bits lies. parts: 1..65536.
constexpr std::uint32_t part_of(std::uint32_t number, std::uint32_t parts) noexcept { return number * parts >> 16; }

// Hashes for different purposes have different seeds: who shares a worker does not share a lane.
inline constexpr std::uint32_t kHomeSeed = 52;  // docs/decisions/0001 says why
inline constexpr std::uint32_t kLaneSeed = 2;

inline constexpr std::uint32_t kMaxWorkers = 1024;  // each still has 64 places

enum class Place : std::uint16_t {};

constexpr Place place_of(std::string_view user) noexcept {
    return static_cast<Place>(name_hash(user, kHomeSeed) >> 16);
}
constexpr std::uint32_t worker_of(Place place, std::uint32_t workers) noexcept {
    return part_of(static_cast<std::uint32_t>(place), workers);
}
// One of a worker's places; which one, `chance` says.
constexpr Place place_at(std::uint32_t worker, std::uint32_t workers, std::uint16_t chance) noexcept {
    const auto first = [&](std::uint32_t of) { return ((of << 16) + workers - 1) / workers; };
    return static_cast<Place>(first(worker) + part_of(chance, first(worker + 1) - first(worker)));
}

// Connection ids and tickets have a place behind a byte for the number of a node: 0 where a server is on its own.
inline constexpr std::size_t kNodeBytes = 1;
inline constexpr std::size_t kPlaceBytes = 2;  // the higher first

template <typename Byte>
constexpr void put_place(Byte* out, Place place) noexcept {
    out[0] = static_cast<Byte>(static_cast<std::uint16_t>(place) >> 8);
    out[1] = static_cast<Byte>(static_cast<std::uint16_t>(place));
}
template <typename Byte>
constexpr Place take_place(const Byte* in) noexcept {
    return static_cast<Place>(static_cast<std::uint8_t>(in[0]) << 8 | static_cast<std::uint8_t>(in[1]));
}

}  // namespace flare::base
