// The queue of the log, and the thread that writes it. Pipes stand for whoever reads.
#include "base/line_writer.hpp"
#include "base/line_limit.hpp"
#include "base/line_queue.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <thread>
#include <vector>

namespace flare::base {
namespace {

using namespace std::chrono_literals;

TEST(LineQueue, GivesBackInOrderWhatItWasGiven) {
    LineQueue<int> queue(4);
    int value = 0;
    EXPECT_FALSE(queue.pop(value));
    for (int round = 0; round < 10; ++round) {
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(queue.push(round * 3 + i));
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(queue.pop(value));
            EXPECT_EQ(value, round * 3 + i);
        }
    }
}

TEST(LineQueue, RefusesWhatItHasNoRoomFor) {
    LineQueue<std::string> queue(2);
    EXPECT_TRUE(queue.push("a"));
    EXPECT_TRUE(queue.push("b"));
    std::string third = "c";
    EXPECT_FALSE(queue.push(std::move(third)));
    EXPECT_EQ(third, "c");
    std::string value;
    EXPECT_TRUE(queue.pop(value));
    EXPECT_TRUE(queue.push(std::move(third)));
}

TEST(LineQueue, LosesAndRepeatsNothingOfManyThreads) {
    constexpr int kThreads = 4;
    constexpr int kEach = 20'000;
    LineQueue<std::pair<int, int>> queue(64);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
        threads.emplace_back([&queue, t] {
            for (int i = 1; i <= kEach; ++i) {
                while (!queue.push({t, i})) std::this_thread::yield();
            }
        });
    }
    int next[kThreads] = {1, 1, 1, 1};
    for (int got = 0; got < kThreads * kEach;) {
        std::pair<int, int> value;
        if (!queue.pop(value)) {
            std::this_thread::yield();
            continue;
        }
        ASSERT_EQ(value.second, next[value.first]++);
        ++got;
    }
    for (auto& each : threads) each.join();
}

void append_text(const LineWriter::Line& line, std::string& to) { to += line.text; }
LineWriter::Line complaint(std::uint64_t dropped) { return {{}, 0, true, "dropped " + std::to_string(dropped)}; }
LineWriter::Line line(std::string text, bool urgent = false) { return {{}, 0, urgent, std::move(text)}; }

class Pipe {
public:
    Pipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
    ~Pipe() {
        close_reader();
        close_writer();
    }
    int in() const { return ends_[1]; }
    void close_reader() { close(ends_[0]); }
    void close_writer() { close(ends_[1]); }
    // Until it has seen `text`, or the end.
    std::string read_until(const std::string& text) {
        char block[4096];
        while (text.empty() || read_.find(text) == read_.npos) {
            const ssize_t got = ::read(ends_[0], block, sizeof block);
            if (got <= 0) break;
            read_.append(block, static_cast<std::size_t>(got));
        }
        return read_;
    }
    // So that nothing more has room. Returns how much that is.
    std::size_t fill() {
        const int flags = ::fcntl(ends_[1], F_GETFL);
        ::fcntl(ends_[1], F_SETFL, flags | O_NONBLOCK);
        const std::string block(4096, 'x');
        std::size_t filled = 0;
        for (ssize_t got = 0; (got = ::write(ends_[1], block.data(), block.size())) > 0;)
            filled += static_cast<std::size_t>(got);
        ::fcntl(ends_[1], F_SETFL, flags);
        return filled;
    }

private:
    static void close(int& fd) {
        if (fd >= 0) ::close(fd);
        fd = -1;
    }
    int ends_[2] = {-1, -1};
    std::string read_;
};

std::size_t count_of(const std::string& text, const std::string& what) {
    std::size_t count = 0;
    for (std::size_t at = 0; (at = text.find(what, at)) != text.npos; at += what.size()) ++count;
    return count;
}

