// What the kernel holds for the TCP sockets of a port.
//
// Protocol: sock_diag(7).
// Threads:  any.
#pragma once

#include <cstdint>

namespace flare::bench {

struct SocketMemory {
    std::uint64_t to_send = 0;  // of the sockets whose own port it is: what waits, with the kernel's overhead
    std::uint64_t unread = 0;   // of the sockets of their peers on this machine
};
// All zero when the kernel does not tell.
SocketMemory socket_memory(std::uint16_t port);

}  // namespace flare::bench
