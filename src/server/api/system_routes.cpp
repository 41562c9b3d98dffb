// Signals to everybody, and what the server is.
#include "base/rfc3339.hpp"
#include "server/api/changes.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/conversations.hpp"
#include "store/backend_reader.hpp"

#include <array>
#include <utility>

namespace flare::server::api {
namespace {

using boost::json::object;

void broadcast(Context& context, const CallPtr& call) {
    Message message;
    const bool good = check_query(call, {}) && read_body(call, [&](Body& body) {
                          message.type = body.text("type", wire::kMaxNameBytes).value_or("text");
                          auto payload = body.payload(im::kMaxPayloadBytes);
                          if (!payload) return body.wrong("text", "a message needs a payload: \"text\", or \"base64\"");
                          message.payload = std::move(*payload);
                      });
    if (!good) return;
    message.id = call->entry_id(0);
    context.server().broadcast(message, [call](const Checked<FanOut>& sent) {
        if (!sent) return call->refuse(problem_of(sent.error().code, sent.error().text));
        call->answer(200, object{{"reached", sent->reached}, {"too_large", sent->too_large}});
    });
}

void typing(Context& context, const CallPtr& call) {
    std::string user;
    bool on = true;
    std::optional<model::ConversationKey> key;
    const bool good =
        check_query(call, {}) && read_body(call, [&](Body& body) {
            user = body.required("user");
            if (!is_user(user))
                body.wrong("user", "this is no name of a user: 1 to 256 bytes of UTF-8", errc::invalid_name);
            key = read_conversation(body, user);
            on = body.flag("on").value_or(true);
        });
    if (!good) return;
    context.at_home(call, user, [call, user, key = *key, on](Conversations& there) {
        there.signals.typing.take(user, key, on, [call](const im::Refused& refused) {
            if (!refused) return call->answer(200, object());
            call->refuse(problem_of(said_of(refused->code), refused->text, refused->retry_after_ms));
        });
    });
}

object json_of_hook(const HookStatus& hook) {
    object told{{"name", hook.name},
                {"state", name(hook.state)},
                {"events", boost::json::array(hook.events.begin(), hook.events.end())},
                {"place", number_text(hook.place)},
                {"newest", number_text(hook.newest)},
                {"may_have_missed", hook.may_have_missed},
                {"behind_ms", hook.behind.count()},
                {"delivered", number_text(hook.delivered)},
                {"dropped", number_text(hook.dropped)},
                {"failures", number_text(hook.failures)}};
    if (!hook.last_error.empty()) told["last_error"] = hook.last_error;
    if (hook.last_error_time) told["last_error_time"] = base::to_rfc3339(*hook.last_error_time);
    if (hook.next_try) told["next_try"] = base::to_rfc3339(*hook.next_try);
    return told;
}

void list_hooks(Context& context, const CallPtr& call) {
    if (!check_query(call, {})) return;
    boost::json::array all;
    for (const HookStatus& each : context.server().hooks.status()) all.push_back(json_of_hook(each));
    call->answer(200, {{"hooks", std::move(all)}});
}

void answer_done(const CallPtr& call, const Checked<>& done) {
    if (done) return call->answer(200, object());
    call->refuse(problem_of(done.error().code, done.error().text));
}

void pause_hook(Context& context, const CallPtr& call) {
    if (check_query(call, {}) && read_body(call, [](Body&) {}))
        answer_done(call, context.server().hooks.pause(call->path("hook")));
}

void resume_hook(Context& context, const CallPtr& call) {
    if (check_query(call, {}) && read_body(call, [](Body&) {}))
        answer_done(call, context.server().hooks.resume(call->path("hook")));
}

void replay_hook(Context& context, const CallPtr& call) {
    std::optional<std::uint64_t> after;
    std::optional<std::chrono::system_clock::time_point> from;
    const bool good =
        check_query(call, {}) && read_body(call, [&](Body& body) {
            after = body.number("after");
            from = body.time("from");
            if (after.has_value() == from.has_value())
                body.wrong("after", "either \"after\", a place, or \"from\", a time, says where it begins");
        });
    if (!good) return;
    const ServerHooks& hooks = context.server().hooks;
    const std::string hook = call->path("hook");
    if (after) return answer_done(call, hooks.replay(hook, *after));
    const auto from_ms = std::chrono::duration_cast<std::chrono::milliseconds>(from->time_since_epoch()).count();
    context.read(call,
                 [hooks, hook, from = static_cast<std::uint64_t>(std::max<std::int64_t>(from_ms, 0))](
                     store::Reader& reader) -> Context::Reply {
                     const auto place = store::place_before(reader, from);
                     if (!place) return problem_of(said_of(static_cast<errc>(place.error().value())));
                     const auto done = hooks.replay(hook, *place);
                     if (!done) return problem_of(done.error().code, done.error().text);
                     return object();
                 });
}

void info(Context& context, const CallPtr& call) {
    if (!check_query(call, {})) return;
    object told{{"server", "flare"}, {"key", object{{"id", call->key().id}}}};
    told["key"].get_object()["scopes"] = call->key().scopes.text();
    // What is kept of an Idempotency-Key.
    told["idempotency"] = object{{"kept_in", context.has_store() ? "store" : "memory"}, {"kept_for_s", 86'400}};
    if (context.has_store()) {
        const store::About about = context.group().store->about();
        told["store"] = object{{"engine", about.engine}, {"durable", about.durable}};
    } else {
        told["store"] = nullptr;
    }
    call->answer(200, std::move(told));
}

}  // namespace

std::span<const Route> system_routes() {
    using enum auth::Scopes::Group;
    static constexpr std::array kRoutes{
        Route{"POST", "/v1/broadcast", "broadcast", signals, 2 * 1024 * 1024, broadcast},
        Route{"POST", "/v1/typing", "typing", signals, 4096, typing},
        Route{"GET", "/v1/info", "info", system, 0, info},
        Route{"GET", "/v1/hooks", "list_hooks", system, 0, list_hooks},
        Route{"POST", "/v1/hooks/{hook}/pause", "pause_hook", system, 4096, pause_hook},
        Route{"POST", "/v1/hooks/{hook}/resume", "resume_hook", system, 4096, resume_hook},
        Route{"POST", "/v1/hooks/{hook}/replay", "replay_hook", system, 4096, replay_hook},
    };
    return kRoutes;
}

}  // namespace flare::server::api
