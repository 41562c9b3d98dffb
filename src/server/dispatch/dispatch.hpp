// Where a message of a client goes, by its target: to the server's handlers, or to a user.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/dispatch/answers.hpp"
#include "server/dispatch/handlers.hpp"
#include "server/dispatch/users.hpp"

namespace flare::server {

class Dispatch {
public:
    Dispatch(ServerState& state, Answers& answers, Handlers& handlers, Users& users, Counters& counters, Turn& turn)
        : state_(state), answers_(answers), handlers_(handlers), users_(users), counters_(counters), turn_(turn) {}

    // As SessionTableListener::on_message().
    void take(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
              const Bytes& whole);

private:
    errc check_compression(const session::ServerSession& session, const wire::MessageView& message);

    ServerState& state_;
    Answers& answers_;
    Handlers& handlers_;
    Users& users_;
    Counters& counters_;
    Turn& turn_;
};

}  // namespace flare::server
