// Messages of a worker's sessions to users and rooms of a server that has a store: each on its way to the home of its
// conversation, in the order in which its session sent it, and its answer on the way back.
//
// Protocol: docs/conversations.md, "Once, and in one order"; docs/compression.md, "On the server".
// Threads:  its worker's; what is large is inflated in the pool.
// Owner:    Shard, of a server that has a store.
#pragma once

#include "base/keyed_hash.hpp"
#include "base/pool.hpp"
#include "im/commands.hpp"
#include "im/effects.hpp"
#include "server/conversations/awaited.hpp"
#include "server/conversations/home.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/user_rows.hpp"
#include "server/dispatch/answers.hpp"
#include "server/worker/router.hpp"
#include "server/worker/server_state.hpp"
#include "server/worker/turn.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class ConversationSends {
public:
    struct Parts {
        ServerState& state;
        Router& router;
        Executor& executor;
        StoreAccess& store;
        UserRows& rows;
        Answers& answers;
        Awaited& awaited;
        ConversationHome& home;
        Turn& turn;
    };
    ConversationSends(const Parts& parts, std::uint32_t index)
        : parts_(parts), index_(index), leaving_(parts.router.workers()) {}

    // Its user is known to the store from here on: others may write to it.
    void session_began(const session::ServerSession& session);
    void session_ended(const session::ServerSession& session);
    // By which homes know it.
    im::SessionKey session_key(const session::ServerSession& session) const {
        return senders_.find(session.id().value)->second->key;
    }

    // Of its user in the store; 0: not known yet.
    im::Row row_of(const session::ServerSession& session) const {
        const auto found = senders_.find(session.id().value);
        return found == senders_.end() ? 0 : found->second->row;
    }

    // A message to a user or a room.
    void take(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
              const Bytes& whole);
    // A request that changes the conversation `key`, to its home, in the order of what the session sends. Its answer
    // goes to Awaited.
    struct Change {
        std::vector<std::string> users{};  // whom it names
        bool counts = false;               // in how many conversations who asks is matters
        std::string_view objection{};      // why it is forbidden, unless it was done already; empty: it is not
        // Of that number and of the users.
        std::function<im::Command(std::uint32_t conversations, std::vector<im::command::Person>)> command{};
        bool invites = false;  // Person is to say of each what an invitation depends on
    };
    void request(const session::ServerSession& session, const session::PendingRequest& pending,
                 const wire::RequestView& request, const model::ConversationKey& key, std::uint32_t content,
                 Change change);

    // A request that changes a message of the conversation `key`: the same.
    struct MessageChange {
        model::EntryKind kind{};  // edit, removal, reaction
        std::uint8_t flags = 0;
        std::uint64_t epoch = 0;  // 0: whichever the log has
        std::uint64_t offset = 0;
        wire::MessageView content{};  // of an edit, as it would be sent; of a reaction the key is the payload
    };
    void change_message(const session::ServerSession& session, const session::PendingRequest& pending,
                        const wire::RequestView& request, const model::ConversationKey& key, std::uint32_t content,
                        const MessageChange& change);

    // Lets what was sent in this turn go to its homes.
    void end_turn();

    session::TimePoint next_deadline() const noexcept { return go_on_at_; }
    void on_time();

private:
    struct Held {
        std::shared_ptr<StoredMessage> message;
        bool compressed = false;                       // it must be shown to be readable before it goes
        std::optional<Message> asked{};                // what the policy is to be asked
        bool looked_up = false;                        // whether it is a repeat of what is in the log
        std::optional<Change> change{};                // of a request
        std::shared_ptr<const im::Command> command{};  // of a request whose users are known
    };
    struct Sender {
        im::SessionKey key = 0;
        std::uint64_t device = 0;  // hash of user and device
        // What is on its way keeps the name, and not the sender, which holds what is on its way.
        std::shared_ptr<const std::string> user;
        std::shared_ptr<const SessionInfo> info;
        im::Row row = 0;           // 0: not known yet
        std::uint64_t places = 0;  // that were given: im::Send::place
        bool waits = false;        // the first of `held` is being inflated, or its users are being looked up
        std::list<Held, base::PoolAllocator<Held>> held;  // in order; most senders hold nothing
        std::vector<bool> homes;                          // to which something went, by worker
    };
    using SenderPtr = std::shared_ptr<Sender>;
    std::optional<model::ConversationKey> key_of(const session::ServerSession& session, std::string_view to,
                                                 const session::PendingMessage& pending);
    static im::Send next_send(Sender& sender, const Uuid& id, std::uint64_t first_sent_ms_ago);
    static std::shared_ptr<StoredMessage> bare(const SenderPtr& sender, const im::Send& send,
                                               model::ConversationKey key);
    void hold(const SenderPtr& sender, Held held);
    void ask_row(const SenderPtr& sender);
    // It cannot say what is to be known of `held`. none_stored: nothing of it can be in the log.
    void store_fails(const SenderPtr& sender, errc code, bool none_stored = false);
    void go_on_later(const SenderPtr& sender);
    // Lets go what may.
    void go_on(const SenderPtr& sender);
    bool ready(const SenderPtr& sender, Held& held);
    void look_up(const SenderPtr& sender, const Held& held);
    void inflate(const SenderPtr& sender, const Held& held);
    void find_users(const SenderPtr& sender, const Held& held);
    void find_mentioned(const SenderPtr& sender, const Held& held);
    void count_conversations(const SenderPtr& sender, const std::vector<im::Row>& users);
    void judge(const SenderPtr& sender, bool whole);
    void send(Sender& sender, std::shared_ptr<StoredMessage> message, std::shared_ptr<const im::Command> command);
    // To be put off by its home, so that what comes behind it is, too.
    void send_put_off(Sender& sender, const Held& held, errc code);
    bool allows(const Sender& sender, const Held& held) const;
    bool is_asked(HookQuestion::About about) const noexcept {
        return parts_.state.asked_hooks != nullptr && parts_.state.asked_hooks->asks(about);
    }

    Parts parts_;
    const std::uint32_t index_;
    std::uint64_t last_session_ = 0;
    boost::unordered_flat_map<Uuid, SenderPtr, base::IdHash> senders_;  // by session
    std::vector<std::weak_ptr<Sender>> stuck_;                          // until the store, or the pool, has room
    session::TimePoint go_on_at_ = session::kNever;
    std::vector<std::vector<Departure>> leaving_;  // at the end of this turn, by worker
    bool turn_ends_ = false;                       // end_turn() will come
};

}  // namespace flare::server
