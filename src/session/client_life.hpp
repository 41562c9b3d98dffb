// What becomes of a client's session: which carrier it sends on, when it is detached, when and how it is lost or ends.
//
// Protocol: docs/protocol.md, the state tables of the client, "Goodbye".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_carriers.hpp"
#include "session/client_credential.hpp"
#include "session/client_goodbye.hpp"
#include "session/client_requests.hpp"
#include "session/client_session_listener.hpp"
#include "session/client_settings.hpp"
#include "session/client_tickets.hpp"
#include "session/outgoing.hpp"
#include "session/send_health.hpp"

#include <optional>
#include <string>

namespace flare::session {

class ClientLife {
public:
    struct Parts {
        const ClientSettings& settings;
        ClientSessionListener& listener;
        ClientAgreement& agreed;
        ClientTickets& tickets;
        ClientCredential& credential;
        ClientGoodbye& goodbye;
        ClientCarriers& carriers;
        Outgoing& outgoing;
        ClientRequests& requests;
        SendHealth& health;
    };
    explicit ClientLife(const Parts& parts) : parts_(parts) {}

    // ---- its carriers ----
    void make_active(ClientCarrier& carrier, TimePoint now);
    // What was sent and not acknowledged goes out once more, on another carrier.
    void repeat_unacknowledged(TimePoint now);
    // It is gone. If it was the one that sends, the newest other one does, or the session is detached.
    void detach(CarrierKey key, errc reason, const std::string& text, TimePoint now);
    // The carrier closes; it has to be removed.
    void close(ClientCarrier& carrier, errc code, const std::string& text);
    // It closes and is gone.
    void drop(ClientCarrier& carrier, errc code, const std::string& text, TimePoint now);
    // output_ready() for each carrier that has something to write.
    void notify_output(TimePoint now);

    // ---- its end ----
    // The session cannot be had again. `gap`: what the server says that it had; nothing: it does not.
    void lose_session(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap, TimePoint now);
    // A frame has come whose number counts and whose content cannot be had: resuming would pass over it in silence.
    void give_up(errc reason, const std::string& text, TimePoint now);
    void disconnect(TimePoint now);
    void hear_goodbye(const wire::Goodbye& goodbye, TimePoint now);
    // After every event: is a goodbye complete? Both ways to the end: we said it and wait for the server's, or the
    // server said it.
    void settle_goodbye(TimePoint now);
    // Within on_ended(): everything that the server's Goodbye has numbered arrived before the end.
    bool drained() const noexcept { return drained_; }

private:
    void drop_carriers(errc code, const std::string& text, TimePoint now);
    GapReport report_gap(errc reason, const std::string& text, const std::optional<wire::LaneGaps>& gap) const;
    wire::LaneGaps gap_after(const wire::Goodbye& goodbye) const;
    void complete_disconnect(TimePoint now);
    void complete_theirs(TimePoint now);
    void forget_session();

    const Parts parts_;
    bool drained_ = false;
};

}  // namespace flare::session
