// The log of the process, on standard error. One line for one event; never a token, never a payload.
//
// Whoever logs never waits: LineWriter. Texts may be anybody's: what is put into a line is escaped where it is put
// there, and the line once more as a whole, so that it stays one. Lines that strangers can cause as often as they like
// are limited by kind. Threads: any.
#pragma once

#include "base/escape.hpp"
#include "base/line_limit.hpp"

#include <spdlog/fmt/fmt.h>
#include <spdlog/logger.h>

#include <array>
#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <vector>

namespace flare::base {

// A text in a line, escaped and bounded. Every text that is given to Log becomes one by itself.
struct Shown {
    static constexpr std::size_t kMaxBytes = 1024;
    std::string_view text;
};
// A name that somebody else chose, in quotes that it cannot end: user 'ali\'ce'.
struct Quoted {
    static constexpr std::size_t kMaxBytes = 200;
    std::string_view text;
};

// A user's name: quoted, or a dash when the log names no users.
struct User {
    std::string_view name;
};
enum class LineFormat : std::uint8_t { text, json };

// Lines of one kind share one limit.
enum class LogKind : std::uint8_t {
    refused_upgrade,
    refused_page,
    refused_hello,
    silent_connection,
    failed_tls,
    failed_quic,
    refused_sealing,
    bad_proxy_header,
    session_began,
    session_ended,
    protocol_error,
    accept_paused,
    memory_used_up,
    dropped_event,
    unanswered_authentication,
    unwritable_qlog,
    handler_threw,
    authentication_threw,
    policy_threw,
    event_handler_threw,
    failing_hook,
    count_  // how many there are
};

class Log {
public:
    using Level = spdlog::level::level_enum;

    explicit Log(std::shared_ptr<spdlog::logger> logger) : logger_(std::move(logger)) {}

    // What a text is replaced by in a line; numbers and the like stay as they are.
    template <typename T>
    static decltype(auto) shown(const T& value) {
        if constexpr (std::convertible_to<const T&, std::string_view>) {
            return Shown{std::string_view(value)};
        } else {
            return (value);
        }
    }
    template <typename T>
    using ShownAs = std::remove_cvref_t<decltype(shown(std::declval<const T&>()))>;
    template <typename... Args>
    using Format = fmt::format_string<ShownAs<Args>...>;

    template <typename... Args>
    void log(Level level, Format<Args...> format, const Args&... args) {
        if (logger_->should_log(level)) write(level, format, shown(args)...);
    }
    template <typename... Args>
    void debug(Format<Args...> format, const Args&... args) {
        log<Args...>(Level::debug, format, args...);
    }
    template <typename... Args>
    void info(Format<Args...> format, const Args&... args) {
        log<Args...>(Level::info, format, args...);
    }
    template <typename... Args>
    void warn(Format<Args...> format, const Args&... args) {
        log<Args...>(Level::warn, format, args...);
    }
    template <typename... Args>
    void error(Format<Args...> format, const Args&... args) {
        log<Args...>(Level::err, format, args...);
    }
    // A line of a kind that strangers can cause, at the level of its kind. What the limit holds back is summed up.
    template <typename... Args>
    void limited(LogKind kind, Format<Args...> format, const Args&... args) {
        const Level level = level_of(kind);
        if (logger_->should_log(level) && passes(kind)) write(level, format, shown(args)...);
    }
    // Writes "refused upgrades: 1,203 more in 10 s" for each period that is over. A server calls it now and then, and
    // at its end with `all`, for those of a period that is not.
    void sum_up(bool all = false);

    void set_level(Level level) { logger_->set_level(level); }
    // Of the lines that are written from now on.
    static void set_format(LineFormat format) noexcept;
    static void show_users(bool on) noexcept;
    static bool shows_users() noexcept;
    // Where lines go. Changed before anything logs, or by tests.
    std::vector<spdlog::sink_ptr>& sinks() { return logger_->sinks(); }

private:
    template <typename... Texts>
    void write(Level level, fmt::string_view format, const Texts&... texts) {
        put(level, format, fmt::make_format_args(texts...));
    }
    void put(Level level, fmt::string_view format, fmt::format_args args);
    static Level level_of(LogKind kind) noexcept;
    bool passes(LogKind kind);
    void tell(LogKind kind, std::uint64_t held_back);

    const std::shared_ptr<spdlog::logger> logger_;
    std::array<LineLimit, static_cast<std::size_t>(LogKind::count_)> limits_;
};

// The log of the process: to standard error, level info. Its level can be changed.
Log& log();

// Before an abort: writes what waits in the log (as LineWriter::end() does; there is no thread for lines after it) and
// then `text` as a line of its own, straight to standard error.
void last_words(std::string_view text) noexcept;

}  // namespace flare::base

template <>
struct fmt::formatter<flare::base::Shown> : fmt::formatter<std::string> {
    template <typename Context>
    auto format(const flare::base::Shown& shown, Context& context) const {
        std::string text;
        flare::base::append_printable(text, shown.text, flare::base::Shown::kMaxBytes);
        return fmt::formatter<std::string>::format(text, context);
    }
};

template <>
struct fmt::formatter<flare::base::Quoted> : fmt::formatter<std::string> {
    template <typename Context>
    auto format(const flare::base::Quoted& quoted, Context& context) const {
        std::string text = "'";
        flare::base::append_printable(text, quoted.text, flare::base::Quoted::kMaxBytes, '\'');
        text += '\'';
        return fmt::formatter<std::string>::format(text, context);
    }
};

template <>
struct fmt::formatter<flare::base::User> : fmt::formatter<flare::base::Quoted> {
    template <typename Context>
    auto format(const flare::base::User& user, Context& context) const {
        if (flare::base::Log::shows_users())
            return fmt::formatter<flare::base::Quoted>::format(flare::base::Quoted{user.name}, context);
        return fmt::formatter<std::string>::format("-", context);
    }
};
