// Lines to a file descriptor that others own (standard error, standard output), by a thread of its own: whoever has
// something to say never waits for whoever reads.
//
// A bounded queue takes the lines; what it has no room for is dropped and counted, and the count is written when there
// is room again. A part of the queue is kept for urgent lines. No flag of the descriptor and no signal handler of the
// process is changed: the thread blocks SIGPIPE for itself, and asks poll() before it writes no more than a pipe takes
// at once. It begins with the first line, and again in a child after fork(), which does not inherit the lines of its
// parent. Threads: any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace flare::base {

class LineWriter {
public:
    static constexpr std::size_t kMaxLines = 1024;          // that wait
    static constexpr std::size_t kKeptForUrgent = 128;      // of these
    static constexpr std::size_t kMaxLineBytes = 4096 - 1;  // PIPE_BUF with the end of line: a line is written whole
    static constexpr std::chrono::milliseconds kDrainLimit{500};

    struct Line {
        std::chrono::system_clock::time_point at{};
        int level = 0;  // the format's business
        bool urgent = false;
        std::string text;
    };
    // Appends a line without its end, as it is written. On the writer's thread only (or on that of end(), later).
    using Format = void (*)(const Line& line, std::string& to);
    // The line that says how many were dropped.
    using Complaint = Line (*)(std::uint64_t dropped);

    LineWriter(int fd, Format format, Complaint complaint);
    ~LineWriter();
    LineWriter(const LineWriter&) = delete;
    LineWriter& operator=(const LineWriter&) = delete;

    // Never waits. False: there was no room.
    bool write(Line line);
    // Writes what waits, for kDrainLimit at most, and ends the thread. Lines after that are written by whoever has them
    // if the descriptor takes them at once. Once is enough; the destructor does it, too.
    void end();

    // From here and now, past every queue, for last words: a process that is about to abort has no other chance. Waits
    // for `patience` at most until the descriptor takes something; never raises SIGPIPE. False: not all was written.
    static bool straight(int fd, std::string_view text, std::chrono::milliseconds patience) noexcept;

private:
    struct Core;  // what the thread shares with the others
    Core& core();

    const int fd_;
    const Format format_;
    const Complaint complaint_;
    std::atomic<Core*> core_;
};

}  // namespace flare::base
