// Messages: to the server's handlers, and the answers back; hooks. Messages to users are in forwarding.cpp.
#include "server/delivery.hpp"
#include "base/log.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace flare::server {
namespace {

// What a handler threw, as the sender is told it.
HandlerResult thrown_result(const std::exception_ptr& thrown) {
    std::string what = "something that is no exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    base::log().limited(base::LogKind::handler_threw, "a message handler threw: {}", what);
    return Failure(errc::handler_failed, "the server's message handler failed");
}

HandlerResult call(const MessageHandler& handler, const SessionInfo& info, const Message& message) {
    try {
        return handler(info, message);
    } catch (...) {
        return thrown_result(std::current_exception());
    }
}

// Replaces the payload by what it inflates to. Errors: bad_compression.
errc inflate_here(const Config& config, HandlerTask& task) {
    wire::MessageView view;
    view.payload = task.message.payload.view();
    view.encoding = task.encoding;
    view.size = task.size;
    auto inflated = config.compression->inflate(view, task.encodings, config.session.max_message_bytes);
    if (!inflated) return static_cast<errc>(inflated.error().value());
    task.message.payload = std::move(*inflated);
    task.encoding = wire::Encoding::none;
    return errc::ok;
}

struct PoolResult {
    HandlerResult result;
    CompressedPayload packed;                  // the reply's payload
    std::unique_ptr<session::Budget> charged;  // for what was inflated, which the reply may share
};

// Memory that is counted while a thread of the pool needs it, whose worker's own budget it must not touch.
std::unique_ptr<session::Budget> charged_for(WorkerGroup& group, std::size_t bytes) {
    auto made = std::make_unique<session::Budget>(group.budget, 0);
    return made->take_by_size(bytes) ? std::move(made) : nullptr;
}

// A thread of the pool inflates and compresses, whatever the size, so that the event loop need not. A reply that cannot
// be compressed for want of memory goes as it is.
PoolResult call_in_pool(WorkerGroup& group, const Handler& handler, const SessionInfo& info, HandlerTask& task) {
    const Config& config = group.config;
    std::unique_ptr<session::Budget> inflated;
    if (task.encoding != wire::Encoding::none) {
        inflated = charged_for(group, static_cast<std::size_t>(task.size));
        if (!inflated) return {Failure(errc::busy), {}, nullptr};
        if (const errc code = inflate_here(config, task); code != errc::ok) return {Failure(code), {}, nullptr};
    }
    PoolResult made{call(handler.plain, info, task.message), {}, std::move(inflated)};
    if (task.encodings == 0 || !made.result.reply()) return made;
    const std::string_view payload = made.result.reply()->payload.view();
    if (payload.size() > config.session.max_message_bytes) return made;
    const auto room = charged_for(group, payload.size());
    if (!room) return made;
    if (const auto packed = config.compression->pack(payload, task.encodings))
        made.packed = {Bytes(packed->bytes), packed->encoding};
    wire::Compression::trim();
    return made;
}

}  // namespace

SessionInfo Worker::info_of(const session::ServerSession& session) {
    return {session.user(), session.device(), session.id().value.str(), session.platform(), session.claims()};
}

void Worker::on_message(session::ServerSession& session, session::PendingMessage&& pending, const wire::DataView& data,
                        const Bytes& whole) {
    ++counters_.messages_received;
    const wire::MessageView& message = *data.message;
    if (!group_.config.rules.allow(session.user(), message.to, message.type))
        return answer(pending, refusal(errc::forbidden,
                                       "the server's rules do not let you send this type of message "
                                       "there"));
    if (message.encoding != wire::Encoding::none) {
        const wire::Compression* compression = group_.config.compression.get();
        const errc code = compression == nullptr ? errc::compression_unavailable
                                                 : compression->check(message, session.encodings(),
                                                                      group_.config.session.max_message_bytes);
        if (code != errc::ok) return answer(pending, refusal(code, explain(code)));
        inflating_ += std::min<std::size_t>(static_cast<std::size_t>(message.size), wire::kAtOnceBytes);
    }
    const std::string_view to = message.to;
    if (to == kServerTarget)
        return to_handler(session, std::move(pending), to_message(session, data, whole, taken_at_), message);
    if (to.starts_with("room:"))
        return answer(pending, refusal(errc::not_supported, "rooms are not part of this version"));
    if (to.empty()) return answer(pending, refusal(errc::unknown_target, explain(errc::unknown_target)));
    to_user(session, std::move(pending), data, whole);
}

