#include "output.hpp"

#include "base/escape.hpp"
#include "command.hpp"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
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

namespace {

int output_fault = 0;  // errno of the first failure that was seen

// stdio has lost something in the middle of a print and keeps no reason: another byte fails for the same one.
int reason_of_loss() { return ::write(STDOUT_FILENO, "\n", 1) < 0 ? errno : EIO; }

// A full quota or network file system may say so only when the file is closed: close(2).
bool closes() {
    const int copy = ::dup(STDOUT_FILENO);
    return copy < 0 || ::close(copy) == 0;
}

}  // namespace

Checked<> flush_output() {
    errno = 0;
    const bool flushed = std::fflush(stdout) == 0 && std::ferror(stdout) == 0;
    if (!flushed && output_fault == 0) output_fault = errno != 0 ? errno : reason_of_loss();
    if (output_fault == 0) return {};
    return Failure(errc::file_unwritable,
                   std::string("cannot write to standard output: ") + std::strerror(output_fault));
}

int finish_output(std::string_view command, int code) {
    auto written = flush_output();
    if (written && !closes()) {
        output_fault = errno;
        written = flush_output();
    }
    if (written) return code;
    // A reader that has seen enough (`| head`) is told nothing.
    if (output_fault != EPIPE) print_problem(command, written.error().text + "; the output is incomplete");
    return code == kDone ? static_cast<int>(kFailed) : code;
}

std::string json_line(const boost::json::object& object) { return base::harmless_json(boost::json::serialize(object)); }

void print_json(const boost::json::object& object) {
    std::printf("%s\n", json_line(object).c_str());
    static_cast<void>(flush_output());  // it remembers
}

void print_problem(std::string_view command, std::string_view text) {
    const std::string begin = command.empty() ? "flare" : "flare " + printable(command);
    std::fprintf(stderr, "%s: %s\n", begin.c_str(), printable(text).c_str());
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
            std::fprintf(stderr, "\r%s ... %lld s", printable(what).c_str(), static_cast<long long>(seconds.count()));
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
