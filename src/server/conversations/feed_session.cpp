#include "server/conversations/feed_session.hpp"

#include "server/conversations/deliveries.hpp"
#include "session/planted.hpp"

#include <utility>

namespace flare::server {

std::size_t FeedSubscriber::room_of(session::ServerSession& session, im::Lane lane) {
    if (session.active() == session::kNoCarrier) return 0;
    const std::size_t waiting = session.lane_set().waiting(lane);
    return waiting < kMostWaiting ? kMostWaiting - waiting : 0;
}

bool FeedSubscriber::give(const im::FeedName& feed, const im::BlockPtr& block) {
    if (session_ == nullptr) return false;
    wire::Body body = body_of(*block);  // its bytes are shared
    body.feed_id = feed.number;
    const std::uint64_t token = block->few ? Deliveries::token_of(feed, block->last) : 0;
    const auto sent = parts_.table.send_feed(*session_, feed.lane, std::move(body), parts_.executor.now(), token);
    if (sent) {
        ++parts_.counters.feeds.frames;
    } else if (sent.error() == errc::busy) {
        parts_.memory_short();
    }
    return sent.has_value();
}

// ---- what is unfinished ----

FeedSubscriber::Unfinished& FeedSubscriber::unfinished() {
    if (unfinished_ == nullptr) unfinished_ = std::make_unique<Unfinished>();
    return *unfinished_;
}

void FeedSubscriber::drop_if_finished() noexcept {
    const Unfinished& all = *unfinished_;
    if (all.openings.empty() && all.untold.empty() && all.unsaid.empty()) unfinished_.reset();
}

void FeedSubscriber::add_opening(std::uint32_t number, Opening opening) {
    unfinished().openings.try_emplace(number, std::move(opening));
}

FeedSubscriber::Opening FeedSubscriber::take_opening(std::uint32_t number) {
    const auto at = unfinished_->openings.find(number);
    Opening opening = std::move(at->second);
    unfinished_->openings.erase(at);
    drop_if_finished();
    return opening;
}

void FeedSubscriber::keep_untold(const model::ConversationKey& conversation, std::uint64_t stamp) {
    unfinished().untold.emplace_back(conversation, stamp);
}

std::vector<FeedSubscriber::Untold> FeedSubscriber::take_untold() {
    if (unfinished_ == nullptr) return {};
    std::vector<Untold> taken = std::exchange(unfinished_->untold, {});
    drop_if_finished();
    return taken;
}

// ---- ends ----

void FeedSubscriber::end(const im::FeedName& feed, std::uint64_t offset) {
    say_or_keep({feed.number, feed.lane, offset});
}

void FeedSubscriber::say_or_keep(const Ended& ended) {
    if (say(ended)) return;
    unfinished().unsaid.push_back(ended);
    parts_.memory_short();
}

// A lane that has been empty since has brought its client all that was sent before. Receipts of what is told now may be
// in it, but not if it is the lane of the feed: that one is not apart.
bool FeedSubscriber::has_heard() {
    for (im::Lane lane = 0; apart_ >> lane != 0 && session_ != nullptr; ++lane) {
        const session::SendLane* const sent = session_->lane_set().send_lane(lane);
        if (sent == nullptr || sent->idle()) apart_ &= ~(1u << lane);
    }
    return apart_ == 0;
}

// False: there is no memory for it. A session that ends hears nothing of it.
bool FeedSubscriber::say(const Ended& ended) {
    if (session_ == nullptr) return true;
    wire::im::Feed word;
    word.removed = ended.offset;
    word.failed = ended.failed;
    wire::Body body = wire::im::feed_body(word);
    body.feed_id = ended.feed;
    const auto sent = parts_.table.send_feed(*session_, ended.lane, std::move(body), parts_.executor.now());
    return sent || sent.error() != errc::busy;
}

void FeedSubscriber::say_again() {
    if (unfinished_ == nullptr) return;
    const std::vector<Ended> unsaid = std::exchange(unfinished_->unsaid, {});
    drop_if_finished();
    for (const Ended& each : unsaid) say_or_keep(each);
}

void FeedSubscriber::want_room(bool wanted) {
    if (session_ != nullptr) session_->room().want(wanted);
}

}  // namespace flare::server