std::size_t Worker::cut_off(const std::function<bool(const session::ServerSession&)>& which, errc code,
                            const std::string& text) {
    std::size_t ended = 0;
    table_.for_each([&](session::ServerSession& session) {
        if (!which(session)) return;
        table_.cut_off(session, code, text, now());
        ++ended;
    });
    return ended;
}

// ---- to handlers: in order and one at a time for each session ----

void Worker::to_handler(session::ServerSession& session, session::PendingMessage&& pending, Message&& message,
                        const wire::MessageView& view) {
    const HandlerQueue& first = *static_cast<const HandlerQueue*>(session.attachment.get());
    if (!first.running && first.waiting.empty() && view.encoding == wire::Encoding::none) {
        const Handler& handler = group_.config.handler_for(message.type);
        if (!handler.coroutine && handler.where == Execution::worker) return run_here(first, pending, message, handler);
    }
    const std::size_t charge = kTaskCharge + message.payload.size();
    if (!take_for_handler(charge)) return answer(pending, refusal(errc::busy, explain(errc::busy)));
    const auto queue = std::static_pointer_cast<HandlerQueue>(session.attachment);
    queue->waiting.push_back(
        HandlerTask{std::move(pending), std::move(message), view.encoding, view.size, session.encodings(), charge});
    if (!queue->running && queue->waiting.size() == 1) run_next(queue);
}

// At once, on this thread: the shortest way.
void Worker::run_here(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
                      const Handler& handler) {
    const session::TimePoint began = handled_at_;
    handled(pending, call(handler.plain, *queue.info, message), began);
}

void Worker::run_next(const std::shared_ptr<HandlerQueue>& queue) {
    queue->running = false;
    while (!queue->running && !queue->waiting.empty()) {
        HandlerTask task = std::move(queue->waiting.front());
        queue->waiting.pop_front();
        run(queue, std::move(task));
    }
}

void Worker::run(const std::shared_ptr<HandlerQueue>& queue, HandlerTask task) {
    const Handler& handler = group_.config.handler_for(task.message.type);
    const bool in_pool = !handler.coroutine && handler.where == Execution::pool;
    if (task.encoding != wire::Encoding::none && !in_pool && !inflate(queue, task)) return;
    const std::size_t charge = task.charge;
    if (!handler.coroutine && !in_pool) {
        run_here(*queue, task.pending, task.message, handler);
        return give_from_handler(charge);
    }
    const session::TimePoint began = now();
    if (handler.coroutine) {
        queue->running = true;
        SessionInfo info = *queue->info;
        boost::asio::co_spawn(context_, handler.coroutine(std::move(info), std::move(task.message)),
                              [this, queue, pending = std::move(task.pending), began, charge](
                                  const std::exception_ptr& thrown, HandlerResult result) {
                                  give_from_handler(charge);
                                  handled(pending, thrown ? thrown_result(thrown) : result, began);
                                  run_next(queue);
                                  arm_timer();
                              });
        return;
    }
    queue->running = true;
    auto carried = std::make_shared<HandlerTask>(std::move(task));
    const bool queued = group_.pool.push([this, queue, carried, began, &handler, info = queue->info] {
        auto result = std::make_shared<PoolResult>(call_in_pool(group_, handler, *info, *carried));
        post([queue, carried, began, result](Worker& worker) {
            worker.give_from_handler(carried->charge);
            worker.handled(carried->pending, result->result, began, &result->packed);
            worker.run_next(queue);
        });
    });
    if (queued) return;
    queue->running = false;
    give_from_handler(carried->charge);
    answer(carried->pending, refusal(errc::busy, "too many messages wait for a handler"));
}