TEST(LineWriter, WritesLinesInOrder) {
    Pipe pipe;
    LineWriter writer(pipe.in(), append_text, complaint);
    for (int i = 0; i < 500; ++i) EXPECT_TRUE(writer.write(line("line " + std::to_string(i))));
    const std::string read = pipe.read_until("line 499\n");
    for (int i = 0, at = 0; i < 500; ++i) {
        const std::string wanted = "line " + std::to_string(i) + "\n";
        ASSERT_EQ(read.substr(static_cast<std::size_t>(at), wanted.size()), wanted);
        at += static_cast<int>(wanted.size());
    }
}

TEST(LineWriter, SaysHowManyLinesNobodyRead) {
    Pipe pipe;
    pipe.fill();
    LineWriter writer(pipe.in(), append_text, complaint);
    constexpr std::uint64_t kLines = 5000;
    std::uint64_t taken = 0;
    for (std::uint64_t i = 0; i < kLines; ++i) taken += writer.write(line("info")) ? 1 : 0;
    EXPECT_GE(taken, LineWriter::kMaxLines - LineWriter::kKeptForUrgent);
    // Beside the queue there is what the writer has in its hand: no more than a pipe takes at once.
    EXPECT_LE(taken, LineWriter::kMaxLines + 4096 / 5 + 1);
    const std::string wanted = "dropped " + std::to_string(kLines - taken) + "\n";
    const std::string read = pipe.read_until(wanted);
    EXPECT_NE(read.find(wanted), read.npos);
    EXPECT_EQ(count_of(read, "info\n"), taken);
}

TEST(LineWriter, UrgentLinesHaveRoomWhereOthersHaveNone) {
    Pipe pipe;
    pipe.fill();
    LineWriter writer(pipe.in(), append_text, complaint);
    for (int i = 0; i < 5000; ++i) writer.write(line("info"));
    for (std::size_t i = 0; i < LineWriter::kKeptForUrgent; ++i) {
        EXPECT_TRUE(writer.write(line("error " + std::to_string(i), true)));
        writer.write(line("info"));
    }
    const std::string last = "error " + std::to_string(LineWriter::kKeptForUrgent - 1) + "\n";
    EXPECT_EQ(count_of(pipe.read_until(last), "error "), LineWriter::kKeptForUrgent);
}

