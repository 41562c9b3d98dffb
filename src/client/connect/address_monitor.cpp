#include "client/connect/address_monitor.hpp"

#include <boost/asio/ip/udp.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <memory>
#include <set>
#include <utility>
#include <vector>

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

// One socket for all monitors of an io_context: open while there is one.
class AddressMonitor::Watch final : public boost::asio::io_context::service {
public:
    static inline boost::asio::io_context::id id;
    explicit Watch(boost::asio::io_context& context) : service(context), context_(context) {}

    void add(AddressMonitor& monitor) {
        monitors_.insert(&monitor);
        if (!source_) source_ = Source::open(context_, *this);
    }
    void remove(AddressMonitor& monitor) {
        monitors_.erase(&monitor);
        if (monitors_.empty()) close();
    }

private:
    class Source : public std::enable_shared_from_this<Source> {
    public:
        Source(boost::asio::io_context& context, Watch& watch) : watch_(&watch), socket_(context), timer_(context) {}
        // Null: this system has no netlink.
        static std::shared_ptr<Source> open(boost::asio::io_context& context, Watch& watch) {
            const int fd = open_netlink();
            if (fd < 0) return nullptr;
            auto made = std::make_shared<Source>(context, watch);
            made->socket_.assign(fd);
            made->wait();
            return made;
        }
        void stop() {
            watch_ = nullptr;
            boost::system::error_code ignored;
            socket_.close(ignored);
            timer_.cancel();
        }

    private:
        void wait() {
            socket_.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                               [self = shared_from_this()](const boost::system::error_code& error) {
                                   if (error || self->watch_ == nullptr) return;
                                   self->drain();
                                   self->wait();
                               });
        }
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
                if (!error && self->watch_ != nullptr) self->watch_->tell();
            });
        }

        Watch* watch_;  // null: stopped
        boost::asio::posix::stream_descriptor socket_;
        boost::asio::steady_timer timer_;
    };

    // Whoever is told may destroy any of them.
    void tell() {
        const std::vector<AddressMonitor*> told(monitors_.begin(), monitors_.end());
        for (AddressMonitor* const monitor : told) {
            if (!monitors_.contains(monitor)) continue;
            const auto changed = monitor->changed_;
            changed();
        }
    }
    void close() {
        if (source_) std::exchange(source_, nullptr)->stop();
    }
    void shutdown() noexcept override { close(); }

    boost::asio::io_context& context_;
    std::set<AddressMonitor*> monitors_;
    std::shared_ptr<Source> source_;
};

AddressMonitor::AddressMonitor(boost::asio::io_context& context, std::function<void()> changed)
    : changed_(std::move(changed)), watch_(boost::asio::use_service<Watch>(context)) {
    watch_.add(*this);
}

AddressMonitor::~AddressMonitor() { watch_.remove(*this); }

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
