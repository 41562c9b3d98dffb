#include "server/reception/connection_limits.hpp"

#include <boost/asio/ip/address.hpp>

namespace flare::server {

std::string ConnectionLimits::source_of(const std::string& address) {
    boost::system::error_code error;
    const auto parsed = boost::asio::ip::make_address(address, error);
    if (error || !parsed.is_v6() || parsed.to_v6().is_v4_mapped() || parsed.to_v6().is_link_local()) return address;
    auto bytes = parsed.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return boost::asio::ip::address_v6(bytes).to_string() + "/64";
}

// ---- memory ----

std::size_t ConnectionLimits::bytes_of(Protocol protocol, Stage stage) const noexcept {
    constexpr std::size_t kKiB = 1024;
    if (protocol == Protocol::quic) return stage == Stage::handshake ? 64 * kKiB : 40 * kKiB;
    if (secure_) return stage == Stage::handshake ? 64 * kKiB : 20 * kKiB;
    return stage == Stage::handshake ? 20 * kKiB : 2 * kKiB;
}

// The first few are always taken, so that somebody can get in and hear why not.
bool ConnectionLimits::take_memory(Protocol protocol) noexcept {
    if (budget_ == nullptr) return true;
    const std::size_t bytes = bytes_of(protocol, Stage::handshake);
    const std::size_t held = held_.fetch_add(bytes, std::memory_order_relaxed) + bytes;
    if (held <= std::max(budget_->limit() / 16, 16 * bytes)) {
        budget_->lease_anyway(bytes);
        return true;
    }
    if (held <= budget_->limit() / 2 && budget_->lease(bytes)) return true;
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    return false;
}

void ConnectionLimits::give_memory(std::size_t bytes) noexcept {
    if (budget_ == nullptr) return;
    held_.fetch_sub(bytes, std::memory_order_relaxed);
    budget_->give_back(bytes);
}

void ConnectionLimits::begun(Protocol protocol) noexcept {
    give_memory(bytes_of(protocol, Stage::handshake) - bytes_of(protocol, Stage::carrier));
}

// ---- counts ----

errc ConnectionLimits::admit(const std::string& address, Protocol protocol, session::TimePoint now) {
    const std::uint32_t file = protocol == Protocol::websocket ? 1 : 0;
    const bool full = open_.fetch_add(1, std::memory_order_relaxed) >= in_all_;
    const bool out_of_files = with_file_.fetch_add(file, std::memory_order_relaxed) + file > files_;
    const auto refuse = [&](errc why) {
        open_.fetch_sub(1, std::memory_order_relaxed);
        with_file_.fetch_sub(file, std::memory_order_relaxed);
        return why;
    };
    if (full || (out_of_files && file != 0)) return refuse(errc::too_many_connections);
    if (per_address_ == 0 || address.empty()) {
        if (!take_memory(protocol)) return refuse(errc::busy);
        if (begin_.take(now)) return errc::ok;
        give_memory(bytes_of(protocol, Stage::handshake));
        return refuse(errc::rate_limited);
    }
    const std::lock_guard lock(mutex_);
    const std::string source = source_of(address);
    const auto found = addresses_.find(source);
    if (found != addresses_.end() && found->second >= per_address_) return refuse(errc::too_many_per_address);
    if (!take_memory(protocol)) return refuse(errc::busy);
    if (!begin_.take(now)) {
        give_memory(bytes_of(protocol, Stage::handshake));
        return refuse(errc::rate_limited);
    }
    ++addresses_[source];
    return errc::ok;
}

void ConnectionLimits::release(const std::string& address, Protocol protocol, Stage stage) {
    give_memory(bytes_of(protocol, stage));
    open_.fetch_sub(1, std::memory_order_relaxed);
    if (protocol == Protocol::websocket) with_file_.fetch_sub(1, std::memory_order_relaxed);
    if (per_address_ == 0 || address.empty()) return;
    const std::lock_guard lock(mutex_);
    const auto found = addresses_.find(source_of(address));
    if (found != addresses_.end() && --found->second == 0) addresses_.erase(found);
}

std::optional<errc> ConnectionLimits::admit_stranger(session::TimePoint now) {
    if (open_.fetch_add(1, std::memory_order_relaxed) >= in_all_) {
        open_.fetch_sub(1, std::memory_order_relaxed);
        return errc::too_many_connections;
    }
    std::optional<errc> refused;
    const std::uint32_t most = std::max<std::uint32_t>(in_all_ / kShareOfStrangers, 1);
    const bool room = strangers_open_.fetch_add(1, std::memory_order_relaxed) < most;
    if (room && strangers_.take(now)) {
        const bool memory = take_memory(Protocol::quic);
        if (memory && begin_.take(now)) return errc::ok;
        if (memory) give_memory(bytes_of(Protocol::quic, Stage::handshake));
        refused = memory ? errc::rate_limited : errc::busy;
    }
    forget_stranger();
    return refused;
}

void ConnectionLimits::release_stranger(Stage stage) {
    give_memory(bytes_of(Protocol::quic, stage));
    forget_stranger();
}

void ConnectionLimits::forget_stranger() noexcept {
    open_.fetch_sub(1, std::memory_order_relaxed);
    strangers_open_.fetch_sub(1, std::memory_order_relaxed);
}

errc ConnectionLimits::claim(const std::string& address) {
    const errc claimed = count_address(address);
    if (claimed == errc::ok) strangers_open_.fetch_sub(1, std::memory_order_relaxed);
    return claimed;
}

errc ConnectionLimits::count_address(const std::string& address) {
    if (per_address_ == 0) return errc::ok;
    const std::lock_guard lock(mutex_);
    std::uint32_t& count = addresses_[source_of(address)];
    if (count >= per_address_) return errc::too_many_per_address;
    ++count;
    return errc::ok;
}

}  // namespace flare::server
