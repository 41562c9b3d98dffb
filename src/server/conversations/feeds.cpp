#include "server/conversations/feeds.hpp"

#include "server/conversations/deliveries.hpp"
#include "server/conversations/others_marks.hpp"
#include "server/worker/shard.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

constexpr std::chrono::milliseconds kReadAgain{500};

// Its session may not know of the feed: the answer that said so may have come too late.
void close_feed(im::Feeds& feeds, ConversationStates& states, FeedSubscriber& who,
                const model::ConversationKey& conversation) {
    if (feeds.find(who, conversation) == nullptr) return;
    feeds.close(who, conversation);
    states.feed_ended(who.id(), conversation);
}

}  // namespace

FeedSubscriber* ConversationFeeds::find(const Uuid& session) {
    const auto found = subscribers_.find(session);
    return found == subscribers_.end() ? nullptr : found->second.get();
}

FeedSubscriber& ConversationFeeds::subscriber_of(session::ServerSession& session, im::SessionKey key) {
    auto& subscriber = subscribers_[session.id().value];
    if (subscriber == nullptr) {
        subscriber = std::make_unique<FeedSubscriber>(of_subscribers_, session, key);
    }
    return *subscriber;
}

// ---- requests ----

void ConversationFeeds::subscribe(session::ServerSession& session, im::SessionKey key,
                                  const session::PendingRequest& pending, const model::ConversationKey& conversation,
                                  const reading::FeedPlace& place) {
    FeedSubscriber& who = subscriber_of(session, key);
    if (const im::FeedRecord* const before = feeds_.find(who, conversation); before != nullptr && before->opening()) {
        who.opening(before->name().number).then.push_back({pending, place});
        return;
    }
    close_feed(feeds_, parts_.states, who, conversation);
    im::Feed* const feed = feeds_.subscribe(who, conversation, pending.lane);
    if (feed == nullptr) return respond_refused(pending, errc::too_many_feeds);
    who.add_opening(feed->number, Opening{.asked = {pending, place}});
    feeds_.begin(*feed);
}

void ConversationFeeds::unsubscribe(session::ServerSession& session, const session::PendingRequest& pending,
                                    const model::ConversationKey& conversation) {
    FeedSubscriber* const who = find(session.id().value);
    const im::FeedRecord* const feed = who == nullptr ? nullptr : feeds_.find(*who, conversation);
    if (feed != nullptr && feed->opening()) {
        who->opening(feed->name().number).then.push_back({pending});
        return;
    }
    if (who != nullptr) close_feed(feeds_, parts_.states, *who, conversation);
    (void)respond(pending, wire::im::encode(wire::im::Unsubscribed()));
}

void ConversationFeeds::open(const im::Feed& feed) {
    const auto& who = static_cast<const FeedSubscriber&>(*feed.session);
    const FeedSubscriber::Asked& asked = who.opening(feed.number).asked;
    const auto found = std::make_shared<reading::FeedBeginning>();
    std::string user = who.target() == nullptr ? std::string() : who.target()->user();
    StoreAccess::Question question;
    if (asked.news) {
        question = [found,
                    of = reading::BeganQuestion{feed.key(), std::move(user), *asked.news, feed.number, true,
                                                who.encodings(), parts_.limits.live_members}](store::Reader& reader) {
            reading::BeganFound began = reading::began(reader, of);
            found->opening = began.opening;
            found->first = std::move(began.body);
            found->live = began.live;
            found->few = began.few;
            return began.code;
        };
    } else {
        question = [found, key = feed.key(), user = std::move(user), place = *asked.place](store::Reader& reader) {
            *found = reading::feed_beginning(reader, key, user, place);
            return found->code;
        };
    }
    parts_.store.read(std::move(question),
                      [this, found, session = who.id(), key = feed.key(), number = feed.number](errc code) {
                          found->code = code;
                          opened(session, key, number, std::move(*found));
                      });
}

