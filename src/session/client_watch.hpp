// What time does to a client's session: carriers that are silent or slow, messages that have waited for too long, a
// goodbye without an end.
//
// Protocol: docs/protocol.md, "Liveness", "Goodbye"; docs/racing.md, "When a connection is of no use".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_life.hpp"

namespace flare::session {

class ClientWatch {
public:
    struct Parts {
        ClientSessionListener& listener;
        const ClientAgreement& agreed;
        const ClientGoodbye& goodbye;
        const ClientCarriers& carriers;
        Outgoing& outgoing;
        ClientRequests& requests;
        SendHealth& health;
        ClientLife& life;
    };
    explicit ClientWatch(const Parts& parts) : parts_(parts) {}

    TimePoint next_deadline() const;
    void on_time(TimePoint now);

private:
    void check_carriers(TimePoint now);
    void check_carrier(CarrierKey key, TimePoint now);
    void check_active(TimePoint now);

    const Parts parts_;
};

}  // namespace flare::session
