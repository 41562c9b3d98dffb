#include <flare/uuid.hpp>

#include "base/random.hpp"

#include <chrono>

namespace flare {
namespace {

constexpr char kHex[] = "0123456789abcdef";

int hex_value(char c) noexcept {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

constexpr bool is_dash(std::size_t position) noexcept {
    return position == 8 || position == 13 || position == 18 || position == 23;
}

}  // namespace

Uuid Uuid::v7(std::uint64_t unix_milliseconds, const std::array<std::uint8_t, 10>& random) {
    Uuid id;
    for (std::size_t i = 0; i < 6; ++i) id.bytes[i] = static_cast<std::uint8_t>(unix_milliseconds >> (8 * (5 - i)));
    std::copy(random.begin(), random.end(), id.bytes.begin() + 6);
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x70);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

// RFC 9562 section 6.2, method 1: a counter in rand_a keeps ids of one thread and millisecond in order; the
// process-wide part of the promise holds across milliseconds.
Uuid Uuid::v7() {
    thread_local std::uint64_t last_ms = 0;
    thread_local std::uint16_t counter = 0;
    auto now = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count());
    std::array<std::uint8_t, 10> random{};
    base::system_random().fill(random);
    if (now <= last_ms) {
        now = last_ms;
        if (++counter == 0x1000) {  // 4,096 ids in a millisecond: borrow from the next one
            ++now;
            counter = 0;
        }
    } else {
        counter = static_cast<std::uint16_t>(((random[0] & 0x07) << 8) | random[1]);
    }
    last_ms = now;
    random[0] = static_cast<std::uint8_t>(counter >> 8);
    random[1] = static_cast<std::uint8_t>(counter);
    return v7(now, random);
}

std::optional<Uuid> Uuid::parse(std::string_view text) noexcept {
    if (text.size() != 36) return std::nullopt;
    Uuid id;
    std::size_t nibble = 0;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (is_dash(i)) {
            if (text[i] != '-') return std::nullopt;
            continue;
        }
        const int value = hex_value(text[i]);
        if (value < 0) return std::nullopt;
        auto& byte = id.bytes[nibble / 2];
        byte = static_cast<std::uint8_t>(byte << 4 | value);
        ++nibble;
    }
    return id;
}

std::optional<Uuid> Uuid::from_bytes(std::string_view raw) noexcept {
    Uuid id;
    if (raw.size() != id.bytes.size()) return std::nullopt;
    std::memcpy(id.bytes.data(), raw.data(), raw.size());
    return id;
}

std::string Uuid::str() const {
    std::string text;
    text.reserve(36);
    for (const std::uint8_t byte : bytes) {
        if (is_dash(text.size())) text.push_back('-');
        text.push_back(kHex[byte >> 4]);
        text.push_back(kHex[byte & 0x0f]);
    }
    return text;
}

}  // namespace flare
