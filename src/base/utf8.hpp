// Validates UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF).
//
// Protocol: docs/wire.md, "Fields"; RFC 6455 section 8.1 for text that comes in fragments.
// Threads:  one at a time; is_utf8() any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace flare::base {

// Checks text that arrives in parts, and fails at the first byte that cannot be right.
class Utf8Validator {
public:
    // False: the text is wrong, whatever may follow; do not feed it more.
    bool feed(std::string_view part) noexcept;
    // The text does not end inside a character.
    bool complete() const noexcept { return pending_ == 0; }

private:
    std::uint8_t pending_ = 0;  // continuation bytes to come, 0..3
    std::uint8_t low_ = 0x80;   // range of the next one; 0x80..0xbf unless the byte before narrows it
    std::uint8_t high_ = 0xbf;
};

bool is_utf8_of_any_length(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept {
    // Names are short and mostly ASCII: two overlapping words see all of it.
    const std::size_t size = text.size();
    const char* at = text.data();
    if (size >= 8 && size <= 16) {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
        std::memcpy(&first, at, 8);
        std::memcpy(&last, at + size - 8, 8);
        if (((first | last) & 0x8080808080808080ull) == 0) return true;
    } else if (size >= 4 && size < 8) {
        std::uint32_t first = 0;
        std::uint32_t last = 0;
        std::memcpy(&first, at, 4);
        std::memcpy(&last, at + size - 4, 4);
        if (((first | last) & 0x80808080u) == 0) return true;
    } else if (size == 0) {
        return true;
    }
    return is_utf8_of_any_length(text);
}

}  // namespace flare::base
