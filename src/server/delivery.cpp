// Messages: to the server's handlers, to users on this worker or another, and the answers back.
#include "base/log.hpp"
#include "server/worker.hpp"

#include <boost/asio/co_spawn.hpp>

#include <exception>

namespace flare::server {
namespace {

session::Receipt refusal(errc code, std::string text, std::uint32_t retry_after_ms = 0) {
    return {wire::ReceiptStatus::refused, code, std::move(text), retry_after_ms};
}

Message to_message(const session::ServerSession& session, const wire::DataView& data, const Bytes& whole) {
    const wire::MessageView& view = *data.message;
    Message message(std::string(view.type), whole.empty() ? Bytes(view.payload) : whole.share(view.payload));
    message.id = view.id;
    message.timestamp = std::chrono::system_clock::time_point(std::chrono::milliseconds(view.timestamp_ms));
    message.from = session.user();
    message.to = std::string(view.to);
    return message;
}

std::int64_t unix_ms(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
}

// What a handler threw, as the sender is told it.
HandlerResult thrown_result(const std::exception_ptr& thrown) {
    std::string what = "something that is no exception";
    try {
        std::rethrow_exception(thrown);
    } catch (const std::exception& error) {
        what = error.what();
    } catch (...) {
    }
    base::log().error("a message handler threw: {}", what);
    return Failure(errc::handler_failed, "the server's message handler failed");
}

HandlerResult call(const MessageHandler& handler, const SessionInfo& info, const Message& message) {
    try {
        return handler(info, message);
    } catch (...) {
        return thrown_result(std::current_exception());
    }
}

}  // namespace

SessionInfo Worker::info_of(const session::ServerSession& session) {
    return {session.user(), session.device(), session.id().value.str(), session.platform()};
}

void Worker::on_message(session::ServerSession& session, session::Handling&& handling, const wire::DataView& data,
                        const Bytes& whole) {
    ++counters_.messages_received;
    const std::string_view to = data.message->to;
    if (to == kServerTarget) return to_handler(session, std::move(handling), to_message(session, data, whole));
    if (to.starts_with("room:"))
        return answer(handling, refusal(errc::not_supported, "rooms are not part of this version"));
    if (to.empty()) return answer(handling, refusal(errc::unknown_target, std::string(explain(errc::unknown_target))));
    if (shared_.config.policy) {
        bool allowed = false;
        try {
            allowed = shared_.config.policy(session.user(), to, to_message(session, data, whole));
        } catch (const std::exception& error) {
            base::log().error("the delivery policy threw: {}", error.what());
        }
        if (!allowed)
            return answer(handling,
                          refusal(errc::forbidden, "the server's policy does not let you write to this user"));
    }
    to_user(session, std::move(handling), data);
}

// ---- to users ----

// The sender's bytes go on as they are, encoded once for all devices of the recipient; `from` is ours.
void Worker::to_user(session::ServerSession& session, session::Handling&& handling, const wire::DataView& data) {
    wire::DataView forwarded;
    forwarded.from = session.user();
    forwarded.message_raw = data.message_raw;
    forwarded.message = data.message;
    wire::Body body = wire::encode(forwarded);
    body.cost = data.message->payload.size();
    const std::uint32_t home = shared_.home_of(data.message->to);
    if (home == index_) {
        return answer(handling, deliver(data.message->to, session.user(), body, Priority::normal));
    }
    struct Letter {
        session::Handling handling;
        std::string to;
        std::string from;
        wire::Body body;
    };
    auto letter = std::make_shared<Letter>(
        Letter{std::move(handling), std::string(data.message->to), session.user(), std::move(body)});
    const std::uint32_t back = index_;
    shared_.workers[home]->post([letter, back](Worker& worker) {
        const session::Receipt receipt = worker.deliver(letter->to, letter->from, letter->body, Priority::normal);
        worker.shared_.workers[back]->post(
            [letter, receipt](Worker& sender) { sender.answer(letter->handling, receipt); });
    });
}

session::Receipt Worker::deliver(std::string_view user, std::string_view from, const wire::Body& body,
                                 Priority priority) {
    session::Receipt receipt = table_.send_to_user(user, from, body, priority, now());
    if (receipt.status != wire::ReceiptStatus::refused) ++counters_.messages_sent;
    return receipt;
}

std::size_t Worker::broadcast(std::string_view from, const wire::Body& body, Priority priority) {
    std::size_t taken = 0;
    const session::TimePoint time = now();
    table_.for_each([&](session::ServerSession& session) {
        if (table_.send(session, session::lane_of(from, session.lanes()), body, priority, time)) ++taken;
    });
    counters_.messages_sent += taken;
    return taken;
}

std::size_t Worker::end_user(std::string_view user, errc code, const std::string& text) {
    const auto sessions = table_.of_user(user);
    for (session::ServerSession* session : sessions) table_.end(*session, code, text, 0, now());
    return sessions.size();
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

void Worker::to_handler(session::ServerSession& session, session::Handling&& handling, Message&& message) {
    const Inbox& first = *static_cast<const Inbox*>(session.attachment.get());
    if (!first.running && first.waiting.empty()) {
        const Handler& handler = shared_.config.handler_for(message.type);
        if (!handler.coroutine && handler.where == Execution::worker)
            return run_here(first, handling, message, handler);
    }
    const auto inbox = std::static_pointer_cast<Inbox>(session.attachment);
    inbox->waiting.push_back(Job{std::move(handling), std::move(message)});
    if (!inbox->running && inbox->waiting.size() == 1) run_next(inbox);
}

// At once, on this thread: the shortest way.
void Worker::run_here(const Inbox& inbox, const session::Handling& handling, const Message& message,
                      const Handler& handler) {
    const session::TimePoint began = handled_at_;
    handled(handling, call(handler.plain, inbox.info, message), began);
}

void Worker::run_next(const std::shared_ptr<Inbox>& inbox) {
    inbox->running = false;
    while (!inbox->running && !inbox->waiting.empty()) {
        Job job = std::move(inbox->waiting.front());
        inbox->waiting.pop_front();
        run(inbox, std::move(job));
    }
}

void Worker::run(const std::shared_ptr<Inbox>& inbox, Job job) {
    const Handler& handler = shared_.config.handler_for(job.message.type);
    if (!handler.coroutine && handler.where == Execution::worker)
        return run_here(*inbox, job.handling, job.message, handler);
    const session::TimePoint began = now();
    if (handler.coroutine) {
        inbox->running = true;
        SessionInfo info = inbox->info;
        boost::asio::co_spawn(context_, handler.coroutine(std::move(info), std::move(job.message)),
                              [this, inbox, handling = std::move(job.handling), began](const std::exception_ptr& thrown,
                                                                                       HandlerResult result) {
                                  handled(handling, thrown ? thrown_result(thrown) : result, began);
                                  run_next(inbox);
                                  arm_timer();
                              });
        return;
    }
    inbox->running = true;
    auto carried = std::make_shared<Job>(std::move(job));
    const bool queued = shared_.pool.push([this, inbox, carried, began, &handler] {
        auto result = std::make_shared<HandlerResult>(call(handler.plain, inbox->info, carried->message));
        post([inbox, carried, began, result](Worker& worker) {
            worker.handled(carried->handling, *result, began);
            worker.run_next(inbox);
        });
    });
    if (queued) return;
    inbox->running = false;
    answer(carried->handling, refusal(errc::busy, "too many messages wait for a handler", 1000));
}

void Worker::handled(const session::Handling& handling, const HandlerResult& result, session::TimePoint began) {
    const session::TimePoint time = handled_at_ = now();
    ++counters_.handler_runs;
    counters_.handler_time += time - began;
    if (result.failure()) {
        ++counters_.messages_refused;
        count_error(result.failure()->code);
        return table_.finish(handling, refusal(result.failure()->code, result.failure()->text), nullptr, time);
    }
    const session::Receipt receipt{wire::ReceiptStatus::handled, errc::ok, {}, 0};
    if (!result.reply()) return table_.finish(handling, receipt, nullptr, time);
    const Message& message = *result.reply();
    if (message.payload.size() > shared_.config.session.max_message_bytes) {
        return table_.finish(handling, refusal(errc::message_too_large, "the handler's reply is too large"), nullptr,
                             time);
    }
    session::Reply reply{kServerTarget, {}};
    wire::MessageView& view = reply.message;
    view.id = message.id.is_nil() ? Uuid::v7() : message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    const bool dated = message.timestamp != std::chrono::system_clock::time_point{};
    view.timestamp_ms = dated                 ? unix_ms(message.timestamp)
                        : message.id.is_nil() ? static_cast<std::int64_t>(view.id.unix_milliseconds())
                                              : unix_ms(std::chrono::system_clock::now());
    view.to = handling.user;
    ++counters_.messages_sent;
    table_.finish(handling, receipt, &reply, time);
}

void Worker::answer(const session::Handling& handling, session::Receipt receipt) {
    if (receipt.status == wire::ReceiptStatus::refused) {
        ++counters_.messages_refused;
        count_error(receipt.code);
    }
    table_.finish(handling, std::move(receipt), nullptr, now());
}

// ---- hooks ----

void Worker::hook(std::function<void(EventHandler&)> call) {
    if (!shared_.config.events) return;
    const bool queued = shared_.hooks.push([events = shared_.config.events, call = std::move(call)] {
        try {
            call(*events);
        } catch (const std::exception& error) {
            base::log().error("an event handler threw: {}", error.what());
        } catch (...) {
            base::log().error("an event handler threw something that is no exception");
        }
    });
    if (!queued) base::log().warn("an event was dropped: the event handler is too slow or has stopped");
}

void Worker::on_session_created(session::ServerSession& session) {
    ++counters_.sessions_created;
    auto inbox = std::make_shared<Inbox>();
    inbox->info = info_of(session);
    base::log().debug("session {} of '{}' begins", inbox->info.session_id, inbox->info.user);
    hook([info = inbox->info](EventHandler& events) { events.on_user_connected(info); });
    session.attachment = std::move(inbox);
}

void Worker::on_session_ended(session::ServerSession& session, errc reason, const std::string& text) {
    const SessionInfo info = info_of(session);
    base::log().debug("session {} of '{}' ends: {} {}", info.session_id, info.user, name(reason), text);
    if (reason != errc::ok) count_error(reason);
    hook([info, failure = Failure(reason, text)](EventHandler& events) { events.on_user_disconnected(info, failure); });
}

void Worker::on_message_refused(session::ServerSession&, errc code) {
    ++counters_.messages_received;
    ++counters_.messages_refused;
    count_error(code);
}

void Worker::on_heartbeat(session::ServerSession& session) {
    ++counters_.heartbeats;
    if (!shared_.config.events) return;
    hook([info = info_of(session)](EventHandler& events) { events.on_heartbeat(info); });
}

void Worker::on_peer_error(const session::ServerSession* session, session::CarrierKey key, errc code,
                           const std::string& text) {
    const Connection* connection = find(key);
    base::log().info("{} user '{}' {}: {}", connection == nullptr ? "?" : connection->address,
                     session == nullptr ? std::string("?") : session->user(), name(code), text);
    count_error(code);
}

}  // namespace flare::server
