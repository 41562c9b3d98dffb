#include "socket_memory.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace flare::bench {
namespace {

struct Request {
    nlmsghdr header{};
    inet_diag_req_v2 body{};
};

// One socket of the answer; false: it is the last message.
bool take(const nlmsghdr& header, std::uint16_t port, SocketMemory& memory) {
    if (header.nlmsg_type == NLMSG_DONE || header.nlmsg_type == NLMSG_ERROR) return false;
    const auto* socket = static_cast<const inet_diag_msg*>(NLMSG_DATA(&header));
    const bool ours = ntohs(socket->id.idiag_sport) == port;
    if (!ours && ntohs(socket->id.idiag_dport) != port) return true;
    std::size_t left = header.nlmsg_len - NLMSG_LENGTH(sizeof *socket);
    for (const auto* each = reinterpret_cast<const rtattr*>(socket + 1); RTA_OK(each, left);
         each = RTA_NEXT(each, left)) {
        if (each->rta_type != INET_DIAG_SKMEMINFO) continue;
        std::array<std::uint32_t, SK_MEMINFO_VARS> numbers{};
        std::memcpy(numbers.data(), RTA_DATA(each), std::min<std::size_t>(sizeof numbers, RTA_PAYLOAD(each)));
        if (ours) {
            memory.to_send += numbers[SK_MEMINFO_WMEM_QUEUED];
        } else {
            memory.unread += numbers[SK_MEMINFO_RMEM_ALLOC];
        }
    }
    return true;
}

}  // namespace

SocketMemory socket_memory(std::uint16_t port) {
    SocketMemory memory;
    const int fd = ::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (fd < 0) return memory;
    Request request;
    request.header.nlmsg_len = sizeof request;
    request.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    request.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    request.body.sdiag_family = AF_INET;
    request.body.sdiag_protocol = IPPROTO_TCP;
    request.body.idiag_states = ~0u;
    request.body.idiag_ext = 1 << (INET_DIAG_SKMEMINFO - 1);
    bool more = ::send(fd, &request, sizeof request, 0) == sizeof request;
    alignas(nlmsghdr) std::array<char, 65536> buffer;
    while (more) {
        const ssize_t got = ::recv(fd, buffer.data(), buffer.size(), 0);
        if (got <= 0) break;
        auto left = static_cast<std::uint32_t>(got);
        for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); more && NLMSG_OK(header, left);
             header = NLMSG_NEXT(header, left)) {
            more = take(*header, port, memory);
        }
    }
    ::close(fd);
    return memory;
}

}  // namespace flare::bench
