// What a worker tells the admin address of its sessions: nothing of credentials, nothing of messages. Texts are JSON.
//
// Threads: the shard's worker's.
#pragma once

#include "server/worker/shard.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare::server {

// Sessions as objects, with when each was made.
using Listed = std::vector<std::pair<session::TimePoint, std::string>>;
// The newest, at most `most`. Empty user: all of them.
void list_sessions(Shard& shard, std::string_view user, std::size_t most, Listed& listed);
// A session, if it lives, and what happened to it, if that is remembered. Nothing: neither.
std::optional<std::string> session_report(Shard& shard, const session::SessionId& id);

}  // namespace flare::server
