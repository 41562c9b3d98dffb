#include "server/dispatch/handlers.hpp"

#include "base/log.hpp"
#include "session/planted.hpp"
#include "wire/message_about.hpp"

#include <exception>
#include <string>

namespace flare::server {
namespace {

constexpr std::string_view kTooMany = "too many messages are waiting for a handler";

// What a handler threw, as the sender is told it.
HandlerResult thrown_result(const std::exception_ptr& thrown) {
    std::string what = "something that is not an exception";
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
std::unique_ptr<session::Budget> charged_for(ServerState& state, std::size_t bytes) {
    auto made = std::make_unique<session::Budget>(state.budget, 0);
    return made->take_by_size(bytes) ? std::move(made) : nullptr;
}

// A thread of the pool inflates and compresses, whatever the size, so that the event loop need not. A reply that cannot
// be compressed for want of memory goes as it is.
PoolResult call_in_pool(ServerState& state, const Handler& handler, const SessionInfo& info, HandlerTask& task) {
    const Config& config = state.config;
    std::unique_ptr<session::Budget> inflated;
    if (task.encoding != wire::Encoding::none) {
        inflated = charged_for(state, static_cast<std::size_t>(task.size));
        if (!inflated) return {Failure(errc::busy), {}, nullptr};
        if (const errc code = inflate_here(config, task); code != errc::ok) return {Failure(code), {}, nullptr};
    }
    PoolResult made{call(handler.plain, info, task.message), {}, std::move(inflated)};
    if (task.encodings == 0 || !made.result.reply()) return made;
    const std::string_view payload = made.result.reply()->payload.view();
    if (payload.size() > config.session.max_message_bytes) return made;
    const auto room = charged_for(state, payload.size());
    if (!room) return made;
    if (const auto packed = config.compression->pack(payload, task.encodings))
        made.packed = {Bytes(packed->bytes), packed->encoding};
    wire::Compression::trim();
    return made;
}

}  // namespace

void Handlers::take(session::ServerSession& session, session::PendingMessage&& pending, Message&& message,
                    const wire::MessageView& view) {
    const HandlerQueue& first = *queue_of(session);
    if (!first.running && first.waiting.empty() && view.encoding == wire::Encoding::none) {
        const Handler& handler = state_.config.handler_for(message.type);
        if (!handler.coroutine && handler.where == Execution::worker) return run_here(first, pending, message, handler);
    }
    const std::size_t charge = WaitingMemory::kTaskCharge + message.payload.size();
    if (!memory_.take(charge)) return answers_.refuse(pending, errc::busy);
    const Queue queue = shared_queue_of(session);
    queue->waiting.push_back(HandlerTask{std::move(pending), std::move(message), view.encoding, view.size,
                                         session.agreed().encodings, charge});
    const bool next = !queue->running && queue->waiting.size() == 1;
    if (next || session::planted(session::Fault::handlers_overtake)) run_next(queue);
}

// At once, on this thread: the shortest way.
void Handlers::run_here(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
                        const Handler& handler) {
    const session::TimePoint began = turn_.handled_at;
    handled(queue, pending, call(handler.plain, *queue.info, message), began);
}

void Handlers::run_next(const Queue& queue) {
    queue->running = false;
    while (!queue->running && !queue->waiting.empty()) {
        HandlerTask task = std::move(queue->waiting.front());
        queue->waiting.pop_front();
        run(queue, std::move(task));
    }
}

void Handlers::run(const Queue& queue, HandlerTask task) {
    const Handler& handler = state_.config.handler_for(task.message.type);
    const bool in_pool = !handler.coroutine && handler.where == Execution::pool;
    if (task.encoding != wire::Encoding::none && !in_pool && !inflate(queue, task)) return;
    if (in_pool) return run_in_pool(queue, std::move(task), handler);
    if (handler.coroutine) {
        queue->running = true;
        return executor_.run(run_coroutine(queue, std::move(task), handler));
    }
    run_here(*queue, task.pending, task.message, handler);
    memory_.give(task.charge);
}

Task<void> Handlers::run_coroutine(Queue queue, HandlerTask task, const Handler& handler) {
    const session::TimePoint began = executor_.now();
    HandlerResult result;
    try {
        result = co_await handler.coroutine(*queue->info, std::move(task.message));
    } catch (...) {
        result = thrown_result(std::current_exception());
    }
    memory_.give(task.charge);
    handled(*queue, task.pending, result, began);
    run_next(queue);
    executor_.arm_timer();
}

void Handlers::run_in_pool(const Queue& queue, HandlerTask task, const Handler& handler) {
    struct Call {
        HandlerTask task;
        std::shared_ptr<const SessionInfo> info;
        session::TimePoint began;
        PoolResult made{};
    };
    queue->running = true;
    auto call = std::make_shared<Call>(Call{std::move(task), queue->info, executor_.now()});
    const bool queued = executor_.in_pool(
        [this, call, &handler] { call->made = call_in_pool(state_, handler, *call->info, call->task); },
        [this, call, queue] {
            if (session::planted(session::Fault::pool_result_dropped)) return;
            memory_.give(call->task.charge);
            handled(*queue, call->task.pending, call->made.result, call->began, &call->made.packed);
            run_next(queue);
        });
    if (queued) return;
    queue->running = false;
    refuse(call->task, errc::busy, kTooMany);
}

// Before the handler's turn. False: not now; it is inflated in the pool and comes back, or has been refused.
bool Handlers::inflate(const Queue& queue, HandlerTask& task) {
    if (task.size <= wire::kAtOnceBytes) {
        const errc code = inflate_here(state_.config, task);
        if (code != errc::ok) refuse(task, code, explain(code));
        return code == errc::ok;
    }
    const auto size = static_cast<std::size_t>(task.size);
    if (!memory_.take(size, task.charge)) {
        refuse(task, errc::busy, explain(errc::busy));
        return false;
    }
    task.charge += size;
    inflate_in_pool(queue, std::move(task));
    return false;
}

void Handlers::inflate_in_pool(const Queue& queue, HandlerTask task) {
    struct Call {
        HandlerTask task;
        errc code = errc::ok;
    };
    queue->running = true;
    auto call = std::make_shared<Call>(Call{std::move(task)});
    const bool queued = executor_.in_pool([this, call] { call->code = inflate_here(state_.config, call->task); },
                                          [this, call, queue] {
                                              queue->running = false;
                                              if (call->code == errc::ok) {
                                                  run(queue, std::move(call->task));
                                              } else {
                                                  refuse(call->task, call->code, explain(call->code));
                                              }
                                              if (!queue->running) run_next(queue);
                                          });
    if (queued) return;
    queue->running = false;
    refuse(call->task, errc::busy, kTooMany);
}

void Handlers::refuse(const HandlerTask& task, errc code, std::string_view text) {
    memory_.give(task.charge);
    answers_.refuse(task.pending, code, text);
}

void Handlers::handled(const HandlerQueue& queue, const session::PendingMessage& pending, const HandlerResult& result,
                       session::TimePoint began, const CompressedPayload* packed) {
    const session::TimePoint now = turn_.handled_at = executor_.now();
    ++counters_.handler_runs;
    counters_.handler_time_total += now - began;
    if (result.failure()) {
        answers_.count_refusal(result.failure()->code);
        return table_.finish(pending, make_refusal(result.failure()->code, result.failure()->text), nullptr, now);
    }
    if (result.reply()) return reply(queue, pending, *result.reply(), packed, now);
    table_.finish(pending, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr, now);
}

void Handlers::reply(const HandlerQueue& queue, const session::PendingMessage& pending, const Message& message,
                     const CompressedPayload* packed, session::TimePoint now) {
    if (message.payload.size() > state_.config.session.max_message_bytes)
        return table_.finish(pending, make_refusal(errc::message_too_large, "the handler's reply is too large"),
                             nullptr, now);
    if (!wire::is_name(message.type))
        return table_.finish(pending,
                             make_refusal(errc::invalid_name, "the type of the handler's reply is not a valid name"),
                             nullptr, now);
    if (const errc code = wire::check_mentions(message); code != errc::ok)
        return table_.finish(
            pending,
            make_refusal(code, "the handler's reply mentions more than 50 users, or one whose id is not valid"),
            nullptr, now);
    const std::string about = wire::about_of(message);
    session::Reply reply;
    reply.from = kServerTarget;
    wire::MessageView& view = reply.message;
    view.id = message.id.is_nil() ? executor_.new_id() : message.id;
    view.type = message.type;
    view.payload = message.payload.view();
    // An id that was made now has read the clock already.
    reply.server_time_ms =
        message.id.is_nil() ? static_cast<std::int64_t>(view.id.unix_milliseconds()) : unix_ms(executor_.wall_clock());
    const bool dated = message.timestamp != std::chrono::system_clock::time_point{};
    view.timestamp_ms = dated ? unix_ms(message.timestamp) : reply.server_time_ms;
    view.to = queue.info->user;
    view.about = about;
    reply.judged = packed != nullptr;
    if (packed != nullptr && packed->encoding != wire::Encoding::none) {
        view.encoding = packed->encoding;
        view.size = view.payload.size();
        view.payload = packed->bytes.view();
    }
    ++counters_.messages_sent;
    table_.finish(pending, {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &reply, now);
}

}  // namespace flare::server