// Before the handler's turn. False: not now; it is inflated in the pool and comes back, or has been refused.
bool Worker::inflate(const std::shared_ptr<HandlerQueue>& queue, HandlerTask& task) {
    const auto refuse = [&](errc code) {
        give_from_handler(task.charge);
        answer(task.pending, refusal(code, explain(code)));
    };
    if (task.size <= wire::kAtOnceBytes) {
        const errc code = inflate_here(group_.config, task);
        if (code != errc::ok) refuse(code);
        return code == errc::ok;
    }
    const auto size = static_cast<std::size_t>(task.size);
    if (!take_for_handler(size, task.charge)) {
        refuse(errc::busy);
        return false;
    }
    task.charge += size;
    auto carried = std::make_shared<HandlerTask>(std::move(task));
    queue->running = true;
    const bool queued = group_.pool.push([this, queue, carried] {
        const errc code = inflate_here(group_.config, *carried);
        post([queue, carried, code](Worker& worker) {
            queue->running = false;
            if (code == errc::ok) {
                worker.run(queue, std::move(*carried));
            } else {
                worker.give_from_handler(carried->charge);
                worker.answer(carried->pending, refusal(code, explain(code)));
            }
            if (!queue->running) worker.run_next(queue);
        });
    });
    if (queued) return false;
    queue->running = false;
    give_from_handler(carried->charge);
    answer(carried->pending, refusal(errc::busy, "too many messages wait for a handler"));
    return false;
}

void Worker::handled(const session::PendingMessage& pending, const HandlerResult& result, session::TimePoint began,
                     const CompressedPayload* packed) {
    const session::TimePoint time = handled_at_ = now();
    ++counters_.handler_runs;
    counters_.handler_time += time - began;
    if (result.failure()) {
        ++counters_.messages_refused;
        count_error(result.failure()->code);
        return table_.finish(pending, refusal(result.failure()->code, result.failure()->text), nullptr, time);
    }
    const session::Receipt receipt{wire::ReceiptStatus::handled, errc::ok, {}, 0};
    if (!result.reply()) return table_.finish(pending, receipt, nullptr, time);
    const Message& message = *result.reply();
    if (message.payload.size() > group_.config.session.max_message_bytes) {
        return table_.finish(pending, refusal(errc::message_too_large, "the handler's reply is too large"), nullptr,
                             time);
    }
    if (!wire::is_name(message.type)) {
        return table_.finish(pending, refusal(errc::invalid_name, "the type of the handler's reply is no name"),
                             nullptr, time);
    }
    session::Reply reply;
    reply.from = kServerTarget;
    wire::MessageView& view = reply.message;
    view.id = message.id.is_nil() ? Uuid::v7() : message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    // An id that was made now has read the clock already.
    reply.server_time_ms = message.id.is_nil() ? static_cast<std::int64_t>(view.id.unix_milliseconds())
                                               : unix_ms(std::chrono::system_clock::now());
    const bool dated = message.timestamp != std::chrono::system_clock::time_point{};
    view.timestamp_ms = dated ? unix_ms(message.timestamp) : reply.server_time_ms;
    view.to = pending.user;
    reply.judged = packed != nullptr;
    if (packed != nullptr && packed->encoding != wire::Encoding::none) {
        view.encoding = packed->encoding;
        view.size = view.payload.size();
        view.payload = packed->bytes.view();
    }
    ++counters_.messages_sent;
    table_.finish(pending, receipt, &reply, time);
}

