#include "server/capacity.hpp"

#include <algorithm>

#include <sys/resource.h>

namespace flare::server {
namespace {

constexpr std::uint32_t kFewConnections = 100;
constexpr std::uint64_t kMiB = 1u << 20;

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
           " are reserved for other uses: there is room for " + std::to_string(left) + " WebSocket connection" +
           (left == 1 ? "" : "s") + "; raise the limit (ulimit -n, LimitNOFILE= of a service) to " +
           std::to_string(std::uint64_t{config.max_connections} + kReservedFiles);
}

std::optional<std::string> shortage_of_memory(const Config& config, std::size_t bytes) {
    const std::uint64_t left = config.max_memory_bytes / 2 / bytes;
    if (left >= config.max_connections || (!config.max_connections_named && left >= kFewConnections))
        return std::nullopt;
    const std::uint64_t enough = (2 * std::uint64_t{config.max_connections} * bytes + kMiB - 1) / kMiB;
    return "max_connections is " + std::to_string(config.max_connections) +
           ", but half of max_memory_bytes has room for " + std::to_string(left) + " connection" +
           (left == 1 ? "" : "s") + " over " + (config.quic ? "QUIC" : "WebSocket") + "; raise it to " +
           std::to_string(enough) + " MiB";
}

}  // namespace flare::server
