// Names of rooms, titles, and keys of reactions.
//
// Protocol: docs/conversations.md, "Names".
// Threads:  any.
#pragma once

#include "im/refusal.hpp"

#include <string_view>

namespace flare::im {

// A room's name, without "room:". It is kept as it is given, to the byte; upper and lower case are different names.
// What is refused, as invalid_name: no name, more than 128 bytes, what is not UTF-8, has a control character (Unicode
// Cc) or is not in normalization form C, in which what looks the same is the same.
Refused check_room_name(std::string_view name);

// A title may be anything that is shown in a line: at most 256 bytes of UTF-8 without control characters. Empty: none.
Refused check_title(std::string_view title);

// What a reaction is: 1 to 64 bytes of UTF-8 without control characters, an emoji for example.
Refused check_reaction(std::string_view key);

}  // namespace flare::im
