// What a client tells its application. Events come in order, never two at a time.
//
// Threads: the callback runs on the client's event thread, or where the builder said.
#pragma once

#include <flare/export.hpp>
#include <flare/failure.hpp>
#include <flare/message.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace flare {

namespace event {

// connect() has succeeded.
struct Connected {
    Protocol protocol;
};
// No connection is left. code ok: disconnect() was called.
struct Disconnected {
    Failure reason;
};
// Attempt number `attempt` (from 1) begins after `delay`.
struct Reconnecting {
    std::uint32_t attempt = 0;
    std::chrono::milliseconds delay{0};
};
// resumed: the session goes on, nothing lost. Otherwise a Gap came before, and a new session was made.
struct Reconnected {
    Protocol protocol;
    bool resumed = false;
};
// Given up: status failed, everything in the outbox has failed.
struct ReconnectFailed {
    Failure reason;
};
// Something failed that no other event tells: the first connect, a message that came compressed and is damaged.
struct Error {
    Failure failure;
};
// From another user, or from the server's handler or application (`from` is "server").
struct MessageReceived {
    Message message;
};
// The server has acknowledged the message with a receipt.
struct MessageSent {
    Uuid message_id;
};
// The message has no receipt and will not be sent again, or its receipt says why it was refused.
struct MessageFailed {
    Uuid message_id;
    Failure error;
};
// A ping was answered, after `rtt`.
struct Heartbeat {
    std::chrono::nanoseconds rtt{0};
};
// The session has moved to a connection of another protocol; nothing was lost, repeated or reordered.
struct ProtocolSwitched {
    Protocol from;
    Protocol to;
};
// A session could not be continued. docs/protocol.md, "Gaps".
struct Gap {
    Failure reason;
    // One of the session's numbered sub-streams; numbers begin at 1.
    struct Lane {
        std::uint32_t lane = 0;
        std::uint64_t sent = 0;             // client to server: the last number given here ...
        std::uint64_t acknowledged = 0;     // ... and the last that the server is known to have
        std::uint64_t received = 0;         // server to client: complete up to here
        bool tail_known = false;            // the server still knew the session
        std::uint64_t server_sent = 0;      // tail_known: received + 1 .. server_sent are missing
        std::uint64_t server_received = 0;  // tail_known: what the server really had
    };
    std::vector<Lane> lanes;
    std::vector<Uuid> resent;  // messages without a receipt: they are sent again in the new session
};
// Something that was asked for and that the other side, or this version, cannot.
struct CapabilityUnavailable {
    std::string capability;
    std::string text;
};
// The session's credential expires soon; the session ends then, with token_expired. A token provider is asked for
// another one at once; otherwise Client::refresh_token() is the answer.
struct TokenExpiring {
    std::chrono::milliseconds left{0};
};
// The server is going down and says when to come back.
struct Draining {
    std::chrono::milliseconds retry_after{0};
    std::string text;
};

}  // namespace event

using Event = std::variant<event::Connected, event::Disconnected, event::Reconnecting, event::Reconnected,
                           event::ReconnectFailed, event::Error, event::MessageReceived, event::MessageSent,
                           event::MessageFailed, event::Heartbeat, event::ProtocolSwitched, event::Gap,
                           event::CapabilityUnavailable, event::Draining, event::TokenExpiring>;

using EventCallback = std::function<void(const Event&)>;

// "Connected", "Disconnected" ...
FLARE_EXPORT std::string_view name(const Event& event) noexcept;
// One line for people: the name and what matters of it. Payloads appear with their length only.
FLARE_EXPORT std::string to_string(const Event& event);

}  // namespace flare
