// What the server API tells, as JSON.
//
// Protocol: docs/openapi.yaml. Numbers of 64 bits are strings, times are RFC 3339.
// Threads:  pure functions.
#pragma once

#include "im/effects.hpp"
#include "store/engine.hpp"
#include "wire/requests.hpp"

#include <flare/server.hpp>

#include <boost/json/object.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace flare::server::api {

// "forever" for the largest one.
std::string time_text(std::uint64_t unix_ms);
boost::json::string number_text(std::uint64_t number);

// Its payload is not compressed.
boost::json::object json_of(const wire::im::Entry& entry);
boost::json::object json_of(const wire::im::Head& head);
// Without what it is to a user.
boost::json::object json_of(const store::Conversation& conversation);
boost::json::object json_of(const wire::im::Member& member);
boost::json::object json_of(const SessionInfo& session);
boost::json::object json_of(const model::Config& config);
// Of the entry that a call has written: offset, epoch, time.
void add_written(boost::json::object& object, const im::effect::Answer& answer);

// As the API calls it: "room:NAME", or for a direct conversation none.
std::string room_name(const model::ConversationKey& key);

std::optional<model::Role> role_of(std::string_view name);
std::optional<model::Join> join_of(std::string_view name);
std::optional<model::Visibility> visibility_of(std::string_view name);

}  // namespace flare::server::api
