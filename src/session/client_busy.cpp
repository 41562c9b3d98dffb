// Messages that the server has no room for yet: they stay in the outbox, with what follows them to the same target, and
// are sent again under the same id when the server says.
//
// Protocol: docs/protocol.md, "Receipts".
#include "session/client_session_parts.hpp"

#include <algorithm>

namespace flare::session {
namespace {

constexpr Duration kLeastWait = std::chrono::milliseconds(10);
constexpr Duration kLongestBusy = std::chrono::minutes(10);  // beyond it the application hears of it

}  // namespace

// True: it is kept, and has no outcome yet.
bool ClientSession::keep_for_later(Outbox::Token token, const wire::ReceiptView& receipt, TimePoint now) {
    Outbox::Entry& entry = *outbox_.find(token);
    if (receipt.code != errc::busy || receipt.retry_after_ms == 0 || disconnecting_) return false;
    if (entry.parked) return true;  // the receipt came twice
    const Duration wait = std::max<Duration>(std::chrono::milliseconds(receipt.retry_after_ms), kLeastWait);
    if (entry.busy_since == kNever) entry.busy_since = now;
    if (now + wait - entry.busy_since > kLongestBusy) return false;
    // Nobody has acted on it: unless a lost session may have, it is as if it had never been sent.
    if (!entry.uncertain) entry.first_sent_at = kNever;
    ++entry.retries;
    park(entry);
    const std::string to = entry.to;
    const auto [held, begins] = busy_.try_emplace(to, now + wait);
    busy_until_ = std::min(busy_until_, now + wait);
    if (!begins) {
        held->second = std::max(held->second, now + wait);
        return true;
    }
    SendLane* lane = lane_set_ ? lane_set_->send_lane(lane_of(to, lane_set_->lanes())) : nullptr;
    if (lane == nullptr) return true;
    outbox_.for_each([&](Outbox::Token other, Outbox::Entry& behind) {
        if (!behind.parked && !behind.acked && behind.to == to && lane->withdraw(other)) park(behind);
    });
    return true;
}

// It is in no lane, and waits for no acknowledgement either.
void ClientSession::park(Outbox::Entry& entry) noexcept { entry.parked = entry.acked = true; }

// Targets whose time has come, in order; they are busy no longer.
std::vector<std::string> ClientSession::no_longer_busy(TimePoint now) {
    std::vector<std::string> due;
    if (now < busy_until_) return due;
    busy_until_ = kNever;
    std::erase_if(busy_, [&](const auto& each) {
        if (each.second > now) {
            busy_until_ = std::min(busy_until_, each.second);
            return false;
        }
        due.push_back(each.first);
        return true;
    });
    return due;
}

void ClientSession::send_what_was_busy(TimePoint now) {
    if (!lane_set_) return;  // it goes with the next session
    const std::vector<std::string> due = no_longer_busy(now);
    if (due.empty()) return;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.parked && std::binary_search(due.begin(), due.end(), entry.to)) enqueue(token, entry, now);
    });
    notify_output();
}

}  // namespace flare::session
