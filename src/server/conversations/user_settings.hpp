// What users choose for conversations: the requests conversation.set and conversation.clear. It is in the store; the
// other sessions of its user are told. Of a user and a conversation one is done at a time: what is told last is true.
//
// Protocol: docs/protocol.md, "States"; docs/conversations.md, "Settings of a user".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "server/conversations/one_by_one.hpp"
#include "server/conversations/push.hpp"
#include "server/conversations/states.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/executor.hpp"
#include "wire/requests.hpp"

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace flare::server {

class UserSettings {
public:
    // Choices whose fate is looked up again for the sessions of their users; of more, the next sync of each tells.
    static constexpr std::size_t kMostUnsure = 256;

    struct Parts {
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        ConversationStates& states;
        ConversationPush& push;
        OneByOne& one_by_one;
    };
    explicit UserSettings(const Parts& parts) : parts_(parts) {}

    // The requests are answered.
    void set(const session::ServerSession& session, const session::PendingRequest& pending,
             const model::ConversationKey& conversation, const wire::im::ConversationSet& body);
    void clear(const session::ServerSession& session, const session::PendingRequest& pending,
               const model::ConversationKey& conversation, const wire::im::ConversationClear& body);

    session::TimePoint next_deadline() const noexcept { return again_at_; }
    void on_time();

private:
    // On its way into the store and back.
    struct Choice;
    using ChoicePtr = std::shared_ptr<Choice>;

    void add(const ChoicePtr& choice);
    // It is over: the next one of its user and conversation.
    void go_on(const ChoicePtr& choice);
    void begin(const ChoicePtr& choice);
    void write(const ChoicePtr& choice);
    void look(const ChoicePtr& choice);
    void tell(const ChoicePtr& choice);
    void fail(const ChoicePtr& choice, errc code);
    // False: the session has heard that it failed, or nothing.
    void answer(const Choice& choice);
    void refuse(const Choice& choice, errc code);

    Parts parts_;
    std::vector<ChoicePtr> unsure_;  // may be in the store, and were not told
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
