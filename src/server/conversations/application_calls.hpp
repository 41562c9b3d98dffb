// What the application asks of conversations, without a session: messages and changes, in the name of users or as the
// server, on their way to the homes of their conversations, and the answers on their way back.
//
// The application knows its users: whom it names as sender, recipient or member is known to the store from then on.
// Rights hold as for anybody; rates do not, and the server may do everything that makes sense.
//
// Protocol: docs/conversations.md, "Once, and in one order".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Conversations.
#pragma once

#include "im/commands.hpp"
#include "im/effects.hpp"
#include "model/conversation.hpp"
#include "model/entry.hpp"
#include "server/conversations/awaited.hpp"
#include "server/conversations/home.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/store_access.hpp"
#include "wire/forms.hpp"

#include <flare/message.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

namespace flare::server {

// A message, or a change of the one at `offset`.
struct ApplicationText {
    model::EntryKind kind = model::EntryKind::message;  // message, edit, removal, reaction
    bool takes_back = false;                            // of a reaction
    std::uint64_t epoch = 0;                            // 0: whichever the log has
    std::uint64_t offset = 0;
    Message message{};  // of a reaction, the payload is the key
    // Of a message and of an edit: as it goes to who is connected, made where there was time for it.
    wire::Forms forms{wire::Body{}};
};

// A change of the conversation.
struct ApplicationChange {
    std::vector<std::string> users{};  // whom it names, each once
    bool makes_users = true;           // whoever of them is not known is made known; else the change is refused
    bool invites = false;              // Person is to say of each what an invitation depends on
    // Of the users in their order, and of how many conversations the actor has.
    std::function<im::Command(std::uint32_t conversations, std::vector<im::command::Person> users)> command{};
    std::uint32_t content = 0;  // ContentHash of what is asked
};

// One thing that the application wants done. Its key is (id, conversation, actor): what is in the log already is not
// done again.
struct ApplicationCall {
    model::ConversationKey key{};
    std::string actor{};  // in whose name; empty: the server
    Uuid id{};
    std::variant<ApplicationText, ApplicationChange> what{};
};

class ApplicationCalls {
public:
    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        Awaited& awaited;
        ConversationHome& home;
        const im::Limits& limits;
    };
    ApplicationCalls(const Parts& parts, std::uint32_t index) : parts_(parts), index_(index) {}

    // One answer for each call, in their order; calls to one conversation are done in this order, and once one of them
    // is put off, so are those behind it.
    using Done = std::function<void(const std::vector<im::effect::Answer>& answers)>;
    // `done` is called once: on this thread, or with shutting_down when the worker ends.
    void take(std::vector<ApplicationCall> calls, Done done);

private:
    class Job;
    using JobPtr = std::shared_ptr<Job>;

    void find_users(const JobPtr& job);
    void make_users(const JobPtr& job);
    void send(const JobPtr& job);
    void refuse_all(const JobPtr& job, errc code);

    const Parts parts_;
    const std::uint32_t index_;
    std::uint64_t jobs_ = 0;
};

}  // namespace flare::server
