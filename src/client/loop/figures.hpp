// The client's state for other threads, and the emission of its events.
//
// Threads: its client's I/O thread, but for snapshot(), which any thread may call.
// Owner:   ClientLoop.
#pragma once

#include "client/config.hpp"
#include "client/connect/connectivity.hpp"
#include "client/loop/event_queue.hpp"
#include "client/loop/links.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace flare::client {

struct Snapshot {
    ClientStatus status = ClientStatus::disconnected;
    ConnectionStats stats;
    std::map<Protocol, ProtocolMetrics> metrics;  // of every protocol that is configured
    std::size_t queue_length = 0;
    std::string session_id;
};

class Figures {
public:
    Figures(const Config& config, std::shared_ptr<EventQueue> events, const session::ClientSession& session,
            const Links& links, const Connectivity& connectivity);

    ConnectionStats& stats() noexcept { return stats_; }
    ProtocolMetrics& of(Protocol protocol) { return metrics_[protocol]; }
    void heard() { stats_.last_activity = std::chrono::system_clock::now(); }

    // What callbacks ask agrees with what they are told: emit() publishes first.
    void publish();
    void emit(Event event, std::function<void()> after = {});
    // Made on the event thread; nothing: there is none.
    void emit_later(std::function<std::optional<Event>()> make, std::function<void()> after = {});
    Snapshot snapshot() const;

private:
    const Config& config_;
    const std::shared_ptr<EventQueue> events_;
    const session::ClientSession& session_;
    const Links& links_;
    const Connectivity& connectivity_;
    ConnectionStats stats_;
    std::map<Protocol, ProtocolMetrics> metrics_;
    mutable std::mutex mutex_;
    Snapshot snapshot_;
};

}  // namespace flare::client
