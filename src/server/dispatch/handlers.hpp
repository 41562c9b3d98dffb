// Runs the application's message handlers: in order and one at a time for each session, on the worker's thread, in the
// pool or as coroutines.
//
// Threads: its worker's; handlers may run in the pool.
// Owner:   Shard.
#pragma once

#include "server/dispatch/answers.hpp"
#include "server/dispatch/handler_queue.hpp"
#include "server/dispatch/waiting_memory.hpp"
#include "server/worker/turn.hpp"

#include <memory>

namespace flare::server {

// A payload that a thread of the pool has compressed, or found not worth it.
struct CompressedPayload {
    Bytes bytes;
    wire::Encoding encoding = wire::Encoding::none;
};

class Handlers {
public:
    Handlers(ServerState& state, Executor& executor, session::SessionTable& table, Answers& answers,
             WaitingMemory& memory, Counters& counters, Turn& turn)
        : state_(state),
          executor_(executor),
          table_(table),
          answers_(answers),
          memory_(memory),
          counters_(counters),
          turn_(turn) {}

    // `view`: of what `message` was made from. Its payload may still be compressed.
    void take(session::ServerSession& session, session::PendingMessage&& pending, Message&& message,
              const wire::MessageView& view);

private:
    using Queue = std::shared_ptr<HandlerQueue>;

    void run_next(const Queue& queue);
    void run(const Queue& queue, HandlerTask task);
    void run_here(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
                  const Handler& handler);
    void run_in_pool(const Queue& queue, HandlerTask task, const Handler& handler);
    Task<void> run_coroutine(Queue queue, HandlerTask task, const Handler& handler);
    bool inflate(const Queue& queue, HandlerTask& task);
    void inflate_in_pool(const Queue& queue, HandlerTask task);
    void refuse(const HandlerTask& task, errc code, std::string_view text);
    void handled(const HandlerQueue& queue, const session::PendingMessage& pending, const HandlerResult& result,
                 session::TimePoint began, const CompressedPayload* packed = nullptr);
    void reply(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
               const CompressedPayload* packed, session::TimePoint now);

    ServerState& state_;
    Executor& executor_;
    session::SessionTable& table_;
    Answers& answers_;
    WaitingMemory& memory_;
    Counters& counters_;
    Turn& turn_;
};

}  // namespace flare::server
