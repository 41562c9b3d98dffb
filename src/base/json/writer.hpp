// Writes a JSON object, member by member, into text that is safe to look at: what texts hold is escaped as
// base/escape.hpp says, and what is no UTF-8 in them is replaced.
//
// Protocol: RFC 8259.
// Threads:  values.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace flare::base {

class JsonWriter {
public:
    // `most_text`: bytes of a text; what is longer is cut.
    explicit JsonWriter(std::size_t most_text = std::string::npos) : most_text_(most_text) {}

    void add(std::string_view name, std::string_view text);
    void add(std::string_view name, const std::vector<std::string>& texts);
    template <std::integral T>
    void add(std::string_view name, T number) {
        if constexpr (std::same_as<T, bool>)
            raw(name, number ? "true" : "false");
        else
            raw(name, std::to_string(number));
    }
    // With three decimals. What is not finite is null.
    void add(std::string_view name, double number);
    // A value that is JSON already.
    void raw(std::string_view name, std::string_view json);

    // The whole object, without the end of line.
    std::string text() const { return members_.empty() ? "{}" : members_ + '}'; }

private:
    std::string text_of(std::string_view text) const;

    std::string members_;  // with the brace before them
    std::size_t most_text_;
};

// An array of values that are JSON already.
std::string json_list(const std::vector<std::string>& values);

}  // namespace flare::base
