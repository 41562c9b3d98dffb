// Who is there: what the sessions of this worker show, what its users are told to be, and whom its sessions follow.
// The book of a user is at its home; whoever follows it on another worker is told by that one.
//
// Who blocks the session's user, or whom the application's policy keeps from it, is `unknown` to it. Blocks are read
// from the store with each request that names users, so with each renewal of a lease; one that is made meanwhile hides
// its user at once.
//
// Protocol: docs/protocol.md, "Signals".
// Threads:  its worker's; the store is read on the store's threads.
// Owner:    Signals.
#pragma once

#include "server/config.hpp"
#include "server/conversations/store_access.hpp"
#include "server/signals/answering.hpp"
#include "server/signals/presence_book.hpp"
#include "server/signals/presence_subscriptions.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_set.hpp>

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class PresenceSignals {
public:
    struct Parts {
        const PresenceConfig& config;
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Counters& counters;
    };
    PresenceSignals(const Parts& parts, session::TimePoint started, std::uint32_t index)
        : parts_(parts),
          index_(index),
          answers_(parts.executor, parts.table),
          book_(parts.config.grace, started, parts.router.workers()),
          subscriptions_(parts.config.lease) {}

    // ---- requests: each is answered ----

    void set(const session::ServerSession& session, const session::PendingRequest& pending, wire::im::Presence state);
    // presence.subscribe and presence.get
    void ask(const session::ServerSession& session, const session::PendingRequest& pending,
             const wire::im::Names& users, bool subscribes);
    void unsubscribe(const session::ServerSession& session, const session::PendingRequest& pending,
                     const wire::im::Names& users);

    // ---- sessions ----

    // One of this user has got a connection, or lost the last one, or has ended.
    void changed(std::string_view user);
    void session_ended(const session::ServerSession& session);
    // The user asks to block that one: its sessions see the user no more.
    void blocks(std::string_view user, std::string_view whom);

    // ---- from other workers ----

    PresenceNow watch(std::string_view user, std::uint32_t worker) { return book_.watch(user, worker, time()); }
    void unwatch(std::string_view user, std::uint32_t worker) { book_.unwatch(user, worker); }
    PresenceNow find(std::string_view user) { return book_.find(user, time()); }
    void learn(std::span<const PresenceNews> news);
    void hide(std::string_view from, std::string_view user);

    session::TimePoint next_deadline() const noexcept {
        return std::min(book_.next_deadline(), subscriptions_.next_deadline());
    }
    void on_time();

    std::size_t subscriptions() const noexcept { return subscriptions_.size(); }
    const PresenceBook& book() const noexcept { return book_; }
    void check_invariants() const { subscriptions_.check_invariants(); }

private:
    // A request on its way: to the store, and to the homes of the users.
    struct Asked;
    using AskedPtr = std::shared_ptr<Asked>;

    PresenceBook::Time time() const;
    PresenceBook::Shown shown(std::string_view user);
    bool allows(const session::ServerSession& session, const std::string& user) const;
    void blocks_read(const AskedPtr& asked);
    void ask_homes(const AskedPtr& asked, const std::vector<std::string>& users);
    void answer(const Asked& asked);
    bool send(const Uuid& session, std::span<const wire::im::PresenceState> states);
    // What the book has to tell goes, and who is followed no more is said to its home.
    void pass_on();

    Parts parts_;
    const std::uint32_t index_;
    const SignalAnswers answers_;
    PresenceBook book_;
    PresenceSubscriptions subscriptions_;
    boost::unordered_flat_set<Uuid, base::IdHash> away_;  // sessions whose clients have said so
    bool turn_ends_ = false;                              // pass_on() will come
};

}  // namespace flare::server
