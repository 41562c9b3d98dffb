#include "session/outgoing.hpp"

#include "base/assert.hpp"
#include "model/target.hpp"
#include "session/later.hpp"
#include "session/planted.hpp"

#include <flare/printable.hpp>

#include <algorithm>
#include <utility>

namespace flare::session {
namespace {

constexpr std::uint64_t kLongestAgo = 365ull * 24 * 3600 * 1000;  // a clock may have been set

bool goes_into_log(const ClientAgreement& agreed, std::string_view to) noexcept {
    const auto kind = model::Target::of(to).kind;
    return agreed.conversations && (kind == model::Target::Kind::user || kind == model::Target::Kind::conversation);
}

std::chrono::milliseconds to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
}

SendLane* lane_to(const ClientAgreement& agreed, std::string_view to) {
    return agreed.lanes ? agreed.lanes->send_lane(lane_of(to, agreed.lanes->lanes())) : nullptr;
}

// It is in no lane any more, unless it has a number.
void withdraw(const ClientAgreement& agreed, Outbox::Token token, const Outbox::Entry& entry) {
    if (SendLane* const lane = lane_to(agreed, entry.to)) lane->withdraw(token);
}

bool says_success(wire::ReceiptStatus status) noexcept {
    switch (status) {
        case wire::ReceiptStatus::handled:
        case wire::ReceiptStatus::delivered:
        case wire::ReceiptStatus::buffered:
        case wire::ReceiptStatus::stored: return true;
        case wire::ReceiptStatus::unspecified:
        case wire::ReceiptStatus::refused: break;
    }
    return false;  // and a number of a later version
}

bool was_sent(const Outbox::Entry& entry) noexcept { return entry.first_sent_at != kNever; }

// It is in no lane, and waits for no acknowledgement either.
void park(Outbox::Entry& entry, TimePoint now) noexcept {
    entry.parked = entry.acked = true;
    entry.waits_since = std::min(entry.waits_since, now);
}

// The outbox keeps messages as they are: what the next session agrees on may be something else.
wire::Body encode(const Outbox::Entry& entry, std::uint64_t first_sent_ms_ago, const ClientAgreement& agreed,
                  const ClientSettings& settings) {
    wire::DataView data;
    data.first_sent_ms_ago = first_sent_ms_ago;
    data.message_raw = entry.message.view();
    if (agreed.encodings != 0) {
        const auto message = wire::decode_message(entry.message.view());
        const auto packed = message ? settings.compression->pack(message->payload, agreed.encodings) : std::nullopt;
        if (packed) {
            data.message_raw = {};
            data.message = *message;
            data.message->payload = packed->bytes;
            data.message->encoding = packed->encoding;
            data.message->size = message->payload.size();
            return wire::encode(data);
        }
    }
    // encode() takes the cost from the message, of which it has only the bytes here.
    wire::Body body = wire::encode(data);
    body.cost = entry.payload_bytes;
    return body;
}

// The outcome of one that was put off for too long.
Outcome outcome_of_later(const wire::ReceiptView& receipt, bool uncertain) {
    Outcome outcome;
    outcome.forgotten = true;
    outcome.error = receipt.code;
    outcome.text = printable(receipt.text, wire::kMaxTextBytes);
    outcome.retry_after_ms = receipt.retry_after_ms;
    if (uncertain) {
        outcome.error = errc::outcome_unknown;
        outcome.text = "it was sent in a session that is lost, and may have been processed; now the server puts it off";
    }
    return outcome;
}

}  // namespace

// ---- from the application ----

Result<Outgoing::Place> Outgoing::send(const wire::MessageView& message, Priority priority, TimePoint now,
                                       Sending how) {
    if (message.to.empty()) return errc::unknown_target;
    if (message.id.is_nil()) return errc::invalid_message_id;
    if (!wire::is_name(message.to) || !wire::is_name(message.type)) return errc::invalid_name;
    if (message.payload.size() > std::min(settings_.max_message_bytes, agreed_.limits.max_message_bytes))
        return errc::message_too_large;
    Outbox::Entry entry;
    entry.id = message.id;
    entry.to = std::string(message.to);
    entry.payload_bytes = message.payload.size();
    entry.priority = priority;
    entry.queued_at = now;
    entry.awaited = how.awaited;
    if (how.first_sent_ms_ago != 0) {
        entry.first_sent_at = now - std::chrono::milliseconds(std::min(how.first_sent_ms_ago, kLongestAgo));
        entry.uncertain = true;
    }
    entry.message = wire::encode_message(message);
    const auto token = outbox_.add(std::move(entry));
    if (!token) return token.error();
    Outbox::Entry& kept = *outbox_.find(*token);
    if (!online_) give_up_waiting_at_ = std::min(give_up_waiting_at_, waits_until(kept));
    if (held_.holds(kept.to)) {
        park(kept, now);
        held_.add(kept.to, *token);
        if (agreed_.lanes) release(held_.take(kept.to, now), now);
    } else if (agreed_.lanes) {
        enqueue(*token, kept, now);
    }
    return kept.parked || !agreed_.lanes ? Place::outbox : Place::lane;
}

