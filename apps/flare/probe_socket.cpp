#include "probe_socket.hpp"

#include <openssl/ssl.h>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>

namespace flare::cli {

bool wait_for(int fd, short events, ProbeClock::time_point deadline) {
    for (;;) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - ProbeClock::now()).count() + 1;
        if (left <= 0) return false;
        pollfd waiting{fd, events, 0};
        const int ready = ::poll(&waiting, 1, static_cast<int>(left));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

Descriptor::~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
}
Descriptor::Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
Descriptor& Descriptor::operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
}

TcpConnection connect_tcp(const boost::asio::ip::tcp::endpoint& endpoint, std::chrono::milliseconds limit) {
    TcpConnection made;
    const auto began = ProbeClock::now();
    made.socket = Descriptor(::socket(endpoint.data()->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = made.socket.get();
    if (fd < 0 || ::connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) made.error = errno;
    if (made.error == EINPROGRESS) {
        socklen_t size = sizeof made.error;
        if (!wait_for(fd, POLLOUT, began + limit)) {
            made.error = ETIMEDOUT;
        } else {
            ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &made.error, &size);
        }
    }
    made.took = ProbeClock::now() - began;
    return made;
}

bool ProbeStream::wait(bool for_write, int result) {
    short events = for_write ? POLLOUT : POLLIN;
    if (ssl_ != nullptr) {
        const int error = SSL_get_error(ssl_, result);
        if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
        events = error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT;
    } else if (errno != EAGAIN) {
        return false;
    }
    timed_out_ = !wait_for(fd_, events, deadline_);
    return !timed_out_;
}

bool ProbeStream::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const int size = static_cast<int>(bytes.size());
        const int sent = ssl_ != nullptr ? SSL_write(ssl_, bytes.data(), size)
                                         : static_cast<int>(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL));
        if (sent > 0) {
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        } else if (!wait(true, sent)) {
            return false;
        }
    }
    return true;
}

std::string ProbeStream::read() {
    std::array<char, 16 * 1024> block;
    for (;;) {
        const int got = ssl_ != nullptr ? SSL_read(ssl_, block.data(), static_cast<int>(block.size()))
                                        : static_cast<int>(::recv(fd_, block.data(), block.size(), 0));
        if (got > 0) return {block.data(), static_cast<std::size_t>(got)};
        if (got == 0 && ssl_ == nullptr) return {};
        if (!wait(false, got)) return {};
    }
}

}  // namespace flare::cli
