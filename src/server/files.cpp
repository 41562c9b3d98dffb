#include "server/files.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace flare::server {
namespace {

constexpr std::uint32_t kFewConnections = 100;

}  // namespace

std::uint32_t limit_of_files() noexcept {
    rlimit files{};
    if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == RLIM_INFINITY) return UINT32_MAX;
    return static_cast<std::uint32_t>(std::min<rlim_t>(files.rlim_cur, UINT32_MAX));
}

std::uint32_t files_for_connections(std::uint32_t limit) noexcept {
    if (limit == UINT32_MAX) return limit;
    return limit > kReservedFiles ? limit - kReservedFiles : 1;
}

std::optional<std::string> shortage_of_files(const Config& config, std::uint32_t limit) {
    const std::uint32_t left = files_for_connections(limit);
    const bool wanted = config.max_connections_named || left < kFewConnections;
    if (!config.websocket || left >= config.max_connections || !wanted) return std::nullopt;
    return "max_connections is " + std::to_string(config.max_connections) + ", but this process may have " +
           std::to_string(limit) + " files open, of which " + std::to_string(kReservedFiles) +
           " are kept for other things: there is room for " + std::to_string(left) + " WebSocket connection" +
           (left == 1 ? "" : "s") + "; raise the limit (ulimit -n, LimitNOFILE= of a service) to " +
           std::to_string(std::uint64_t{config.max_connections} + kReservedFiles);
}

}  // namespace flare::server
