// Hashes for tables whose keys peers choose: names, addresses, message ids. With a hash that anybody can compute,
// somebody could make thousands of keys with one hash, and every look-up would walk past all of them.
//
// Threads: any.
#pragma once

#include <flare/uuid.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>

namespace flare::base {

struct HashKey {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
};
// Random, and the same as long as the process lives.
const HashKey& process_hash_key() noexcept;

// SipHash-c-d of Aumasson and Bernstein. 1-3 is enough for tables, whose hashes nobody sees.
template <int kRounds, int kFinalRounds>
constexpr std::uint64_t sip_hash(const HashKey& key, std::string_view text) noexcept {
    std::uint64_t v0 = key.low ^ 0x736f6d6570736575u, v1 = key.high ^ 0x646f72616e646f6du;
    std::uint64_t v2 = key.low ^ 0x6c7967656e657261u, v3 = key.high ^ 0x7465646279746573u;
    const auto rotated = [](std::uint64_t value, int bits) { return value << bits | value >> (64 - bits); };
    const auto mix = [&](int rounds) {
        for (int i = 0; i < rounds; ++i) {
            v0 += v1, v1 = rotated(v1, 13) ^ v0, v0 = rotated(v0, 32);
            v2 += v3, v3 = rotated(v3, 16) ^ v2;
            v0 += v3, v3 = rotated(v3, 21) ^ v0;
            v2 += v1, v1 = rotated(v1, 17) ^ v2, v2 = rotated(v2, 32);
        }
    };
    const auto take = [&](std::uint64_t word) {
        v3 ^= word;
        mix(kRounds);
        v0 ^= word;
    };
    const auto word_at = [&](std::size_t at, std::size_t bytes) {
        std::uint64_t word = 0;
        for (std::size_t i = bytes; i > 0; --i) word = word << 8 | static_cast<unsigned char>(text[at + i - 1]);
        return word;
    };
    std::size_t at = 0;
    for (; text.size() - at >= 8; at += 8) take(word_at(at, 8));
    take(word_at(at, text.size() - at) | static_cast<std::uint64_t>(text.size()) << 56);
    v2 ^= 0xff;
    mix(kFinalRounds);
    return v0 ^ v1 ^ v2 ^ v3;
}

struct NameHash {
    using is_avalanching = std::true_type;
    using is_transparent = void;  // with std::equal_to<>: a view is looked up as it is
    std::size_t operator()(std::string_view name) const noexcept {
        return static_cast<std::size_t>(sip_hash<1, 3>(process_hash_key(), name));
    }
};
struct IdHash {
    using is_avalanching = std::true_type;
    std::size_t operator()(const Uuid& id) const noexcept { return NameHash{}(id.raw()); }
};

}  // namespace flare::base
