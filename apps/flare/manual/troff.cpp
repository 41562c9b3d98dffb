#include "manual/troff.hpp"

#include <array>
#include <cstdio>

namespace flare::cli {
namespace {

std::string upper(std::string_view text) {
    std::string made(text);
    for (char& c : made) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
    return made;
}

// groff's name for a character beyond ASCII: \[u6536]. `at` is moved to the last byte of it.
std::string beyond_ascii(std::string_view text, std::size_t& at) {
    auto code = static_cast<unsigned char>(text[at]) & (text[at] & 0x20 ? text[at] & 0x10 ? 0x07u : 0x0fu : 0x1fu);
    for (; at + 1 < text.size() && (text[at + 1] & 0xc0) == 0x80; ++at) code = code << 6 | (text[at + 1] & 0x3fu);
    std::array<char, 16> name{};
    std::snprintf(name.data(), name.size(), "\\[u%04X]", code);
    return name.data();
}

}  // namespace

std::string Troff::escaped(std::string_view text) {
    std::string made;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        const bool line_begins = made.empty() || made.back() == '\n';
        if (line_begins && (c == '.' || c == '\'')) made += "\\&";
        if (c == '\\') {
            made += "\\e";
        } else if (c == '-') {
            made += "\\-";  // a minus that can be copied, and no hyphen
        } else if (c == '\'') {
            made += "\\(aq";
        } else if (c == '`') {
            made += "\\(ga";
        } else if (c == '"') {
            made += "\\(dq";
        } else if ((c & 0x80) != 0) {
            made += beyond_ascii(text, at);
        } else {
            made += c;
        }
    }
    return made;
}

Troff::Troff(std::string_view name, int section, std::string_view version) {
    text_.append(".TH \"").append(escaped(upper(name))).append("\" ").append(std::to_string(section));
    text_.append(" \"\" \"flare ").append(escaped(version)).append("\" \"Flare\"\n.nh\n");
    text_.append(".ad l\n.ds AD l\n");  // lines are not stretched; groff 1.23 asks the string at every paragraph
}

void Troff::section(std::string_view title) { text_.append(".SH \"").append(escaped(title)).append("\"\n"); }
void Troff::text(std::string_view text) { text_.append(".PP\n").append(escaped(text)).append("\n"); }
void Troff::item(std::string_view term, std::string_view text) {
    text_.append(".TP\n\\fB").append(escaped(term)).append("\\fR\n").append(escaped(text)).append("\n");
}
void Troff::more(std::string_view text) { text_.append(".IP\n").append(escaped(text)).append("\n"); }
void Troff::literal(std::string_view lines) { text_.append(".PP\n.nf\n").append(escaped(lines)).append("\n.fi\n"); }

}  // namespace flare::cli
