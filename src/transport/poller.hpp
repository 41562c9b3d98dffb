// Readiness of many sockets for one event loop, at one system call for all that is ready. An object watches with one
// descriptor and is told again and again while it is ready (level-triggered): a connection that only reads costs no
// system call but its reads, where a wait of Asio's costs one for each.
//
// Threads: its io_context's only.
// Owner:   the io_context; it keeps io_context::run() going while anything is watched.
#pragma once

#include "transport/turn_writes.hpp"

#include <boost/asio/execution_context.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include <sys/epoll.h>

namespace flare::transport {

class Poller final : public boost::asio::execution_context::service {
public:
    // What is told of readiness. It may be destroyed by its own or another's on_ready().
    class Watcher {
    public:
        // An error or a hang-up makes both true, whatever was asked for.
        virtual void on_ready(bool readable, bool writable) = 0;

    protected:
        ~Watcher() = default;
    };

    static Poller& of(boost::asio::io_context& context);
    explicit Poller(boost::asio::io_context& context);

    static boost::asio::execution_context::id id;  // one in a process, in whichever library it is asked for

    boost::asio::io_context& context() noexcept { return context_; }
    // A turn of its own is one of theirs.
    TurnWrites& writes() noexcept { return writes_; }

private:
    friend class PolledSocket;
    using Descriptor = boost::asio::posix::basic_stream_descriptor<boost::asio::io_context::executor_type>;
    static constexpr std::size_t kEventsPerTurn = 256;

    void shutdown() override;
    // `from` and `to`: EPOLLIN, EPOLLOUT, both or 0. Returns 0 or an errno.
    int change(int fd, Watcher* watcher, std::uint32_t from, std::uint32_t to);
    void forget(const Watcher* watcher) noexcept;
    void wait();
    void turn();

    boost::asio::io_context& context_;
    Descriptor epoll_;  // open while anything is watched, and from then on
    std::size_t watched_ = 0;
    bool waiting_ = false;
    bool in_turn_ = false;
    std::array<epoll_event, kEventsPerTurn> events_{};
    TurnWrites writes_;
    std::span<epoll_event> untold_;  // during turn(): events whose watchers are still to be told; null: gone
};

// A non-blocking socket that its owner reads and writes itself, and what its owner waits for.
class PolledSocket {
public:
    // Takes the descriptor; -1: none.
    PolledSocket(Poller& poller, int fd) noexcept : poller_(&poller), fd_(fd) {}
    PolledSocket(PolledSocket&& other) noexcept;
    PolledSocket& operator=(PolledSocket&& other) = delete;
    ~PolledSocket() { close(); }

    Poller& poller() const noexcept { return *poller_; }
    boost::asio::io_context::executor_type executor() const noexcept { return poller_->context().get_executor(); }
    int fd() const noexcept { return fd_; }
    void open(int fd) noexcept {
        close();
        fd_ = fd;
    }
    // Tells `watcher`, and nobody else, from now on. Returns 0 or an errno (limits of the kernel's).
    int watch(Poller::Watcher& watcher, bool readable, bool writable);
    // Watches no more and gives the descriptor away; -1: there was none.
    int release() noexcept;
    void close() noexcept;

private:
    Poller* poller_;
    Poller::Watcher* watcher_ = nullptr;
    int fd_;
    std::uint32_t events_ = 0;
};

}  // namespace flare::transport
