// What a client's session says, passed to the part that it concerns.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/im/signal_state.hpp"
#include "client/im/sync.hpp"
#include "client/loop/connecting.hpp"
#include "client/loop/messages.hpp"
#include "client/loop/requests.hpp"

#include <functional>
#include <string>
#include <string_view>

namespace flare::client {

class SessionEvents final : public session::ClientSessionListener {
public:
    // Some are made after this, and none is used before the session speaks.
    struct Parts {
        session::ClientSession& session;
        Links& links;
        Credential& credential;
        Waiters& waiters;
        Figures& figures;
        FlightNotes& notes;
        Connecting& connecting;
        Connectivity& connectivity;
        Messages& messages;
        Requests& requests;
        Sync& sync;
        SignalState& signals;
    };
    // `consumes` makes what is called on the event thread when the application has done with a message.
    using Consumes = std::function<std::function<void()>(session::LaneIndex lane, std::uint64_t cost)>;
    SessionEvents(const Parts& parts, Consumes consumes) : parts_(parts), consumes_(std::move(consumes)) {}

    // The client is being destroyed: its carriers matter no more.
    void close() noexcept { closed_ = true; }

private:
    void on_ready(session::CarrierKey key, bool resumed) override;
    void on_standby(session::CarrierKey key) override;
    void on_detached(errc reason, const std::string& text) override;
    void on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) override;
    void on_gap(const session::GapReport& report) override { parts_.messages.on_gap(report); }
    void on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                    std::uint64_t cost) override;
    void on_outcome(const session::Outcome& outcome) override { parts_.messages.on_outcome(outcome); }
    void on_first_sent(const Uuid& id) override { parts_.messages.on_first_sent(id); }
    void on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                     std::uint64_t cost) override;
    void on_feed(session::LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                 std::uint64_t cost) override;
    void on_feed_refused(session::LaneIndex, std::uint32_t feed_id, errc) override {
        parts_.sync.feeds().on_feed_refused(feed_id);
    }
    void on_notice(std::string_view body) override {
        parts_.signals.on_notice(body);
        parts_.figures.stats().notices_unreadable = parts_.signals.unreadable();
    }
    void on_request_failed(const Uuid& id, errc code, const std::string& text) override;
    void on_heartbeat(session::CarrierKey key, session::Duration round_trip) override;
    void on_suspect(session::CarrierKey key) override;
    void on_recovered(session::CarrierKey key) override;
    void on_slow(session::CarrierKey key, session::Duration age) override;
    void on_probe(session::CarrierKey key, std::uint64_t id) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override { parts_.links.output_ready(key); }
    void on_credential(const wire::CredentialState& state) override;
    void on_disconnected(bool drained) override;

    const Parts parts_;
    const Consumes consumes_;
    bool closed_ = false;
};

}  // namespace flare::client
