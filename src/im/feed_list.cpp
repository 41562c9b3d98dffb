#include "im/feed_list.hpp"

#include "base/assert.hpp"
#include "base/tight.hpp"
#include "im/fed_conversation.hpp"

namespace flare::im {

static_assert(sizeof(FeedRecord) == 24);

const model::ConversationKey& Feed::key() const noexcept { return conversation->key; }

FeedList::~FeedList() {
    for (const FeedRecord& each : records_) delete each.feed();
}

Feed& FeedList::add(FeedSession& session, Lane lane) {
    auto made = std::make_unique<Feed>();
    made->number = session.take_number();
    made->lane = lane;
    made->place = conversation_.index;
    made->session = &session;
    made->conversation = &conversation_;
    base::make_room_tightly(records_);
    session.held_.add({conversation_.index, static_cast<std::uint32_t>(records_.size())});
    records_.emplace_back(*made);
    return *made.release();
}

void FeedList::remove(FeedSession& session) {
    const std::uint32_t at = session.held_.find(conversation_.index)->at;
    session.held_.erase(conversation_.index);
    delete records_[at].feed();
    if (at + 1 != records_.size()) {
        records_[at] = records_.back();
        records_[at].session().held_.move({conversation_.index, at});
    }
    records_.pop_back();
    base::shrink_tightly(records_);
}

Feed& FeedList::wake(FeedRecord& record, const FeedCursor& cursor) {
    if (!record.rests_) return *record.feed_;
    auto made = std::make_unique<Feed>();
    static_cast<FeedName&>(*made) = record.name();
    made->place = conversation_.index;
    static_cast<FeedCursor&>(*made) = cursor;
    made->state = Feed::State::current;
    made->session = record.session_;
    made->conversation = &conversation_;
    record.feed_ = made.release();
    record.rests_ = false;
    return *record.feed_;
}

void FeedList::rest(Feed& feed) {
    FeedRecord& record = *find(*feed.session);
    record.unheard = feed.own_after == FeedCursor::kUnheard;
    record.session_ = feed.session;
    record.rests_ = true;
    delete &feed;
}

FeedRecord* FeedList::find(const FeedSession& session) {
    const HeldFeeds::Held* const held = session.held_.find(conversation_.index);
    return held == nullptr ? nullptr : &records_[held->at];
}

void FeedList::check_invariants() const {
    for (std::size_t i = 0; i < records_.size(); ++i) {
        const FeedSession& session = records_[i].session();
        const HeldFeeds::Held* const held = session.held_.find(conversation_.index);
        FLARE_INVARIANT(held != nullptr && held->at == i, "a feed is not where it says");
        const Feed* const feed = records_[i].feed();
        FLARE_INVARIANT(
            feed == nullptr || (feed->conversation == &conversation_ && feed->number == records_[i].number_),
            "a feed is another one");
    }
}

}  // namespace flare::im