void Worker::answer(const session::PendingMessage& pending, session::Receipt receipt) {
    if (receipt.status == wire::ReceiptStatus::refused) {
        ++counters_.messages_refused;
        count_error(receipt.code);
    }
    table_.finish(pending, std::move(receipt), nullptr, now());
}

// ---- hooks ----

void Worker::hook(std::function<void(EventHandler&)> call) {
    if (!group_.config.events) return;
    const bool queued = group_.hooks.push([events = group_.config.events, call = std::move(call)] {
        try {
            call(*events);
        } catch (const std::exception& error) {
            base::log().limited(base::LogKind::event_handler_threw, "an event handler threw: {}", error.what());
        } catch (...) {
            base::log().limited(base::LogKind::event_handler_threw,
                                "an event handler threw something that is no exception");
        }
    });
    if (!queued)
        base::log().limited(base::LogKind::dropped_event,
                            "an event was dropped: the event handler is too slow or has stopped");
}

void Worker::on_session_created(session::ServerSession& session) {
    ++counters_.sessions_created;
    auto queue = std::make_shared<HandlerQueue>();
    queue->info = std::make_shared<const SessionInfo>(info_of(session));
    hook([info = queue->info](EventHandler& events) { events.on_user_connected(*info); });
    session.attachment = std::move(queue);
    log_.add(FlightLog::entry(session.id(), Happened::made, now()));
}

void Worker::on_carrier_attached(session::ServerSession& session, session::CarrierKey key) {
    note(key, Happened::attached);
    const ServerCarrier* connection = find(key);
    auto* queue = static_cast<HandlerQueue*>(session.attachment.get());
    if (connection == nullptr || queue == nullptr) return;
    const bool first = queue->address.empty();
    queue->address = connection->address;
    queue->protocol = connection->protocol;
    if (first)
        base::log().limited(base::LogKind::session_began, "{} session {} of user {} begins over {}", queue->address,
                            queue->info->session_id, base::User{queue->info->user}, name(queue->protocol));
}

void Worker::on_carrier_activated(session::ServerSession&, session::CarrierKey key) { note(key, Happened::activated); }

void Worker::on_session_ended(session::ServerSession& session, errc reason, const std::string& text) {
    const SessionInfo info = info_of(session);
    if (const auto* queue = static_cast<const HandlerQueue*>(session.attachment.get()); queue != nullptr)
        base::log().limited(base::LogKind::session_ended, "{} session {} of user {} over {} ends: {} {}",
                            queue->address, info.session_id, base::User{info.user}, name(queue->protocol), name(reason),
                            text);
    if (reason != errc::ok) count_error(reason);
    log_.add(FlightLog::entry(session.id(), Happened::ended, now(), reason));
    hook([info, failure = Failure(reason, text)](EventHandler& events) { events.on_user_disconnected(info, failure); });
}

void Worker::on_message_refused(session::ServerSession& session, errc code) {
    log_.add(FlightLog::entry(session.id(), Happened::message_refused, now(), code));
    ++counters_.messages_received;
    ++counters_.messages_refused;
    count_error(code);
}

void Worker::on_reply_refused(session::ServerSession& session, errc code) {
    log_.add(FlightLog::entry(session.id(), Happened::message_refused, now(), code));
    ++counters_.messages_refused;
    count_error(code);
}

void Worker::on_heartbeat(session::ServerSession& session) {
    ++counters_.heartbeats;
    if (!group_.config.events) return;
    hook([info = info_of(session)](EventHandler& events) { events.on_heartbeat(info); });
}

void Worker::on_peer_error(const session::ServerSession* session, session::CarrierKey key, errc code,
                           const std::string& text) {
    const ServerCarrier* connection = find(key);
    base::log().limited(base::LogKind::protocol_error, "{} user {} {}: {}",
                        connection == nullptr ? "?" : connection->address,
                        base::User{session == nullptr ? std::string_view("?") : session->user()}, name(code), text);
    count_error(code);
}

}  // namespace flare::server
