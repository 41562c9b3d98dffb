// A pipe for what a process says, whose reader may stall or go.
#pragma once

#include <gtest/gtest.h>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <string>
#include <utility>

namespace flare::test {

class LogPipe {
public:
    LogPipe() { EXPECT_EQ(::pipe2(ends_, O_CLOEXEC), 0); }
    ~LogPipe() {
        close_reader();
        close_writer();
    }
    LogPipe(const LogPipe&) = delete;
    LogPipe& operator=(const LogPipe&) = delete;

    int writer() const { return ends_[1]; }
    void close_reader() { close(ends_[0]); }
    void close_writer() { close(ends_[1]); }
    // So that nothing more has room.
    void fill() const {
        const int flags = ::fcntl(ends_[1], F_GETFL);
        ::fcntl(ends_[1], F_SETFL, flags | O_NONBLOCK);
        const std::string block(4096, 'x');
        while (::write(ends_[1], block.data(), block.size()) > 0) {
        }
        ::fcntl(ends_[1], F_SETFL, flags);
    }
    // Reads until `text` has come. False: the end came before it, or nothing did for a generous time.
    bool says(const std::string& text) {
        while (read_.find(text) == read_.npos) {
            pollfd asked{ends_[0], POLLIN, 0};
            if (::poll(&asked, 1, 30'000) <= 0) return false;
            char block[4096];
            const ssize_t got = ::read(ends_[0], block, sizeof block);
            if (got <= 0) return false;
            read_.append(block, static_cast<std::size_t>(got));
        }
        return true;
    }
    const std::string& text() const { return read_; }

private:
    static void close(int& fd) {
        if (fd >= 0) ::close(std::exchange(fd, -1));
    }
    int ends_[2] = {-1, -1};
    std::string read_;
};

// While it lives, what this process says on `fd` goes into the pipe.
class Redirected {
public:
    Redirected(int fd, const LogPipe& pipe) : fd_(fd), kept_(::fcntl(fd, F_DUPFD_CLOEXEC, 3)) {
        ::dup2(pipe.writer(), fd);
    }
    ~Redirected() {
        ::dup2(kept_, fd_);
        ::close(kept_);
    }
    Redirected(const Redirected&) = delete;
    Redirected& operator=(const Redirected&) = delete;

private:
    const int fd_;
    const int kept_;
};

}  // namespace flare::test
