// One line of text under a person's fingers: what keys do to it, and what of it is seen. UTF-8; wide characters take
// two columns, combining ones none.
//
// Threads: pure state; no terminal, no clock. The character set of the locale (LC_CTYPE) must be UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flare::cli {

// Columns on a terminal, of text without control characters.
std::size_t columns_of(std::string_view utf8);
// The beginning of `utf8` that fits.
std::string clipped(std::string_view utf8, std::size_t columns);

class LineEditor {
public:
    enum class Act : unsigned char {
        typed,      // the text has changed
        moved,      // the cursor has
        line,       // Enter: `line` is complete, the editor is empty again
        end,        // Ctrl-D on an empty line
        interrupt,  // Ctrl-C
        suspend,    // Ctrl-Z
        redraw,     // Ctrl-L
    };
    struct Action {
        Act act;
        std::string line;
    };
    // Bytes as the terminal gives them, cut anywhere. Unknown keys do nothing.
    std::vector<Action> feed(std::string_view bytes);

    std::string text() const;
    // The part around the cursor that fits into `columns` (at least 2), and the cursor's column in it.
    struct View {
        std::string text;
        std::size_t cursor = 0;
    };
    View view(std::size_t columns) const;

private:
    void byte(unsigned char value, std::vector<Action>& actions);
    void control(unsigned char value, std::vector<Action>& actions);
    void sequence(char last, std::vector<Action>& actions);
    void insert(char32_t character, std::vector<Action>& actions);
    void enter(std::vector<Action>& actions);
    void erase(std::size_t from, std::size_t to, std::vector<Action>& actions);
    void recall(std::size_t entry, std::vector<Action>& actions);
    void move_to(std::size_t place, std::vector<Action>& actions);
    std::size_t before(std::size_t place) const;  // one character with what combines with it
    std::size_t after(std::size_t place) const;
    std::size_t word_before(std::size_t place) const;

    std::u32string text_;
    std::size_t cursor_ = 0;  // invariant: <= text_.size()
    std::vector<std::u32string> history_;
    std::size_t entry_ = 0;  // of history_; its size: the draft
    std::u32string draft_;

    enum class Escape : unsigned char { none, begun, csi, ss3 };
    Escape escape_ = Escape::none;
    std::string parameters_;
    bool pasting_ = false;
    char32_t partial_ = 0;  // of a character whose bytes are still coming
    unsigned missing_ = 0;  // how many
    char32_t least_ = 0;    // below: written longer than needed, which is no UTF-8
};

}  // namespace flare::cli
