// Texts that a peer may choose, and whether any of them got through with an effect on whoever looks at it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace flare::test {

// All of them valid UTF-8, as the protocol asks; each begins and ends with a letter and is 60 bytes long at most.
inline const std::vector<std::string>& hostile_texts() {
    static const std::vector<std::string> texts = {
        "a\x1b[2J\x1b[1;1Hz",        // clears the screen
        "a\x1b]0;title\x07z",        // a window's title
        "a\x1b]52;c;cHduZWQ=\x07z",  // the clipboard
        "a\x1bP+q544e\x1b\\z",       // a question that the terminal answers by typing
        "a\xc2\x9b"
        "31m\xc2\x9d"
        "0;t\xc2\x9cz",                               // the same by C1 characters
        "a\r\n2026-01-01T00:00:00.000 info forgedz",  // a line of its own
        "a\nz",
        "a\rz",
        "a\vz",
        "a\fz",
        "a\bz",
        "a\x7fz",
        "a\xc2\x85z",
        "a\u2028forged\u2029z",   // ends of lines, for some
        "a\u202egnp.exe\u202cz",  // seen from right to left
        "a\u2066\u2067\u2068x\u2069z",
        "a\u200e\u200f\u061cz",
        "a\u200b\u2060\ufeffz",  // not seen at all
        "a' refused: ok, 'z",
        "a\", \"admin\":true, \"z",
    };
    return texts;
}

// What has an effect in `text`, or nothing. Ends of lines are one only if `lines` says so. No use is made of what the
// library has for this.
inline std::string effect_in(std::string_view text, bool lines = false) {
    const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
    const auto starts = [&](std::size_t i, std::string_view what) { return text.substr(i, what.size()) == what; };
    for (std::size_t i = 0; i < text.size(); ++i) {
        const unsigned byte = at(i);
        const bool control = byte == 0x7F || (byte < 0x20 && (byte != '\n' || lines));
        const bool c1 = byte == 0xC2 && at(i + 1) >= 0x80 && at(i + 1) < 0xA0;
        bool hidden = false;
        for (const char* each :
             {"\u200b", "\u200e", "\u200f", "\u061c", "\u2028", "\u2029", "\u202a", "\u202b", "\u202c", "\u202d",
              "\u202e", "\u2060", "\u2066", "\u2067", "\u2068", "\u2069", "\ufeff"})
            hidden = hidden || starts(i, each);
        if (control || c1 || hidden) {
            static constexpr char kHex[] = "0123456789abcdef";
            std::string found = "at " + std::to_string(i) + ":";
            for (std::size_t k = i; k < i + 4 && k < text.size(); ++k)
                found.append(" ").append(1, kHex[at(k) >> 4]).append(1, kHex[at(k) & 15]);
            return found;
        }
    }
    return {};
}

}  // namespace flare::test
