// How many members of a conversation have a live session. The home of the conversation reads who is a member, a page at
// a time, asks all workers at once whom of them they have, and keeps the number for a second, or for ten times as long
// as it took: so a room of 100,000 costs a tenth of a thread of the store, however many ask.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Signals.
#pragma once

#include "base/keyed_hash.hpp"
#include "model/conversation.hpp"
#include "server/conversations/store_access.hpp"
#include "server/signals/answering.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

class ConversationSends;

class OccupancySignals {
public:
    static constexpr session::Duration kKept = std::chrono::seconds(1);
    static constexpr std::size_t kMostKept = 1024;     // conversations; one more is `busy`
    static constexpr std::size_t kMostWaiting = 4096;  // requests for one conversation; one more is `busy`
    static constexpr std::uint32_t kPage = 4096;       // members, in one question to the store

    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        const ConversationSends& sends;
    };
    OccupancySignals(const Parts& parts, std::uint32_t index)
        : parts_(parts), index_(index), answers_(parts.executor, parts.table) {}

    // The request occupancy.get. It is answered; only members are told.
    void get(const session::ServerSession& session, const session::PendingRequest& pending,
             const model::ConversationKey& conversation);

    // The same of the application, at the home of the conversation, which is `row` in the store. `done` is called once.
    using Done = std::function<void(errc code, const wire::im::Occupancy& result)>;
    void get(const model::ConversationKey& conversation, store::Row row, Done done) {
        count(conversation, row, Asker{index_, {}, std::move(done)});
    }

private:
    using Rows = std::vector<store::Row>;
    struct Asker {
        std::uint32_t worker;
        session::PendingRequest pending;
        Done done{};  // of the application; null: a session asks
    };
    struct Count {
        explicit Count(const model::ConversationKey& of) : key(of) {}
        const model::ConversationKey key;
        store::Row row = 0;
        wire::im::Occupancy result{};
        bool counting = false;
        session::TimePoint began{};
        session::TimePoint until{};  // it is kept
        std::vector<Asker> waiting{};
    };

    // At the home of the conversation.
    void count(const model::ConversationKey& key, store::Row row, const Asker& asker);
    void read_members(const model::ConversationKey& key, store::Row row, const std::shared_ptr<Rows>& members);
    void ask_workers(const model::ConversationKey& key, const std::shared_ptr<Rows>& members);
    void counted(const model::ConversationKey& key, errc code, const wire::im::Occupancy& result);
    void tell(const Asker& asker, errc code, const wire::im::Occupancy& result);
    void forget_old();
    // On each worker: how many of these are connected here.
    std::size_t online_among(const Rows& members);

    Parts parts_;
    const std::uint32_t index_;
    const SignalAnswers answers_;
    boost::unordered_flat_map<std::string_view, std::unique_ptr<Count>, base::NameHash> counts_;
    Rows online_;  // users who are connected here, ascending; as of online_at_
    session::TimePoint online_at_{};
};

}  // namespace flare::server
