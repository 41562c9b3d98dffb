// The target of a message, parsed once when the message arrives.
//
// Protocol: docs/protocol.md, "Messages".
// Threads:  values; the names are views of the text.
#pragma once

#include <flare/message.hpp>

#include <cstdint>
#include <string_view>

namespace flare::model {

struct Target {
    enum class Kind : std::uint8_t {
        nobody,        // an empty text
        server,        // the server's own handlers
        user,          // all devices of a user
        conversation,  // "room:NAME": reserved in this version
    };
    // What the names of conversations begin with, so that no user may be called so.
    static constexpr std::string_view kConversation = "room:";

    static constexpr Target of(std::string_view text) noexcept {
        if (text.empty()) return {Kind::nobody, {}};
        if (text == kServerTarget) return {Kind::server, text};
        if (text.starts_with(kConversation)) return {Kind::conversation, text.substr(kConversation.size())};
        return {Kind::user, text};
    }

    Kind kind = Kind::nobody;
    std::string_view name{};  // without what says the kind
};

// What those who get a message call the conversation that it belongs to: a room by its target, whoever speaks in it; of
// two users, the other one. Its messages share a lane, and so an order.
constexpr std::string_view conversation_of(std::string_view to, std::string_view from) noexcept {
    return Target::of(to).kind == Target::Kind::conversation ? to : from;
}

// A user may not have a name that means something else.
constexpr bool is_reserved(std::string_view user) noexcept {
    return !user.empty() && Target::of(user).kind != Target::Kind::user;
}

}  // namespace flare::model
