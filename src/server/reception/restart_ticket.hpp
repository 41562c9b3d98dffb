// Decides when a ticket from before a restart replaces the credential. docs/server.md, "Storms".
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/reception/authenticator.hpp"
#include "server/worker/server_carrier.hpp"
#include "session/lasting_ticket.hpp"

#include <optional>

namespace flare::server {

class RestartTickets {
public:
    RestartTickets(ServerState& state, Executor& executor, const Authenticator& authenticator)
        : state_(state), executor_(executor), authenticator_(authenticator) {}

    // A resume whose session nobody knows here: if it shows a ticket of a process before, the Refused asks for a proof
    // that is made for this connection.
    void ask_for_proof(ServerCarrier& carrier, const wire::Hello& hello, wire::Refused& refused) const;
    // Whom the Hello after that stands for. Nothing: the credential decides.
    std::optional<session::SessionCredential> proven(ServerCarrier& carrier, const wire::Hello& hello) const;

private:
    bool holds(const session::TicketContents& ticket) const;
    session::SessionCredential credential_of(const session::TicketContents& ticket) const;

    ServerState& state_;
    Executor& executor_;
    const Authenticator& authenticator_;
};

}  // namespace flare::server
