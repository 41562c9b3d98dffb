#include "base/rfc3339.hpp"

#include <array>
#include <cstdio>

namespace flare::base {
namespace {

using std::chrono::milliseconds;

// So many digits from `at` on, which then is behind them. -1: there are others.
int digits(std::string_view text, std::size_t& at, std::size_t count) noexcept {
    if (text.size() < at + count) return -1;
    int value = 0;
    for (std::size_t i = 0; i < count; ++i, ++at) {
        if (text[at] < '0' || text[at] > '9') return -1;
        value = value * 10 + (text[at] - '0');
    }
    return value;
}

bool take(std::string_view text, std::size_t& at, char lower, char upper) noexcept {
    if (at == text.size() || (text[at] != lower && text[at] != upper)) return false;
    ++at;
    return true;
}

}  // namespace

std::string to_rfc3339(std::chrono::system_clock::time_point time) {
    const auto ms = std::chrono::floor<milliseconds>(time);
    const auto day = std::chrono::floor<std::chrono::days>(ms);
    const std::chrono::year_month_day date(day);
    const std::chrono::hh_mm_ss<milliseconds> clock(ms - day);
    std::array<char, 48> text{};
    const int size =
        std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
                      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
    return {text.data(), static_cast<std::size_t>(size)};
}

std::optional<std::chrono::system_clock::time_point> from_rfc3339(std::string_view text) {
    std::size_t at = 0;
    const int year = digits(text, at, 4);
    if (year < 0 || !take(text, at, '-', '-')) return std::nullopt;
    const int month = digits(text, at, 2);
    if (month < 0 || !take(text, at, '-', '-')) return std::nullopt;
    const int day = digits(text, at, 2);
    const std::chrono::year_month_day date(std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
                                           std::chrono::day(static_cast<unsigned>(day)));
    if (day < 0 || !date.ok() || !take(text, at, 't', 'T')) return std::nullopt;
    const int hour = digits(text, at, 2);
    if (hour < 0 || hour > 23 || !take(text, at, ':', ':')) return std::nullopt;
    const int minute = digits(text, at, 2);
    if (minute < 0 || minute > 59 || !take(text, at, ':', ':')) return std::nullopt;
    const int second = digits(text, at, 2);
    if (second < 0 || second > 60) return std::nullopt;
    milliseconds fraction{0};
    if (take(text, at, '.', '.')) {
        int scale = 100;
        const std::size_t first = at;
        for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at, scale /= 10)
            fraction += milliseconds((text[at] - '0') * scale);
        if (at == first) return std::nullopt;
    }
    std::chrono::minutes offset{0};
    if (!take(text, at, 'z', 'Z')) {
        const bool east = take(text, at, '+', '+');
        if (!east && !take(text, at, '-', '-')) return std::nullopt;
        const int hours = digits(text, at, 2);
        if (hours < 0 || hours > 23 || !take(text, at, ':', ':')) return std::nullopt;
        const int minutes = digits(text, at, 2);
        if (minutes < 0 || minutes > 59) return std::nullopt;
        offset = std::chrono::minutes((east ? 1 : -1) * (hours * 60 + minutes));
    }
    if (at != text.size()) return std::nullopt;
    const auto time = std::chrono::sys_time<milliseconds>(std::chrono::sys_days(date)) + std::chrono::hours(hour) +
                      std::chrono::minutes(minute) + std::chrono::seconds(second) + fraction - offset;
    using Clock = std::chrono::system_clock;
    const bool fits = time > std::chrono::ceil<milliseconds>(Clock::time_point::min()) &&
                      time < std::chrono::floor<milliseconds>(Clock::time_point::max());
    if (!fits) return std::nullopt;
    return Clock::time_point(time);
}

}  // namespace flare::base
