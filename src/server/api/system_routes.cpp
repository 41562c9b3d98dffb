// Signals to everybody, and what the server is.
#include "server/api/changes.hpp"
#include "server/api/context.hpp"
#include "server/api/forms.hpp"
#include "server/conversations/conversations.hpp"

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

void info(Context& context, const CallPtr& call) {
    if (!check_query(call, {})) return;
    object told{{"server", "flare"}, {"key", object{{"id", call->key().id}}}};
    told["key"].get_object()["scopes"] = call->key().scopes.text();
    // What is kept of an Idempotency-Key.
    told["idempotency"] = object{{"kept_in", "memory"}, {"kept_for_s", 86'400}};
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
    };
    return kRoutes;
}

}  // namespace flare::server::api
