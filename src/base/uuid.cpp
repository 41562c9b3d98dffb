#include <flare/uuid.hpp>

#include "base/random.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <span>

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
    std::memcpy(id.bytes.data() + 6, random.data(), random.size());
    id.bytes[6] = static_cast<std::uint8_t>((id.bytes[6] & 0x0f) | 0x70);
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

// RFC 9562 section 6.2, method 3: the 12 bits behind the milliseconds are a finer clock (1/4096 ms). When the
// clock stands still or goes back, the process counts on from its last value.
Uuid Uuid::v7() {
    static std::atomic<std::uint64_t> last{0};
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    const auto nanoseconds =
        static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(since_epoch).count());
    constexpr std::uint64_t kMillisecond = 1'000'000;
    const std::uint64_t now = (nanoseconds / kMillisecond) << 12 | (nanoseconds % kMillisecond * 4096 / kMillisecond);

    std::uint64_t before = last.load(std::memory_order_relaxed);
    std::uint64_t time = 0;
    do {
        time = std::max(now, before + 1);
    } while (!last.compare_exchange_weak(before, time, std::memory_order_relaxed));

    Uuid id;
    const std::uint64_t first = big_endian(time >> 12 << 16 | 0x7000 | (time & 0x0fff));
    std::memcpy(id.bytes.data(), &first, sizeof first);
    base::system_random().fill(std::span(id.bytes).subspan(8));
    id.bytes[8] = static_cast<std::uint8_t>((id.bytes[8] & 0x3f) | 0x80);
    return id;
}

std::uint64_t Uuid::unix_milliseconds() const noexcept { return big_endian(word(0)) >> 16; }

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
