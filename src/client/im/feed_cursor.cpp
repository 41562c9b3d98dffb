#include "client/im/feed_cursor.hpp"

#include <cstddef>

namespace flare::client {

void FeedCursor::begin(const Position& position, const Uuid& id) {
    begun_ = true;
    position_ = position;
    reached_ = position.offset;
    uncounted_.clear();
    id_ = id;
    if (own_epoch_ != position.epoch) own_.clear();
    own_epoch_ = position.epoch;
    own_.erase(own_.begin(), own_.upper_bound(position.offset));
    absorb();
}

void FeedCursor::note_own(const Position& at, const Uuid& id, bool counts) {
    const bool same = begun_ && at.epoch == position_.epoch;
    if (same && at.offset <= position_.offset) return;
    // Where the log has begun anew, receipts come before the feed is where they are.
    if (at.epoch != own_epoch_) own_.clear();
    own_epoch_ = at.epoch;
    if (own_.size() < kMostOwn || (same && at.offset == position_.offset + 1))
        own_.emplace(at.offset, Sent{id, counts});
    if (same) absorb();
}

bool FeedCursor::go_on() {
    paused_ = false;
    const std::uint64_t before = position_.offset;
    if (begun_ && own_epoch_ == position_.epoch) absorb();
    return position_.offset != before;
}

bool FeedCursor::skip_to(std::uint64_t offset) {
    if (offset <= position_.offset) return false;
    begin({position_.epoch, offset}, Uuid());
    return true;
}

std::vector<FeedCursor::Own> FeedCursor::own_above(const Position& at) const {
    std::vector<Own> found;
    if (own_epoch_ != at.epoch) return found;
    for (auto own = own_.upper_bound(at.offset); own != own_.end(); ++own)
        found.push_back({own->first, own->second.counts});
    return found;
}

FeedCursor::Taken FeedCursor::take(std::uint64_t offset, const Uuid& id) {
    if (offset <= position_.offset) return {};
    const bool knows_own = own_epoch_ == position_.epoch;
    const auto sent = knows_own ? own_.find(offset) : own_.end();
    const bool own = sent != own_.end();
    const bool counts = !own || sent->second.counts;
    Taken taken{!own};
    // The first below it is no own message, or absorb() would have passed it.
    if (const std::uint64_t first = position_.offset + 1; offset > first) {
        std::uint64_t last = offset - 1;
        while (knows_own && own_.contains(last)) --last;
        taken.missing.emplace(first, last);
    }
    begin({position_.epoch, offset}, id);
    if (own) {
        reached_ = offset - 1;
        if (!counts) uncounted_.insert(uncounted_.begin(), offset);  // those behind it are in it already
    }
    return taken;
}

// Own messages that come next are told already.
void FeedCursor::absorb() {
    if (paused_) return;
    for (auto next = own_.begin(); next != own_.end() && next->first == position_.offset + 1; next = own_.begin()) {
        position_.offset = next->first;
        id_ = next->second.id;
        pass(next->first, next->second.counts);
        own_.erase(next);
    }
}

void FeedCursor::pass(std::uint64_t offset, bool counts) {
    if (counts) return;
    if (uncounted_.size() == kMostOwn)
        uncounted_.erase(uncounted_.begin(), uncounted_.begin() + static_cast<std::ptrdiff_t>(kMostOwn / 2));
    uncounted_.push_back(offset);
}

}  // namespace flare::client
