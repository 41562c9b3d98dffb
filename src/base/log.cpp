#include "base/log.hpp"

#include "base/line_writer.hpp"

#include <spdlog/details/log_msg.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/sink.h>

#include <unistd.h>

#include <atomic>
#include <utility>

namespace flare::base {
namespace {

struct KindRow {
    Log::Level level;
    std::string_view name;  // in the plural
};
constexpr KindRow kKinds[] = {
    {Log::Level::info, "refused upgrades"},
    {Log::Level::info, "refused pages"},
    {Log::Level::info, "refused hellos"},
    {Log::Level::info, "connections without a hello"},
    {Log::Level::info, "failed TLS handshakes"},
    {Log::Level::info, "failed QUIC handshakes"},
    {Log::Level::info, "refused sealing"},
    {Log::Level::info, "bad headers of proxies"},
    {Log::Level::info, "sessions that began"},
    {Log::Level::info, "sessions that ended"},
    {Log::Level::info, "errors of peers"},
    {Log::Level::warn, "pauses of accepting"},
    {Log::Level::warn, "times that max_memory_bytes was used up"},
    {Log::Level::warn, "dropped events"},
    {Log::Level::warn, "authentications without an answer"},
    {Log::Level::warn, "qlog files that cannot be written"},
    {Log::Level::err, "exceptions of message handlers"},
    {Log::Level::err, "exceptions of the authentication handler"},
    {Log::Level::err, "exceptions of the delivery policy"},
    {Log::Level::err, "exceptions of event handlers"},
    {Log::Level::warn, "failures of hooks"},
};
static_assert(std::size(kKinds) == static_cast<std::size_t>(LogKind::count_));

const KindRow& row_of(LogKind kind) noexcept { return kKinds[static_cast<std::size_t>(kind)]; }

// 1203 -> "1,203"
std::string with_commas(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, 1, ',');
    return text;
}

std::atomic<LineFormat> line_format{LineFormat::text};
std::atomic<bool> users_shown{true};

// `text` is printable already, and UTF-8: only what ends a JSON text is left.
void append_json_text(std::string& to, std::string_view text) {
    to += '"';
    for (const char c : text) {
        if (c == '"' || c == '\\') to += '\\';
        to += c;
    }
    to += '"';
}

// On the writer's thread: {"time":"2026-01-31T12:00:00.123Z","level":"info","text":"..."}
void append_json_line(const LineWriter::Line& line, std::string& to) {
    static thread_local spdlog::pattern_formatter formatter(R"({"time":"%Y-%m-%dT%H:%M:%S.%eZ","level":"%l","text":)",
                                                            spdlog::pattern_time_type::utc, "");
    spdlog::memory_buf_t head;
    formatter.format(spdlog::details::log_msg(line.at, spdlog::source_loc{}, "flare",
                                              static_cast<spdlog::level::level_enum>(line.level), {}),
                     head);
    to.append(head.data(), head.size());
    append_json_text(to, line.text);
    to += '}';
}

// On the writer's thread: the formatter remembers the second that it has broken down last.
void append_line(const LineWriter::Line& line, std::string& to) {
    if (line_format.load(std::memory_order_relaxed) == LineFormat::json) return append_json_line(line, to);
    static thread_local spdlog::pattern_formatter formatter("%Y-%m-%dT%H:%M:%S.%e%z %l %v",
                                                            spdlog::pattern_time_type::local, "");
    spdlog::memory_buf_t text;
    formatter.format(spdlog::details::log_msg(line.at, spdlog::source_loc{}, "flare",
                                              static_cast<spdlog::level::level_enum>(line.level), line.text),
                     text);
    to.append(text.data(), text.size());
}

LineWriter::Line complaint(std::uint64_t dropped) {
    return {std::chrono::system_clock::now(), spdlog::level::warn, true,
            with_commas(dropped) + (dropped == 1 ? " line" : " lines") +
                " of this log dropped: it was not read as fast as it was written"};
}

// Never destroyed: threads may log while the process ends.
LineWriter& writer() {
    static LineWriter& made = *new LineWriter(STDERR_FILENO, append_line, complaint);
    static const struct AtExit {
        ~AtExit() { made.end(); }
    } at_exit;
    return made;
}

class Sink final : public spdlog::sinks::sink {
public:
    void log(const spdlog::details::log_msg& message) override {
        writer().write({message.time, message.level, message.level >= spdlog::level::err,
                        std::string(message.payload.data(), message.payload.size())});
    }
    void flush() override {}
    void set_pattern(const std::string&) override {}
    void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
};

}  // namespace

void Log::put(Level level, fmt::string_view format, fmt::format_args args) {
    fmt::memory_buffer line;
    fmt::vformat_to(std::back_inserter(line), format, args);
    constexpr std::size_t kMaxText = LineWriter::kMaxLineBytes - 64;  // room for the time and the level
    std::string text;
    append_printable(text, {line.data(), line.size()}, kMaxText);
    logger_->log(level, spdlog::string_view_t(text.data(), text.size()));
}

Log::Level Log::level_of(LogKind kind) noexcept { return row_of(kind).level; }

bool Log::passes(LogKind kind) {
    LineLimit& limit = limits_[static_cast<std::size_t>(kind)];
    const auto now = std::chrono::steady_clock::now();
    tell(kind, limit.take(now));
    return limit.allows(now);
}

void Log::tell(LogKind kind, std::uint64_t held_back) {
    if (held_back == 0) return;
    log(row_of(kind).level, "{}: {} more in {} s", row_of(kind).name, with_commas(held_back),
        LineLimit::kPeriod.count());
}

void Log::set_format(LineFormat format) noexcept { line_format.store(format, std::memory_order_relaxed); }
void Log::show_users(bool on) noexcept { users_shown.store(on, std::memory_order_relaxed); }
bool Log::shows_users() noexcept { return users_shown.load(std::memory_order_relaxed); }

void Log::sum_up(bool all) {
    const auto now = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i < limits_.size(); ++i)
        tell(static_cast<LogKind>(i), all ? limits_[i].take_all() : limits_[i].take(now));
}

Log& log() {
    static Log& made = [&]() -> Log& {
        (void)writer();  // begins before, ends after what is made later
        return *new Log(std::make_shared<spdlog::logger>("flare", std::make_shared<Sink>()));
    }();
    return made;
}

void last_words(std::string_view text) noexcept {
    try {
        writer().end();
        std::string line = "flare: ";
        append_printable(line, text, LineWriter::kMaxLineBytes);
        LineWriter::straight(STDERR_FILENO, line += '\n', LineWriter::kDrainLimit);
    } catch (...) {
        LineWriter::straight(STDERR_FILENO, text, LineWriter::kDrainLimit);
    }
}

}  // namespace flare::base
