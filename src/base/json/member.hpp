// A member of a JSON object that came from outside. Absent and null are one thing: many writers spell an optional
// member that they leave out as null, and the JSON of protobuf says that it means the default.
//
// Threads: a function of values.
#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include <string_view>

namespace flare::base {

// Null: there is none, or it is JSON's null.
inline const boost::json::value* json_member(const boost::json::object& object, std::string_view name) {
    const boost::json::value* const found = object.if_contains(boost::json::string_view(name.data(), name.size()));
    return found == nullptr || found->is_null() ? nullptr : found;
}

}  // namespace flare::base
