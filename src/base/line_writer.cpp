#include "base/line_writer.hpp"

#include "base/line_queue.hpp"
#include "base/quiet_writes.hpp"

#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <memory>
#include <utility>

namespace flare::base {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLook{50};     // how often a stalled writer looks whether it is to end
constexpr std::chrono::milliseconds kGiveUp{400};  // of kDrainLimit: the rest is for the thread's own end

timespec to_timespec(std::chrono::nanoseconds time) noexcept {
    return {static_cast<time_t>(time.count() / 1'000'000'000), static_cast<long>(time.count() % 1'000'000'000)};
}

// Of a write that the descriptor is ready for: errno, or 0 when all is out.
int write_ready(int fd, std::string_view& text) noexcept {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written >= 0) {
        text.remove_prefix(static_cast<std::size_t>(written));
        return text.empty() ? 0 : EAGAIN;
    }
    const int error = errno;
    return error == EINTR || error == EWOULDBLOCK ? EAGAIN : error;
}

// False: it takes nothing yet. A descriptor in error is ready: the write says what is wrong.
bool wait_writable(int fd, std::chrono::milliseconds patience) noexcept {
    pollfd asked{fd, POLLOUT, 0};
    return ::poll(&asked, 1, static_cast<int>(patience.count())) > 0;
}

}  // namespace

struct LineWriter::Core {
    Core(const LineWriter& owner, Core* before_)
        : fd(owner.fd_), format(owner.format_), complaint(owner.complaint_), before(before_) {
        sem_init(&wake, 0, 0);
        sem_init(&finished, 0, 0);
    }
    ~Core() {
        sem_destroy(&wake);
        sem_destroy(&finished);
    }

    const int fd;
    const Format format;
    const Complaint complaint;
    const pid_t process = ::getpid();
    Core* const before;  // of the process that this one was forked from; it may be in any state

    LineQueue<Line> queue{kMaxLines};
    std::atomic<std::size_t> ordinary{0};  // lines in the queue that are not urgent
    std::atomic<std::uint64_t> dropped{0};
    std::atomic<bool> awake{false};  // `wake` has been posted and not been taken yet
    std::atomic<bool> started{false};
    std::atomic<bool> created{false};  // `thread` may be used
    std::atomic<Clock::rep> give_up_at{Clock::duration::max().count()};
    std::atomic<bool> over{false};  // end() has been called
    sem_t wake;
    sem_t finished;
    pthread_t thread{};

    // ---- the thread's own ----
    std::string block;                  // whole lines, no longer than a pipe takes at once
    std::string overhang;               // the line that had no room there
    std::uint64_t lines = 0;            // in `block`
    std::uint64_t since_complaint = 0;  // lines

    bool joined = false;

    bool begin();
    void nudge() {
        if (!awake.exchange(true)) sem_post(&wake);
    }
    void run();
    void append_to(std::string& to, const Line& line) const;
    void gather();
    bool put();
    void complain();
    bool is_time_up() const { return Clock::now().time_since_epoch().count() >= give_up_at.load(); }
};

// With every signal blocked: handlers of the application never run on it, and SIGPIPE stays pending until it is taken.
bool LineWriter::Core::begin() {
    if (started.exchange(true)) return true;
    sigset_t all;
    sigset_t mask;
    sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) sigdelset(&all, fault);
    pthread_sigmask(SIG_SETMASK, &all, &mask);
    const int error = pthread_create(
        &thread, nullptr,
        [](void* self) -> void* {
            static_cast<Core*>(self)->run();
            return nullptr;
        },
        this);
    pthread_sigmask(SIG_SETMASK, &mask, nullptr);
    if (error == 0) created.store(true);
    if (error != 0) started.store(false);  // the next line tries again
    return error == 0;
}

void LineWriter::Core::run() {
    pthread_setname_np(pthread_self(), "flare-log");
    while (true) {
        while (sem_wait(&wake) != 0) {
        }
        awake.store(false);
        for (gather(); !block.empty() && !is_time_up(); gather()) {
            if (!put()) dropped.fetch_add(lines);
            // The queue never becomes empty: what waited when the first was dropped has been out for long.
            if ((since_complaint += lines) >= 4 * kMaxLines) complain();
        }
        complain();
        if (over.load()) break;
    }
    sem_post(&finished);
}

void LineWriter::Core::append_to(std::string& to, const Line& line) const {
    const std::size_t begin = to.size();
    format(line, to);
    to.resize(std::min(to.size(), begin + kMaxLineBytes));
    to += '\n';
}

