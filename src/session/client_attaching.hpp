// How a client's carrier gets to its session: the Hello, what goes with it at once, and what the answer says.
//
// Protocol: docs/protocol.md, "Attaching a carrier", "The first flight", "Tickets".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_inbound.hpp"
#include "session/client_life.hpp"

namespace flare::session {

class ClientAttaching {
public:
    struct Parts {
        const ClientSettings& settings;
        base::Random& random;
        Budget& budget;
        ClientSessionListener& listener;
        ClientAgreement& agreed;
        ClientTickets& tickets;
        const ClientCredential& credential;
        ClientGoodbye& goodbye;
        ClientCarriers& carriers;
        Outgoing& outgoing;
        ClientRequests& requests;
        ClientInbound& inbound;
        ClientLife& life;
    };
    explicit ClientAttaching(const Parts& parts) : parts_(parts) {}

    // Of a carrier whose Hello is due.
    void write_hello(ClientCarrier& carrier, wire::Batch& batch, TimePoint now);
    // ClientSession says what this is.
    bool may_go_early() const noexcept;
    // A frame on a carrier that is not attached: the answer to its Hello. The carrier may be gone then.
    void handle_answer(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now);

private:
    wire::Hello make_hello(ClientCarrier& carrier, TimePoint now);
    wire::Resume prove(ClientCarrier& carrier, const wire::Hello& hello, bool live);
    void write_first_flight(ClientCarrier& carrier, wire::Batch& batch, TimePoint now);
    void handle_welcome(ClientCarrier& carrier, const wire::Welcome& welcome, TimePoint now);
    void handle_refused(ClientCarrier& carrier, const wire::Refused& refused, TimePoint now);
    void begin_session(const wire::Welcome& welcome);
    void ask_again(ClientCarrier& carrier, const wire::Refused& refused, TimePoint now);
    void put_on_trial(TimePoint now);
    bool can_resume() const noexcept { return parts_.tickets.can_resume() && parts_.agreed.lanes; }

    const Parts parts_;
};

}  // namespace flare::session
