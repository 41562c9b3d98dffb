// Messages to users, on this worker or another. docs/compression.md, "On the server".
//
// Threads: its worker's; what is large is inflated in the pool.
// Owner:   Shard.
#pragma once

#include "model/target.hpp"
#include "server/dispatch/answers.hpp"
#include "server/dispatch/handler_queue.hpp"
#include "server/dispatch/waiting_memory.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/router.hpp"
#include "server/worker/turn.hpp"
#include "wire/forms.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace flare::server {

struct OutgoingMessage {
    session::PendingMessage pending;
    std::string to;
    std::string from;
    wire::Forms forms;
    std::shared_ptr<HandlerQueue> queue;  // of a sender whose messages wait for one another
    std::optional<Message> asked;         // what the policy is to be asked, when the payload has been inflated
    std::size_t charge = 0;               // to the sender's budget

    std::string_view conversation() const noexcept { return model::conversation_of(to, from); }
    bool is_large() const noexcept {
        return forms.encoding() != wire::Encoding::none && forms.size() > wire::kAtOnceBytes;
    }
};

class Users {
public:
    struct Parts {
        ServerState& state;
        Router& router;
        Executor& executor;
        session::SessionTable& table;
        Answers& answers;
        WaitingMemory& memory;
        Counters& counters;
        Turn& turn;
    };
    Users(const Parts& parts, std::uint32_t index) : parts_(parts), index_(index) {}

    // From a session here, for a user anywhere.
    void forward(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                 const Bytes& whole);

    // ---- an encoded message for sessions here ----

    // `conversation`: as the recipients call it (model/target.hpp). What a receipt would say. `too_large` (may be
    // null): how many of the user's sessions it was too large for.
    session::Receipt deliver(std::string_view user, std::string_view conversation, wire::Forms& forms,
                             Priority priority, std::size_t* too_large = nullptr);
    // The same for those sessions of the user for which `wanted(session)`; nobody is told what became of it.
    template <typename Wanted>
    void deliver_to(std::string_view user, std::string_view conversation, wire::Forms& forms, const Wanted& wanted) {
        bool sent = false;
        for (session::ServerSession* const session : parts_.table.of_user(user)) {
            if (wanted(*session)) sent |= send_to(*session, conversation, forms, Priority::normal);
        }
        if (sent) ++parts_.counters.messages_sent;
    }
    FanOut broadcast(std::string_view conversation, wire::Forms& forms, Priority priority);

private:
    using Outgoing = std::shared_ptr<OutgoingMessage>;

    bool send_to(session::ServerSession& session, std::string_view conversation, wire::Forms& forms, Priority priority);
    bool allows(const SessionInfo& from, std::string_view to, const Message& message) const;
    void send(const Outgoing& outgoing);
    void begin_large(const Outgoing& outgoing);
    void inflate(const Outgoing& outgoing);
    void inflated(const Outgoing& outgoing, bool whole);
    void end_large(const Outgoing& outgoing, session::Receipt receipt);

    Parts parts_;
    const std::uint32_t index_;
};

}  // namespace flare::server
