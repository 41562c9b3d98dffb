// Changes of conversations and of their members, as the routes of both ask for them.
//
// Threads: the API's.
#pragma once

#include "im/commands.hpp"
#include "server/api/context.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace flare::server::api {

// The user in whose name it is done; empty: the server. What is no user is wrong.
std::string read_actor(Body& body, std::string_view field);
// Users, each once, at most im::kChangedAtOnce and at least `least`; what is no user is wrong.
std::vector<std::string> read_users(Body& body, std::string_view field, std::size_t least);

// {"conversation"} as this user names it: "room:NAME", the other user, or "server". Nothing: it is wrong.
std::optional<model::ConversationKey> read_conversation(Body& body, const std::string& user);

// Has the change done, whose ids and content are filled in.
void submit(Context& context, const CallPtr& call, ApplicationCall change);
// A change that names nobody.
void change_conversation(Context& context, const CallPtr& call, const model::ConversationKey& key, std::string actor,
                         im::Command command);

}  // namespace flare::server::api
