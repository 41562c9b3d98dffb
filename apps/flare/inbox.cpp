#include "inbox.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <system_error>
#include <utility>

namespace flare::cli {

Inbox::Inbox(std::initializer_list<int> signals) {
    sigset_t taken;
    sigemptyset(&taken);
    for (const int each : signals) sigaddset(&taken, each);
    pthread_sigmask(SIG_BLOCK, &taken, &before_);
    signal_fd_ = ::signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK);
    wake_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (signal_fd_ < 0 || wake_fd_ < 0) throw std::system_error(errno, std::generic_category(), "signalfd, eventfd");
}

Inbox::~Inbox() {
    ::close(signal_fd_);
    ::close(wake_fd_);
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

EventCallback Inbox::callback() {
    return [this](const Event& event) {
        {
            const std::lock_guard lock(mutex_);
            events_.push_back(event);
        }
        wake();
    };
}

void Inbox::wake() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(wake_fd_, &one, sizeof one);
}

Inbox::Woken Inbox::wait(std::optional<std::chrono::milliseconds> limit, int input_fd) {
    pollfd fds[] = {{wake_fd_, POLLIN, 0}, {signal_fd_, POLLIN, 0}, {input_fd, POLLIN, 0}};
    const int ready = ::poll(fds, 3, limit ? static_cast<int>(std::max<std::int64_t>(limit->count(), 0)) : -1);
    Woken woken;
    if (ready <= 0) return woken;
    if (std::uint64_t count = 0; (fds[0].revents & POLLIN) != 0) [[maybe_unused]]
        const auto got = ::read(wake_fd_, &count, sizeof count);
    if (signalfd_siginfo info{};
        (fds[1].revents & POLLIN) != 0 && ::read(signal_fd_, &info, sizeof info) == sizeof info)
        woken.signal = static_cast<int>(info.ssi_signo);
    woken.input = (fds[2].revents & (POLLIN | POLLHUP | POLLERR)) != 0;
    return woken;
}

std::deque<Event> Inbox::take() {
    const std::lock_guard lock(mutex_);
    return std::exchange(events_, {});
}

}  // namespace flare::cli
