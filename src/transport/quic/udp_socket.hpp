// A UDP socket that receives and sends many packets in one system call: recvmmsg with GRO, sendmmsg with GSO.
//
// Protocol: udp(7); RFC 9000 section 14 (packets are not fragmented).
// Threads:  one.
// Owner:    Endpoint.
#pragma once

#include "transport/port_use.hpp"

#include <flare/error.hpp>

#include <boost/asio/ip/udp.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace flare::transport::quic {

// An address as the kernel and ngtcp2 want it.
struct Address {
    // Every connection has some: a sockaddr_storage would be four times as large.
    union Storage {
        sockaddr_in6 v6;
        sockaddr_in v4;
        sockaddr any;
    };
    Storage storage{};
    socklen_t length = 0;

    static Address of(const boost::asio::ip::udp::endpoint& endpoint);
    static Address of(const sockaddr* from, socklen_t length);
    sa_family_t family() const noexcept { return storage.any.sa_family; }
    boost::asio::ip::udp::endpoint endpoint() const;
    const sockaddr* data() const noexcept { return &storage.any; }
    bool operator==(const Address& other) const noexcept;
};

class UdpSocket {
public:
    UdpSocket() = default;
    ~UdpSocket();
    UdpSocket(UdpSocket&& other) noexcept;
    UdpSocket& operator=(UdpSocket&& other) noexcept;

    // Errors are errno.
    int bind(const boost::asio::ip::udp::endpoint& local, bool both_families, PortUse use);
    // Only packets from there arrive, and ICMP errors are told. `from`: the local address; unspecified: the kernel's
    // choice.
    int connect(const boost::asio::ip::udp::endpoint& remote, const boost::asio::ip::address& from = {});
    // With `workers` sockets bound in order, connection ids decide which gets a packet (design of ids: endpoint.hpp).
    void steer_by_worker(std::uint32_t workers);

    int fd() const noexcept { return fd_; }
    const Address& local() const noexcept { return local_; }

    struct Packet {
        std::span<const std::uint8_t> bytes;
        const Address* from;
        const Address* to;
    };
    // Takes what waits on the socket, as much as fits one system call. False: nothing is left on it. `error`: an errno
    // that the socket reports in place of packets (ECONNREFUSED), else 0.
    bool receive(const std::function<void(const Packet&)>& each, int& error);
    // `bytes` are packets of `segment` bytes each, the last may be shorter. `from` matters on a socket for all
    // addresses.
    struct Outgoing {
        std::span<const std::uint8_t> bytes;
        std::size_t segment;
        const Address* from;
        const Address* to;
    };
    static constexpr std::size_t kMostAtOnce = 64;
    // At most kMostAtOnce, in order. Returns how many are done with: sent, or lost, because the kernel finds a fault
    // with them. Less than all: the socket is full.
    std::size_t send(std::span<const Outgoing> packets);
    // Since the last call send() was told that nobody listens (ECONNREFUSED, of an earlier packet): receive() will not
    // be.
    bool take_refusal() noexcept { return std::exchange(refused_, false); }

private:
    int open(int family);
    void describe(const Outgoing& packet, iovec& vector, char* control, msghdr& header) const;

    int fd_ = -1;
    bool connected_ = false;
    bool all_addresses_ = false;
    bool refused_ = false;
    Address local_;
};

}  // namespace flare::transport::quic
