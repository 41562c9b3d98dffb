#include "phrases.hpp"

#include "base/utf8.hpp"
#include "output.hpp"

#include <array>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

namespace flare::cli {
namespace {

std::string formatted(const char* format, double value) {
    std::array<char, 64> text{};
    std::snprintf(text.data(), text.size(), format, value);
    return text.data();
}

std::string time_as(const char* format, const std::tm& parts) {
    std::array<char, 64> text{};
    std::strftime(text.data(), text.size(), format, &parts);
    return text.data();
}

}  // namespace

double milliseconds_of(std::chrono::nanoseconds time) noexcept { return static_cast<double>(time.count()) / 1e6; }

std::string time_text(std::chrono::nanoseconds time) {
    const double ms = milliseconds_of(time);
    if (ms < 1) return formatted("%.0f us", ms * 1000);
    if (ms < 10) return formatted("%.2f ms", ms);
    return ms < 1000 ? formatted("%.1f ms", ms) : formatted("%.1f s", ms / 1000);
}

std::string_view spoken(Protocol protocol) noexcept { return protocol == Protocol::quic ? "QUIC" : "WebSocket"; }

std::string rate_text(double bytes_per_second) {
    if (bytes_per_second >= 1e9) return formatted("%.1f GB/s", bytes_per_second / 1e9);
    if (bytes_per_second >= 1e8) return formatted("%.0f MB/s", bytes_per_second / 1e6);
    if (bytes_per_second >= 1e6) return formatted("%.1f MB/s", bytes_per_second / 1e6);
    return formatted("%.0f kB/s", bytes_per_second / 1e3);
}

std::string clock_text(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    localtime_r(&seconds, &parts);
    return time_as("%H:%M:%S", parts);
}

std::string date_text(std::chrono::system_clock::time_point time) {
    const std::time_t seconds = std::chrono::system_clock::to_time_t(time);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    return time_as("%Y-%m-%d %H:%M:%S UTC", parts);
}

std::string span_text(std::chrono::seconds time) {
    const std::int64_t seconds = std::abs(time.count());
    for (const auto& [size, unit] : {std::pair{std::int64_t{86'400}, "day"}, std::pair{std::int64_t{3'600}, "hour"},
                                     std::pair{std::int64_t{60}, "minute"}, std::pair{std::int64_t{1}, "second"}}) {
        const std::int64_t count = seconds / size;
        if (count > 0 || size == 1) return std::to_string(count) + " " + unit + (count == 1 ? "" : "s");
    }
    return {};
}

std::optional<std::chrono::seconds> span_of(const std::string& text) {
    std::uint32_t count = 0;
    const char* const end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, count);
    if (error != std::errc() || stop + 1 != end || count == 0) return std::nullopt;
    constexpr std::string_view kUnits = "smhd";
    constexpr std::array<std::int64_t, 4> kSecondsOf{1, 60, 3600, 86'400};
    const std::size_t unit = kUnits.find(*stop);
    if (unit == kUnits.npos) return std::nullopt;
    return std::chrono::seconds(count * kSecondsOf[unit]);
}

std::string payload_text(const Bytes& payload) {
    const std::string_view text = payload.view();
    return base::is_utf8(text) ? printable(text) : "(" + std::to_string(text.size()) + " bytes, not text)";
}

}  // namespace flare::cli
