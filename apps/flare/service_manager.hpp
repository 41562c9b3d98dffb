// Tells systemd what the process is about, in the way of sd_notify(3): a datagram to the socket that NOTIFY_SOCKET
// names. Does nothing where nobody listens.
//
// Threads: any.
#pragma once

#include <string_view>

namespace flare::cli {

// "READY=1", "STOPPING=1", "STATUS=..."; several with line ends between them.
void tell_service_manager(std::string_view state) noexcept;
// That it reloads, with the moment that systemd wants to know (CLOCK_MONOTONIC); READY=1 ends it.
void tell_service_manager_of_reload() noexcept;

}  // namespace flare::cli
