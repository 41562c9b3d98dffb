#include "im/feeds.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"

#include <algorithm>

namespace flare::im {

// A conversation of which somebody here has a feed.
struct FedConversation {
    struct Page {
        PageWanted wanted;
        std::vector<Feed*> feeds;  // that stand there
    };
    struct Removal {
        Row user;
        std::uint64_t offset;
    };

    explicit FedConversation(model::ConversationKey of) : key(std::move(of)) {}

    const model::ConversationKey key;
    std::uint64_t generation = 0;  // of this watch: an answer to one before is for nobody. 0: it has not begun
    bool registered = false;
    Row row = 0;
    std::uint64_t told = 0;
    std::vector<Feed*> feeds;
    std::size_t opening = 0;          // of them
    std::size_t behind = 0;           // likewise
    std::vector<Removal> removals{};  // while some are opening
    std::vector<Page> pages;          // that are being read
    KeptBlocks::Shelf shelf;
};

const model::ConversationKey& Feed::key() const noexcept { return conversation->key; }

Feeds::Feeds(FeedsOwner& owner, std::size_t most_kept) : owner_(owner), kept_(most_kept) {}
Feeds::~Feeds() = default;

// ---- look-ups ----

FedConversation* Feeds::find(const model::ConversationKey& key) {
    const auto found = conversations_.find(key.text());
    return found == conversations_.end() ? nullptr : found->second.get();
}

FedConversation* Feeds::registered(const model::ConversationKey& key) {
    FedConversation* const found = find(key);
    return found != nullptr && found->registered ? found : nullptr;
}

Feed* Feeds::find(const FeedSession& session, const model::ConversationKey& key) {
    const FedConversation* const conversation = find(key);
    if (conversation == nullptr) return nullptr;
    const auto found = session.feeds_.find(conversation);
    return found == session.feeds_.end() ? nullptr : found->second.get();
}

bool Feeds::gives(const FeedSession& session, const model::ConversationKey& key, std::uint64_t offset) {
    const Feed* const feed = find(session, key);
    return feed != nullptr && !feed->opening() && feed->next <= offset;
}

// ---- sessions ----

Feed* Feeds::subscribe(FeedSession& session, const model::ConversationKey& key, Lane lane) {
    if (session.feeds_.size() >= FeedSession::kMostFeeds) return nullptr;
    FedConversation* conversation = find(key);
    if (conversation == nullptr) {
        auto made = std::make_unique<FedConversation>(key);
        conversation = made.get();
        conversations_.emplace(conversation->key.text(), std::move(made));
    }
    auto& slot = session.feeds_[conversation];
    FLARE_INVARIANT(slot == nullptr, "a session has two feeds of one conversation");
    slot = std::make_unique<Feed>();
    Feed& feed = *slot;
    feed.number = session.take_number();
    feed.lane = lane;
    feed.session = &session;
    feed.conversation = conversation;
    feed.at = conversation->feeds.size();
    conversation->feeds.push_back(&feed);
    ++conversation->opening;
    ++size_;
    return &feed;
}

void Feeds::begin(Feed& feed, const Opening& known) {
    feed.known = std::make_unique<const FeedOpening>(known);
    begin(feed);
}

void Feeds::begin(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    if (conversation.registered) return open(feed);
    if (conversation.generation != 0) return;  // what comes for another one is for this one, too
    conversation.generation = ++last_generation_;
    owner_.watch(conversation.key, conversation.generation);
}

// What was read before the home began to tell counts if the home has told nothing above it: then whatever ends the
// membership, and was not seen, is still to be told.
void Feeds::open(Feed& feed) {
    const FedConversation& conversation = *feed.conversation;
    const std::unique_ptr<const FeedOpening> known = std::move(feed.known);
    const bool counts =
        known != nullptr && (planted(Fault::stale_page_believed) ||
                             (known->conversation == conversation.row && conversation.told <= known->as_of));
    if (!counts || !opened(feed, *known)) return owner_.open(feed);
    if (planted(Fault::page_feed_late)) ++feed.next;
    owner_.began(feed);
    start(feed);
}

bool Feeds::opened(Feed& feed, const Opening& opening) {
    FedConversation& conversation = *feed.conversation;
    if (std::exchange(feed.unsure, false)) return false;
    const auto ends_it = [&](const FedConversation::Removal& each) {
        return each.user == opening.user && each.offset > opening.as_of;
    };
    if (std::ranges::any_of(conversation.removals, ends_it) && !planted(Fault::removal_missed_while_opening))
        return false;
    conversation.row = opening.conversation;
    feed.user = opening.user;
    feed.as_of = opening.as_of;
    feed.next = opening.next;
    feed.own_after = opening.apart ? UINT64_MAX : std::max(opening.as_of, conversation.told);
    feed.state = Feed::State::current;
    if (--conversation.opening == 0) conversation.removals.clear();
    return true;
}

void Feeds::start(Feed& feed) {
    if (feed.next > feed.conversation->told) return;
    fall_behind(feed);
    serve(*feed.session, feed.lane);
}

void Feeds::detach(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    switch (feed.state) {
        case Feed::State::opening:
            if (--conversation.opening == 0) conversation.removals.clear();
            return;
        case Feed::State::current: return;
        case Feed::State::queued: feed.unlink(); break;
        case Feed::State::reading:
            for (FedConversation::Page& page : conversation.pages) std::erase(page.feeds, &feed);
            --feed.session->lanes_[feed.lane].kept;
            break;
        case Feed::State::stuck: std::erase(stuck_, &feed); break;
    }
    if (--conversation.behind == 0) kept_.drop_pages(conversation.shelf);
}

void Feeds::close(Feed& feed) {
    FeedSession& session = *feed.session;
    FedConversation& conversation = *feed.conversation;
    const Lane lane = feed.lane;
    detach(feed);
    Feed*& slot = conversation.feeds[feed.at];
    slot = conversation.feeds.back();
    slot->at = feed.at;
    conversation.feeds.pop_back();
    --size_;
    session.feeds_.erase(&conversation);  // and with it the feed
    if (conversation.feeds.empty()) forget(conversation);
    serve(session, lane);
}

void Feeds::forget(FedConversation& conversation) {
    kept_.clear(conversation.shelf);
    for (const FedConversation::Page& page : conversation.pages) reading_.erase(page.wanted.ticket);
    if (conversation.generation != 0) owner_.unwatch(conversation.key);
    conversations_.erase(conversations_.find(conversation.key.text()));
}

void Feeds::session_gone(FeedSession& session) {
    std::vector<Feed*> feeds;
    for (const auto& [conversation, feed] : session.feeds_) feeds.push_back(feed.get());
    std::ranges::sort(feeds, {},
                      &Feed::number);  // not in the order of addresses: what happens can be made to happen again
    for (Feed* const feed : feeds) close(*feed);
}

void Feeds::room(FeedSession& session) {
    for (Lane lane = 0; lane < session.lanes_.size(); ++lane) serve(session, lane);
}

// ---- from the home ----

void Feeds::registered(const model::ConversationKey& key, std::uint64_t generation, std::uint64_t told, Row row) {
    FedConversation* const conversation = find(key);
    if (conversation == nullptr || conversation->registered) return;
    if (conversation->generation != generation) return;
    conversation->registered = true;
    conversation->told = told;
    conversation->row = row;
    for (Feed* const feed : conversation->feeds) open(*feed);
}

void Feeds::not_registered(const model::ConversationKey& key, std::uint64_t generation, errc code) {
    FedConversation* const conversation = find(key);
    if (conversation == nullptr || conversation->registered || conversation->generation != generation) return;
    for (Feed* const feed : std::vector<Feed*>(conversation->feeds)) {
        owner_.refuse(*feed, code);
        close(*feed);
    }
}

void Feeds::told(const model::ConversationKey& key, std::uint64_t last, std::span<const BlockPtr> blocks) {
    FedConversation* const conversation = registered(key);
    if (conversation == nullptr || last <= conversation->told) return;
    const std::uint64_t before = std::exchange(conversation->told, last);
    for (const BlockPtr& block : blocks) kept_.add_newest(conversation->shelf, block);
    for (Feed* const feed : conversation->feeds) {
        if (feed->own_after == UINT64_MAX && feed->session->has_heard()) feed->own_after = before;
        if (feed->state != Feed::State::current || feed->next > last) continue;
        for (const BlockPtr& block : blocks) {
            if (block->first == feed->next && !give(*feed, block)) break;
        }
        if (feed->next > last) continue;
        fall_behind(*feed);
        serve(*feed->session, feed->lane);
    }
}

void Feeds::removed(const model::ConversationKey& key, Row user, std::uint64_t offset) {
    FedConversation* const conversation = registered(key);
    if (conversation == nullptr) return;
    if (conversation->opening != 0) conversation->removals.push_back({user, offset});
    std::vector<Feed*> ended;
    for (Feed* const feed : conversation->feeds) {
        if (!feed->opening() && feed->user == user && feed->as_of < offset) ended.push_back(feed);
    }
    for (Feed* const feed : ended) {
        if (feed->state != Feed::State::current && planted(Fault::removal_missed_behind)) continue;
        feed->session->end(*feed, offset);
        close(*feed);
    }
}

void Feeds::destroyed(const model::ConversationKey& key) {
    FedConversation* const conversation = registered(key);
    if (conversation == nullptr) return;
    for (const FedConversation::Page& page : conversation->pages) {
        reading_.erase(page.wanted.ticket);
        for (Feed* const feed : page.feeds) --feed->session->lanes_[feed->lane].kept;
        for (Feed* const feed : page.feeds) feed->state = Feed::State::current;
        conversation->behind -= page.feeds.size();
    }
    conversation->pages.clear();
    conversation->row = 0;
    const std::uint64_t told = std::exchange(conversation->told, 0);
    conversation->removals.clear();
    kept_.clear(conversation->shelf);
    for (Feed* const feed : std::vector<Feed*>(conversation->feeds)) {
        if (feed->opening()) {
            feed->unsure = true;
            continue;
        }
        feed->session->end(*feed, told + 1);
        close(*feed);
    }
}

// ---- giving ----

bool Feeds::has_room(const FeedSession& session, Lane lane) const {
    return session.room(lane) > session.lanes_[lane].kept;
}

bool Feeds::give(Feed& feed, const BlockPtr& block) {
    FeedSession& session = *feed.session;
    if ((block->encodings & ~session.encodings_) != 0) return false;
    const bool own = block->sole_sender == session.key_ && block->first > feed.own_after;
    if (!own && (!has_room(session, feed.lane) || !session.give(feed, block))) return false;
    feed.next = block->last + 1;
    if (planted(Fault::feed_skips_one) && feed.state != Feed::State::current) ++feed.next;
    return true;
}

void Feeds::fall_behind(Feed& feed) {
    feed.state = Feed::State::queued;
    ++feed.conversation->behind;
    feed.session->lanes_[feed.lane].feeds.push_back(feed);
}

bool Feeds::step(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    FeedSession& session = *feed.session;
    if (feed.next <= conversation.told) {
        const BlockPtr* const kept = KeptBlocks::find(conversation.shelf, feed.next, session.encodings_);
        if (kept == nullptr) {
            if (!has_room(session, feed.lane)) return false;
            feed.unlink();
            read(feed);
            return true;
        }
        if (!give(feed, BlockPtr(*kept))) return false;
    }
    feed.unlink();
    if (feed.next <= conversation.told) {
        session.lanes_[feed.lane].feeds.push_back(feed);  // others take their turn
    } else {
        feed.state = Feed::State::current;
        if (--conversation.behind == 0) kept_.drop_pages(conversation.shelf);
    }
    return true;
}

void Feeds::serve(FeedSession& session, Lane lane) {
    auto& waiting = session.lanes_[lane].feeds;
    while (!waiting.empty() && step(waiting.front())) {
    }
    const auto waits = [](const FeedSession::Queue& each) { return !each.feeds.empty(); };
    const bool wants = std::ranges::any_of(session.lanes_, waits);
    if (std::exchange(session.wants_room_, wants) != wants) session.want_room(wants);
}

// ---- pages ----

// Pages end at multiples of kPageEntries, so that feeds which begin at different places meet.
void Feeds::read(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    FeedSession& session = *feed.session;
    feed.state = Feed::State::reading;
    ++session.lanes_[feed.lane].kept;
    const auto same = [&](const FedConversation::Page& page) {
        return page.wanted.from == feed.next && page.wanted.encodings == session.encodings_;
    };
    const auto found = std::ranges::find_if(conversation.pages, same);
    if (found != conversation.pages.end()) {
        found->feeds.push_back(&feed);
        return;
    }
    PageWanted wanted;
    wanted.ticket = ++last_ticket_;
    wanted.conversation = conversation.row;
    wanted.from = feed.next;
    wanted.last = (feed.next - 1) / kPageEntries * kPageEntries + kPageEntries;
    if (!planted(Fault::page_above_told)) wanted.last = std::min(wanted.last, conversation.told);
    wanted.last = KeptBlocks::page_end(conversation.shelf, feed.next, wanted.last);
    wanted.encodings = session.encodings_;
    conversation.pages.push_back({wanted, {&feed}});
    reading_.emplace(wanted.ticket, &conversation);
    owner_.read(wanted);
}

std::vector<Feed*> Feeds::take_page(std::uint64_t ticket) {
    const auto found = reading_.find(ticket);
    if (found == reading_.end()) return {};  // its conversation has gone
    std::vector<FedConversation::Page>& pages = found->second->pages;
    reading_.erase(found);
    const auto page =
        std::ranges::find(pages, ticket, [](const FedConversation::Page& each) { return each.wanted.ticket; });
    std::vector<Feed*> feeds = std::move(page->feeds);
    pages.erase(page);
    for (Feed* const feed : feeds) --feed->session->lanes_[feed->lane].kept;
    return feeds;
}

void Feeds::page_read(std::uint64_t ticket, std::span<const BlockPtr> blocks) {
    const std::vector<Feed*> feeds = take_page(ticket);
    if (feeds.empty()) return;
    FedConversation& conversation = *feeds.front()->conversation;
    FLARE_INVARIANT(!blocks.empty() && blocks.front()->first == feeds.front()->next,
                    "a page begins elsewhere than was asked");
    for (const BlockPtr& block : blocks) kept_.add_page(conversation.shelf, block);
    for (Feed* const feed : feeds) {
        feed->state = Feed::State::queued;
        feed->session->lanes_[feed->lane].feeds.push_front(*feed);
    }
    for (Feed* const feed : feeds) serve(*feed->session, feed->lane);
}

void Feeds::page_failed(std::uint64_t ticket) {
    const std::vector<Feed*> feeds = take_page(ticket);
    for (Feed* const feed : feeds) {
        feed->state = Feed::State::stuck;
        stuck_.push_back(feed);
    }
    for (Feed* const feed : feeds) serve(*feed->session, feed->lane);  // others may have its place
}

void Feeds::retry() {
    const std::vector<Feed*> feeds = std::exchange(stuck_, {});
    for (Feed* const feed : feeds) {
        feed->state = Feed::State::queued;
        feed->session->lanes_[feed->lane].feeds.push_back(*feed);
    }
    for (Feed* const feed : feeds) serve(*feed->session, feed->lane);
}

// ---- invariants ----

void Feeds::check_invariants() const {
    kept_.check_invariants();
    std::size_t feeds = 0;
    std::size_t pages = 0;
    for (const auto& [key, conversation] : conversations_) {
        std::size_t opening = 0;
        std::size_t behind = 0;
        for (const Feed* const feed : conversation->feeds) {
            FLARE_INVARIANT(feed->conversation == conversation.get() && conversation->feeds[feed->at] == feed,
                            "a feed is not where it says");
            const bool waits = !feed->opening() && feed->state != Feed::State::current;
            opening += feed->opening();
            behind += waits;
            FLARE_INVARIANT(waits || feed->opening() || feed->next > conversation->told,
                            "a feed is behind and waits for nothing");
            FLARE_INVARIANT((feed->state == Feed::State::queued) == feed->is_linked(), "a feed is in no queue");
        }
        FLARE_INVARIANT(!conversation->feeds.empty(), "a conversation is watched for nobody");
        FLARE_INVARIANT(opening == conversation->opening && behind == conversation->behind,
                        "feeds that wait are counted wrong");
        FLARE_INVARIANT(opening != 0 || conversation->removals.empty(), "removals are remembered for nobody");
        feeds += conversation->feeds.size();
        pages += conversation->pages.size();
    }
    FLARE_INVARIANT(feeds == size_, "feeds are counted wrong");
    FLARE_INVARIANT(pages == reading_.size(), "a page is read for no conversation");
}

}  // namespace flare::im
