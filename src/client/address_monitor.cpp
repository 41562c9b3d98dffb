#include "client/address_monitor.hpp"

#include <boost/asio/ip/udp.hpp>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>

namespace flare::client {
namespace {

// An address that goes is often followed by the one that takes its place.
constexpr std::chrono::milliseconds kTogether{50};

int open_netlink() {
    const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0) return -1;
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    address.nl_groups = RTMGRP_IPV4_IFADDR | RTMGRP_IPV6_IFADDR;
    if (::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return fd;
    ::close(fd);
    return -1;
}

}  // namespace

class AddressMonitor::State : public std::enable_shared_from_this<State> {
public:
    State(boost::asio::io_context& context, std::function<void()> changed)
        : changed_(std::move(changed)), socket_(context), timer_(context) {
        if (const int fd = open_netlink(); fd >= 0) socket_.assign(fd);
    }
    void wait() {
        if (!socket_.is_open()) return;
        socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                           [self = shared_from_this()](const boost::system::error_code& error) {
                               if (error || self->stopped_) return;
                               self->drain();
                               self->wait();
                           });
    }
    void stop() {
        stopped_ = true;
        boost::system::error_code ignored;
        socket_.close(ignored);
        timer_.cancel();
    }

private:
    // Which address it was does not matter: who cares asks the kernel what it would use now.
    void drain() {
        std::array<char, 8192> notes;
        bool any = false;
        for (;;) {
            const ssize_t got = ::recv(socket_.native_handle(), notes.data(), notes.size(), 0);
            if (got > 0 || (got < 0 && errno == ENOBUFS)) {  // ENOBUFS: there were more than fit
                any = true;
                continue;
            }
            if (got < 0 && errno == EINTR) continue;
            break;
        }
        if (!any) return;
        timer_.expires_after(kTogether);
        timer_.async_wait([self = shared_from_this()](const boost::system::error_code& error) {
            if (error || self->stopped_) return;
            const auto changed = self->changed_;
            changed();
        });
    }

    const std::function<void()> changed_;
    boost::asio::posix::stream_descriptor socket_;
    boost::asio::steady_timer timer_;
    bool stopped_ = false;
};

AddressMonitor::AddressMonitor(boost::asio::io_context& context, std::function<void()> changed)
    : state_(std::make_shared<State>(context, std::move(changed))) {
    state_->wait();
}

AddressMonitor::~AddressMonitor() { state_->stop(); }

// connect() on a UDP socket sends nothing: it only looks up the route.
std::string source_address_to(const std::string& peer_address) {
    using boost::asio::ip::udp;
    boost::system::error_code error;
    const auto peer = boost::asio::ip::make_address(peer_address, error);
    if (error) return {};
    boost::asio::io_context context;
    udp::socket socket(context);
    socket.connect(udp::endpoint(peer, 9), error);
    if (error) return {};
    const auto local = socket.local_endpoint(error);
    return error ? std::string() : local.address().to_string();
}

}  // namespace flare::client
