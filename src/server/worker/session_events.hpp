// Reacts to events of a shard's sessions: hooks, log, counters; passes messages to Dispatch and output to Carriers.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/admin/flight_log.hpp"
#include "server/dispatch/dispatch.hpp"
#include "server/reception/authenticator.hpp"
#include "server/worker/carriers.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/hooks.hpp"
#include "server/worker/shedding.hpp"

namespace flare::server {

class SessionEvents final : public session::SessionTableListener {
public:
    // Some are made after this one: none is used before the first event.
    struct Parts {
        ServerState& state;
        Executor& executor;
        session::SessionTable& table;
        Carriers& carriers;
        Authenticator& authenticator;
        Dispatch& dispatch;
        Shedding& shedding;
        Counters& counters;
        FlightLog& log;
    };
    // The server has a store.
    void offer(Conversations* conversations) noexcept { conversations_ = conversations; }
    explicit SessionEvents(const Parts& parts) : parts_(parts), hooks_(parts.state, parts.executor) {}

    void on_session_created(session::ServerSession& session) override;
    void on_session_ended(session::ServerSession& session, errc reason, const std::string& text) override;
    void on_presence(session::ServerSession& session) override;
    void on_carrier_attached(session::ServerSession& session, session::CarrierKey key) override;
    void on_carrier_activated(session::ServerSession& session, session::CarrierKey key) override;
    void on_carrier_detached(session::ServerSession&, session::CarrierKey) override {}
    void on_room(session::ServerSession& session) override;
    void on_acked(session::ServerSession& session, std::uint32_t feed, std::uint64_t token) override;
    bool keeps(const wire::DataView& data) const override;
    void on_message(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                    const Bytes& whole) override;
    void on_request(session::ServerSession& session, session::PendingRequest&& pending,
                    const wire::RequestView& request, const Bytes& whole) override;
    void on_message_refused(session::ServerSession& session, errc code) override;
    void on_reply_refused(session::ServerSession& session, errc code) override;
    void on_memory_short() override;
    void on_heartbeat(session::ServerSession& session) override;
    void on_credential(session::ServerSession& session, std::string_view token) override;
    void close_carrier(session::CarrierKey key, errc code, const std::string& text) override;
    void output_ready(session::CarrierKey key) override;
    void on_peer_error(const session::ServerSession* session, session::CarrierKey key, errc code,
                       const std::string& text) override;

private:
    void renew(const session::SessionId& id, Checked<Identity> identity);

    Parts parts_;
    Hooks hooks_;
    HandlerQueues queues_;
    Conversations* conversations_ = nullptr;
};

}  // namespace flare::server
