#include "server/shared.hpp"

#include "server/worker.hpp"

namespace flare::server {

Shared::Shared(Config config_, std::uint32_t capacity)
    : config(std::move(config_)),
      started(std::chrono::steady_clock::now()),
      budget(config.max_memory_bytes),
      limits(capacity, config.max_connections_per_address),
      pool(config.handler_threads, kPoolLimit),
      hooks(1, kHooksLimit) {}

Shared::~Shared() = default;

errc ConnectionLimits::admit(const std::string& address) {
    if (open_.fetch_add(1, std::memory_order_relaxed) >= in_all_) {
        open_.fetch_sub(1, std::memory_order_relaxed);
        return errc::too_many_connections;
    }
    if (per_address_ == 0) return errc::ok;
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = addresses_[address];
    if (count >= per_address_) {
        open_.fetch_sub(1, std::memory_order_relaxed);
        return errc::too_many_per_address;
    }
    ++count;
    return errc::ok;
}

void ConnectionLimits::release(const std::string& address) {
    open_.fetch_sub(1, std::memory_order_relaxed);
    if (per_address_ == 0) return;
    const std::lock_guard lock(mutex_);
    const auto found = addresses_.find(address);
    if (found != addresses_.end() && --found->second == 0) addresses_.erase(found);
}

}  // namespace flare::server
