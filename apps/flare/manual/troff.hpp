// A manual page, as troff with the macros of man(7).
//
// Threads: a value.
#pragma once

#include <string>
#include <string_view>

namespace flare::cli {

class Troff {
public:
    Troff(std::string_view name, int section, std::string_view version);

    void section(std::string_view title);
    void text(std::string_view text);  // a paragraph
    void item(std::string_view term, std::string_view text);
    void more(std::string_view text);      // another paragraph of the item
    void literal(std::string_view lines);  // as it is, line by line
    const std::string& str() const noexcept { return text_; }

    // So that no character has a meaning for troff.
    static std::string escaped(std::string_view text);

private:
    std::string text_;
};

}  // namespace flare::cli