void Outgoing::enqueue(Outbox::Token token, Outbox::Entry& entry, TimePoint now) {
    std::uint64_t ago = 0;
    if (was_sent(entry))
        ago = static_cast<std::uint64_t>(std::max<std::int64_t>(1, to_ms(now - entry.first_sent_at).count()));
    if (entry.parked) entry.parked = entry.acked = false;
    wire::Body body = encode(entry, ago, agreed_, settings_);
    // The outbox is the bound here, so that what it took always finds its place.
    (void)agreed_.lanes->send_anyway(lane_of(entry.to, agreed_.lanes->lanes()), std::move(body), entry.priority, token);
}

void Outgoing::finish(Outbox::Token token, Outcome outcome) {
    Outbox::Entry* const entry = outbox_.find(token);
    if (entry == nullptr) return;
    outcome.message_id = entry->id;
    outcome.retry_count = entry->retries + entry->put_offs;
    outcome.queued_at = entry->queued_at;
    outcome.first_sent_at = entry->first_sent_at;
    if (entry->parked) held_.forget_waiting(entry->to, token);
    if (entry->watched) {
        using enum HeldTargets::End;
        const bool unanswered = outcome.status == wire::ReceiptStatus::unspecified;
        held_.forget_under_way(entry->to, unanswered ? given_up : outcome.forgotten ? put_off : answered);
    }
    outbox_.erase(token);
    listener_.on_outcome(outcome);
}

void Outgoing::fail(Outbox::Token token, errc error, const std::string& text) {
    Outcome outcome;
    outcome.error = error;
    outcome.text = text;
    finish(token, std::move(outcome));
}

std::size_t Outgoing::cancel_unsent() {
    std::vector<Outbox::Token> tokens;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (!was_sent(entry)) tokens.push_back(token);
    });
    for (const Outbox::Token token : tokens) {
        const Outbox::Entry* const entry = outbox_.find(token);
        if (entry == nullptr) continue;
        withdraw(agreed_, token, *entry);
        fail(token, errc::cancelled, {});
    }
    return tokens.size();
}

void Outgoing::fail_all(errc never_sent, const std::string& text, TimePoint now) {
    std::vector<Outbox::Token> unqueued;
    if (agreed_.lanes) agreed_.lanes->clear_queue([&](std::uint64_t token) { unqueued.push_back(token); });
    const auto stays = [&](const Outbox::Entry& entry) { return settings_.keeps_posted && !entry.awaited; };
    std::vector<std::pair<Outbox::Token, bool>> tokens;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (!stays(entry)) tokens.emplace_back(token, was_sent(entry));
    });
    for (const auto& [token, sent] : tokens) fail(token, sent ? errc::outcome_unknown : never_sent, text);
    std::sort(unqueued.begin(), unqueued.end());
    for (const Outbox::Token token : unqueued) {
        Outbox::Entry* const entry = outbox_.find(token);
        if (entry != nullptr && stays(*entry)) enqueue(token, *entry, now);
    }
}

// ---- from the lanes ----

void Outgoing::on_receipt(const wire::ReceiptView& receipt, TimePoint now, bool keeps) {
    Outbox::Token token = 0;
    const Outbox::Entry* const entry = outbox_.find(receipt.message_id, &token);
    if (entry == nullptr) return;  // failed or answered before
    const bool later = receipt.status == wire::ReceiptStatus::refused &&
                       is_later(receipt.code, receipt.retry_after_ms, goes_into_log(agreed_, entry->to));
    if (later && keeps && keep_for_later(token, receipt, now)) return;
    const std::string to = held_.empty() ? std::string() : entry->to;
    Outcome outcome;
    outcome.text = printable(receipt.text, wire::kMaxTextBytes);
    if (later) {
        outcome = outcome_of_later(receipt, entry->uncertain);
    } else if (says_success(receipt.status)) {
        outcome.partly = receipt.code;
        if (receipt.status == wire::ReceiptStatus::stored && agreed_.conversations) outcome.stored = receipt.stored;
        if (!to.empty()) held_.note_success(to, now);
    } else {
        // A refusal without a reason, or a status that says nothing, is none the less no success.
        outcome.error = receipt.code == errc::ok ? errc::forbidden : receipt.code;
    }
    outcome.status = receipt.status;
    outcome.retry_after_ms = receipt.retry_after_ms;
    finish(token, std::move(outcome));
    if (to.empty() || !keeps) return;
    if (later) give_up_behind(to, receipt, now);
    if (agreed_.lanes) release(held_.take(to, now), now);
}

