#include "base/escape.hpp"

#include <flare/printable.hpp>

#include <algorithm>
#include <iterator>

namespace flare::base {
namespace {

constexpr char kHexDigits[] = "0123456789abcdef";
constexpr std::string_view kCut = "...";

struct Range {
    char32_t first, last;
};
// Sorted. Surrogates do not occur in UTF-8.
constexpr Range kHostile[] = {{0x00, 0x1F},     {0x7F, 0x9F},     {0x061C, 0x061C},  {0x200B, 0x200B},
                              {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F},  {0xFDD0, 0xFDEF},
                              {0xFEFF, 0xFEFF}, {0xFFF9, 0xFFFB}, {0xE0001, 0xE0001}};

void append_hex(std::string& to, char32_t code, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) to += kHexDigits[(code >> shift) & 15];
}

// \x1b for what is a byte, \u202e for the rest; JSON knows only \u, twice for what is beyond U+FFFF.
void append_escape(std::string& to, char32_t code) {
    if (code < 0x100) {
        append_hex(to.append("\\x"), code, 2);
    } else if (code < 0x10000) {
        append_hex(to.append("\\u"), code, 4);
    } else {
        append_hex(to.append("\\U"), code, 8);
    }
}

void append_json_escape(std::string& to, char32_t code) {
    if (code < 0x10000) return append_hex(to.append("\\u"), code, 4);
    append_hex(to.append("\\u"), 0xD800 + ((code - 0x10000) >> 10), 4);
    append_hex(to.append("\\u"), 0xDC00 + ((code - 0x10000) & 0x3FF), 4);
}

bool is_plain(char c) noexcept { return c >= 0x20 && c < 0x7F; }

}  // namespace

Character first_character(std::string_view text) noexcept {
    const auto byte = [&](std::size_t i) -> char32_t { return static_cast<unsigned char>(text[i]); };
    const char32_t lead = byte(0);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
    constexpr char32_t kLeast[] = {0, 0, 0x80, 0x800, 0x10000};  // below it there is a shorter form
    const Character wrong{lead, 1, false};
    if (lead < 0xC2 || lead > 0xF4 || text.size() < size) return wrong;
    char32_t code = lead & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return wrong;
        code = (code << 6) | (byte(i) & 0x3F);
    }
    if (code < kLeast[size] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) return wrong;
    return {code, size, true};
}

bool is_hostile(char32_t code) noexcept {
    if ((code & 0xFFFE) == 0xFFFE) return true;  // U+nFFFE and U+nFFFF are no characters
    const auto* const found = std::lower_bound(std::begin(kHostile), std::end(kHostile), code,
                                               [](const Range& range, char32_t wanted) { return range.last < wanted; });
    return found != std::end(kHostile) && code >= found->first;
}

void append_printable(std::string& to, std::string_view text, std::size_t most, char quote) {
    const std::size_t begin = to.size();
    std::size_t cut = begin;  // where the mark of a cut has room
    while (!text.empty()) {
        if (to.size() - begin + kCut.size() <= most) cut = to.size();
        const Character next = first_character(text);
        if (!next.valid || is_hostile(next.code)) {
            append_escape(to, next.code);
        } else {
            if (quote != '\0' && (text[0] == quote || text[0] == '\\')) to += '\\';
            to.append(text.substr(0, next.size));
        }
        text.remove_prefix(next.size);
        if (to.size() - begin <= most) continue;
        to.resize(cut);
        to.append(kCut.substr(0, std::min(kCut.size(), most)));
        return;
    }
}

std::string harmless_json(std::string_view json) {
    std::string made;
    made.reserve(json.size());
    while (!json.empty()) {
        const auto* const end = std::find_if_not(json.begin(), json.end(), is_plain);
        const auto plain = static_cast<std::size_t>(end - json.begin());
        made.append(json.substr(0, plain));
        json.remove_prefix(plain);
        if (json.empty()) break;
        const Character next = first_character(json);
        if (!next.valid) {
            made += "\\ufffd";
        } else if (is_hostile(next.code)) {
            append_json_escape(made, next.code);
        } else {
            made.append(json.substr(0, next.size));
        }
        json.remove_prefix(next.size);
    }
    return made;
}

}  // namespace flare::base

namespace flare {

std::string printable(std::string_view text, std::size_t most) {
    std::string made;
    made.reserve(std::min(text.size(), most));
    base::append_printable(made, text, most);
    return made;
}

}  // namespace flare