void ConversationFeeds::opened(const Uuid& session, const model::ConversationKey& key, std::uint32_t number,
                               reading::FeedBeginning found) {
    FeedSubscriber* const who = find(session);
    if (who == nullptr || who->target() == nullptr) return;
    im::Feed& feed = *feeds_.find(*who, key)->feed();
    found.opening.apart = who->opening(number).apart;
    if (found.code == errc::ok && !feeds_.opened(feed, found.opening)) return open(feed);
    Opening opening = who->take_opening(number);
    if (found.code == errc::ok && tell_opened(*who, feed, opening, found)) {
        feeds_.start(feed);
    } else {
        if (found.code != errc::ok) tell_failed(*who, feed, opening, found.code);
        feeds_.close(*who, key);
    }
    go_on(session, key, std::move(opening.then));
}

bool ConversationFeeds::tell_opened(FeedSubscriber& who, const im::Feed& feed, Opening& opening,
                                    reading::FeedBeginning& found) {
    if (opening.asked.pending) {
        found.told.feed = feed.number;
        // Its answer comes before the first entry, in the same lane. If it is refused, the client has heard that it has
        // no feed.
        const bool sent = respond(*opening.asked.pending, wire::im::encode(found.told)).has_value();
        opening.asked.pending.reset();
        if (!sent) found.code = errc::recipient_busy;
        return sent;
    }
    if (opening.asked.news) {
        const std::uint64_t token = found.few ? Deliveries::token_of(feed, found.opening.as_of) : 0;
        const auto sent =
            parts_.table.send_feed(*who.target(), feed.lane, std::move(found.first), parts_.executor.now(), token);
        if (!sent) found.code = static_cast<errc>(sent.error().value());
        if (sent) parts_.states.listed(who.id(), feed.key(), found.live ? nullptr : &found.opening);
        if (sent && found.live) ++parts_.counters.sync.feeds;
        return sent && found.live;
    }
    if (found.told.reset) {
        const bool pruned = found.told.reset->reason == wire::im::FeedResetReason::pruned;
        found.code = pruned ? errc::history_pruned : errc::epoch_changed;
    } else if (found.opening.next != opening.next) {
        found.code = errc::epoch_changed;  // it is a member again: what lies between is not to be read
    }
    if (found.code == errc::ok) ++parts_.counters.sync.feeds;
    return found.code == errc::ok;
}

void ConversationFeeds::tell_failed(FeedSubscriber& who, const im::Feed& feed, const Opening& opening, errc code) {
    if (opening.asked.pending) respond_refused(*opening.asked.pending, code);
    if (opening.asked.news && code == errc::unknown_conversation) {
        parts_.states.member_no_more(who.id(), feed.key());
    } else if (opening.asked.news) {
        who.keep_untold(feed.key(), *opening.asked.news);
        try_again_later();
    }
    if (opening.promised) who.fail(feed.number, feed.lane, said_of(code));
}

// The machine is at work: what its session has asked for meanwhile waits for it.
void ConversationFeeds::began(const im::Feed& feed) {
    auto& who = static_cast<FeedSubscriber&>(*feed.session);
    ++parts_.counters.sync.feeds;
    Opening opening = who.take_opening(feed.number);
    if (opening.then.empty()) return;
    parts_.executor.later(
        [this, session = who.id(), key = feed.key(), then = std::move(opening.then)] { go_on(session, key, then); });
}

void ConversationFeeds::refuse(const im::Feed& feed, errc code) {
    auto& who = static_cast<FeedSubscriber&>(*feed.session);
    Opening opening = who.take_opening(feed.number);
    tell_failed(who, feed, opening, code);
    // The machine is at work.
    parts_.executor.later(
        [this, session = who.id(), key = feed.key(), then = std::move(opening.then)] { go_on(session, key, then); });
}

void ConversationFeeds::go_on(const Uuid& session, const model::ConversationKey& key,
                              std::vector<FeedSubscriber::Asked> asked) {
    for (const FeedSubscriber::Asked& each : asked) {
        FeedSubscriber* const who = find(session);
        if (who == nullptr || who->target() == nullptr) return;
        if (each.news) {
            tell_news(*who, key, *each.news);
        } else if (each.place) {
            subscribe(*who->target(), who->key(), *each.pending, key, *each.place);
        } else {
            unsubscribe(*who->target(), *each.pending, key);
        }
    }
}

