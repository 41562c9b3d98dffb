// Who types: a request of a session, told at once to the sessions that have a feed of the conversation, wherever they
// are. Nothing of it is kept.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Signals.
#pragma once

#include "im/refusal.hpp"
#include "model/conversation.hpp"
#include "server/conversations/store_access.hpp"
#include "server/signals/answering.hpp"
#include "server/signals/typing_throttle.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/router.hpp"

#include <functional>
#include <string>

namespace flare::server {

class ConversationFeeds;
class Watched;

class TypingSignals {
public:
    // In larger conversations nobody is told: hundreds of people who see hundreds type see nothing.
    static constexpr std::uint64_t kMostMembers = 100;

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Watched& watched;  // of the home on this worker
        ConversationFeeds& feeds;
        Counters& counters;
    };
    explicit TypingSignals(const Parts& parts) : parts_(parts), answers_(parts.executor, parts.table) {}

    // The request typing. It is answered. Only who may write there is told of, and the answer says so if not; of what
    // comes too often, or is not told to anybody because of the size of the conversation, it does not.
    void take(const session::ServerSession& session, const session::PendingRequest& pending,
              const model::ConversationKey& conversation, bool on);

    // The same of the application, in the name of a user. `done` is called once; nothing: it is told.
    using Done = std::function<void(const im::Refused& refused)>;
    void take(const std::string& user, const model::ConversationKey& conversation, bool on, Done done);

    // What is told: encoded once, for everybody.
    struct Told {
        model::ConversationKey conversation;
        std::string user;
        wire::Body notice;
    };
    // At the home of the conversation: to the workers that have feeds of it.
    void pass_on(const Told& told);
    // To the sessions here.
    void tell(const Told& told);

private:
    void drop();

    Parts parts_;
    const SignalAnswers answers_;
    TypingThrottle throttle_;
};

}  // namespace flare::server