void Outgoing::on_numbered_first(std::uint64_t token, TimePoint now) {
    Outbox::Entry* const entry = outbox_.find(token);
    if (entry == nullptr || was_sent(*entry)) return;
    entry->first_sent_at = now;
    listener_.on_first_sent(entry->id);
}

void Outgoing::on_acked(std::uint64_t token) {
    if (Outbox::Entry* const entry = outbox_.find(token)) entry->acked = true;
}

// ---- from the session ----

// Its server may take less than the one for which a message was accepted. Sending it would end the session.
void Outgoing::begin_session(TimePoint now) {
    held_.begin_session();
    std::vector<std::pair<Outbox::Token, bool>> too_large;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        entry.watched = false;
        if (entry.payload_bytes > agreed_.limits.max_message_bytes) {
            too_large.emplace_back(token, was_sent(entry));
        } else if (held_.holds(entry.to)) {
            park(entry, now);
            held_.add(entry.to, token);
        } else {
            enqueue(token, entry, now);
        }
    });
    for (const auto& [token, sent] : too_large) {
        fail(token, sent ? errc::outcome_unknown : errc::message_too_large,
             "the server accepts messages of " + std::to_string(agreed_.limits.max_message_bytes) + " bytes");
    }
    release(held_.take_due(now), now);
}

void Outgoing::note_repeat() {
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (was_sent(entry) && !entry.acked) ++entry.retries;
    });
}

void Outgoing::unsend() {
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (!was_sent(entry) || entry.uncertain) return;
        entry.first_sent_at = kNever;
        entry.acked = false;
        ++entry.retries;
    });
}

void Outgoing::leave_open() {
    outbox_.for_each([](Outbox::Token, Outbox::Entry& entry) {
        if (!was_sent(entry)) return;
        entry.acked = false;
        entry.uncertain = true;
        ++entry.retries;
    });
}

std::vector<Uuid> Outgoing::open() {
    std::vector<Uuid> open;
    std::vector<Outbox::Token> forgotten;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (!was_sent(entry)) return;
        open.push_back(entry.id);
        if (planted(Fault::outbox_forgets_on_loss)) forgotten.push_back(token);
    });
    for (const Outbox::Token token : forgotten) outbox_.erase(token);
    return forgotten.empty() ? open : std::vector<Uuid>();
}

bool Outgoing::any_open() const {
    bool open = false;
    outbox_.for_each([&](Outbox::Token, const Outbox::Entry& entry) { open = open || was_sent(entry); });
    return open;
}

// The last repeat has had its time, too.
void Outgoing::give_up_repeating(TimePoint now) {
    const Duration whole = (settings_.retry_count + 1) * settings_.retry_delay;
    std::vector<Outbox::Token> given_up;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (!was_sent(entry) || entry.acked || entry.retries < settings_.retry_count) return;
        if (!settings_.suspect_early || now - entry.first_sent_at >= whole) given_up.push_back(token);
    });
    for (const Outbox::Token token : given_up)
        fail(token, errc::outcome_unknown, "no acknowledgement after the agreed number of repeats");
}

void Outgoing::go_online(TimePoint now) noexcept {
    if (!online_) online_since_ = now;
    online_ = true;
    give_up_waiting_at_ = kNever;
}

void Outgoing::go_offline(TimePoint now) noexcept {
    if (!online_) return;
    online_ = false;
    offline_since_ = now;
    // Perhaps nobody waits for any of them: give_up_waiting() looks.
    if (settings_.send_timeout > Duration::zero() && outbox_.size() != 0)
        give_up_waiting_at_ = offline_since_ + settings_.send_timeout;
}

// ---- time ----

TimePoint Outgoing::waits_until(const Outbox::Entry& entry) const noexcept {
    if (!entry.awaited || settings_.send_timeout <= Duration::zero()) return kNever;
    return std::max(entry.queued_at, offline_since_) + settings_.send_timeout;
}

