#include "line_editor.hpp"

#include <wchar.h>

#include <algorithm>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::size_t kMaxCharacters = 64 * 1024;
constexpr std::size_t kMaxHistory = 500;

std::size_t width_of(char32_t character) {
    const int width = ::wcwidth(static_cast<wchar_t>(character));
    return width < 0 ? 1 : static_cast<std::size_t>(width);
}

void append(std::string& text, char32_t c) {
    if (c < 0x80) {
        text += static_cast<char>(c);
    } else if (c < 0x800) {
        text += static_cast<char>(0xC0 | (c >> 6));
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else if (c < 0x10000) {
        text += static_cast<char>(0xE0 | (c >> 12));
        text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    } else {
        text += static_cast<char>(0xF0 | (c >> 18));
        text += static_cast<char>(0x80 | ((c >> 12) & 0x3F));
        text += static_cast<char>(0x80 | ((c >> 6) & 0x3F));
        text += static_cast<char>(0x80 | (c & 0x3F));
    }
}

std::string utf8_of(std::u32string_view text) {
    std::string bytes;
    for (const char32_t c : text) append(bytes, c);
    return bytes;
}

// The character that begins at `at`, of valid UTF-8, and how many bytes it has.
std::pair<char32_t, std::size_t> character_at(std::string_view text, std::size_t at) {
    const auto first = static_cast<unsigned char>(text[at]);
    const std::size_t size = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size == 1 || at + size > text.size()) return {first, 1};
    char32_t c = first & (0xFFu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) c = (c << 6) | (static_cast<unsigned char>(text[at + i]) & 0x3Fu);
    return {c, size};
}

}  // namespace

std::size_t columns_of(std::string_view utf8) {
    std::size_t columns = 0;
    for (std::size_t at = 0; at < utf8.size();) {
        const auto [character, size] = character_at(utf8, at);
        columns += width_of(character);
        at += size;
    }
    return columns;
}

std::string clipped(std::string_view utf8, std::size_t columns) {
    std::size_t used = 0;
    std::size_t at = 0;
    while (at < utf8.size()) {
        const auto [character, size] = character_at(utf8, at);
        if (used + width_of(character) > columns) break;
        used += width_of(character);
        at += size;
    }
    return std::string(utf8.substr(0, at));
}

std::vector<LineEditor::Action> LineEditor::feed(std::string_view bytes) {
    std::vector<Action> actions;
    for (const char each : bytes) byte(static_cast<unsigned char>(each), actions);
    return actions;
}

void LineEditor::byte(unsigned char value, std::vector<Action>& actions) {
    if (escape_ == Escape::begun) {
        escape_ = value == '[' ? Escape::csi : value == 'O' ? Escape::ss3 : Escape::none;
        parameters_.clear();
        return;
    }
    if (escape_ != Escape::none) {
        // ECMA-48 section 5.4: parameters, then one byte of @ to ~.
        if (value >= 0x40 && value <= 0x7E) {
            escape_ = Escape::none;
            return sequence(static_cast<char>(value), actions);
        }
        if (parameters_.size() < 16) parameters_ += static_cast<char>(value);
        return;
    }
    if (missing_ != 0 && (value & 0xC0) == 0x80) {
        partial_ = (partial_ << 6) | (value & 0x3Fu);
        const bool surrogate = partial_ >= 0xD800 && partial_ < 0xE000;
        if (--missing_ == 0 && partial_ >= least_ && partial_ < 0x110000 && !surrogate && partial_ >= 0xA0)
            insert(partial_, actions);
        return;
    }
    missing_ = 0;
    if (value < 0x20 || value == 0x7F) return control(value, actions);
    if (value < 0x80) return insert(value, actions);
    if (value >= 0xC2 && value < 0xF5) {
        missing_ = value < 0xE0 ? 1 : value < 0xF0 ? 2 : 3;
        partial_ = value & (0x3Fu >> missing_);
        least_ = missing_ == 1 ? 0x80 : missing_ == 2 ? 0x800 : 0x10000;
    }
}

