// Messages of a client's session: from the outbox to the lanes, from the lanes to the application.
#include "session/client_session_parts.hpp"

#include <flare/printable.hpp>

#include <algorithm>

namespace flare::session {
namespace {

std::chrono::milliseconds to_ms(Duration duration) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(duration);
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

// Two senders may use the same id: what is remembered is the pair.
Uuid seen_key(std::string_view from, const Uuid& id) {
    Uuid key = id;
    std::uint64_t hash = 0xcbf29ce484222325ull;
    for (const char c : from) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
    for (std::size_t i = 0; i < 8; ++i) key.bytes[i] ^= static_cast<std::uint8_t>(hash >> (8 * i));
    return key;
}

}  // namespace

// ---- what comes in ----

void ClientSession::Inbound::on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole,
                                     std::uint64_t cost) {
    const Uuid key = seen_key(data.from, data.message->id);
    if (session_.seen_.check(key, Duration::zero(), TimePoint::min(), now).verdict != DedupeRing::Verdict::fresh) {
        session_.lane_set_->consumed(lane, cost, now);
        return;
    }
    session_.seen_.finish(key, Receipt{});
    session_.listener_.on_message(lane, data, whole, cost);
}

void ClientSession::Inbound::on_receipt(LaneIndex, const wire::ReceiptView& receipt) {
    Outbox::Token token = 0;
    if (session_.outbox_.find(receipt.message_id, &token) == nullptr) return;  // failed or answered before
    if (receipt.status == wire::ReceiptStatus::refused && session_.keep_for_later(token, receipt, now)) return;
    Outcome outcome;
    outcome.status = receipt.status;
    outcome.text = printable(receipt.text, wire::kMaxTextBytes);
    if (says_success(receipt.status)) {
        outcome.partly = receipt.code;
    } else {
        // A refusal without a reason, or a status that says nothing, is none the less no success.
        outcome.error = receipt.code == errc::ok ? errc::forbidden : receipt.code;
    }
    outcome.retry_after_ms = receipt.retry_after_ms;
    session_.finish(token, std::move(outcome));
}

void ClientSession::Inbound::on_numbered_first(std::uint64_t token) {
    Outbox::Entry* entry = session_.outbox_.find(token);
    if (entry != nullptr && entry->first_sent_at == kNever) entry->first_sent_at = now;
}

void ClientSession::Inbound::on_acked(std::uint64_t token) {
    if (Outbox::Entry* entry = session_.outbox_.find(token)) entry->acked = true;
}

// ---- what goes out ----

Result<void> ClientSession::send(const wire::MessageView& message, Priority priority, TimePoint now, bool awaited) {
    inbound_->now = now;
    if (disconnecting_) return errc::shutting_down;
    if (message.to.empty()) return errc::unknown_target;
    if (message.id.is_nil()) return errc::invalid_message_id;
    if (!wire::is_name(message.to) || !wire::is_name(message.type)) return errc::invalid_name;
    if (message.payload.size() > std::min(settings_.max_message_bytes, limits_.max_message_bytes))
        return errc::message_too_large;
    Outbox::Entry entry;
    entry.id = message.id;
    entry.to = std::string(message.to);
    entry.payload_bytes = message.payload.size();
    entry.priority = priority;
    entry.queued_at = now;
    entry.awaited = awaited;
    entry.message = wire::encode_message(message);
    const auto token = outbox_.add(std::move(entry));
    if (!token) return token.error();
    Outbox::Entry& kept = *outbox_.find(*token);
    if (active_ == kNoCarrier) give_up_waiting_at_ = std::min(give_up_waiting_at_, waits_until(kept));
    if (busy_.contains(kept.to)) {
        park(kept);
    } else if (lane_set_) {
        enqueue(*token, kept, now);
        notify_output();
    }
    return {};
}

