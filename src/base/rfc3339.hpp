// Times as text: "2026-12-01T08:45:15.123Z".
//
// Protocol: RFC 3339.
// Threads:  pure functions.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace flare::base {

// To the millisecond, in UTC.
std::string to_rfc3339(std::chrono::system_clock::time_point time);
// With any offset from UTC, and any fraction of a second, of which what is beyond a millisecond is dropped. A second of
// 60 is the first of the next minute. Nothing: it is none, no day of the calendar, or beyond what the clock can say
// (with nanoseconds: from 1678 to 2262).
std::optional<std::chrono::system_clock::time_point> from_rfc3339(std::string_view text);

}  // namespace flare::base
