// Routes a client's message by its target: to the server's handlers, or to a user.
//
// Threads: its worker's.
// Owner:   Shard.
#pragma once

#include "server/dispatch/answers.hpp"
#include "server/dispatch/handlers.hpp"
#include "server/dispatch/users.hpp"
#include "server/dispatch/waiting_memory.hpp"

namespace flare::server {

struct Conversations;

class Dispatch {
public:
    struct Parts {
        ServerState& state;
        Router& router;
        Executor& executor;
        session::SessionTable& table;
        session::Budget& budget;
        Shedding& shedding;
        Counters& counters;
        Turn& turn;
    };
    Dispatch(const Parts& parts, std::uint32_t index)
        : state_(parts.state),
          counters_(parts.counters),
          turn_(parts.turn),
          memory_(parts.state, parts.budget, parts.shedding),
          answers_(parts.executor, parts.table, parts.counters),
          handlers_(parts.state, parts.executor, parts.table, answers_, memory_, parts.counters, parts.turn),
          users_(
              {parts.state, parts.router, parts.executor, parts.table, answers_, memory_, parts.counters, parts.turn},
              index) {}

    // Messages to users and rooms go there from now on.
    void offer(Conversations* conversations) noexcept { conversations_ = conversations; }

    // As SessionTableListener::on_message().
    void take(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
              const Bytes& whole);

    Users& users() noexcept { return users_; }
    Answers& answers() noexcept { return answers_; }
    WaitingMemory& memory() noexcept { return memory_; }

private:
    errc check_compression(const session::ServerSession& session, const wire::MessageView& message);

    ServerState& state_;
    Counters& counters_;
    Turn& turn_;
    WaitingMemory memory_;
    Answers answers_;
    Handlers handlers_;
    Users users_;
    Conversations* conversations_ = nullptr;  // null: the server has no store
};

}  // namespace flare::server
