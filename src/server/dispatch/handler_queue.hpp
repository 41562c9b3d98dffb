// Messages of one device that wait for their handler, in order. The queue outlives its session: received messages are
// processed, and before those of the device's next session.
//
// Threads: its worker's; a handler in the pool may look at `info`.
// Owner:   the session, and what is under way for it.
#pragma once

#include "session/planted.hpp"
#include "session/session_table.hpp"
#include "wire/compression.hpp"

#include <flare/server.hpp>

#include <boost/container/deque.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

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

    bool busy() const noexcept { return running || !waiting.empty() || held != nullptr; }
};

// Every session that was told of (on_session_created) has one.
inline HandlerQueue* queue_of(const session::ServerSession& session) {
    return static_cast<HandlerQueue*>(session.attachment.get());
}
inline std::shared_ptr<HandlerQueue> shared_queue_of(const session::ServerSession& session) {
    return std::static_pointer_cast<HandlerQueue>(session.attachment);
}

// Gives sessions their queues: that of the device's session before, as long as something of it waits.
class HandlerQueues {
public:
    void begin(session::ServerSession& session, std::shared_ptr<const SessionInfo> info) {
        std::shared_ptr<HandlerQueue> queue;
        if (!left_.empty() && !session::planted(session::Fault::device_queue_forgotten)) {
            const auto found = left_.find(name_of(session));
            if (found != left_.end() && found->second->busy()) queue = found->second;
            if (found != left_.end()) left_.erase(found);
        }
        if (queue == nullptr) queue = std::make_shared<HandlerQueue>();
        queue->info = std::move(info);
        queue->address.clear();
        session.attachment = std::move(queue);
    }
    // The session has ended. What is done by then needs no memory.
    void end(const session::ServerSession& session) {
        boost::unordered::erase_if(left_, [](const auto& each) { return !each.second->busy(); });
        if (const HandlerQueue* queue = queue_of(session); queue != nullptr && queue->busy())
            left_[name_of(session)] = shared_queue_of(session);
    }

private:
    static std::string name_of(const session::ServerSession& session) {
        return session.user() + '\0' + session.device();
    }
    // Of devices whose session has ended while something waited.
    boost::unordered_flat_map<std::string, std::shared_ptr<HandlerQueue>> left_;
};

}  // namespace flare::server
