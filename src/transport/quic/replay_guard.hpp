// Which ClientHellos have brought early data lately: a second one with the same binder is a copy.
//
// Protocol: RFC 8446 section 8.2.
// Threads:  any.
// Owner:    ServerContext. One for all workers of a process; the session layer stands behind it (docs/quic.md).
#pragma once

#include <gnutls/gnutls.h>

#include <chrono>
#include <cstddef>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_set>

namespace flare::transport::quic {

class ReplayGuard {
public:
    using Clock = std::chrono::steady_clock;
    // How far a client's clock may run ahead or behind (RFC 8446 section 8.3), and so how long a Hello is remembered.
    static constexpr std::chrono::seconds kWindow{10};
    static constexpr std::size_t kMaxHellos = 200'000;  // in one window; more get no early data, and lose nothing by it

    ReplayGuard();
    ~ReplayGuard();
    ReplayGuard(const ReplayGuard&) = delete;
    ReplayGuard& operator=(const ReplayGuard&) = delete;

    // False: it was here already, or there is no room to remember it.
    bool first_time(std::string_view hello, Clock::time_point now);
    gnutls_anti_replay_t handle() const noexcept { return handle_; }

private:
    std::mutex mutex_;
    gnutls_anti_replay_t handle_ = nullptr;
    Clock::time_point turned_at_{};
    std::unordered_set<std::string> recent_;
    std::unordered_set<std::string> before_;  // of the window before
};

}  // namespace flare::transport::quic
