#include "store/sqlite/head_table.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::store::sqlite {
namespace {

// What a transaction of usual size takes; the memory of a larger one is given back.
constexpr std::size_t kUsualCopies = 16 * 1024;
constexpr std::size_t kLookedUpAtATime = 128;  // 10 us, for which a commit may have to wait

}  // namespace

LogState* HeadTable::work(Row conversation) {
    const auto found = slots_.find(conversation);
    if (found == slots_.end()) return nullptr;
    Slot& slot = *found->second;
    if (slot.copy == kNone) {
        slot.copy = static_cast<std::uint32_t>(copies_.size());
        copies_.push_back({&slot, slot.state, slot.unwritten, false});
        slot.used = true;
    }
    return &copies_[slot.copy].state;
}

LogState& HeadTable::load(Row conversation, const LogState& state) {
    auto made = std::make_unique<Slot>();
    Slot& slot = *made;
    slot.row = conversation;
    slot.loaded = true;
    slot.copy = static_cast<std::uint32_t>(copies_.size());
    copies_.push_back({&slot, state, 0, false});
    ages_.push_back(slot);
    const std::lock_guard lock(mutex_);
    slots_.insert_or_assign(conversation, std::move(made));
    return copies_.back().state;
}

HeadTable::Copy& HeadTable::copy_of(Row conversation) {
    const auto found = slots_.find(conversation);
    FLARE_INVARIANT(found != slots_.end() && found->second->copy != kNone, "only what is worked on is changed");
    return copies_[found->second->copy];
}

void HeadTable::changed(Row conversation) {
    Copy& copy = copy_of(conversation);
    if (copy.unwritten == 0) copy.unwritten = first_stamp_;
}

void HeadTable::reshaped(Row conversation) { copy_of(conversation).reshaped = true; }

void HeadTable::written(Row conversation) {
    Copy& copy = copy_of(conversation);
    copy.unwritten = 0;
    copy.slot->used = false;  // to write it was no use of it: it may go
}

void HeadTable::overdue(std::uint64_t upto, std::size_t most, std::vector<Row>& to) {
    to.clear();
    for (const Slot& slot : dirty_) {
        if (slot.unwritten > upto || to.size() == most) break;
        if (unwritten(slot, copies_) != 0) to.push_back(slot.row);
    }
    std::size_t excess = slots_.size() > most_ ? slots_.size() - most_ : 0;
    std::size_t looked_at = 0;
    for (auto each = ages_.begin(); excess > 0 && to.size() < most && looked_at < slots_.size(); ++looked_at) {
        Slot& slot = *each++;
        if (std::exchange(slot.used, false)) {
            ages_.splice(ages_.end(), ages_, ages_.iterator_to(slot));
            continue;
        }
        --excess;
        const bool listed = slot.unwritten != 0 && slot.unwritten <= upto;
        if (!listed && unwritten(slot, copies_) != 0) to.push_back(slot.row);
    }
}

void HeadTable::changed_now(std::vector<Row>& to) const {
    to.clear();
    for (const Copy& copy : copies_)
        if (copy.unwritten != 0) to.push_back(copy.slot->row);
}

void HeadTable::publish() {
    const std::lock_guard lock(mutex_);
    for (const Copy& copy : copies_) {
        Slot& slot = *copy.slot;
        slot.state = copy.state;
        stamps_.put(slot.row, {copy.state.head.stamp, copy.state.removed});
        known_.publish(slot.row, copy.state.head, copy.reshaped);
        slot.copy = kNone;
        slot.loaded = false;
        if (slot.unwritten == copy.unwritten) continue;
        slot.dirty.unlink();
        slot.unwritten = copy.unwritten;
        if (slot.unwritten != 0) dirty_.push_back(slot);
    }
    copies_.clear();
    shrink();
}

void HeadTable::discard() {
    const std::lock_guard lock(mutex_);
    for (const Copy& copy : copies_) {
        copy.slot->copy = kNone;
        if (copy.slot->loaded) slots_.erase(copy.slot->row);
    }
    copies_.clear();
}

void HeadTable::shrink() {
    if (copies_.capacity() > kUsualCopies) copies_ = {};
    while (slots_.size() > most_) {
        Slot& slot = ages_.front();
        if (std::exchange(slot.used, false)) {
            ages_.splice(ages_.end(), ages_, ages_.begin());
        } else if (slot.unwritten == 0) {
            const Row row = slot.row;
            slots_.erase(row);
        } else {
            break;  // overdue() names it the next time
        }
    }
}

std::optional<LogState> HeadTable::snapshot(Row conversation) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(conversation);
    if (found == slots_.end() || found->second->loaded) return std::nullopt;
    return found->second->state;
}

std::optional<model::Head> HeadTable::head(Row conversation) const {
    const std::lock_guard lock(mutex_);
    const auto found = slots_.find(conversation);
    if (found != slots_.end() && !found->second->loaded) return found->second->state.head;
    const KnownConversations::Place* const known = known_.find(conversation);
    return known == nullptr ? std::nullopt : std::optional(known->head);
}

void HeadTable::known(std::span<const Row> rows, std::vector<Known>& to) {
    while (!rows.empty()) {
        const auto part = rows.first(std::min(rows.size(), kLookedUpAtATime));
        rows = rows.subspan(part.size());
        to.reserve(to.size() + part.size());  // not with the lock held
        const std::lock_guard lock(mutex_);
        for (const Row row : part) {
            const KnownConversations::Place& place = known_.take(row);
            Known& made = to.emplace_back(Known{place.conversation, place.head, place.ticket, std::nullopt});
            if (made.conversation != nullptr) continue;
            const auto found = slots_.find(row);
            if (found != slots_.end() && found->second->unwritten != 0) made.ahead = found->second->state.head;
        }
    }
}

void HeadTable::learn(Row conversation, std::uint64_t ticket, std::shared_ptr<const Conversation> read) {
    const std::lock_guard lock(mutex_);
    known_.learn(conversation, ticket, std::move(read));
}

void HeadTable::stamps_of(std::span<const Row> rows, std::vector<LogStamp>& to) {
    while (!rows.empty()) {
        const auto part = rows.first(std::min(rows.size(), kLookedUpAtATime));
        rows = rows.subspan(part.size());
        to.reserve(to.size() + part.size());
        const std::lock_guard lock(mutex_);
        for (const Row row : part) {
            LogStamp stamp = stamps_.of(row);
            if (!stamp.known()) {
                stamps_.make_room(row);
                const auto found = slots_.find(row);
                const bool there = found != slots_.end() && !found->second->loaded;
                if (there) stamp = {found->second->state.head.stamp, found->second->state.removed};
                if (there) stamps_.put(row, stamp);
            }
            to.push_back(stamp);
        }
    }
}

void HeadTable::learn(Row conversation, LogStamp stamp) {
    const std::lock_guard lock(mutex_);
    if (!stamps_.of(conversation).known()) stamps_.put(conversation, stamp);  // else it was published meanwhile
}

}  // namespace flare::store::sqlite
