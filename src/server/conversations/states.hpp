// What sessions that follow their user's list are told of conversations beside feeds: marks that another session of the
// user has moved, and where logs end of which they have no feed.
//
// Protocol: docs/protocol.md, "States".
// Threads:  its worker's.
// Owner:    Conversations.
#pragma once

#include "base/keyed_hash.hpp"
#include "model/conversation.hpp"
#include "server/conversations/list_follower.hpp"
#include "server/conversations/summaries.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flare::server {

class ConversationStates {
public:
    struct Parts {
        Router& router;
        Executor& executor;
        StoreAccess& store;
        session::SessionTable& table;
        Watched& watched;  // of the home on this worker
        Counters& counters;
        // As in Summaries.
        std::function<bool(const session::ServerSession& session, const model::ConversationKey& key)> has_feed;
    };
    ConversationStates(const Parts& parts, std::uint32_t index)
        : parts_(parts),
          of_followers_{parts.executor, parts.table, parts.counters, [this] { try_again_later(); }},
          summaries_({parts.router, parts.executor, parts.store, parts.watched,
                      [this](const Uuid& session) { return find(session); }, parts.has_feed},
                     index) {}

    // ---- sessions ----

    // It follows its user's list from now on.
    void follow(session::ServerSession& session);
    // Some session of the user does, but this one.
    bool has_others(std::string_view user, const session::SessionId& but);
    void session_ended(const session::ServerSession& session);
    // It is told of a conversation of its list, as was read with the opening; null: a feed of it has the rest.
    void listed(const Uuid& session, const model::ConversationKey& conversation, const im::FeedOpening* opening);
    // A feed of it has ended, but not its membership.
    void feed_ended(const Uuid& session, const model::ConversationKey& conversation);
    // Its lanes may take more than before. Not from inside SessionTableListener::on_room().
    void room(const Uuid& session);

    // ---- marks ----

    // The mark of the user is here now: counted in the log of this epoch. All sessions of the user that follow the list
    // are told, but the one that has moved it.
    void marked(std::string_view user, const session::SessionId& by, const model::ConversationKey& conversation,
                std::uint64_t epoch, const wire::im::ReadMark& mark);

    // The same of what the user has chosen, and to the session that has chosen it, too: it may have given up waiting
    // for its answer. `mark`: if that may count other messages since then.
    void chosen(std::string_view user, const model::ConversationKey& conversation, std::uint64_t epoch,
                const wire::im::Settings& settings, const std::optional<wire::im::ReadMark>& mark);

    // Invitations of these users have come or gone: their sessions are told to sync.
    void invited(const model::ConversationKey& room, std::span<const std::string> users);

    // The session was to be told that its user is a member, who is none any more: if the user was invited before, that
    // is over, too, and nobody has said so.
    void member_no_more(const Uuid& session, const model::ConversationKey& conversation);

    // From the home of a conversation, in its order.
    void take(const FeedNews& news) { summaries_.take(news); }

    session::TimePoint next_deadline() const noexcept { return std::min(again_at_, summaries_.next_deadline()); }
    void on_time();

    std::size_t size() const noexcept { return followers_.size(); }
    std::size_t summaries() const noexcept { return summaries_.size(); }
    void check_invariants() const { summaries_.check_invariants(); }

private:
    ListFollower* find(const Uuid& session);
    void try_again_later();

    Parts parts_;
    const ListFollower::Parts of_followers_;
    boost::unordered_flat_map<Uuid, std::unique_ptr<ListFollower>, base::IdHash> followers_;  // by session
    Summaries summaries_;
    session::TimePoint again_at_ = session::kNever;
};

}  // namespace flare::server
