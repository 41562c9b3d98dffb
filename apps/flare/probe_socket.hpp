// Blocking sockets with a deadline, for examining a connection step by step.
//
// Threads: one.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>

#include <chrono>
#include <string>
#include <string_view>

struct ssl_st;

namespace flare::cli {

using ProbeClock = std::chrono::steady_clock;

// Waits for `events` of poll(2); false: the deadline came first.
bool wait_for(int fd, short events, ProbeClock::time_point deadline);

// A file descriptor that closes itself.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
    ~Descriptor();
    Descriptor(Descriptor&& other) noexcept;
    Descriptor& operator=(Descriptor&& other) noexcept;
    int get() const noexcept { return fd_; }

private:
    int fd_;
};

struct TcpConnection {
    Descriptor socket;
    int error = 0;  // errno; ETIMEDOUT: no answer
    ProbeClock::duration took{};
};
TcpConnection connect_tcp(const boost::asio::ip::tcp::endpoint& endpoint, std::chrono::milliseconds limit);

// A byte stream for one exchange over TCP, perhaps with TLS on top (`ssl`, which is borrowed).
class ProbeStream {
public:
    ProbeStream(int fd, ssl_st* ssl, ProbeClock::time_point deadline) : fd_(fd), ssl_(ssl), deadline_(deadline) {}
    bool write(std::string_view bytes);
    // What came, at most 16 KiB; empty: the end, an error or the deadline (timed_out()).
    std::string read();
    bool timed_out() const noexcept { return timed_out_; }

private:
    bool wait(bool for_write, int result);

    int fd_;
    ssl_st* ssl_;
    ProbeClock::time_point deadline_;
    bool timed_out_ = false;
};

}  // namespace flare::cli
