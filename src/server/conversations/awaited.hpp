// The messages and requests of a worker's sessions, and the calls of the application, whose answers come from the homes
// of their conversations.
//
// Threads: its worker's.
// Owner:   Conversations.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/effects.hpp"
#include "model/conversation.hpp"
#include "server/conversations/store_access.hpp"
#include "server/dispatch/answers.hpp"
#include "server/dispatch/waiting_memory.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare::server {

class Awaited {
public:
    // A request that is answered with what the conversation is then.
    struct Describing {
        session::PendingRequest request;
        model::ConversationKey key;
        std::string user;
        std::string name;  // of the conversation, to that user
    };
    // Who has made calls for the application, and is told each answer by the number of the call.
    class Caller {
    public:
        virtual ~Caller() = default;
        virtual void answered(std::size_t call, const im::effect::Answer& answer) = 0;
    };
    struct Called {
        std::shared_ptr<Caller> caller;
        std::size_t call = 0;
    };
    // Messages are many, and rooms are seldom made.
    using Pending =
        std::variant<session::PendingMessage, session::PendingRequest, std::shared_ptr<const Describing>, Called>;

    Awaited(Executor& executor, StoreAccess& store, session::SessionTable& table, Answers& answers,
            WaitingMemory& memory)
        : executor_(executor), store_(store), table_(table), answers_(answers), memory_(memory) {}

    // duplicate_message_id: the session waits for another one with this id. busy: it waits, but there is no memory for
    // the `bytes` of what is on its way.
    errc add(im::SessionKey session, const Uuid& id, const Pending& pending, std::size_t bytes);
    // Answers it, if it still waits.
    void answer(const im::effect::Answer& answer);
    void refuse(im::SessionKey session, const Uuid& id, errc code, std::string_view text);
    // One that was not added.
    void refuse(const session::PendingRequest& pending, errc code) { give(pending, {.code = code}); }
    // The session has gone. Its messages are given back; nobody hears of them.
    void give_up(im::SessionKey session);
    std::size_t size() const noexcept { return pending_.size(); }

private:
    struct Key {
        im::SessionKey session;
        Uuid id;
        friend bool operator==(const Key&, const Key&) = default;
    };
    struct KeyHash {
        using is_avalanching = std::true_type;
        std::size_t operator()(const Key& key) const noexcept {
            return base::IdHash{}(key.id) ^ static_cast<std::size_t>(key.session * 0x9E3779B97F4A7C15ull);
        }
    };
    errc code_for(const session::SessionId& session, errc code) const;
    void give(const session::PendingMessage& pending, const im::effect::Answer& answer);
    void give(const session::PendingRequest& pending, const im::effect::Answer& answer);
    void give(const std::shared_ptr<const Describing>& pending, const im::effect::Answer& answer);
    void give(const Called& pending, const im::effect::Answer& answer);

    struct Waiting {
        Pending pending;
        std::size_t charge = 0;  // of memory_
    };
    Executor& executor_;
    StoreAccess& store_;
    session::SessionTable& table_;
    Answers& answers_;
    WaitingMemory& memory_;
    boost::unordered_flat_map<Key, Waiting, KeyHash> pending_;
};

}  // namespace flare::server
