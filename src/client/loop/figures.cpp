#include "client/loop/figures.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {

Figures::Figures(const Config& config, std::shared_ptr<EventQueue> events, const session::ClientSession& session,
                 const Links& links, const Connectivity& connectivity)
    : config_(config), events_(std::move(events)), session_(session), links_(links), connectivity_(connectivity) {
    for (const Url& url : config.addresses) metrics_[url.protocol].protocol = url.protocol;
    snapshot_.metrics = metrics_;
}

void Figures::publish() {
    const std::lock_guard lock(mutex_);
    snapshot_.status = connectivity_.status();
    ConnectionStats& stats = snapshot_.stats;
    stats = stats_;
    stats.protocol = connectivity_.in_use();
    stats.last_activity = std::max(stats_.last_activity, links_.last_written());
    stats.bytes_sent = links_.past().bytes_sent;
    stats.bytes_received = links_.past().bytes_received;
    for (const auto& [key, link] : links_.all()) {
        if (!link) continue;
        const transport::CarrierStats& of_carrier = link->carrier->stats();
        stats.bytes_sent += of_carrier.bytes_out;
        stats.bytes_received += of_carrier.bytes_in;
        if (key == session_.active()) stats.sealed = link->carrier->sealed();
        if (key != session_.active() || link->protocol() != Protocol::quic) continue;
        stats.quic = {of_carrier.smoothed_rtt, of_carrier.congestion_window, of_carrier.bytes_in_flight,
                      of_carrier.migrations};
    }
    stats.rtt = session_.round_trip();
    if (const auto& store = session_.store()) stats.durability = store->durability;
    snapshot_.metrics = metrics_;
    snapshot_.queue_length = session_.queue_length();
    snapshot_.session_id = session_.id() ? session_.id()->value.str() : std::string();
}

Snapshot Figures::snapshot() const {
    Snapshot found;
    {
        const std::lock_guard lock(mutex_);
        found = snapshot_;
    }
    // Messages are inflated on the event thread, between what is published: its counters are read as they are now.
    if (config_.session.compression) found.stats.compression = config_.session.compression->stats();
    return found;
}

void Figures::emit(Event event, std::function<void()> after) {
    publish();
    events_->push(std::move(event), std::move(after));
}

void Figures::emit_later(std::function<std::optional<Event>()> make, std::function<void()> after) {
    publish();
    events_->push(std::move(make), std::move(after));
}

}  // namespace flare::client
