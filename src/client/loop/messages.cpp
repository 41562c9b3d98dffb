#include "client/loop/messages.hpp"

#include "client/im/entries.hpp"
#include "wire/message_about.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {

void Messages::send(Message message, SendDone done, std::chrono::system_clock::time_point queued_at, errc can_be_sent) {
    if (message.id.is_nil()) message.id = Uuid::v7();
    if (message.timestamp == std::chrono::system_clock::time_point{}) message.timestamp = queued_at;
    const auto fail = [&](errc code) {
        SendResult result;
        result.message_id = message.id;
        result.error = code;
        result.error_message = explain(code);
        result.send_time = queued_at;
        ++figures_.stats().error_count;
        if (done) {
            done(std::move(result));
        } else {
            figures_.emit(event::MessageFailed{message.id, Failure(code)});
        }
    };
    const bool kept = config_.cache != nullptr && can_be_sent == errc::not_connected && !done;
    if (can_be_sent != errc::ok && !kept) return fail(can_be_sent);
    if (message.to.empty()) return fail(errc::unknown_target);
    if (const errc code = wire::check_mentions(message); code != errc::ok) return fail(code);
    const std::string about = wire::about_of(message);
    wire::MessageView view;
    view.id = message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    view.timestamp_ms = unix_ms(message.timestamp);
    view.to = message.to;
    view.about = about;
    const session::TimePoint now = steady_now();
    const auto queued = session_.send(view, message.priority, now, done != nullptr);
    if (!queued) return fail(static_cast<errc>(queued.error().value()));
    Cache::Ticket ticket = 0;
    if (config_.cache) ticket = config_.cache->post({message.id, wire::encode_message(view), message.priority});
    Entry entry = entry_of(view, std::move(message.payload));
    waiters_.emplace(message.id,
                     Waiter{std::move(done), queued_at, now, std::move(message.to), std::move(entry), ticket});
}

void Messages::restore(const std::vector<KeptMessage>& messages) {
    const session::TimePoint now = steady_now();
    const std::int64_t unix_now = unix_ms(std::chrono::system_clock::now());
    for (const KeptMessage& message : messages) {
        const auto view = *wire::decode_message(message.message.view());  // the cache has read it
        std::uint64_t ago = 0;  // a clock that was set back does not make it a new one
        if (message.first_sent_ms != 0)
            ago = static_cast<std::uint64_t>(std::max<std::int64_t>(1, unix_now - message.first_sent_ms));
        const std::string to(view.to);
        if (const auto queued = session_.send(view, message.priority, now, session::Sending::again(ago)); !queued) {
            SendResult result;
            result.message_id = message.id;
            result.error = static_cast<errc>(queued.error().value());
            result.error_message = explain(result.error);
            tell_outcome(result, to, 0, std::nullopt);
            continue;
        }
        Entry entry = entry_of(view, Bytes(view.payload));
        waiters_.emplace(message.id, Waiter{{}, wire::to_time(view.timestamp_ms), now, to, std::move(entry)});
    }
}

// For the list.
Entry Messages::entry_of(const wire::MessageView& view, Bytes payload) const {
    Entry entry;
    entry.kind = EntryKind::message;
    entry.id = view.id;
    if (!config_.sync_conversations) return entry;
    entry.from = config_.session.user;
    entry.type = std::string(view.type);
    entry.payload = std::move(payload);
    read_about(view.about, entry);
    return entry;
}

void Messages::on_first_sent(const Uuid& id) {
    if (config_.cache) config_.cache->sent(id, unix_ms(std::chrono::system_clock::now()));
}

void Messages::on_outcome(const session::Outcome& outcome) {
    if (settled_.erase(outcome.message_id) == 0) tell(outcome);
}

bool Messages::settle(const Uuid& id, std::string_view to, const StoredAt& stored) {
    const auto found = waiters_.find(id);
    if (found == waiters_.end() || found->second.to != to) return false;
    session::Outcome outcome;
    outcome.message_id = id;
    outcome.status = wire::ReceiptStatus::stored;
    outcome.stored = {{stored.position.epoch, stored.position.offset}, unix_ms(stored.time)};
    outcome.queued_at = found->second.since;
    settled_.insert(id);
    tell(outcome);
    return true;
}