// As many lines as go out at once; `block` stays empty if there are none.
void LineWriter::Core::gather() {
    block = std::exchange(overhang, std::string());
    lines = block.empty() ? 0 : 1;
    for (Line line; queue.pop(line); ++lines) {
        if (!line.urgent) ordinary.fetch_sub(1);
        append_to(overhang, line);
        if (block.size() + overhang.size() > kMaxLineBytes + 1) return;
        block += overhang;
        overhang.clear();
    }
}

// Until all of `block` is out. False: there is nobody to take it.
bool LineWriter::Core::put() {
    const QuietWrites quiet;
    std::string_view left = block;
    while (true) {
        const bool ready = wait_writable(fd, is_time_up() ? std::chrono::milliseconds(0) : kLook);
        const int error = ready ? write_ready(fd, left) : EAGAIN;
        if (error == 0) return true;
        if (error != EAGAIN || is_time_up()) return false;
    }
}

// Once for each time that it is called: where nobody takes it, the next lines bring the next attempt.
void LineWriter::Core::complain() {
    since_complaint = 0;
    const std::uint64_t count = dropped.exchange(0);
    if (count == 0) return;
    block.clear();
    append_to(block, complaint(count));
    if (!put()) dropped.fetch_add(count);
}

LineWriter::LineWriter(int fd, Format format, Complaint complaint)
    : fd_(fd), format_(format), complaint_(complaint), core_(new Core(*this, nullptr)) {}

LineWriter::~LineWriter() {
    end();
    Core* const core = core_.load();
    // A thread that could not end still uses it: it stays, as does what a parent process left.
    if (core->process != ::getpid() || (core->started.load() && !core->joined)) return;
    const std::unique_ptr<Core> gone(core);
}

// A child has none of its parent's threads, and perhaps a queue that one of them was just about to change.
LineWriter::Core& LineWriter::core() {
    Core* core = core_.load(std::memory_order_acquire);
    if (core->process == ::getpid()) return *core;
    auto fresh = std::make_unique<Core>(*this, core);
    if (core_.compare_exchange_strong(core, fresh.get())) return *fresh.release();
    return *core;
}

bool LineWriter::write(Line line) {
    Core& core = this->core();
    if (core.over.load(std::memory_order_relaxed)) {
        std::string text;
        core.format(line, text);
        text.resize(std::min(text.size(), kMaxLineBytes));
        return straight(core.fd, text += '\n', std::chrono::milliseconds(0));
    }
    const bool urgent = line.urgent;
    bool taken = urgent || core.ordinary.fetch_add(1) < kMaxLines - kKeptForUrgent;
    taken = taken && core.queue.push(std::move(line));
    if (!taken) {
        if (!urgent) core.ordinary.fetch_sub(1);
        core.dropped.fetch_add(1, std::memory_order_relaxed);
    }
    if (core.begin()) core.nudge();
    return taken;
}

void LineWriter::end() {
    Core& core = this->core();
    if (core.over.exchange(true)) return;
    if (!core.created.load()) return;  // nobody ever wrote anything
    const auto limit = Clock::now() + kDrainLimit;
    core.give_up_at.store((Clock::now() + kGiveUp).time_since_epoch().count());
    core.awake.store(true);
    sem_post(&core.wake);
    const timespec until = to_timespec(limit.time_since_epoch());
    int waited = 0;
    while ((waited = sem_clockwait(&core.finished, CLOCK_MONOTONIC, &until)) != 0 && errno == EINTR) {
    }
    if (waited == 0) {
        pthread_join(core.thread, nullptr);
        core.joined = true;
    } else {
        pthread_detach(core.thread);  // it hangs in a write that nothing can interrupt
    }
}

bool LineWriter::straight(int fd, std::string_view text, std::chrono::milliseconds patience) noexcept {
    const QuietWrites quiet;
    int error = text.empty() ? 0 : EAGAIN;
    const auto limit = Clock::now() + patience;
    while (error == EAGAIN) {
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(limit - Clock::now());
        if (!wait_writable(fd, std::max(left, std::chrono::milliseconds(0)))) break;
        std::string_view part = text.substr(0, kMaxLineBytes + 1);
        const std::size_t whole = part.size();
        error = write_ready(fd, part);
        text.remove_prefix(whole - part.size());
        if (error == 0 && !text.empty()) error = EAGAIN;
    }
    return error == 0;
}

}  // namespace flare::base
