#include "session/dedupe.hpp"

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
    return receipt.code == errc::ok && receipt.text.empty() && receipt.retry_after_ms == 0;
}

}  // namespace

DedupeRing::Entry* DedupeRing::Entries::find(const Uuid& id) {
    for (auto& [each, entry] : few_) {
        if (each == id) return &entry;
    }
    const auto found = many_.find(id);
    return found == many_.end() ? nullptr : &found->second;
}

DedupeRing::Entry& DedupeRing::Entries::add(const Uuid& id) {
    if (many_.empty() && few_.size() < kFew) return few_.emplace_back(id, Entry()).second;
    for (auto& [each, entry] : few_) many_.emplace(each, std::move(entry));
    few_ = decltype(few_)();
    return many_.try_emplace(id).first->second;
}

void DedupeRing::Entries::erase(const Uuid& id) {
    if (few_.empty()) {
        many_.erase(id);
    } else {
        std::erase_if(few_, [&](const auto& each) { return each.first == id; });
    }
}

DedupeRing::Check DedupeRing::check(const Uuid& id, Duration first_sent_ago, TimePoint started, TimePoint now) {
    expire(now);
    if (const Entry* const entry = entries_.find(id)) {
        if (!entry->finished) return {Verdict::in_progress, nullptr};
        return {Verdict::finished, entry->detailed ? entry->detailed.get() : plain_receipt(entry->status)};
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
    while (entries_.size() >= capacity_ && forget_oldest()) {
    }
    if (order_.full()) order_.set_capacity(std::max<std::size_t>(4, order_.capacity() * 2));
    order_.push_back({id, now});
    entries_.add(id).at = now;
    return {Verdict::fresh, nullptr};
}

void DedupeRing::finish(const Uuid& id, Receipt receipt) {
    Entry* const entry = entries_.find(id);
    if (entry == nullptr) return;
    if (planted(Fault::dedupe_forgets_early)) {
        entries_.erase(id);
        return;
    }
    entry->finished = true;
    entry->status = receipt.status;
    if (!is_plain(receipt)) entry->detailed = std::make_unique<Receipt>(std::move(receipt));
}

void DedupeRing::withdraw(const Uuid& id) { entries_.erase(id); }

// False: all that is left is being handled, and what is being handled is not forgotten.
bool DedupeRing::forget_oldest() {
    for (auto oldest = order_.begin(); oldest != order_.end(); ++oldest) {
        const Entry* const found = entries_.find(oldest->id);
        const bool withdrawn = found == nullptr || found->at != oldest->at;
        if (!withdrawn && !found->finished) continue;
        if (!withdrawn) {
            forgotten_upto_ = std::max(forgotten_upto_, oldest->at);
            entries_.erase(oldest->id);
        }
        order_.rerase(oldest);  // moves what is older, not the thousands that are younger
        return true;
    }
    return false;
}

void DedupeRing::expire(TimePoint now) {
    while (!order_.empty() && now - order_.front().at > retention_) {
        const Order oldest = order_.front();
        const Entry* const found = entries_.find(oldest.id);
        if (found != nullptr && found->at == oldest.at) {
            // A handler is still at it: a repeat must go on waiting for its receipt.
            if (!found->finished) return;
            entries_.erase(oldest.id);
        }
        order_.pop_front();
    }
    if (order_.empty()) {
        order_.set_capacity(0);
        entries_.release();
    }
}

}  // namespace flare::session
