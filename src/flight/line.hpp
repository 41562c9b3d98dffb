// One line of a flight record: a JSON object with what happened and when, made once and kept as text.
//
// Protocol: docs/explain.md, "Records": the events and their fields.
// Threads:  values.
#pragma once

#include <chrono>
#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace flare::flight {

class Line {
public:
    // Of a text; what is longer is cut. Texts may come from the network: what has an effect on a terminal is escaped,
    // and what is no UTF-8 is replaced.
    static constexpr std::size_t kMaxTextBytes = 400;

    // `at`: since the record began.
    Line(std::string_view event, std::chrono::nanoseconds at);

    Line& add(std::string_view key, std::string_view text);
    Line& add(std::string_view key, const char* text) { return add(key, std::string_view(text)); }
    Line& add(std::string_view key, const std::string& text) { return add(key, std::string_view(text)); }
    Line& add(std::string_view key, const std::vector<std::string>& texts);
    template <std::integral T>
    Line& add(std::string_view key, T number) {
        if constexpr (std::same_as<T, bool>)
            return raw(key, number ? "true" : "false");
        else
            return raw(key, std::to_string(number));
    }
    Line& add(std::string_view key, double number);
    // Milliseconds, with three decimals. `key` ends with _ms.
    Line& ms(std::string_view key, std::chrono::nanoseconds time);
    // An object as another Line's text gives it.
    Line& raw(std::string_view key, std::string_view json);

    // {"t_ms":12.345,"event":"lost",...}, without the end of line.
    std::string text() const { return text_ + '}'; }

private:
    std::string text_;
};

// {"key":...} without time and event, for use with Line::raw().
class Part : public Line {
public:
    Part();
};

// A list of objects, each as text() of a Part gives it, for Line::raw().
std::string list_of(const std::vector<std::string>& parts);

// "2026-01-31T12:00:00.000Z"
std::string utc(std::chrono::system_clock::time_point time);

}  // namespace flare::flight
