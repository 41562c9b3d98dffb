#include "server/conversations/feeds.hpp"

#include "server/worker/shard.hpp"

#include <algorithm>
#include <utility>

namespace flare::server {
namespace {

constexpr std::chrono::milliseconds kReadAgain{500};

}  // namespace

FeedSubscriber* ConversationFeeds::find(const Uuid& session) {
    const auto found = subscribers_.find(session);
    return found == subscribers_.end() ? nullptr : found->second.get();
}

// ---- requests ----

void ConversationFeeds::subscribe(session::ServerSession& session, im::SessionKey key,
                                  const session::PendingRequest& pending, const model::ConversationKey& conversation,
                                  const reading::FeedPlace& place) {
    auto& subscriber = subscribers_[session.id().value];
    if (subscriber == nullptr) {
        subscriber = std::make_unique<FeedSubscriber>(
            FeedSubscriber::Parts{parts_.executor, parts_.table, parts_.counters, [this] { try_again_later(); }},
            session, key);
    }
    FeedSubscriber& who = *subscriber;
    if (im::Feed* const before = feeds_.find(who, conversation); before != nullptr) {
        if (before->opening()) {
            who.openings.at(before->number).then.push_back({pending, place});
            return;
        }
        feeds_.close(*before);
    }
    im::Feed* const feed = feeds_.subscribe(who, conversation, pending.lane);
    if (feed == nullptr) return respond_refused(pending, errc::too_many_feeds);
    who.openings.try_emplace(feed->number, FeedSubscriber::Opening{pending, place});
    feeds_.begin(*feed);
}

void ConversationFeeds::unsubscribe(session::ServerSession& session, const session::PendingRequest& pending,
                                    const model::ConversationKey& conversation) {
    FeedSubscriber* const who = find(session.id().value);
    im::Feed* const feed = who == nullptr ? nullptr : feeds_.find(*who, conversation);
    if (feed != nullptr && feed->opening()) {
        who->openings.at(feed->number).then.push_back({pending, std::nullopt});
        return;
    }
    if (feed != nullptr) feeds_.close(*feed);
    (void)respond(pending, wire::im::encode(wire::im::Unsubscribed()));
}

void ConversationFeeds::open(const im::Feed& feed) {
    const auto& who = static_cast<const FeedSubscriber&>(*feed.session);
    const auto found = std::make_shared<reading::FeedBeginning>();
    parts_.store.read(
        [found, key = feed.key(), user = who.target() == nullptr ? std::string() : who.target()->user(),
         place = who.openings.at(feed.number).place](store::Reader& reader) {
            *found = reading::feed_beginning(reader, key, user, place);
            return found->code;
        },
        [this, found, session = who.id(), key = feed.key(), number = feed.number](errc code) {
            found->code = code;
            opened(session, key, number, std::move(*found));
        });
}

void ConversationFeeds::opened(const Uuid& session, const model::ConversationKey& key, std::uint32_t number,
                               reading::FeedBeginning found) {
    FeedSubscriber* const who = find(session);
    if (who == nullptr || who->target() == nullptr) return;
    im::Feed& feed = *feeds_.find(*who, key);
    if (found.code == errc::ok && !feeds_.opened(feed, found.opening)) return open(feed);
    const auto at = who->openings.find(number);
    FeedSubscriber::Opening opening = std::move(at->second);
    who->openings.erase(at);
    if (who->openings.empty()) who->openings = {};  // its memory, too
    if (found.code == errc::ok) {
        found.told.feed = number;
        // Its answer comes before the first entry, in the same lane.
        if (respond(opening.pending, wire::im::encode(found.told))) {
            feeds_.start(feed);
        } else {
            feeds_.close(feed);  // the client has heard that it has none
        }
    } else {
        feeds_.close(feed);
        respond_refused(opening.pending, found.code);
    }
    go_on(session, key, std::move(opening.then));
}

void ConversationFeeds::refuse(const im::Feed& feed, errc code) {
    auto& who = static_cast<FeedSubscriber&>(*feed.session);
    const auto at = who.openings.find(feed.number);
    FeedSubscriber::Opening opening = std::move(at->second);
    who.openings.erase(at);
    if (who.openings.empty()) who.openings = {};
    respond_refused(opening.pending, code);
    // The machine is at work.
    parts_.executor.later(
        [this, session = who.id(), key = feed.key(), then = std::move(opening.then)] { go_on(session, key, then); });
}

void ConversationFeeds::go_on(const Uuid& session, const model::ConversationKey& key,
                              std::vector<FeedSubscriber::Asked> asked) {
    for (const FeedSubscriber::Asked& each : asked) {
        FeedSubscriber* const who = find(session);
        if (who == nullptr || who->target() == nullptr) return;
        if (each.place) {
            subscribe(*who->target(), who->key(), each.pending, key, *each.place);
        } else {
            unsubscribe(*who->target(), each.pending, key);
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
    const std::uint32_t home = parts_.router.home_of(key.text());
    if (home == index_) return parts_.watched.watch(index_, key, generation);
    parts_.router.give(home, [from = index_, key, generation](Shard& shard) {
        shard.conversations()->home.watched().watch(from, key, generation);
    });
}

void ConversationFeeds::unwatch(const model::ConversationKey& key) {
    const std::uint32_t home = parts_.router.home_of(key.text());
    if (home == index_) return parts_.watched.unwatch(index_, key);
    parts_.router.give(
        home, [from = index_, key](Shard& shard) { shard.conversations()->home.watched().unwatch(from, key); });
}

void ConversationFeeds::take(const FeedNews& news) {
    using What = FeedNews::What;
    switch (news.what) {
        case What::registered: return feeds_.registered(news.key, news.generation, news.offset);
        case What::not_registered: return feeds_.not_registered(news.key, news.generation, news.code);
        case What::told: return feeds_.told(news.key, news.offset, news.blocks);
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
        feeds_.room(*who);
    }
}

}  // namespace flare::server
