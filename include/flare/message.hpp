// Message, the unit that applications exchange.
#pragma once

#include <flare/bytes.hpp>
#include <flare/error.hpp>
#include <flare/export.hpp>
#include <flare/uuid.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace flare {

// The platform that a client reports.
enum class Platform : std::uint8_t { unknown = 0, android = 1, ios = 2, web = 3, desktop = 4, server = 5 };
FLARE_EXPORT std::string_view name(Platform platform) noexcept;

// What carries a session. ws:// and wss:// are one protocol.
enum class Protocol : std::uint8_t { websocket = 1, quic = 2 };
// Congestion control of a QUIC connection: CUBIC (RFC 9438) or BBR version 2.
enum class QuicCongestion : std::uint8_t { cubic, bbr };
FLARE_EXPORT std::string_view name(Protocol protocol) noexcept;

// What `stored` in a receipt is worth on a server: nothing, because it keeps no messages or does not say; until its
// process ends; or on disk, whatever happens to the process or the machine.
enum class Durability : std::uint8_t { none = 0, memory = 1, commit = 2 };
FLARE_EXPORT std::string_view name(Durability durability) noexcept;

// Orders messages waiting in the outbox; never reorders messages already sent.
enum class Priority : std::uint8_t { low = 0, normal = 1, high = 2, urgent = 3 };

// The target that reaches the server's message handler; no user may have this name.
inline constexpr std::string_view kServerTarget = "server";

struct Message {
    Message() = default;
    Message(std::string type_, Bytes payload_) : type(std::move(type_)), payload(std::move(payload_)) {}

    Uuid id;                                            // nil: the library makes a UUIDv7 when the message is sent
    std::string type;                                   // free text, at most 256 bytes of UTF-8
    Bytes payload;                                      // at most the negotiated limit (default 16 MiB)
    std::chrono::system_clock::time_point timestamp{};  // epoch: the library sets it when the message is sent
    // Set by the server from its clock, in milliseconds, when it receives the message from the sender; a value set by
    // the sender is ignored. Epoch: not set, because the server is older.
    std::chrono::system_clock::time_point server_time{};
    std::string from;  // set by the server: the authenticated user id, or "server"
    std::string to;    // user id, "server", or "room:NAME"
    Priority priority = Priority::normal;

    // ---- in a conversation; without a store, the server hands it on as it is ----

    std::uint64_t reply_to = 0;  // offset of the message that this one answers, in the same conversation; 0: none
    bool silent = false;         // counts as unread for nobody, and wakes no device
    bool mentions_all = false;   // mentions every member: for moderators, admins and owners
    std::vector<std::string> mentions;  // user ids, at most 50; who is no member is passed over
};

}  // namespace flare