void Outgoing::give_up_waiting(TimePoint now) {
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
    const std::string text =
        "there was no connection for " + std::to_string(to_ms(settings_.send_timeout).count()) + " ms: ";
    for (const Outbox::Token token : due) {
        const Outbox::Entry* const entry = outbox_.find(token);
        if (entry == nullptr) continue;
        const bool unsent = !was_sent(*entry) || planted(Fault::under_way_called_unsent);
        withdraw(agreed_, token, *entry);
        fail(token, unsent ? errc::not_connected : errc::outcome_unknown,
             text + (unsent ? "it was not sent" : "it was sent before and may still arrive"));
    }
}

// True: it is kept, and has no outcome yet.
bool Outgoing::keep_for_later(Outbox::Token token, const wire::ReceiptView& receipt, TimePoint now) {
    Outbox::Entry& entry = *outbox_.find(token);
    if (entry.parked) return true;  // the receipt came twice
    const TimePoint again = now + wait_of(receipt.retry_after_ms);
    entry.waits_since = std::min(entry.waits_since, now);
    if (is_too_late(again, std::max(entry.waits_since, held_.stuck_since(entry.to)))) return false;
    // Nobody has acted on it: unless a lost session may have, it is as if it had never been sent.
    if (!entry.uncertain) entry.first_sent_at = kNever;
    ++entry.put_offs;
    const std::string to = entry.to;
    SendLane* const lane = lane_to(agreed_, to);
    // A receipt may overtake the acknowledgement, which is not about the next time that it is sent.
    if (lane != nullptr) lane->disown(token);
    park(entry, now);
    const bool begins = held_.put_off(to, token, now, again, goes_into_log(agreed_, to));
    if (std::exchange(entry.watched, false)) held_.forget_under_way(to, HeldTargets::End::put_off);
    if (begins) call_back(to, now);
    return true;
}

void Outgoing::call_back(const std::string& to, TimePoint now) {
    SendLane* const lane = lane_to(agreed_, to);
    if (lane == nullptr) return;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.parked || entry.watched || entry.to != to) return;
        if (!entry.acked && lane->withdraw(token)) {
            park(entry, now);
            held_.add(to, token);
        } else {
            entry.watched = true;
            held_.note_under_way(to);
        }
    });
}

// One that waited for `to` was given up. So are those that have waited as long; the next one is tried.
void Outgoing::give_up_behind(const std::string& to, const wire::ReceiptView& receipt, TimePoint now) {
    const TimePoint again = now + wait_of(receipt.retry_after_ms);
    for (const Outbox::Token token : held_.waiting(to)) {
        const Outbox::Entry* const entry = outbox_.find(token);
        if (entry == nullptr || !entry->parked) continue;
        if (is_too_late(again, std::max(entry->waits_since, held_.stuck_since(to))))
            finish(token, outcome_of_later(receipt, entry->uncertain));
    }
}

// They wait no longer.
void Outgoing::release(const std::vector<Outbox::Token>& tokens, TimePoint now) {
    for (const Outbox::Token token : tokens) {
        Outbox::Entry& entry = *outbox_.find(token);
        enqueue(token, entry, now);
        entry.watched = held_.watches(entry.to);
        // It has waited for something else than room for it.
        if (!entry.watched && entry.put_offs == 0) entry.waits_since = kNever;
    }
}

bool Outgoing::send_what_waits(TimePoint now) {
    if (!agreed_.lanes) return false;  // it goes with the next session
    const std::vector<Outbox::Token> due = held_.take_due(now);
    release(due, now);
    return !due.empty();
}

void Outgoing::check_invariants(const std::function<bool(std::uint64_t)>& in_a_lane) const {
    outbox_.check_invariants();
    held_.check_invariants();
    outbox_.for_each([&](Outbox::Token token, const Outbox::Entry& entry) {
        FLARE_INVARIANT(entry.parked == held_.waits(entry.to, token), "it waits, and its target does not know");
        FLARE_INVARIANT(!entry.watched || (!entry.parked && held_.holds(entry.to)), "it is not under way");
        FLARE_INVARIANT(!entry.parked || !in_a_lane(token), "it waits, and is in a lane");
        FLARE_INVARIANT(!agreed_.lanes || entry.acked || in_a_lane(token), "a message is in no lane");
        FLARE_INVARIANT(online_ || give_up_waiting_at_ <= waits_until(entry), "a call waits for ever");
    });
}

}  // namespace flare::session
