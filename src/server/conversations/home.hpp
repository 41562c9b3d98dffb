// The conversations whose home is one worker: their messages and changes on the way to the store, and the answers back.
// It does what the state machines of im/ want.
//
// Protocol: docs/conversations.md, "Once, and in one order".
// Threads:  its worker's.
// Owner:    Shard, of a server that has a store.
#pragma once

#include "base/keyed_hash.hpp"
#include "im/append.hpp"
#include "im/direct_budget.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/store_access.hpp"
#include "server/worker/counters.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace flare::server {

class ConversationHome {
public:
    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        Counters& counters;
    };
    ConversationHome(const Parts& parts, std::uint32_t index)
        : parts_(parts), index_(index), answers_(parts.router.workers()) {}

    using Outgoing = std::shared_ptr<StoredMessage>;

    // From a session on any worker. Its answer goes to Awaited there.
    void take(Outgoing message);
    // The same of a request, which has no payload.
    void change(Outgoing request, im::Command command);
    // It has ended: nobody is put off any more for what it was to send again.
    void session_gone(im::SessionKey session);

    session::TimePoint next_deadline() const noexcept { return busy_.empty() ? session::kNever : tick_at_; }
    void on_time();

    // ---- of the users whose home is this worker ----

    // `starter` writes to `other` for the first time.
    im::Refused begin_direct(im::Row starter, im::Row other) {
        return directs_.begin(starter, other, parts_.executor.now());
    }
    void give_back_direct(im::Row starter, im::Row other) { directs_.give_back(starter, other); }
    void answered_direct(im::Row user, im::Row other) { directs_.answered(user, other); }

    std::size_t size() const noexcept { return hosted_.size(); }
    // Between two turns.
    void check_invariants() const;

private:
    struct Hosted {
        Hosted(const model::ConversationKey& key, const im::Limits& limits, im::DeviceRates& devices)
            : append(key, limits, devices) {}
        im::Append append;
        bool touched = false;  // it is in touched_
        bool busy = false;     // it is in busy_
        bool answered[2]{};    // by the first or the second user of a direct conversation, since it is here
    };
    using HostedPtr = std::shared_ptr<Hosted>;

    // What was given to the store, write for write.
    struct Group {
        struct Route {
            HostedPtr hosted;
            im::Ticket ticket;
            im::Token token;
        };
        std::unique_ptr<store::WriteBatch> batch;
        std::vector<Route> routes;
    };

    HostedPtr host(const model::ConversationKey& key);
    void make_room();
    im::Now now() const;

    im::Token keep(Outgoing message);
    void release(im::Token token);

    // Does what `hosted` wants, and looks at it again at the end of the turn.
    void act(const HostedPtr& hosted);
    void end_turn();

    void act_on(const HostedPtr& hosted, const im::effect::LookUp& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::ReadRef& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::LoadConversation& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::LoadMember& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::FindHeirs& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::MakeDirect& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::AppendEntry& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::AppendChange& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::Answer& answer);
    void act_on(const HostedPtr& hosted, const im::effect::Release& wanted);

    // Asks the store on behalf of `hosted`; `then(found, code)` follows here, with code ok if there was an answer.
    template <typename Found, typename Question, typename Then>
    void ask(const HostedPtr& hosted, Question question, Then then);

    Group& group();
    store::NewEntry entry_of(const Hosted& hosted, const StoredMessage& message, std::uint64_t first_sent_ms);
    void written(std::unique_ptr<Group> group, errc code);
    void written_one(const Group::Route& route, const store::Outcome& outcome);
    void pass_on(Hosted& hosted, const Outgoing& message);
    void allow_direct(const HostedPtr& hosted, im::Row starter, im::Row first, im::Row second);

    Parts parts_;
    const std::uint32_t index_;
    const im::Limits limits_{};
    im::DeviceRates devices_{limits_.device};
    im::DirectBudget directs_;
    boost::unordered_flat_map<std::string, HostedPtr, base::NameHash, std::equal_to<>> hosted_;
    std::vector<HostedPtr> touched_;  // in this turn
    std::vector<HostedPtr> busy_;     // something waits in them, or is remembered for a while
    session::TimePoint tick_at_ = session::kNever;
    bool turn_ends_ = false;  // end_turn() will come

    std::vector<Outgoing> kept_;  // by token - 1; null: free
    std::vector<im::Token> free_;
    im::Effects effects_;
    std::unique_ptr<Group> group_;  // of this turn
    std::vector<std::unique_ptr<Group>> spare_;
    std::vector<std::vector<im::effect::Answer>> answers_;  // of this turn, by worker
};

}  // namespace flare::server
