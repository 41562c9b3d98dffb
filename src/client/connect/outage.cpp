#include "client/connect/outage.hpp"

#include <algorithm>

namespace flare::client {

void Outage::begin(session::TimePoint now) {
    attempt_ = 1;
    began_ = now;
}

void Outage::cancel() {
    attempt_ = 0;
    at_ = session::kNever;
    slot_ = false;
}

std::chrono::milliseconds Outage::plan(std::chrono::milliseconds slot, session::TimePoint now, std::uint64_t random) {
    auto delay = backoff_.before(attempt_, now - began_, random);
    // A connection that has just worked most likely works again: the first attempt comes soon, spread a little.
    if (attempt_ == 1) delay /= 8;
    slot_ = slot.count() > 0;
    if (slot_) delay = slot;
    at_ = now + delay;
    return delay;
}

void Outage::hurry(session::TimePoint now, session::TimePoint last_attempt_began) {
    if (at_ == session::kNever || slot_) return;
    at_ = std::min(at_, std::max(now, last_attempt_began + delay_));
}

bool Outage::take_due(session::TimePoint now) {
    if (at_ == session::kNever || now < at_) return false;
    at_ = session::kNever;
    slot_ = false;
    return true;
}

}  // namespace flare::client
