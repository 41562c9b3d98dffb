// The messages of one session that wait for their handler. It outlives the session: what was received is acted on.
//
// Threads: its worker's; a handler in the pool may look at `info`.
// Owner:   the session, and what is under way for it.
#pragma once

#include "session/session_table.hpp"
#include "wire/compression.hpp"

#include <flare/server.hpp>

#include <boost/container/deque.hpp>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>

namespace flare::server {

// A message on its way to a handler.
struct HandlerTask {
    session::PendingMessage pending;
    Message message;
    // Its payload as it came, until its turn: what waits is no larger than the credit that it took.
    wire::Encoding encoding = wire::Encoding::none;
    std::uint64_t size = 0;
    wire::Encodings encodings = 0;  // of its session
    std::size_t charge = 0;         // to the budget, for as long as the handler runs
};

// A message on its way to a user: users.hpp.
struct OutgoingMessage;

struct HandlerQueue {
    std::shared_ptr<const SessionInfo> info;  // replaced as a whole: a handler in the pool may look at it
    std::string address;                      // of the connection that was attached last, and its protocol: for the log
    Protocol protocol = Protocol::websocket;
    boost::container::deque<HandlerTask> waiting;  // it has no memory while empty
    bool running = false;
    // Not null: a large message to a user is being inflated, and later ones wait, so that they do not overtake it.
    std::unique_ptr<std::deque<std::shared_ptr<OutgoingMessage>>> held;
};

// Every session that was told of (on_session_created) has one.
inline HandlerQueue* queue_of(const session::ServerSession& session) {
    return static_cast<HandlerQueue*>(session.attachment.get());
}
inline std::shared_ptr<HandlerQueue> shared_queue_of(const session::ServerSession& session) {
    return std::static_pointer_cast<HandlerQueue>(session.attachment);
}

}  // namespace flare::server
