// Feeds that pages of a sync name, and those of conversations that are new in a list. What asks for a feed by itself:
// feeds.cpp.
#include "server/conversations/feeds.hpp"
#include "server/worker/shard.hpp"

#include <utility>

namespace flare::server {

void ConversationFeeds::follow_list(session::ServerSession& session, im::SessionKey key) {
    subscriber_of(session, key).follows_list = true;
    parts_.states.follow(session);
}

// ---- pages ----

std::uint32_t ConversationFeeds::promise(session::ServerSession& session, const reading::Synced& conversation) {
    FeedSubscriber* const subscriber = find(session.id().value);
    if (subscriber == nullptr || subscriber->target() == nullptr) return 0;
    FeedSubscriber& who = *subscriber;
    const bool summed_up = !conversation.live && !conversation.invitation;
    parts_.states.listed(who.id(), conversation.key, summed_up ? &conversation.opening : nullptr);
    if (conversation.invitation) return 0;
    if (const im::FeedRecord* const present = feeds_.find(who, conversation.key); present != nullptr) {
        const std::uint32_t number = present->name().number;
        if (present->opening()) who.opening(number).promised = true;
        return number;
    }
    if (!conversation.live) return 0;
    const session::LaneIndex lane = session::lane_of(conversation.name, session.lanes());
    const im::Feed* const feed = feeds_.subscribe(who, conversation.key, lane);
    if (feed == nullptr) {
        parts_.states.listed(who.id(), conversation.key, &conversation.opening);
        return 0;
    }
    const reading::FeedPlace place{conversation.epoch, conversation.opening.as_of, Uuid(), true};
    who.add_opening(feed->number,
                    Opening{.asked = {std::nullopt, place}, .next = conversation.opening.next, .promised = true});
    promises_.push_back({conversation.key, conversation.opening});
    return feed->number;
}

void ConversationFeeds::keep_promises(const session::SessionId& session, session::LaneIndex told_in) {
    if (promises_.empty()) return;
    FeedSubscriber& who = *find(session.value);
    who.told_apart(told_in);
    for (Promise& each : std::exchange(promises_, {})) {
        im::Feed& feed = *feeds_.find(who, each.key)->feed();
        each.opening.apart = feed.lane != told_in;
        who.opening(feed.number).apart = each.opening.apart;
        feeds_.begin(feed, each.opening);
    }
}

void ConversationFeeds::break_promises(const session::SessionId& session) {
    if (promises_.empty()) return;
    FeedSubscriber& who = *find(session.value);
    for (const Promise& each : std::exchange(promises_, {})) {
        who.take_opening(feeds_.find(who, each.key)->name().number);
        feeds_.close(who, each.key);
    }
}

// ---- new conversations ----

void ConversationFeeds::joined(const model::ConversationKey& conversation, std::uint64_t stamp,
                               std::span<const std::string> users) {
    if (subscribers_.empty()) return;
    for (const std::string& user : users) {
        for (const session::ServerSession* const session : parts_.table.of_user(user)) {
            FeedSubscriber* const who = find(session->id().value);
            if (who != nullptr && who->follows_list) tell_news(*who, conversation, stamp);
        }
    }
}

void ConversationFeeds::tell_news(FeedSubscriber& who, const model::ConversationKey& conversation,
                                  std::uint64_t stamp) {
    if (who.target() == nullptr) return;
    if (const im::FeedRecord* const present = feeds_.find(who, conversation); present != nullptr) {
        // Whoever has a feed hears of it there; one that is opening may have been read before the user was a member.
        if (present->opening()) who.opening(present->name().number).then.push_back({.news = stamp});
        return;
    }
    const std::string name = reading::name_of(conversation, who.target()->user());
    im::Feed* const feed = feeds_.subscribe(who, conversation, session::lane_of(name, who.target()->lanes()));
    if (feed == nullptr) return tell_without_feed(who, conversation, stamp);
    who.add_opening(feed->number, Opening{.asked = {.news = stamp}});
    feeds_.begin(*feed);
}

// It has as many feeds as it may have.
void ConversationFeeds::tell_without_feed(FeedSubscriber& who, const model::ConversationKey& conversation,
                                          std::uint64_t stamp) {
    const std::string& user = who.target()->user();
    const session::LaneIndex lane = session::lane_of(reading::name_of(conversation, user), who.target()->lanes());
    const auto found = std::make_shared<reading::BeganFound>();
    parts_.store.read(
        [found, question = reading::BeganQuestion{conversation, user, stamp, who.take_number(), false,
                                                  who.encodings()}](store::Reader& reader) {
            *found = reading::began(reader, question);
            return found->code;
        },
        [this, found, id = who.id(), conversation, stamp, lane](errc code) {
            FeedSubscriber* const told = find(id);
            if (told == nullptr || told->target() == nullptr) return;
            if (code == errc::unknown_conversation) return parts_.states.member_no_more(id, conversation);
            if (code == errc::ok &&
                parts_.table.send_feed(*told->target(), lane, std::move(found->body), parts_.executor.now()))
                return parts_.states.listed(id, conversation, &found->opening);
            told->keep_untold(conversation, stamp);
            try_again_later();
        });
}

}  // namespace flare::server
