// Commands become plans: what is allowed, and how the rows are to be then. Nothing changes before it is committed.
//
// Protocol: docs/conversations.md, "Roles", "Members", "Configuration".
// Threads:  one at a time.
#pragma once

#include "im/commands.hpp"
#include "im/conversation.hpp"
#include "im/refusal.hpp"

#include <variant>
#include <vector>

namespace flare::im {

// What must be known before it can be said whether a command is allowed.
struct Missing {
    std::vector<Row> members{};  // rows that are not known
    Row leaving = 0;             // not 0: Conversation::heirs(leaving) are not
};

using Planned = std::variant<Plan, Refusal, Missing>;

// `actor` asks for `command` now. 0: the server, which may do everything that makes sense.
Planned plan(Conversation& conversation, Row actor, const Command& command, std::uint64_t now_ms);

// The direct conversation of two users, one of them perhaps the server (0), to which nobody writes back; in notes to
// oneself both are one. No entry tells it.
Plan plan_direct(Row first, Row second, std::uint64_t now_ms);

}  // namespace flare::im