void LineEditor::control(unsigned char value, std::vector<Action>& actions) {
    switch (value) {
        case 0x1B: escape_ = Escape::begun; return;
        case '\r':
        case '\n': return pasting_ ? insert(U' ', actions) : enter(actions);
        case '\t': return insert(U' ', actions);
        case 0x01: return move_to(0, actions);                       // Ctrl-A
        case 0x02: return move_to(before(cursor_), actions);         // Ctrl-B
        case 0x03: actions.push_back({Act::interrupt, {}}); return;  // Ctrl-C
        case 0x04:                                                   // Ctrl-D
            if (text_.empty()) return actions.push_back({Act::end, {}});
            return erase(cursor_, after(cursor_), actions);
        case 0x05: return move_to(text_.size(), actions);    // Ctrl-E
        case 0x06: return move_to(after(cursor_), actions);  // Ctrl-F
        case 0x08:
        case 0x7F: return erase(before(cursor_), cursor_, actions);            // Backspace
        case 0x0B: return erase(cursor_, text_.size(), actions);               // Ctrl-K
        case 0x0C: actions.push_back({Act::redraw, {}}); return;               // Ctrl-L
        case 0x0E: return recall(entry_ + 1, actions);                         // Ctrl-N
        case 0x10: return entry_ == 0 ? void() : recall(entry_ - 1, actions);  // Ctrl-P
        case 0x15: return erase(0, cursor_, actions);                          // Ctrl-U
        case 0x17: return erase(word_before(cursor_), cursor_, actions);       // Ctrl-W
        case 0x1A: actions.push_back({Act::suspend, {}}); return;              // Ctrl-Z
        default: return;
    }
}

void LineEditor::sequence(char last, std::vector<Action>& actions) {
    if (last == '~') {
        if (parameters_ == "200" || parameters_ == "201") pasting_ = parameters_ == "200";
        if (parameters_ == "3") erase(cursor_, after(cursor_), actions);
        if (parameters_ == "1" || parameters_ == "7") move_to(0, actions);
        if (parameters_ == "4" || parameters_ == "8") move_to(text_.size(), actions);
        return;
    }
    switch (last) {
        case 'A': return entry_ == 0 ? void() : recall(entry_ - 1, actions);
        case 'B': return recall(entry_ + 1, actions);
        case 'C': return move_to(after(cursor_), actions);
        case 'D': return move_to(before(cursor_), actions);
        case 'H': return move_to(0, actions);
        case 'F': return move_to(text_.size(), actions);
        default: return;
    }
}

void LineEditor::insert(char32_t character, std::vector<Action>& actions) {
    if (text_.size() >= kMaxCharacters) return;
    text_.insert(cursor_++, 1, character);
    actions.push_back({Act::typed, {}});
}

void LineEditor::enter(std::vector<Action>& actions) {
    if (!text_.empty() && (history_.empty() || history_.back() != text_)) {
        history_.push_back(text_);
        if (history_.size() > kMaxHistory) history_.erase(history_.begin());
    }
    entry_ = history_.size();
    actions.push_back({Act::line, utf8_of(text_)});
    text_.clear();
    cursor_ = 0;
}

void LineEditor::erase(std::size_t from, std::size_t to, std::vector<Action>& actions) {
    if (from == to) return;
    text_.erase(from, to - from);
    cursor_ = from;
    actions.push_back({Act::typed, {}});
}

void LineEditor::recall(std::size_t entry, std::vector<Action>& actions) {
    if (entry > history_.size()) return;
    if (entry_ == history_.size()) draft_ = text_;
    entry_ = entry;
    text_ = entry == history_.size() ? draft_ : history_[entry];
    cursor_ = text_.size();
    actions.push_back({Act::typed, {}});
}

void LineEditor::move_to(std::size_t place, std::vector<Action>& actions) {
    cursor_ = place;
    actions.push_back({Act::moved, {}});
}

std::size_t LineEditor::before(std::size_t place) const {
    if (place != 0) --place;
    while (place != 0 && width_of(text_[place]) == 0) --place;
    return place;
}

std::size_t LineEditor::after(std::size_t place) const {
    if (place != text_.size()) ++place;
    while (place != text_.size() && width_of(text_[place]) == 0) ++place;
    return place;
}

std::size_t LineEditor::word_before(std::size_t place) const {
    while (place != 0 && text_[place - 1] == U' ') --place;
    while (place != 0 && text_[place - 1] != U' ') --place;
    return place;
}

std::string LineEditor::text() const { return utf8_of(text_); }

LineEditor::View LineEditor::view(std::size_t columns) const {
    // One column stays free for the cursor behind the last character.
    const std::size_t room = std::max<std::size_t>(columns, 2) - 1;
    std::size_t from = cursor_;
    std::size_t left = 0;
    while (from != 0) {
        const std::size_t wider = left + width_of(text_[from - 1]);
        if (wider > room) break;
        left = wider;
        --from;
    }
    std::size_t to = cursor_;
    std::size_t used = left;
    while (to != text_.size() && used + width_of(text_[to]) <= room) used += width_of(text_[to++]);
    return {utf8_of(std::u32string_view(text_).substr(from, to - from)), left};
}

}  // namespace flare::cli
