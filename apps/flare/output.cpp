#include "output.hpp"

#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <utility>

namespace flare::cli {

bool is_terminal(std::FILE* stream) noexcept { return isatty(fileno(stream)) == 1; }

namespace {

bool wants_colour(std::FILE* stream) {
    const char* no_colour = std::getenv("NO_COLOR");
    const char* terminal = std::getenv("TERM");
    return is_terminal(stream) && (no_colour == nullptr || *no_colour == '\0') &&
           (terminal == nullptr || std::string_view(terminal) != "dumb");
}

std::string_view sequence(Tone tone) {
    switch (tone) {
        case Tone::plain: return {};
        case Tone::good: return "\x1b[32m";
        case Tone::bad: return "\x1b[31m";
        case Tone::warning: return "\x1b[33m";
        case Tone::dim: return "\x1b[2m";
        case Tone::strong: return "\x1b[1m";
    }
    return {};
}

}  // namespace

std::string coloured(Tone tone, std::string_view text, std::FILE* stream) {
    if (tone == Tone::plain || !wants_colour(stream)) return std::string(text);
    return std::string(sequence(tone)).append(text).append("\x1b[0m");
}

void print_json(const boost::json::object& object) {
    std::printf("%s\n", boost::json::serialize(object).c_str());
    std::fflush(stdout);
}

void print_problem(std::string_view command, std::string_view text) {
    std::fprintf(stderr, "flare %.*s: %.*s\n", static_cast<int>(command.size()), command.data(),
                 static_cast<int>(text.size()), text.data());
}

std::string printable(std::string_view text) {
    constexpr char kHex[] = "0123456789abcdef";
    std::string shown;
    shown.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<unsigned char>(text[i]);
        // U+0080 to U+009F are control characters too, two bytes in UTF-8.
        const bool wide = byte == 0xC2 && i + 1 < text.size() && static_cast<unsigned char>(text[i + 1]) < 0xA0;
        if (byte >= 0x20 && byte != 0x7F && !wide) {
            shown += text[i];
            continue;
        }
        const auto code = wide ? static_cast<unsigned char>(text[++i]) : byte;
        shown.append("\\x").append(1, kHex[code >> 4]).append(1, kHex[code & 15]);
    }
    return shown;
}

struct Progress::Ticker {
    std::string what;
    std::mutex mutex;
    std::condition_variable ended;
    bool over = false;
    std::thread thread;

    void run() {
        const auto began = std::chrono::steady_clock::now();
        std::unique_lock lock(mutex);
        bool shown = false;
        while (!ended.wait_for(lock, std::chrono::seconds(1), [this] { return over; })) {
            const auto seconds =
                std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - began);
            std::fprintf(stderr, "\r%s ... %lld s", what.c_str(), static_cast<long long>(seconds.count()));
            std::fflush(stderr);
            shown = true;
        }
        if (shown) std::fputs("\r\x1b[K", stderr);
    }
};

Progress::Progress(std::string what) {
    if (!is_terminal(stderr)) return;
    ticker_ = std::make_unique<Ticker>();
    ticker_->what = std::move(what);
    ticker_->thread = std::thread([ticker = ticker_.get()] { ticker->run(); });
}

Progress::~Progress() {
    if (!ticker_) return;
    {
        const std::lock_guard lock(ticker_->mutex);
        ticker_->over = true;
    }
    ticker_->ended.notify_one();
    ticker_->thread.join();
}

}  // namespace flare::cli
