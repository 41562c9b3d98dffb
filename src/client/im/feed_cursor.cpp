#include "client/im/feed_cursor.hpp"

namespace flare::client {

void FeedCursor::begin(const Position& position, const Uuid& id) {
    begun_ = true;
    position_ = position;
    reached_ = position.offset;
    id_ = id;
    if (own_epoch_ != position.epoch) own_.clear();
    own_epoch_ = position.epoch;
    own_.erase(own_.begin(), own_.upper_bound(position.offset));
    absorb();
}

void FeedCursor::note_own(const Position& at, const Uuid& id) {
    const bool same = begun_ && at.epoch == position_.epoch;
    if (same && at.offset <= position_.offset) return;
    // Where the log has begun anew, receipts come before the feed is where they are.
    if (at.epoch != own_epoch_) own_.clear();
    own_epoch_ = at.epoch;
    if (own_.size() < kMostOwn || (same && at.offset == position_.offset + 1)) own_.emplace(at.offset, id);
    if (same) absorb();
}

bool FeedCursor::skip_to(std::uint64_t offset) {
    if (offset <= position_.offset) return false;
    begin({position_.epoch, offset}, Uuid());
    return true;
}

std::vector<std::uint64_t> FeedCursor::own_above(const Position& at) const {
    std::vector<std::uint64_t> found;
    if (own_epoch_ != at.epoch) return found;
    for (auto own = own_.upper_bound(at.offset); own != own_.end(); ++own) found.push_back(own->first);
    return found;
}

FeedCursor::Taken FeedCursor::take(std::uint64_t offset, const Uuid& id) {
    if (offset <= position_.offset) return {};
    const bool knows_own = own_epoch_ == position_.epoch;
    const bool own = knows_own && own_.contains(offset);
    Taken taken{!own};
    // The first below it is no own message, or absorb() would have passed it.
    if (const std::uint64_t first = position_.offset + 1; offset > first) {
        std::uint64_t last = offset - 1;
        while (knows_own && own_.contains(last)) --last;
        taken.missing.emplace(first, last);
    }
    begin({position_.epoch, offset}, id);
    if (own) reached_ = offset - 1;
    return taken;
}

// Own messages that come next are told already.
void FeedCursor::absorb() {
    for (auto next = own_.begin(); next != own_.end() && next->first == position_.offset + 1; next = own_.begin()) {
        position_.offset = next->first;
        id_ = next->second;
        own_.erase(next);
    }
}

}  // namespace flare::client
