#include "transport/quic/udp_socket.hpp"

#include "base/place.hpp"

#include <linux/filter.h>
#include <netinet/udp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

namespace flare::transport::quic {
namespace {

constexpr std::size_t kSlots = 16;
constexpr std::size_t kSlotBytes = 64 * 1024;  // what GRO may put together
constexpr int kBufferBytes = 4 << 20;
constexpr std::size_t kControlBytes = 128;

// One for each thread: no socket holds memory while it is idle.
struct Arena {
    std::array<std::array<std::uint8_t, kSlotBytes>, kSlots> data;
    std::array<std::array<char, kControlBytes>, kSlots> control;
    std::array<Address, kSlots> from;
    std::array<iovec, kSlots> vectors;
    std::array<mmsghdr, kSlots> headers;
};

Arena& arena() {
    thread_local const std::unique_ptr<Arena> made = std::make_unique<Arena>();
    return *made;
}

void set(int fd, int level, int name, int value) { ::setsockopt(fd, level, name, &value, sizeof value); }

// What came with a packet: the size of GRO's segments, and the address that it was sent to.
void read_control(msghdr& header, std::size_t& segment, Address& to) {
    for (cmsghdr* c = CMSG_FIRSTHDR(&header); c != nullptr; c = CMSG_NXTHDR(&header, c)) {
        if (c->cmsg_level == SOL_UDP && c->cmsg_type == UDP_GRO) {
            int size = 0;
            std::memcpy(&size, CMSG_DATA(c), sizeof size);
            if (size > 0) segment = static_cast<std::size_t>(size);
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            in_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(c), sizeof info);
            if (to.family() == AF_INET) to.storage.v4.sin_addr = info.ipi_addr;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            in6_pktinfo info{};
            std::memcpy(&info, CMSG_DATA(c), sizeof info);
            if (to.family() == AF_INET6) to.storage.v6.sin6_addr = info.ipi6_addr;
        }
    }
}

template <typename T>
void add_control(msghdr& header, std::size_t& used, int level, int type, const T& value) {
    auto* c = reinterpret_cast<cmsghdr*>(static_cast<char*>(header.msg_control) + used);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(sizeof value);
    std::memcpy(CMSG_DATA(c), &value, sizeof value);
    used += CMSG_SPACE(sizeof value);
    header.msg_controllen = used;
}

}  // namespace

// ---- addresses ----

Address Address::of(const sockaddr* from, socklen_t length) {
    Address address;
    address.length = std::min<socklen_t>(length, sizeof address.storage);
    std::memcpy(&address.storage, from, address.length);
    return address;
}

Address Address::of(const boost::asio::ip::udp::endpoint& endpoint) {
    return of(endpoint.data(), static_cast<socklen_t>(endpoint.size()));
}

boost::asio::ip::udp::endpoint Address::endpoint() const {
    boost::asio::ip::udp::endpoint made;
    if (length == 0) return made;
    std::memcpy(made.data(), &storage, length);
    made.resize(length);
    return made;
}

bool Address::operator==(const Address& other) const noexcept {
    return length == other.length && std::memcmp(&storage, &other.storage, length) == 0;
}

// ---- the socket ----

UdpSocket::~UdpSocket() {
    if (fd_ >= 0) ::close(fd_);
}
UdpSocket::UdpSocket(UdpSocket&& other) noexcept { *this = std::move(other); }
UdpSocket& UdpSocket::operator=(UdpSocket&& other) noexcept {
    std::swap(fd_, other.fd_);
    std::swap(connected_, other.connected_);
    std::swap(all_addresses_, other.all_addresses_);
    std::swap(refused_, other.refused_);
    std::swap(local_, other.local_);
    return *this;
}

