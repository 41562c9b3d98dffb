// Messages for whose outcome a call waits, while there is no connection: it does not wait for ever.
//
// The time counts from when the message began to wait offline: when it was given to the session, or when the last
// connection was lost. One deadline serves all of them.
#include "session/client_session_parts.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <string>

namespace flare::session {

void ClientSession::nothing_sends() noexcept {
    if (active_ == kNoCarrier) return;
    active_ = kNoCarrier;
    offline_since_ = inbound_->now;
    // Perhaps nobody waits for any of them: give_up_waiting() looks.
    if (settings_.send_timeout > Duration::zero() && outbox_.size() != 0)
        give_up_waiting_at_ = offline_since_ + settings_.send_timeout;
}

TimePoint ClientSession::waits_until(const Outbox::Entry& entry) const noexcept {
    if (!entry.awaited || settings_.send_timeout <= Duration::zero()) return kNever;
    return std::max(entry.queued_at, offline_since_) + settings_.send_timeout;
}

void ClientSession::give_up_waiting(TimePoint now) {
    if (now < give_up_waiting_at_) return;
    give_up_waiting_at_ = kNever;
    std::vector<Outbox::Token> due;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        const TimePoint until = waits_until(entry);
        if (until <= now) {
            due.push_back(token);
        } else {
            give_up_waiting_at_ = std::min(give_up_waiting_at_, until);
        }
    });
    const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(settings_.send_timeout).count();
    const std::string text = "there was no connection for " + std::to_string(waited) + " ms: ";
    for (const Outbox::Token token : due) {
        const Outbox::Entry* entry = outbox_.find(token);
        if (entry == nullptr) continue;
        const bool unsent = entry->first_sent_at == kNever || planted(Fault::under_way_called_unsent);
        withdraw(token, *entry);
        Outcome outcome;
        outcome.error = unsent ? errc::not_connected : errc::outcome_unknown;
        outcome.text = text + (unsent ? "it was not sent" : "it was sent before, and may still arrive");
        finish(token, std::move(outcome));
    }
}

}  // namespace flare::session