void Messages::tell(const session::Outcome& outcome) {
    SendResult result;
    result.success = outcome.error == errc::ok;
    result.message_id = outcome.message_id;
    result.error = outcome.error;
    result.partly = outcome.partly;
    result.error_message =
        outcome.error == errc::ok || !outcome.text.empty() ? outcome.text : std::string(explain(outcome.error));
    result.retry_after = std::chrono::milliseconds(outcome.retry_after_ms);
    if (!result.success && outcome.retry_after_ms != 0)
        result.error_message += "; send it again in " + std::to_string(outcome.retry_after_ms) + " ms, under " +
                                (outcome.forgotten ? "the same id" : "a new id");
    result.retry_count = outcome.retry_count;
    result.latency = steady_now() - outcome.queued_at;
    if (outcome.stored.said()) {
        const model::Position& position = outcome.stored.position;
        result.stored = StoredAt{{position.epoch, position.offset}, wire::to_time(outcome.stored.time_ms)};
    }
    SendDone done;
    std::string to;
    Cache::Ticket kept = 0;
    std::optional<ToldUpto> upto;
    if (const auto found = waiters_.find(outcome.message_id); found != waiters_.end()) {
        result.send_time = found->second.queued_at;
        done = std::move(found->second.done);
        to = found->second.to;
        if (result.stored) upto = on_stored_(to, *result.stored, std::move(found->second.entry));
        kept = found->second.kept;
        waiters_.erase(found);
    }
    notes_.throttled(result);
    tell_outcome(result, to, kept, upto);
    if (done) done(std::move(result));
}

// The cache forgets the message when the application has been told: a crash before makes the next run send it once
// more, and be told by the server what has become of it. What the application has cancelled is not sent in any case.
void Messages::tell_outcome(const SendResult& result, const std::string& to, Cache::Ticket kept,
                            const std::optional<ToldUpto>& upto) {
    ++(result.success ? figures_.stats().messages_sent : figures_.stats().error_count);
    std::function<void()> after;
    if (config_.cache && result.error == errc::cancelled) {
        config_.cache->settled(result.message_id, kept, {to, {}}, {});
    } else if (config_.cache) {
        after = [cache = config_.cache, id = result.message_id, kept, outcome = KeptOutcome{to, result.stored}, upto] {
            cache->settled(id, kept, outcome, upto);
        };
    }
    if (result.success) {
        figures_.emit(event::MessageSent{result.message_id, result.stored}, std::move(after));
    } else {
        figures_.emit(event::MessageFailed{result.message_id, Failure(result.error, result.error_message)},
                      std::move(after));
    }
}

Messages::Arrived Messages::arrived(const wire::DataView& data, const Bytes& whole, std::function<void()> done) {
    const wire::MessageView& view = *data.message;
    Message message(std::string(view.type), whole.empty() ? Bytes(view.payload) : whole.share(view.payload));
    message.id = view.id;
    message.timestamp = wire::to_time(view.timestamp_ms);
    message.server_time = wire::to_time(data.server_time_ms);
    message.from = std::string(data.from);
    message.to = std::string(view.to);
    wire::read_about(view.about, message);
    return {std::move(message), view.encoding, view.size, std::move(done)};
}

void Messages::receive(Arrived arrived) {
    ++figures_.stats().messages_received;
    figures_.heard();
    if (arrived.encoding != wire::Encoding::none) return emit_inflated(std::move(arrived));
    std::string conversation = arrived.message.from;
    figures_.emit(event::MessageReceived{std::move(arrived.message), std::move(conversation)}, std::move(arrived.done));
}

// Inflated on the event thread, when the callback's turn comes: what waits is no larger than the credit that it took,
// and the I/O thread goes on. A message that cannot be inflated is told, and harms nothing else.
void Messages::emit_inflated(Arrived arrived) {
    auto shared = std::make_shared<Message>(std::move(arrived.message));
    figures_.emit_later(
        [shared, encoding = arrived.encoding, size = arrived.size, encodings = session_.encodings(),
         compression = config_.session.compression,
         most = config_.session.max_message_bytes]() -> std::optional<Event> {
            wire::MessageView compressed;
            compressed.payload = shared->payload.view();
            compressed.encoding = encoding;
            compressed.size = size;
            errc code = errc::compression_unavailable;
            if (compression) {
                if (auto inflated = compression->inflate(compressed, encodings, most)) {
                    shared->payload = std::move(*inflated);
                    std::string conversation = shared->from;
                    return event::MessageReceived{std::move(*shared), std::move(conversation)};
                } else {
                    code = static_cast<errc>(inflated.error().value());
                }
            }
            return event::Error{Failure(
                code, "message " + shared->id.str() + " from '" + shared->from + "': " + std::string(explain(code)))};
        },
        std::move(arrived.done));
}

void Messages::on_gap(const session::GapReport& report) {
    notes_.gap(report);
    event::Gap gap;
    gap.reason = Failure(report.reason, report.text.empty() ? std::string(explain(report.reason)) : report.text);
    for (const auto& lane : report.lanes) {
        gap.lanes.push_back(
            {lane.lane, lane.sent, lane.acked, lane.received, lane.exact, lane.server_sent, lane.server_received});
    }
    gap.resent = report.resent;
    figures_.emit(std::move(gap));
}

void Messages::close() {
    const auto waiters = std::exchange(waiters_, {});
    for (const auto& [id, waiter] : waiters) {
        SendResult result;
        result.message_id = id;
        result.error = errc::client_closed;
        result.error_message = explain(errc::client_closed);
        result.send_time = waiter.queued_at;
        if (waiter.done) waiter.done(std::move(result));
    }
}

}  // namespace flare::client
