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

FeedSubscriber::Opening FeedSubscriber::take_opening(std::uint32_t number) {
    const auto at = openings.find(number);
    Opening opening = std::move(at->second);
    openings.erase(at);
    if (openings.empty()) openings = {};  // its memory, too
    return opening;
}

void FeedSubscriber::end(const im::FeedName& feed, std::uint64_t offset) {
    say_or_keep({feed.number, feed.lane, offset});
}

void FeedSubscriber::say_or_keep(const Ended& ended) {
    if (say(ended)) return;
    unsaid_.push_back(ended);
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
    for (const Ended& each : std::exchange(unsaid_, {})) say_or_keep(each);
}

void FeedSubscriber::want_room(bool wanted) {
    if (session_ != nullptr) session_->room().want(wanted);
}

}  // namespace flare::server
