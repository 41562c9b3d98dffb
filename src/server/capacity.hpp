// The number of connections that the open-file limit and max_memory_bytes allow.
//
// Threads: any.
#pragma once

#include "server/config.hpp"

#include <optional>
#include <string>

namespace flare::server {

// For logs, certificates, QUIC's sockets, the application.
inline constexpr std::uint32_t kReservedFiles = 256;

// Of this process, as it is now (RLIMIT_NOFILE); UINT32_MAX: none.
std::uint32_t limit_of_files() noexcept;
// How many connections may have a file each under such a limit; at least one.
std::uint32_t files_for_connections(std::uint32_t limit) noexcept;
// What to warn of: fewer WebSocket connections have a file than max_connections() asks for, or so few that nobody can
// want it.
std::optional<std::string> shortage_of_files(const Config& config, std::uint32_t limit);
// The same of memory, of which connections may have half. `bytes`: what one takes by the protocol that takes the most.
std::optional<std::string> shortage_of_memory(const Config& config, std::size_t bytes);

}  // namespace flare::server
