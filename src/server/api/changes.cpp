#include "server/api/changes.hpp"

#include "im/names.hpp"
#include "model/target.hpp"
#include "server/conversations/content_hash.hpp"

#include <algorithm>
#include <utility>

namespace flare::server::api {

std::string read_actor(Body& body, std::string_view field) {
    std::string actor = body.text(field).value_or(std::string());
    if (actor == kServerTarget) actor.clear();
    if (!actor.empty() && !is_user(actor))
        body.wrong(field, "this is no name of a user: 1 to 256 bytes of UTF-8", errc::invalid_name);
    return actor;
}

std::vector<std::string> read_users(Body& body, std::string_view field, std::size_t least) {
    std::vector<std::string> users = body.texts(field, im::kChangedAtOnce);
    if (users.size() < least) body.wrong(field, "1 to 100 users are needed here");
    for (std::size_t i = 0; i < users.size(); ++i) {
        const std::string at = std::string(field) + "[" + std::to_string(i) + "]";
        if (!is_user(users[i])) body.wrong(at, "this is no name of a user", errc::invalid_name);
        if (std::ranges::count(users, users[i]) != 1) body.wrong(at, "this user comes twice");
    }
    return users;
}

std::optional<model::ConversationKey> read_conversation(Body& body, const std::string& user) {
    const std::string name = body.required("conversation");
    const model::Target target = model::Target::of(name);
    if (target.kind == model::Target::Kind::conversation) {
        const auto refused = im::check_room_name(target.name);
        if (!refused) return model::ConversationKey::room(target.name);
        body.wrong("conversation", std::string(refused->text), refused->code);
        return std::nullopt;
    }
    if (is_user(name) || name == kServerTarget) return model::ConversationKey::direct(user, name);
    body.wrong("conversation", "\"room:NAME\", or the other user of a direct conversation is needed here",
               errc::invalid_name);
    return std::nullopt;
}

void submit(Context& context, const CallPtr& call, ApplicationCall change) {
    change.id = call->entry_id(0);
    ContentHash content;
    content.add(call->request().head.method).add(call->request().head.target).add(call->request().body);
    std::get<ApplicationChange>(change.what).content = content.value();
    context.change(call, std::move(change));
}

void change_conversation(Context& context, const CallPtr& call, const model::ConversationKey& key, std::string actor,
                         im::Command command) {
    ApplicationChange change;
    change.command = [command = std::move(command)](std::uint32_t, std::vector<im::command::Person>) {
        return command;
    };
    ApplicationCall made;
    made.key = key;
    made.actor = std::move(actor);
    made.what = std::move(change);
    submit(context, call, std::move(made));
}

}  // namespace flare::server::api
