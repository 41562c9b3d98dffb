// Invitations in the list that a client keeps: what pages say of them, and what the application is told. A page may be
// older than what says that the user is a member.
//
// Protocol: docs/protocol.md, "Sync", "States"; docs/client.md, "Invitations".
// Threads:  its client's I/O thread.
// Owner:    ListStates.
#pragma once

#include "client/cache/keeper.hpp"
#include "client/im/feeds.hpp"
#include "client/im/list.hpp"
#include "session/types.hpp"
#include "wire/sync.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

namespace flare::client {

class ListInvitations {
public:
    // Between two syncs that invitations ask for.
    static constexpr session::Duration kPause = std::chrono::seconds(1);

    // `ends`: a conversation of the list is none of the user's any more.
    ListInvitations(ConversationList& list, Feeds::Owner& owner, std::shared_ptr<Keeper> keeper,
                    std::function<void(const std::string& conversation)> ends)
        : list_(list), owner_(owner), keeper_(std::move(keeper)), ends_(std::move(ends)) {}

    static bool is_one(const wire::im::SyncedConversation& from) noexcept { return !from.about->invited_by.empty(); }
    static bool is_one(const std::optional<ConversationList::Item>& item) noexcept {
        return item && !item->about.invited_by.empty();
    }

    // A page names one. False: the page may be older than what is known; it is to be asked for again.
    bool take(const wire::im::SyncedConversation& from, wire::Encodings encodings);
    // An earlier run has told it, if it is one.
    void restore(const std::string& room);
    // The list has changed there: the application is told of an invitation that has come or gone. True: that is all.
    bool tell(const std::string& room, const std::optional<ConversationList::Item>& item);
    // When a state that tells of one asks for the list.
    session::TimePoint ask_at(session::TimePoint now);

private:
    ConversationList& list_;
    Feeds::Owner& owner_;
    const std::shared_ptr<Keeper> keeper_;  // null: none
    const std::function<void(const std::string& conversation)> ends_;
    std::set<std::string> told_;     // as many as the list has
    session::TimePoint asked_at_{};  // or is to be
};

}  // namespace flare::client
