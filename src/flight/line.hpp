// One line of a flight record: a JSON object with what happened and when, made once and kept as text.
//
// Protocol: docs/explain.md, "Records": the events and their fields.
// Threads:  values.
#pragma once

#include "base/json/writer.hpp"

#include <chrono>
#include <concepts>
#include <string>
#include <string_view>

namespace flare::flight {

class Line {
public:
    // Of a text; what is longer is cut. Texts may come from the network: what has an effect on a terminal is escaped,
    // and what is no UTF-8 is replaced.
    static constexpr std::size_t kMaxTextBytes = 400;

    // `at`: since the record began.
    Line(std::string_view event, std::chrono::nanoseconds at) : Line() {
        ms("t_ms", at);
        add("event", event);
    }

    template <typename Value>
    Line& add(std::string_view key, const Value& value) {
        if constexpr (std::convertible_to<Value, std::string_view>)
            members_.add(key, std::string_view(value));
        else
            members_.add(key, value);
        return *this;
    }
    // Milliseconds, with three decimals. `key` ends with _ms.
    Line& ms(std::string_view key, std::chrono::nanoseconds time) {
        return add(key, std::chrono::duration<double, std::milli>(time).count());
    }
    // A value that is JSON already: another Line's text, or a list of them.
    Line& raw(std::string_view key, std::string_view json) {
        members_.raw(key, json);
        return *this;
    }

    // {"t_ms":12.345,"event":"lost",...}, without the end of line.
    std::string text() const { return members_.text(); }

protected:
    Line() : members_(kMaxTextBytes) {}

private:
    base::JsonWriter members_;
};

// {"key":...} without time and event, for use with Line::raw().
class Part : public Line {};

// "2026-01-31T12:00:00.000Z"
std::string utc(std::chrono::system_clock::time_point time);

}  // namespace flare::flight
