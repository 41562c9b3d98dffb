#include "transport/poller.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace flare::transport {

boost::asio::execution_context::id Poller::id;

Poller& Poller::of(boost::asio::io_context& context) { return boost::asio::use_service<Poller>(context); }

Poller::Poller(boost::asio::io_context& context)
    : boost::asio::execution_context::service(context), context_(context), epoll_(context.get_executor()) {}

void Poller::shutdown() {
    boost::system::error_code ignored;
    epoll_.close(ignored);
}

int Poller::change(int fd, Watcher* watcher, std::uint32_t from, std::uint32_t to) {
    if (!epoll_.is_open()) {
        if (from != 0) return EBADF;  // the event loop is being taken down
        const int made = ::epoll_create1(EPOLL_CLOEXEC);
        if (made < 0) return errno;
        epoll_.assign(made);
    }
    // What is not waited for is taken out: a hang-up is told whatever the mask is.
    const int operation = from == 0 ? EPOLL_CTL_ADD : to == 0 ? EPOLL_CTL_DEL : EPOLL_CTL_MOD;
    epoll_event event{};
    event.events = to;
    event.data.ptr = watcher;
    if (::epoll_ctl(epoll_.native_handle(), operation, fd, &event) != 0) return errno;
    if (from == 0) ++watched_;
    if (to == 0 && --watched_ == 0 && waiting_) epoll_.cancel();
    wait();
    return 0;
}

void Poller::forget(const Watcher* watcher) noexcept {
    for (epoll_event& event : untold_) {
        if (event.data.ptr == watcher) event.data.ptr = nullptr;
    }
}

void Poller::wait() {
    if (waiting_ || in_turn_ || watched_ == 0) return;
    waiting_ = true;
    epoll_.async_wait(Descriptor::wait_read, [this](boost::system::error_code error) {
        waiting_ = false;
        if (error) {
            wait();
        } else {
            turn();
        }
    });
}

void Poller::turn() {
    struct Turn {
        Poller& poller;
        explicit Turn(Poller& of) : poller(of) { poller.in_turn_ = true; }
        ~Turn() {  // of a watcher that threw, too
            poller.untold_ = {};
            poller.in_turn_ = false;
            poller.wait();
        }
    } const turn(*this);
    const TurnWrites::Turn writes(writes_);
    const int count = ::epoll_wait(epoll_.native_handle(), events_.data(), static_cast<int>(events_.size()), 0);
    if (count <= 0) return;
    untold_ = std::span(events_).first(static_cast<std::size_t>(count));
    while (!untold_.empty()) {
        const epoll_event event = untold_.front();
        untold_ = untold_.subspan(1);
        if (event.data.ptr == nullptr) continue;
        const bool ended = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
        static_cast<Watcher*>(event.data.ptr)
            ->on_ready(ended || (event.events & EPOLLIN) != 0, ended || (event.events & EPOLLOUT) != 0);
    }
}

PolledSocket::PolledSocket(PolledSocket&& other) noexcept
    : poller_(other.poller_),
      watcher_(std::exchange(other.watcher_, nullptr)),
      fd_(std::exchange(other.fd_, -1)),
      events_(std::exchange(other.events_, 0)) {}

int PolledSocket::watch(Poller::Watcher& watcher, bool readable, bool writable) {
    const std::uint32_t events = (readable ? std::uint32_t{EPOLLIN} : 0) | (writable ? std::uint32_t{EPOLLOUT} : 0);
    if (events == events_ && (events == 0 || watcher_ == &watcher)) return 0;
    if (watcher_ != nullptr && (events == 0 || watcher_ != &watcher)) poller_->forget(watcher_);
    if (const int error = poller_->change(fd_, &watcher, events_, events); error != 0) return error;
    events_ = events;
    watcher_ = events == 0 ? nullptr : &watcher;
    return 0;
}

int PolledSocket::release() noexcept {
    if (events_ != 0) {
        poller_->forget(watcher_);
        poller_->change(fd_, nullptr, events_, 0);
        events_ = 0;
        watcher_ = nullptr;
    }
    return std::exchange(fd_, -1);
}

void PolledSocket::close() noexcept {
    if (const int fd = release(); fd >= 0) ::close(fd);
}

}  // namespace flare::transport