int UdpSocket::open(int family) {
    fd_ = ::socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd_ < 0) return errno;
    set(fd_, SOL_SOCKET, SO_RCVBUFFORCE, kBufferBytes);
    set(fd_, SOL_SOCKET, SO_SNDBUFFORCE, kBufferBytes);
    set(fd_, SOL_SOCKET, SO_RCVBUF, kBufferBytes);
    set(fd_, SOL_SOCKET, SO_SNDBUF, kBufferBytes);
    set(fd_, SOL_UDP, UDP_GRO, 1);
    if (family == AF_INET6) {
        set(fd_, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
    } else {
        set(fd_, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
    }
    return 0;
}

int UdpSocket::bind(const boost::asio::ip::udp::endpoint& local, bool both_families, PortUse use) {
    const int family = local.data()->sa_family;
    if (const int error = open(family); error != 0) return error;
    if (use == PortUse::sibling) set(fd_, SOL_SOCKET, SO_REUSEPORT, 1);
    if (family == AF_INET6) set(fd_, IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1);
    if (local.address().is_unspecified()) {
        all_addresses_ = true;
        if (family == AF_INET6) set(fd_, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
        if (family == AF_INET) set(fd_, IPPROTO_IP, IP_PKTINFO, 1);
    }
    if (::bind(fd_, local.data(), static_cast<socklen_t>(local.size())) != 0) return errno;
    if (use == PortUse::first) set(fd_, SOL_SOCKET, SO_REUSEPORT, 1);
    local_.length = sizeof local_.storage;
    return ::getsockname(fd_, &local_.storage.any, &local_.length) == 0 ? 0 : errno;
}

int UdpSocket::connect(const boost::asio::ip::udp::endpoint& remote, const boost::asio::ip::address& from) {
    if (const int error = open(remote.data()->sa_family); error != 0) return error;
    if (!from.is_unspecified()) {
        const boost::asio::ip::udp::endpoint local(from, 0);
        if (::bind(fd_, local.data(), static_cast<socklen_t>(local.size())) != 0) return errno;
    }
    if (::connect(fd_, remote.data(), static_cast<socklen_t>(remote.size())) != 0) return errno;
    connected_ = true;
    local_.length = sizeof local_.storage;
    return ::getsockname(fd_, &local_.storage.any, &local_.length) == 0 ? 0 : errno;
}

// A long header has its first connection id at byte 6 (RFC 9000 section 17.2), a short one at byte 1 (section 17.3).
// The filter is base::worker_of() of the place in it.
void UdpSocket::steer_by_worker(std::uint32_t workers) {
    constexpr std::uint32_t kLong = 6 + base::kNodeBytes;
    constexpr std::uint32_t kShort = 1 + base::kNodeBytes;
    sock_filter program[] = {
        {BPF_LD | BPF_B | BPF_ABS, 0, 0, 0},      {BPF_JMP | BPF_JSET | BPF_K, 0, 2, 0x80},
        {BPF_LD | BPF_H | BPF_ABS, 0, 0, kLong},  {BPF_JMP | BPF_JA, 0, 0, 1},
        {BPF_LD | BPF_H | BPF_ABS, 0, 0, kShort}, {BPF_ALU | BPF_MUL | BPF_K, 0, 0, workers},
        {BPF_ALU | BPF_RSH | BPF_K, 0, 0, 16},    {BPF_RET | BPF_A, 0, 0, 0},
    };
    const sock_fprog filter{sizeof program / sizeof program[0], program};
    ::setsockopt(fd_, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &filter, sizeof filter);
}

bool UdpSocket::receive(const std::function<void(const Packet&)>& each, int& error) {
    Arena& space = arena();
    error = 0;
    for (std::size_t i = 0; i < kSlots; ++i) {
        space.vectors[i] = {space.data[i].data(), kSlotBytes};
        msghdr& header = space.headers[i].msg_hdr;
        header = {};
        header.msg_name = &space.from[i].storage;
        header.msg_namelen = sizeof space.from[i].storage;
        header.msg_iov = &space.vectors[i];
        header.msg_iovlen = 1;
        header.msg_control = space.control[i].data();
        header.msg_controllen = kControlBytes;
    }
    const int got = ::recvmmsg(fd_, space.headers.data(), kSlots, MSG_DONTWAIT, nullptr);
    if (got < 0) {
        if (errno != EAGAIN && errno != EINTR) error = errno;
        return false;
    }
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) {
        msghdr& header = space.headers[i].msg_hdr;
        space.from[i].length = header.msg_namelen;
        std::size_t rest = space.headers[i].msg_len;
        std::size_t segment = rest;
        Address to = local_;
        read_control(header, segment, to);
        const std::uint8_t* data = space.data[i].data();
        while (rest > 0) {
            const std::size_t size = std::min(segment, rest);
            each({{data, size}, &space.from[i], &to});
            data += size;
            rest -= size;
        }
    }
    return static_cast<std::size_t>(got) == kSlots;
}

// `control` has kControlBytes.
void UdpSocket::describe(const Outgoing& packet, iovec& vector, char* control, msghdr& header) const {
    vector = {const_cast<std::uint8_t*>(packet.bytes.data()), packet.bytes.size()};
    std::size_t used = 0;
    header = {};
    header.msg_iov = &vector;
    header.msg_iovlen = 1;
    if (!connected_) {
        header.msg_name = const_cast<sockaddr*>(packet.to->data());
        header.msg_namelen = packet.to->length;
    }
    header.msg_control = control;
    if (packet.bytes.size() > packet.segment)
        add_control(header, used, SOL_UDP, UDP_SEGMENT, static_cast<std::uint16_t>(packet.segment));
    if (all_addresses_ && packet.from->family() == AF_INET) {
        in_pktinfo info{};
        info.ipi_spec_dst = packet.from->storage.v4.sin_addr;
        add_control(header, used, IPPROTO_IP, IP_PKTINFO, info);
    } else if (all_addresses_ && packet.from->family() == AF_INET6) {
        in6_pktinfo info{};
        info.ipi6_addr = packet.from->storage.v6.sin6_addr;
        add_control(header, used, IPPROTO_IPV6, IPV6_PKTINFO, info);
    }
    if (used == 0) header.msg_control = nullptr;
}

std::size_t UdpSocket::send(std::span<const Outgoing> packets) {
    alignas(cmsghdr) std::array<std::array<char, kControlBytes>, kMostAtOnce> control;
    std::array<iovec, kMostAtOnce> vectors;
    std::array<mmsghdr, kMostAtOnce> headers;
    for (std::size_t i = 0; i < packets.size(); ++i)
        describe(packets[i], vectors[i], control[i].data(), headers[i].msg_hdr);
    std::size_t done = 0;
    std::size_t again = packets.size();
    while (done < packets.size()) {
        const auto left = static_cast<unsigned>(packets.size() - done);
        const int sent = ::sendmmsg(fd_, &headers[done], left, MSG_NOSIGNAL);
        if (sent > 0) {
            done += static_cast<std::size_t>(sent);
        } else if (errno == EAGAIN) {
            break;
        } else if (errno == ECONNREFUSED && again != done) {
            // The answer to a packet that left earlier; this one has not left.
            refused_ = true;
            again = done;
        } else if (errno != EINTR) {
            ++done;
        }
    }
    return done;
}

}  // namespace flare::transport::quic