// The outbox keeps messages as they are: what the next session agrees on may be something else.
wire::Body ClientSession::encode(const Outbox::Entry& entry, std::uint64_t first_sent_ms_ago) const {
    wire::DataView data;
    data.first_sent_ms_ago = first_sent_ms_ago;
    data.message_raw = entry.message.view();
    if (encodings_ != 0) {
        const auto message = wire::decode_message(entry.message.view());
        const auto packed = message ? settings_.compression->pack(message->payload, encodings_) : std::nullopt;
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

void ClientSession::enqueue(Outbox::Token token, Outbox::Entry& entry, TimePoint now) {
    std::uint64_t ago = 0;
    if (entry.first_sent_at != kNever) {
        ago = static_cast<std::uint64_t>(std::max<std::int64_t>(1, to_ms(now - entry.first_sent_at).count()));
    }
    if (entry.parked) entry.parked = entry.acked = false;
    wire::Body body = encode(entry, ago);
    // The outbox is the bound here, so that what it took always finds its place.
    (void)lane_set_->send_anyway(lane_of(entry.to, lane_set_->lanes()), std::move(body), entry.priority, token);
}

// This session's server may take less than the one for which a message was accepted. Sending it would end the session.
void ClientSession::queue_outbox(TimePoint now) {
    (void)no_longer_busy(now);
    std::vector<std::pair<Outbox::Token, bool>> too_large;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.payload_bytes > limits_.max_message_bytes) {
            too_large.emplace_back(token, entry.first_sent_at == kNever);
        } else if (busy_.contains(entry.to)) {
            park(entry);
        } else {
            enqueue(token, entry, now);
        }
    });
    for (const auto& [token, unsent] : too_large) {
        Outcome outcome;
        outcome.error = unsent ? errc::message_too_large : errc::outcome_unknown;
        outcome.text = "the server takes messages of " + std::to_string(limits_.max_message_bytes) + " bytes";
        finish(token, std::move(outcome));
    }
}

void ClientSession::consumed(LaneIndex lane, std::uint64_t cost, TimePoint now) {
    inbound_->now = now;
    if (!lane_set_) return;
    lane_set_->consumed(lane, cost, now);
    if (active_ != kNoCarrier && lane_set_->has_output(now)) listener_.output_ready(active_);
}

void ClientSession::finish(Outbox::Token token, Outcome outcome) {
    Outbox::Entry* entry = outbox_.find(token);
    if (entry == nullptr) return;
    outcome.message_id = entry->id;
    outcome.retry_count = entry->retries;
    outcome.queued_at = entry->queued_at;
    outcome.first_sent_at = entry->first_sent_at;
    outbox_.erase(token);
    listener_.on_outcome(outcome);
}

// It is in no lane any more, unless it has a number.
void ClientSession::withdraw(Outbox::Token token, const Outbox::Entry& entry) {
    if (!lane_set_) return;
    SendLane* lane = lane_set_->send_lane(lane_of(entry.to, lane_set_->lanes()));
    if (lane != nullptr) lane->withdraw(token);
}

std::size_t ClientSession::clear_queue(TimePoint now) {
    inbound_->now = now;
    std::vector<Outbox::Token> tokens;
    outbox_.for_each([&](Outbox::Token token, Outbox::Entry& entry) {
        if (entry.first_sent_at == kNever) tokens.push_back(token);
    });
    for (const Outbox::Token token : tokens) {
        const Outbox::Entry* entry = outbox_.find(token);
        if (entry == nullptr) continue;
        withdraw(token, *entry);
        Outcome outcome;
        outcome.error = errc::cancelled;
        finish(token, std::move(outcome));
    }
    return tokens.size();
}

void ClientSession::fail_all(errc never_sent, const std::string& text, TimePoint now) {
    clear_unsent(now);
    std::vector<std::pair<Outbox::Token, bool>> tokens;
    outbox_.for_each(
        [&](Outbox::Token token, Outbox::Entry& entry) { tokens.emplace_back(token, entry.first_sent_at == kNever); });
    for (const auto& [token, unsent] : tokens) {
        Outcome outcome;
        outcome.error = unsent ? never_sent : errc::outcome_unknown;
        outcome.text = text;
        finish(token, std::move(outcome));
    }
}

void ClientSession::clear_unsent(TimePoint now) {
    inbound_->now = now;
    if (lane_set_) lane_set_->clear_queue([](std::uint64_t) {});
}

}  // namespace flare::session
