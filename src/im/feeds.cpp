#include "im/feeds.hpp"

#include "base/assert.hpp"
#include "im/planted.hpp"

#include <algorithm>

namespace flare::im {

Feeds::Feeds(FeedsOwner& owner, std::size_t most_kept, std::size_t most_in_turn)
    : owner_(owner), kept_(most_kept), most_in_turn_(most_in_turn), turns_{owner} {}
Feeds::~Feeds() = default;

// ---- look-ups ----

const FeedRecord* Feeds::find(const FeedSession& session, const model::ConversationKey& key) const {
    FedConversation* const conversation = conversations_.find(key);
    return conversation == nullptr ? nullptr : conversation->feeds.find(session);
}

bool Feeds::gives(const FeedSession& session, const model::ConversationKey& key, std::uint64_t offset) const {
    const FeedRecord* const record = find(session, key);
    if (record == nullptr || record->opening()) return false;
    return record->feed() == nullptr || record->feed()->next <= offset;
}

// ---- sessions ----

Feed* Feeds::subscribe(FeedSession& session, const model::ConversationKey& key, Lane lane) {
    if (session.feeds() >= FeedSession::kMostFeeds) return nullptr;
    FedConversation& conversation = conversations_.find_or_make(key);
    FLARE_INVARIANT(conversation.feeds.find(session) == nullptr, "a session has two feeds of one conversation");
    ++conversation.opening;
    ++size_;
    return &conversation.feeds.add(session, lane);
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
    feed.session->user_ = opening.user;
    conversation.feeds.find(*feed.session)->as_of = opening.as_of;
    feed.next = opening.next;
    feed.own_after = opening.apart ? FeedCursor::kUnheard : std::max(opening.as_of, conversation.told);
    feed.state = Feed::State::current;
    if (--conversation.opening == 0) conversation.removals.clear();
    return true;
}

void Feeds::start(Feed& feed) {
    if (feed.next > feed.conversation->told) return feed.conversation->come_to_rest(feed);
    ++feed.conversation->behind;
    feed.session->queue(feed);
    serve(*feed.session, feed.lane);
}

void Feeds::detach(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    switch (feed.state) {
        case Feed::State::opening:
            if (--conversation.opening == 0) conversation.removals.clear();
            return;
        case Feed::State::current: return;
        case Feed::State::due:
        case Feed::State::queued: feed.unlink(); break;
        case Feed::State::reading:
            for (FedConversation::Page& page : conversation.pages) std::erase(page.feeds, &feed);
            --feed.session->lane(feed.lane).kept;
            break;
        case Feed::State::stuck: std::erase(stuck_, &feed); break;
    }
    if (--conversation.behind == 0) kept_.drop_pages(conversation.shelf);
}

void Feeds::close(FeedSession& session, const model::ConversationKey& key) {
    FedConversation* const conversation = conversations_.find(key);
    if (conversation != nullptr && conversation->feeds.find(session) != nullptr) close(*conversation, session);
}

void Feeds::close(FedConversation& conversation, FeedSession& session) {
    const FeedRecord& record = *conversation.feeds.find(session);
    const Lane lane = record.name().lane;
    if (Feed* const feed = record.feed(); feed != nullptr) detach(*feed);
    conversation.feeds.remove(session);
    --size_;
    if (conversation.feeds.empty()) forget(conversation);
    serve(session, lane);
}

void Feeds::forget(FedConversation& conversation) {
    kept_.clear(conversation.shelf);
    for (const FedConversation::Page& page : conversation.pages) reading_.erase(page.wanted.ticket);
    if (conversation.in_turns) std::erase(turns_.of, &conversation);
    if (conversation.generation != 0) owner_.unwatch(conversation.key);
    conversations_.erase(conversation);
}

void Feeds::session_gone(FeedSession& session) {
    std::vector<std::pair<std::uint32_t, FedConversation*>> feeds;  // by number
    for (const HeldFeeds::Held& each : session.held_) {
        FedConversation& conversation = conversations_.at(each.conversation);
        feeds.emplace_back(conversation.feeds[each.at].name().number, &conversation);
    }
    std::ranges::sort(feeds);
    for (const auto& [number, conversation] : feeds) close(*conversation, session);
}

void Feeds::room(FeedSession& session) {
    for (Lane lane = 0; lane < session.lanes().size(); ++lane) serve(session, lane);
}

// ---- from the home ----

void Feeds::registered(const model::ConversationKey& key, std::uint64_t generation, std::uint64_t told, Row row) {
    FedConversation* const conversation = conversations_.find(key);
    if (conversation == nullptr || conversation->registered) return;
    if (conversation->generation != generation) return;
    conversation->registered = true;
    conversation->told = told;
    conversation->row = row;
    for (const FeedRecord& each : conversation->feeds) open(*each.feed());  // all of them are opening
}

void Feeds::not_registered(const model::ConversationKey& key, std::uint64_t generation, errc code) {
    FedConversation* const conversation = conversations_.find(key);
    if (conversation == nullptr || conversation->registered || conversation->generation != generation) return;
    std::vector<Feed*> refused;
    for (const FeedRecord& each : conversation->feeds) refused.push_back(each.feed());
    for (Feed* const feed : refused) {
        owner_.refuse(*feed, code);
        close(*conversation, *feed->session);
    }
}

void Feeds::told(const model::ConversationKey& key, std::uint64_t last, std::span<const BlockPtr> blocks,
                 bool deleted) {
    FedConversation* const conversation = conversations_.registered(key);
    if (conversation == nullptr || last <= conversation->told) return;
    const std::uint64_t before = std::exchange(conversation->told, last);
    if (deleted && !planted(Fault::deleted_text_kept)) {
        kept_.clear(conversation->shelf);
        for (FedConversation::Page& page : conversation->pages) page.outdated = true;
    }
    for (const BlockPtr& block : blocks) kept_.add_newest(conversation->shelf, block);
    std::size_t given = 0;
    for (FeedRecord& record : conversation->feeds) {
        Feed* const feed = record.feed();
        FeedCursor resting{before + 1, record.unheard ? FeedCursor::kUnheard : before};
        FeedCursor& cursor = feed != nullptr ? *feed : resting;
        if (cursor.own_after == FeedCursor::kUnheard && record.session().has_heard()) {
            cursor.own_after = before;
            record.unheard = false;
        }
        if (feed != nullptr && feed->state != Feed::State::current) continue;
        if (cursor.next <= last) {
            tell(*conversation, record, blocks, cursor, given);
        } else if (feed != nullptr) {
            conversation->come_to_rest(*feed);  // it was ahead
        }
    }
}

void Feeds::tell(FedConversation& conversation, FeedRecord& record, std::span<const BlockPtr> blocks,
                 FeedCursor& cursor, std::size_t& given) {
    if (conversation.in_turns || ++given > most_in_turn_) {
        ++conversation.behind;
        return turns_.wait(conversation.feeds.wake(record, cursor));
    }
    FeedSession& session = record.session();
    FeedName name = record.name();
    name.place = conversation.index;
    for (const BlockPtr& block : blocks) {
        if (block->first == cursor.next && !session.take(name, cursor, block)) break;
    }
    if (cursor.next > conversation.told) {
        if (Feed* const feed = record.feed(); feed != nullptr) conversation.come_to_rest(*feed);
        return;
    }
    ++conversation.behind;
    session.queue(conversation.feeds.wake(record, cursor));
    serve(session, name.lane);
}

void Feeds::removed(const model::ConversationKey& key, Row user, std::uint64_t offset) {
    FedConversation* const conversation = conversations_.registered(key);
    if (conversation == nullptr) return;
    if (conversation->opening != 0) conversation->removals.push_back({user, offset});
    std::vector<FeedSession*> ended;
    for (const FeedRecord& each : conversation->feeds) {
        if (each.opening() || each.session().user_ != user || each.as_of >= offset) continue;
        const bool behind = each.feed() != nullptr && each.feed()->state != Feed::State::current;
        if (!behind || !planted(Fault::removal_missed_behind)) ended.push_back(&each.session());
    }
    for (FeedSession* const session : ended) {
        session->end(conversation->feeds.find(*session)->name(), offset);
        close(*conversation, *session);
    }
}

void Feeds::destroyed(const model::ConversationKey& key) {
    FedConversation* const conversation = conversations_.registered(key);
    if (conversation == nullptr) return;
    for (const FedConversation::Page& page : conversation->pages) {
        reading_.erase(page.wanted.ticket);
        for (Feed* const feed : page.feeds) --feed->session->lane(feed->lane).kept;
        for (Feed* const feed : page.feeds) feed->state = Feed::State::current;
        conversation->behind -= page.feeds.size();
    }
    conversation->pages.clear();
    conversation->row = 0;
    const std::uint64_t told = std::exchange(conversation->told, 0);
    conversation->removals.clear();
    kept_.clear(conversation->shelf);
    std::vector<FeedSession*> ended;
    for (const FeedRecord& each : conversation->feeds) {
        if (each.opening()) {
            each.feed()->unsure = true;
        } else {
            ended.push_back(&each.session());
        }
    }
    for (FeedSession* const session : ended) {
        session->end(conversation->feeds.find(*session)->name(), told + 1);
        close(*conversation, *session);
    }
}

// ---- turns ----

void Feeds::Turns::wait(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    feed.state = Feed::State::due;
    conversation.due.push_back(feed);
    if (std::exchange(conversation.in_turns, true)) return;
    of.push_back(&conversation);
    want();
}

void Feeds::Turns::want() {
    if (!std::exchange(wanted, true)) owner.want_turn();
}

// Each goes through its lane, as one that is behind for any other reason.
void Feeds::go_on() {
    turns_.wanted = false;
    std::erase_if(turns_.of, [this](FedConversation* each) {
        each->in_turns = !each->due.empty();
        for (std::size_t left = most_in_turn_; left != 0 && !each->due.empty(); --left) {
            Feed& feed = each->due.front();
            feed.unlink();
            feed.session->queue(feed);
            serve(*feed.session, feed.lane);
        }
        return !each->in_turns;
    });
    if (!turns_.of.empty()) turns_.want();
}

// ---- giving ----

bool Feeds::step(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    FeedSession& session = *feed.session;
    if (feed.next <= conversation.told) {
        const BlockPtr* const kept = KeptBlocks::find(conversation.shelf, feed.next, session.encodings_);
        if (kept == nullptr) {
            if (!session.has_room(feed.lane)) return false;
            feed.unlink();
            read(feed);
            return true;
        }
        if (!session.take(feed, feed, BlockPtr(*kept))) return false;
        if (planted(Fault::feed_skips_one)) ++feed.next;
    }
    feed.unlink();
    if (feed.next <= conversation.told) {
        session.lane(feed.lane).feeds.push_back(feed);  // others take their turn
    } else {
        if (--conversation.behind == 0) kept_.drop_pages(conversation.shelf);
        conversation.come_to_rest(feed);
    }
    return true;
}

void Feeds::serve(FeedSession& session, Lane lane) {
    if (!session.lanes().empty()) {
        auto& waiting = session.lanes_[lane].feeds;
        while (!waiting.empty() && step(waiting.front())) {
        }
    }
    const bool wants = session.tidy_lanes();
    if (std::exchange(session.wants_room_, wants) != wants) session.want_room(wants);
}

// ---- pages ----

// Pages end at multiples of kPageEntries, so that feeds which begin at different places meet.
void Feeds::read(Feed& feed) {
    FedConversation& conversation = *feed.conversation;
    FeedSession& session = *feed.session;
    feed.state = Feed::State::reading;
    ++session.lane(feed.lane).kept;
    const auto same = [&](const FedConversation::Page& page) {
        return page.wanted.from == feed.next && page.wanted.encodings == session.encodings_ && !page.outdated;
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

// Where they wait. Each may be gone when the one before has been served.
void Feeds::serve(std::span<Feed* const> feeds) {
    std::vector<std::pair<FeedSession*, Lane>> lanes;
    lanes.reserve(feeds.size());
    for (const Feed* const feed : feeds) lanes.emplace_back(feed->session, feed->lane);
    for (const auto& [session, lane] : lanes) serve(*session, lane);
}

FedConversation::Page Feeds::take_page(std::uint64_t ticket) {
    const auto found = reading_.find(ticket);
    if (found == reading_.end()) return {};  // its conversation has gone
    std::vector<FedConversation::Page>& pages = found->second->pages;
    reading_.erase(found);
    const auto page =
        std::ranges::find(pages, ticket, [](const FedConversation::Page& each) { return each.wanted.ticket; });
    FedConversation::Page taken = std::move(*page);
    pages.erase(page);
    for (Feed* const feed : taken.feeds) --feed->session->lane(feed->lane).kept;
    return taken;
}

void Feeds::page_read(std::uint64_t ticket, std::span<const BlockPtr> blocks) {
    const FedConversation::Page page = take_page(ticket);
    const std::vector<Feed*>& feeds = page.feeds;
    if (feeds.empty()) return;
    if (page.outdated) {
        // A message was deleted after it was asked for: the page may have its text, and is read again.
        for (Feed* const feed : feeds) feed->session->queue(*feed);
        return serve(feeds);
    }
    FedConversation& conversation = *feeds.front()->conversation;
    FLARE_INVARIANT(!blocks.empty() && blocks.front()->first == feeds.front()->next,
                    "a page begins elsewhere than was asked");
    for (const BlockPtr& block : blocks) kept_.add_page(conversation.shelf, block);
    // Some go on at once in any case: what was read for them might not be kept until their turn.
    const std::span<Feed* const> now = std::span(feeds).first(std::min(feeds.size(), most_in_turn_));
    for (Feed* const feed : now) {
        feed->state = Feed::State::queued;
        feed->session->lane(feed->lane).feeds.push_front(*feed);
    }
    for (Feed* const feed : std::span(feeds).subspan(now.size())) turns_.wait(*feed);
    serve(feeds);
}

void Feeds::page_failed(std::uint64_t ticket) {
    const std::vector<Feed*> feeds = take_page(ticket).feeds;
    for (Feed* const feed : feeds) {
        feed->state = Feed::State::stuck;
        stuck_.push_back(feed);
    }
    serve(feeds);  // others may have its place
}

void Feeds::retry() {
    const std::vector<Feed*> feeds = std::exchange(stuck_, {});
    for (Feed* const feed : feeds) feed->session->queue(*feed);
    serve(feeds);
}

// ---- invariants ----

void Feeds::check_invariants() const {
    kept_.check_invariants();
    std::size_t feeds = 0;
    std::size_t pages = 0;
    std::size_t in_turns = 0;
    for (const auto& [key, conversation] : conversations_) {
        std::size_t opening = 0;
        std::size_t behind = 0;
        conversation->feeds.check_invariants();
        for (const FeedRecord& record : conversation->feeds) {
            const Feed* const feed = record.feed();
            if (feed == nullptr) continue;
            const bool waits = !feed->opening() && feed->state != Feed::State::current;
            opening += feed->opening();
            behind += waits;
            FLARE_INVARIANT(waits || feed->opening() || feed->next > conversation->told,
                            "a feed is behind and waits for nothing");
            FLARE_INVARIANT(waits || feed->opening() || !conversation->at_rest(*feed), "a feed at rest takes memory");
            const bool linked = feed->state == Feed::State::queued || feed->state == Feed::State::due;
            FLARE_INVARIANT(linked == feed->is_linked(), "a feed is in no queue");
            FLARE_INVARIANT(feed->state != Feed::State::due || conversation->in_turns, "a feed waits for no turn");
        }
        in_turns += conversation->in_turns;
        FLARE_INVARIANT(!conversation->feeds.empty(), "a conversation is watched for nobody");
        FLARE_INVARIANT(opening == conversation->opening && behind == conversation->behind,
                        "feeds that wait are counted wrong");
        FLARE_INVARIANT(opening != 0 || conversation->removals.empty(), "removals are remembered for nobody");
        feeds += conversation->feeds.size();
        pages += conversation->pages.size();
    }
    FLARE_INVARIANT(feeds == size_, "feeds are counted wrong");
    FLARE_INVARIANT(pages == reading_.size(), "a page is read for no conversation");
    FLARE_INVARIANT(in_turns == turns_.of.size() && (in_turns == 0 || turns_.wanted), "a turn is waited for in vain");
}

}  // namespace flare::im
