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

DedupeRing::Check DedupeRing::check(const Uuid& id, Duration first_sent_ago, TimePoint started, TimePoint now) {
    expire(now);
    if (const auto found = entries_.find(id); found != entries_.end()) {
        const Entry& entry = found->second;
        if (!entry.finished) return {Verdict::in_progress, nullptr};
        return {Verdict::finished, entry.detailed ? entry.detailed.get() : plain_receipt(entry.status)};
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
    if (order_.full()) order_.set_capacity(std::max<std::size_t>(16, order_.capacity() * 2));
    order_.push_back({id, now});
    entries_.try_emplace(id).first->second.at = now;
    return {Verdict::fresh, nullptr};
}

void DedupeRing::finish(const Uuid& id, Receipt receipt) {
    const auto found = entries_.find(id);
    if (found == entries_.end()) return;
    if (planted(Fault::dedupe_forgets_early)) {
        entries_.erase(found);
        return;
    }
    Entry& entry = found->second;
    entry.finished = true;
    entry.status = receipt.status;
    if (!is_plain(receipt)) entry.detailed = std::make_unique<Receipt>(std::move(receipt));
}

void DedupeRing::withdraw(const Uuid& id) { entries_.erase(id); }

// False: all that is left is being handled, and what is being handled is not forgotten.
bool DedupeRing::forget_oldest() {
    for (auto oldest = order_.begin(); oldest != order_.end(); ++oldest) {
        const auto found = entries_.find(oldest->id);
        const bool withdrawn = found == entries_.end() || found->second.at != oldest->at;
        if (!withdrawn && !found->second.finished) continue;
        if (!withdrawn) {
            forgotten_upto_ = std::max(forgotten_upto_, oldest->at);
            entries_.erase(found);
        }
        order_.rerase(oldest);  // moves what is older, not the thousands that are younger
        return true;
    }
    return false;
}

void DedupeRing::expire(TimePoint now) {
    while (!order_.empty() && now - order_.front().at > retention_) {
        const Order oldest = order_.front();
        const auto found = entries_.find(oldest.id);
        if (found != entries_.end() && found->second.at == oldest.at) {
            // A handler is still at it: a repeat must go on waiting for its receipt.
            if (!found->second.finished) return;
            entries_.erase(found);
        }
        order_.pop_front();
    }
    if (order_.empty()) order_.set_capacity(0);
}

}  // namespace flare::session
