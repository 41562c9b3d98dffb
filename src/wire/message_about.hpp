// What a message says beside its payload, between About and what applications see.
//
// Protocol: docs/wire.md, "About".
// Threads:  pure functions.
#pragma once

#include "wire/about.hpp"

#include <flare/message.hpp>

#include <string>
#include <string_view>

namespace flare::wire {

// Encoded; empty if the message says nothing. Precondition: at most kMaxMentions, each a name.
std::string about_of(const Message& message);
// What cannot be read says nothing: a message is told without it.
void read_about(std::string_view bytes, Message& to);
// Errors: message_too_large (more mentions than kMaxMentions), invalid_name (one of them).
errc check_mentions(const Message& message) noexcept;

}  // namespace flare::wire
