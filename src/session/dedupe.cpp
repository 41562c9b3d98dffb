#include "session/dedupe.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <array>

namespace flare::session {
namespace {

// The receipt that is a status and nothing else.
const Receipt* plain_receipt(wire::ReceiptStatus status) {
    static const std::array<Receipt, 6> kAll = [] {
        std::array<Receipt, 6> all;
        for (std::size_t i = 0; i < all.size(); ++i) all[i].status = static_cast<wire::ReceiptStatus>(i);
        return all;
    }();
    return &kAll[static_cast<std::size_t>(status) % kAll.size()];
}

bool is_plain(const Receipt& receipt) {
    return receipt.code == errc::ok && receipt.text.empty() && receipt.retry_after_ms == 0 && !receipt.stored.said();
}

// Records that are gone may be as many as the others, and so many more.
constexpr std::size_t kSlack = 64;

}  // namespace

DedupeRing::Check DedupeRing::check(const Uuid& id, Duration first_sent_ago, TimePoint started, TimePoint now) {
    expire(now);
    if (const Record* const record = find(id)) {
        if (record->state == State::in_progress) return {Verdict::in_progress, nullptr};
        return {Verdict::finished, record->detailed ? &rare_->receipts.at(id) : plain_receipt(record->status)};
    }
    if (first_sent_ago > Duration::zero()) {
        const TimePoint sent_at = now - first_sent_ago;
        const TimePoint forgotten_upto = std::max(forgotten_upto_, now - retention_);
        const bool may_have_forgotten_it = forgotten_upto >= started && sent_at <= forgotten_upto;
        // What was sent before `started` may have been acted on by a server that is no more: at least once is all that
        // can be had, as long as this one has forgotten nothing.
        const bool past_window = sent_at >= started && first_sent_ago > window_;
        if (may_have_forgotten_it || past_window) return {Verdict::too_old, nullptr};
    }
    while (live_ >= capacity_ && forget_oldest()) {
    }
    append(id, now);
    return {Verdict::fresh, nullptr};
}

void DedupeRing::finish(const Uuid& id, const Receipt& receipt) {
    Record* const record = find(id);
    if (record == nullptr) return;
    if (planted(Fault::dedupe_forgets_early)) return drop(*record);
    record->state = State::finished;
    record->status = receipt.status;
    if (is_plain(receipt)) return;
    record->detailed = true;
    rare().receipts.insert_or_assign(id, receipt);
}

void DedupeRing::withdraw(const Uuid& id) {
    if (Record* const record = find(id)) drop(*record);
}

const DedupeRing::Record* DedupeRing::find(const Uuid& id) const {
    if (records_.empty()) return nullptr;
    const Record* found = nullptr;
    if (!ascending_) {
        const auto place = rare_->index.find(id);
        if (place != rare_->index.end()) found = &records_[static_cast<std::size_t>(place->second - first_)];
    } else if (records_.back().id == id) {
        found = &records_.back();
    } else if (id < records_.back().id) {
        const auto place = std::lower_bound(records_.begin(), records_.end(), id,
                                            [](const Record& each, const Uuid& wanted) { return each.id < wanted; });
        if (place->id == id) found = &*place;
    }
    return found == nullptr || found->state == State::gone ? nullptr : found;
}

void DedupeRing::append(const Uuid& id, TimePoint now) {
    if (ascending_ && !records_.empty() && !(records_.back().id < id)) index_all();
    if (records_.full()) records_.set_capacity(std::max<std::size_t>(4, records_.capacity() * 2));
    if (records_.empty()) oldest_ = now;
    records_.push_back({id, now});
    if (!ascending_) rare_->index[id] = first_ + records_.size() - 1;
    ++live_;
}

void DedupeRing::drop(Record& record) {
    record.state = State::gone;
    oldest_ = TimePoint::min();
    --live_;
    if (record.detailed) rare_->receipts.erase(record.id);
}

void DedupeRing::pop_front() {
    Record& record = records_.front();
    if (record.state != State::gone) drop(record);
    if (!ascending_) {
        const auto place = rare_->index.find(record.id);  // or another one's, if the id came again
        if (place != rare_->index.end() && place->second == first_) rare_->index.erase(place);
    }
    records_.pop_front();
    ++first_;
}

// False: all that is left is being handled, and what is being handled is not forgotten.
bool DedupeRing::forget_oldest() {
    while (!records_.empty() && records_.front().state == State::gone) pop_front();
    for (Record& record : records_) {
        if (record.state != State::finished) continue;
        forgotten_upto_ = std::max(forgotten_upto_, record.at);
        if (&record == &records_.front()) {
            pop_front();
        } else {
            drop(record);
            if (records_.size() > 2 * live_ + kSlack) compact();
        }
        return true;
    }
    return false;
}

void DedupeRing::expire(TimePoint now) {
    if (!records_.empty() && oldest_ >= now - retention_) return;
    while (!records_.empty()) {
        const Record& oldest = records_.front();
        oldest_ = oldest.at;
        if (oldest.state != State::gone) {
            if (now - oldest.at <= retention_) return;
            // A handler is still at it: a repeat must go on waiting for its receipt.
            if (oldest.state == State::in_progress) return;
        }
        pop_front();
    }
    records_.set_capacity(0);
    rare_.reset();
    ascending_ = true;
}

void DedupeRing::index_all() {
    ascending_ = false;
    rare().index.clear();
    for (std::size_t i = 0; i < records_.size(); ++i) rare_->index[records_[i].id] = first_ + i;
}

// Leaves out what is gone: behind one that takes long to handle it would pile up.
void DedupeRing::compact() {
    records_.erase(
        std::remove_if(records_.begin(), records_.end(), [](const Record& each) { return each.state == State::gone; }),
        records_.end());
    if (!ascending_) index_all();
}

DedupeRing::Rare& DedupeRing::rare() {
    if (!rare_) rare_ = std::make_unique<Rare>();
    return *rare_;
}

void DedupeRing::check_invariants() const {
    std::size_t live = 0;
    std::size_t detailed = 0;
    for (std::size_t i = 0; i < records_.size(); ++i) {
        const Record& record = records_[i];
        FLARE_INVARIANT(record.at >= oldest_, "a record is older than the oldest");
        FLARE_INVARIANT(i == 0 || records_[i - 1].at <= record.at, "records are not in the order of arrival");
        FLARE_INVARIANT(i == 0 || !ascending_ || records_[i - 1].id < record.id, "ids are said to ascend and do not");
        if (record.state == State::gone) continue;
        ++live;
        if (record.detailed) ++detailed;
        FLARE_INVARIANT(!record.detailed || rare_->receipts.contains(record.id), "a receipt is lost");
        FLARE_INVARIANT(ascending_ || rare_->index.at(record.id) == first_ + i, "the index does not find a record");
    }
    FLARE_INVARIANT(live == live_, "live records are counted wrong");
    FLARE_INVARIANT(detailed == (rare_ ? rare_->receipts.size() : 0), "a receipt is kept of a record that is gone");
}

}  // namespace flare::session
