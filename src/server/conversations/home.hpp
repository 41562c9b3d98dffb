// The conversations whose home is one worker: their messages and changes on the way to the store, and the answers back.
// It does what the state machines of im/ want.
//
// Protocol: docs/conversations.md, "Once, and in one order".
// Threads:  its worker's.
// Owner:    Shard, of a server that has a store.
#pragma once

#include "im/append.hpp"
#include "im/direct_budget.hpp"
#include "server/conversations/asked_hooks.hpp"
#include "server/conversations/awaited.hpp"
#include "server/conversations/hosted.hpp"
#include "server/conversations/kept_messages.hpp"
#include "server/conversations/newcomers.hpp"
#include "server/conversations/outgoing.hpp"
#include "server/conversations/store_access.hpp"
#include "server/conversations/user_rows.hpp"
#include "server/conversations/watched.hpp"
#include "server/dispatch/users.hpp"
#include "server/worker/executor.hpp"
#include "server/worker/router.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace flare::server {

class ConversationFeeds;
class ConversationPush;
class ConversationStates;

class ConversationHome {
public:
    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        UserRows& rows;
        Awaited& awaited;
        Users& users;
        // Made after this one, and not used before the first turn has ended.
        ConversationFeeds& feeds;
        ConversationStates& states;
        ConversationPush& push;
        const im::Limits& limits;
        AskedHooks* hooks = nullptr;  // null: none is asked
    };
    ConversationHome(const Parts& parts, std::uint32_t index)
        : parts_(parts),
          index_(index),
          limits_(parts.limits),
          watched_(parts.store, hosted_, parts.router.workers(), [this] { turn_is_to_end(); }),
          newcomers_(parts.router, parts.store, parts.executor),
          mail_(parts.router.workers()) {}

    // From sessions on any worker. Answers go to Awaited there.
    void take(std::span<const Departure> arriving);
    // It has ended: nobody is put off any more for what it was to send again.
    void session_gone(im::SessionKey session) { hosted_.session_gone(session); }
    // Of feeds on any worker.
    Watched& watched() noexcept { return watched_; }

    // A hook has said what is to become of what it was asked about.
    void hook_answered(const model::ConversationKey& key, im::Ticket ticket, im::Token token,
                       const HookDecision& verdict);

    session::TimePoint next_deadline() const noexcept {
        return busy_.empty() && !newcomers_.waiting() ? session::kNever : tick_at_;
    }
    void on_time();

    // ---- of the users whose home is this worker ----

    // `starter` writes to `other` for the first time.
    im::Refused begin_direct(im::Row starter, im::Row other) {
        return limits_.direct_per_hour == 0 ? im::Refused() : directs_.begin(starter, other, parts_.executor.now());
    }
    void answered_direct(im::Row user, im::Row other) { directs_.answered(user, other); }

    std::size_t size() const noexcept { return hosted_.size(); }
    // Between two turns.
    void check_invariants() const;

private:
    // What was given to the store, write for write.
    struct Group {
        struct Route {
            HostedPtr hosted;
            im::Ticket ticket;
            im::Token token;
            const im::Plan* plan;  // of a change
        };
        std::unique_ptr<store::WriteBatch> batch;
        const store::WriteBatch* given = nullptr;  // while the store has it
        std::vector<Route> routes;
    };
    // For who is connected and has no feed, without a place in the log: those who know conversations read on from it.
    struct Delivery {
        std::shared_ptr<StoredMessage> message;
        std::uint64_t offset = 0;
        im::Row answers = 0;  // whom its sender answers with it for the first time since the conversation is here
        void give(ConversationHome& home, Users& users, ConversationFeeds& feeds) const;
    };
    // What goes to one worker at the end of a turn, as one task: a session has the receipt of what it sent before
    // anything above it, and nothing comes in between.
    struct Mail {
        std::vector<Delivery> deliveries{};
        std::vector<im::effect::Answer> answers{};
        std::vector<FeedNewsPtr> news{};
        std::vector<FeedNewsPtr> to_states{};
        bool empty() const noexcept {
            return deliveries.empty() && answers.empty() && news.empty() && to_states.empty();
        }
    };

    im::Now now() const;

    // Does what `hosted` wants, and looks at it again at the end of the turn.
    void act(const HostedPtr& hosted);
    void turn_is_to_end();
    void end_turn();
    void give_mail();
    void give_mail_here();

    void act_on(const HostedPtr& hosted, const im::effect::LookUp& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::ReadRef& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::LoadConversation& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::LoadMember& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::FindHeirs& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::MakeDirect& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::AppendEntry& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::AppendChange& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::Answer& answer);
    void act_on(const HostedPtr& hosted, const im::effect::AskHook& wanted);
    void act_on(const HostedPtr& hosted, const im::effect::Release& wanted);

    // Asks the store on behalf of `hosted`; `then(found, code)` follows here, with code ok if there was an answer.
    template <typename Found, typename Question, typename Then>
    void ask(const HostedPtr& hosted, Question question, Then then);

    Group& group();
    store::NewEntry entry_of(const Hosted& hosted, const StoredMessage& message, std::uint64_t first_sent_ms);
    void written(std::unique_ptr<store::WriteBatch> batch, errc code);
    void written_one(const Group::Route& route, const store::Outcome& outcome);
    void pass_on(Hosted& hosted, const std::shared_ptr<StoredMessage>& message, std::uint64_t offset);
    void allow_direct(const HostedPtr& hosted, im::Row starter, im::Row first, im::Row second);

    Parts parts_;
    const std::uint32_t index_;
    const im::Limits& limits_;
    im::DirectBudget directs_{{.most = limits_.direct_per_hour}};
    HostedTable hosted_{limits_};
    Watched watched_;
    Newcomers newcomers_;
    std::vector<HostedPtr> touched_;  // in this turn
    std::vector<HostedPtr> busy_;
    session::TimePoint tick_at_ = session::kNever;
    bool turn_ends_ = false;  // end_turn() will come

    KeptMessages kept_;
    im::Effects effects_;
    std::unique_ptr<Group> group_;  // of this turn
    std::vector<std::unique_ptr<Group>> in_store_;
    std::vector<std::unique_ptr<Group>> spare_;
    std::vector<Mail> mail_;  // of this turn, by worker
};

}  // namespace flare::server
