// Is this UTF-8 (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF)?
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace flare::wire {

// Checks text that arrives in parts, and fails at the first byte that cannot be right.
class Utf8Validator {
public:
    // False: the text is wrong, whatever may follow.
    bool feed(std::string_view part) noexcept;
    // The text does not end inside a character.
    bool complete() const noexcept { return pending_ == 0; }

private:
    std::uint8_t pending_ = 0;  // continuation bytes to come
    std::uint8_t low_ = 0x80;   // range of the next one
    std::uint8_t high_ = 0xbf;
};

bool is_utf8(std::string_view text) noexcept;

}  // namespace flare::wire