TEST(LineWriter, AReaderThatHasGoneRaisesNothing) {
    Pipe pipe;
    pipe.close_reader();
    ASSERT_EQ(::signal(SIGPIPE, SIG_DFL), SIG_DFL);  // the signal would end this process
    LineWriter writer(pipe.in(), append_text, complaint);
    for (int i = 0; i < 3000; ++i) writer.write(line("to nobody"));
    writer.end();
    EXPECT_FALSE(LineWriter::straight(pipe.in(), "to nobody", 0ms));
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

TEST(LineWriter, ASignalThatWaitedBeforeIsLeftToItsOwner) {
    Pipe pipe;
    pipe.close_reader();
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    ::raise(SIGPIPE);
    LineWriter::straight(pipe.in(), "to nobody", 0ms);
    sigset_t pending;
    sigpending(&pending);
    EXPECT_EQ(sigismember(&pending, SIGPIPE), 1);
    const timespec now{};
    EXPECT_EQ(sigtimedwait(&set, nullptr, &now), SIGPIPE);
    pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

TEST(LineWriter, AFullDiskOrAClosedDescriptorEndsNothing) {
    for (const int fd : {::open("/dev/full", O_WRONLY | O_CLOEXEC), -1}) {
        LineWriter writer(fd, append_text, complaint);
        for (int i = 0; i < 2000; ++i) writer.write(line("lost"));
        writer.end();
        if (fd >= 0) ::close(fd);
    }
}

TEST(LineWriter, AFileAtTheLimitOfItsSizeRaisesNothing) {
    const pid_t child = ::fork();
    if (child == 0) {
        char name[] = "/tmp/flare-limit-XXXXXX";
        const int fd = ::mkstemp(name);
        ::unlink(name);
        const rlimit most{100, 100};
        ::setrlimit(RLIMIT_FSIZE, &most);
        LineWriter writer(fd, append_text, complaint);
        for (int i = 0; i < 100; ++i) writer.write(line("more than there is room for"));
        writer.end();
        ::_exit(7);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 7) << status;
}

TEST(LineWriter, TheEndWaitsForWhatIsReadAndNotForWhatIsNot) {
    {
        Pipe pipe;
        LineWriter writer(pipe.in(), append_text, complaint);
        for (int i = 0; i < 800; ++i) writer.write(line("last " + std::to_string(i)));
        writer.end();
        pipe.close_writer();
        EXPECT_EQ(count_of(pipe.read_until(""), "last "), 800u);
    }
    Pipe pipe;
    pipe.fill();
    LineWriter writer(pipe.in(), append_text, complaint);
    for (int i = 0; i < 5000; ++i) writer.write(line("never read"));
    writer.end();  // returns
    EXPECT_FALSE(writer.write(line("after the end")));
}

TEST(LineWriter, LinesAfterTheEndAreWrittenByWhoeverHasThem) {
    Pipe pipe;
    LineWriter writer(pipe.in(), append_text, complaint);
    writer.write(line("before"));
    writer.end();
    EXPECT_TRUE(writer.write(line("after")));
    EXPECT_EQ(pipe.read_until("after\n"), "before\nafter\n");
}

TEST(LineWriter, LongLinesAreCutAndStayLines) {
    Pipe pipe;
    LineWriter writer(pipe.in(), append_text, complaint);
    writer.write(line(std::string(100'000, 'a')));
    writer.write(line("b"));
    EXPECT_EQ(pipe.read_until("\nb\n"), std::string(LineWriter::kMaxLineBytes, 'a') + "\nb\n");
}

// Whether a thread of this process waits in poll(): its number is the first word there (proc(5)).
bool a_thread_polls() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        int call = -1;
        if (std::ifstream(task.path() / "syscall") >> call && call == SYS_poll) return true;
    }
    return false;
}

TEST(LineWriter, AChildOfForkWritesItsOwnLinesOnly) {
    Pipe pipe;
    pipe.fill();
    LineWriter writer(pipe.in(), append_text, complaint);
    writer.write(line("parent"));
    // It has come to the full pipe, and holds no lock of the allocator, which the child would inherit under ASan.
    while (!a_thread_polls()) std::this_thread::yield();
    Pipe of_child;
    const pid_t child = ::fork();
    if (child == 0) {
        ::dup2(of_child.in(), pipe.in());  // where the child's descriptor leads
        writer.write(line("child"));
        writer.end();
        ::_exit(0);
    }
    EXPECT_EQ(of_child.read_until("child\n"), "child\n");
    ::waitpid(child, nullptr, 0);
    EXPECT_EQ(count_of(pipe.read_until("parent\n"), "parent\n"), 1u);
}

TEST(LineLimit, WritesAFewAndCountsTheRest) {
    LineLimit limit;
    const LineLimit::TimePoint begin{1h};
    std::uint32_t written = 0;
    for (int i = 0; i < 1213; ++i) written += limit.allows(begin) ? 1 : 0;
    EXPECT_EQ(written, LineLimit::kBurst);
    EXPECT_EQ(limit.take(begin + 1s), 0u);
    EXPECT_EQ(limit.take(begin + LineLimit::kPeriod), 1203u);
    EXPECT_EQ(limit.take(begin + LineLimit::kPeriod), 0u);
}

TEST(LineLimit, EachPeriodBeginsAnew) {
    LineLimit limit;
    const LineLimit::TimePoint begin{1h};
    for (int i = 0; i < 15; ++i) limit.allows(begin);
    EXPECT_TRUE(limit.allows(begin + LineLimit::kPeriod));
    for (int i = 0; i < 11; ++i) limit.allows(begin + LineLimit::kPeriod);
    EXPECT_EQ(limit.take(begin + LineLimit::kPeriod), 5u);
    EXPECT_EQ(limit.take_all(), 2u);
    EXPECT_EQ(limit.take_all(), 0u);
}

}  // namespace
}  // namespace flare::base
