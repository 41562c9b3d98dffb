// Calls the application's authentication handler.
//
// Threads: its worker's; the handler may run in the pool.
// Owner:   Shard.
#pragma once

#include "server/worker/executor.hpp"
#include "server/worker/server_carrier.hpp"
#include "server/worker/server_state.hpp"
#include "session/session_table.hpp"

#include <functional>

namespace flare::server {

// What the handler is told of a connection; who asks, and with what, is still to be filled in.
AuthRequest request_on(const ServerCarrier& carrier);

class Authenticator {
public:
    Authenticator(ServerState& state, Executor& executor) : state_(state), executor_(executor) {}

    // Everybody is who they say they are.
    bool believes_anybody() const noexcept { return state_.config.believes_anybody(); }
    // Asks the handler, wherever it runs; `done` is called on this worker's thread, perhaps at once. Errors: the
    // handler's; token_expired, claims_too_large, internal (it threw), busy (too many wait for the pool).
    void verify(AuthRequest request, std::function<void(Checked<Identity>)> done);
    // Expiry in the session's clock, which nobody sets. Beyond ten years it is never.
    session::SessionCredential in_steady_time(Identity identity) const;
    bool is_revoked(const session::SessionCredential& credential) const;

private:
    Task<void> ask(AuthRequest request, std::function<void(Checked<Identity>)> done);

    ServerState& state_;
    Executor& executor_;
};

}  // namespace flare::server
