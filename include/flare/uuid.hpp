// A 128-bit UUID (RFC 9562): message ids, attempt ids and session ids are made of it.
#pragma once

#include <flare/export.hpp>

#include <array>
#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace flare {

struct FLARE_EXPORT Uuid {
    std::array<std::uint8_t, 16> bytes{};

    // Version 7 (RFC 9562 section 5.7) from the system clock and the system's random source;
    // later calls in one process give greater values.
    static Uuid v7();
    // Version 7 with the caller's time and 80 random bits (10 bytes): for tests and the simulator.
    static Uuid v7(std::uint64_t unix_milliseconds, const std::array<std::uint8_t, 10>& random);
    // 36 characters "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx", either case; nothing else is taken.
    static std::optional<Uuid> parse(std::string_view text) noexcept;
    // Exactly 16 raw bytes.
    static std::optional<Uuid> from_bytes(std::string_view raw) noexcept;

    bool is_nil() const noexcept { return *this == Uuid{}; }
    // Of a version 7 id: when it was made, in Unix time (RFC 9562 section 5.7).
    std::uint64_t unix_milliseconds() const noexcept;
    std::string str() const;  // 36 characters, lower case
    std::string_view raw() const noexcept { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
    // Byte by byte from the first, which orders ids of version 7 by time. These take two comparisons of 64 bits, where
    // the generated ones call memcmp: they are asked for every message.
    std::strong_ordering operator<=>(const Uuid& other) const noexcept {
        const auto first = big_endian(word(0)) <=> big_endian(other.word(0));
        return first != 0 ? first : big_endian(word(8)) <=> big_endian(other.word(8));
    }
    bool operator==(const Uuid& other) const noexcept { return word(0) == other.word(0) && word(8) == other.word(8); }

private:
    friend std::hash<Uuid>;
    std::uint64_t word(std::size_t at) const noexcept {
        std::uint64_t value = 0;
        std::memcpy(&value, bytes.data() + at, sizeof value);
        return value;
    }
    static std::uint64_t big_endian(std::uint64_t word) noexcept {
        return std::endian::native == std::endian::little ? __builtin_bswap64(word) : word;
    }
};

}  // namespace flare

template <>
struct std::hash<flare::Uuid> {
    std::size_t operator()(const flare::Uuid& id) const noexcept {
        return static_cast<std::size_t>((id.word(8) ^ (id.word(0) * 0x9E3779B97F4A7C15ull)) * 0xD6E8FEB86659FD93ull);
    }
};
