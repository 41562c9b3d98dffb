// Text of others, written so that it can only be read: what a terminal obeys, a log takes for the end of a line or a
// reader sees in another order becomes an escape.
//
// Escaped: control characters (C0, DEL, C1), line and paragraph separators, what turns the direction of writing
// (U+061C, U+200E, U+200F, U+202A-202E, U+2066-2069) or is not seen at all (U+200B, U+2060-2065, U+206A-206F, U+FEFF,
// U+FFF9-FFFB, U+E0001, non-characters), and bytes that are not UTF-8. The joiners U+200C and U+200D stay: scripts and
// emoji need them.
// Threads: any; values only.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace flare::base {

// One character at the beginning of `text`, which is not empty. valid: false for bytes that are no UTF-8 (size 1 then).
struct Character {
    char32_t code;
    std::size_t size;
    bool valid;
};
Character first_character(std::string_view text) noexcept;
// Is it to be escaped?
bool is_hostile(char32_t code) noexcept;

// Appends `text` with escapes as flare::printable() describes them, `most` bytes at most.
// quote: a character (' or ") that is escaped too, together with the backslash; 0: neither is.
void append_printable(std::string& to, std::string_view text, std::size_t most, char quote = '\0');

// A JSON text as a serializer made it, with what it left raw within its strings as \u escapes: the same value for
// whoever parses it, and safe for whoever looks at it. Bytes that are no UTF-8 become \ufffd.
std::string harmless_json(std::string_view json);

}  // namespace flare::base
