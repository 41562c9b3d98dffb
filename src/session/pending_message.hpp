// Messages and requests of a SessionTable on their way through the application.
//
// Threads:  values only.
#pragma once

#include "session/types.hpp"

#include <optional>
#include <string_view>

namespace flare::session {

struct Device;

// A message from a client, to be acted on once. finish() must follow, exactly once, whatever became of it;
// it may come after the session has ended.
struct PendingMessage {
    Device* owner = nullptr;  // whose it is: it stays until then
    SessionId session;
    LaneIndex lane = 0;
    Uuid message_id;
    std::uint64_t cost = 0;
    bool kept = false;  // it goes into a log, which knows it again: its answer is not remembered
    // One that is kept has more bytes than may come now: it is to be put off for so long, in its place; 0: it has not.
    std::uint32_t over_rate_ms = 0;
};

// A request from a client. respond() must follow, the last time without `more`, whatever became of it; it may come
// after the session has ended. Nobody here remembers ids of requests: one that is sent again in a later session is
// handed up again, and says since when it has been under way (docs/protocol.md, "Requests").
struct PendingRequest {
    SessionId session;
    LaneIndex lane = 0;
    Uuid request_id;
    std::uint64_t cost = 0;
};

// A message that answers another one.
struct Reply {
    std::string_view from;
    wire::MessageView message;
    std::int64_t server_time_ms = 0;
    bool judged = false;  // whether its payload is worth compressing has been found out: it goes as it is
};

}  // namespace flare::session