Result<void> ConversationFeeds::respond(const session::PendingRequest& pending, std::string_view body) {
    wire::ResponseView response;
    response.body = body;
    return parts_.table.respond(pending, response, parts_.executor.now());
}

void ConversationFeeds::respond_refused(const session::PendingRequest& pending, errc code) {
    wire::ResponseView response;
    response.code = said_of(code);
    response.text = explain(response.code);
    (void)parts_.table.respond(pending, response, parts_.executor.now());
}

// ---- sessions ----

// It may end while the machine gives it something: its feeds go afterwards.
void ConversationFeeds::session_ended(const session::ServerSession& session) {
    FeedSubscriber* const who = find(session.id().value);
    if (who == nullptr) return;
    who->session_ended();
    parts_.executor.later([this, id = who->id()] {
        const auto found = subscribers_.find(id);
        feeds_.session_gone(*found->second);
        subscribers_.erase(found);
    });
}

void ConversationFeeds::on_room(const session::ServerSession& session) {
    roomy_.push_back(session.id().value);
    if (!std::exchange(room_comes_, true)) parts_.executor.later([this] { use_room(); });
}

void ConversationFeeds::use_room() {
    room_comes_ = false;
    for (const Uuid& session : std::exchange(roomy_, {})) {
        parts_.states.room(session);
        parts_.others.room(session);
        if (FeedSubscriber* const who = find(session); who != nullptr) feeds_.room(*who);
    }
}

bool ConversationFeeds::gives(const session::ServerSession& session, const model::ConversationKey& conversation,
                              std::uint64_t offset) {
    if (subscribers_.empty()) return false;
    const FeedSubscriber* const who = find(session.id().value);
    return who != nullptr && feeds_.gives(*who, conversation, offset);
}

// ---- homes ----

void ConversationFeeds::watch(const model::ConversationKey& key, std::uint64_t generation) {
    watching_.watch(key, generation);
}

void ConversationFeeds::unwatch(const model::ConversationKey& key) { watching_.unwatch(key); }

void ConversationFeeds::take(const FeedNews& news) {
    using What = FeedNews::What;
    switch (news.what) {
        case What::registered: return feeds_.registered(news.key, news.generation, news.offset, news.row);
        case What::not_registered: return feeds_.not_registered(news.key, news.generation, news.code);
        case What::told: return feeds_.told(news.key, news.offset, news.blocks, news.deleted);
        case What::removed: return feeds_.removed(news.key, news.user, news.offset);
        case What::destroyed: return feeds_.destroyed(news.key);
    }
}

// ---- the store ----

void ConversationFeeds::read(const im::PageWanted& wanted) {
    const auto page = std::make_shared<reading::FeedPage>();
    ++parts_.counters.feeds.pages;
    parts_.store.read(
        [page, wanted](store::Reader& reader) {
            *page = reading::feed_page(reader, wanted);
            return page->code;
        },
        [this, page, ticket = wanted.ticket](errc code) {
            if (code == errc::ok) return feeds_.page_read(ticket, page->blocks);
            feeds_.page_failed(ticket);
            if (feeds_.stuck()) try_again_later();
        });
}

void ConversationFeeds::want_turn() {
    parts_.executor.later([this] { feeds_.go_on(); });
}

void ConversationFeeds::try_again_later() {
    if (again_at_ != session::kNever) return;
    again_at_ = parts_.executor.now() + kReadAgain;
    parts_.executor.arm_timer();
}

void ConversationFeeds::on_time() {
    if (parts_.executor.now() < again_at_) return;
    again_at_ = session::kNever;
    feeds_.retry();
    for (const auto& [id, who] : subscribers_) {
        who->say_again();
        for (const auto& [key, stamp] : who->take_untold()) tell_news(*who, key, stamp);
        feeds_.room(*who);
    }
}

}  // namespace flare::server
