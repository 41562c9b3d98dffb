// Times, protocols and payloads as people read them.
//
// Threads: pure functions.
#pragma once

#include <flare/message.hpp>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace flare::cli {

// "3.21 ms", "812 us", "4.2 s".
std::string time_text(std::chrono::nanoseconds time);
double milliseconds_of(std::chrono::nanoseconds time) noexcept;
// "QUIC", "WebSocket".
std::string_view spoken(Protocol protocol) noexcept;
// "1.3 MB/s".
std::string rate_text(double bytes_per_second);
// "14:05:09", of this machine's time zone.
std::string clock_text(std::chrono::system_clock::time_point time);
// "2026-11-26 14:05:09 UTC".
std::string date_text(std::chrono::system_clock::time_point time);
// "3 days", "2 hours", "41 seconds": the largest unit that fits.
std::string span_text(std::chrono::seconds time);
// "10m": minutes; also s, h and d. Nothing: it is no time.
std::optional<std::chrono::seconds> span_of(const std::string& text);
// A payload to show: its text, made harmless; or "(12 bytes, not text)".
std::string payload_text(const Bytes& payload);

}  // namespace flare::cli
