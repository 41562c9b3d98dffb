// What tells two messages, or two requests, with one id from each other. Never the bytes of a payload, which clients
// compress anew. It is stored, so it never changes.
//
// Protocol: FNV-1a, 32 bits (draft-eastlake-fnv, section 2).
// Threads:  values.
#pragma once

#include <cstdint>
#include <string_view>

namespace flare::server {

class ContentHash {
public:
    ContentHash& add(std::uint8_t byte) noexcept {
        value_ = (value_ ^ byte) * 16777619u;
        return *this;
    }
    ContentHash& add(std::uint64_t number) noexcept {  // the lowest byte first
        for (int i = 0; i < 8; ++i) add(static_cast<std::uint8_t>(number >> (8 * i)));
        return *this;
    }
    ContentHash& add(std::string_view text) noexcept {
        for (const char each : text) add(static_cast<std::uint8_t>(each));
        return *this;
    }
    std::uint32_t value() const noexcept { return value_; }

private:
    std::uint32_t value_ = 2166136261u;
};

}  // namespace flare::server
