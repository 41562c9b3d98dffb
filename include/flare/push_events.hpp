// What a server with a store asks of push services: ServerBuilder::with_push_handler().
//
// A device registers itself (Push::register_device() of the client); the server says for whom a message waits, and the
// handler reaches the devices by FCM, APNs or whatever it uses.
//
// Protocol: docs/server.md, "Push".
// Threads:  values; PushHandler: the hooks' thread.
#pragma once

#include <flare/bytes.hpp>
#include <flare/conversation.hpp>
#include <flare/export.hpp>
#include <flare/uuid.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace flare {

// A device of a user, as its client has registered it.
struct PushDevice {
    std::string device;   // the id of the client's device
    std::string service;  // "fcm", "apns", "webpush", or what the application calls its own
    std::string token;    // what that service calls the device
    std::string app;      // which of several apps it is; may be empty

    friend bool operator==(const PushDevice&, const PushDevice&) = default;
};

// What a user has not read, in the conversations with the newest activity, at most 200 of them.
struct PushBadge {
    std::uint32_t messages = 0;       // at most 999
    std::uint32_t conversations = 0;  // that have some of these
    bool more = false;                // there may be more than was counted
};

// The newest message of a conversation that its user has not read.
struct PushedMessage {
    // Of a payload; a preview is whole if the payload is not longer.
    static constexpr std::size_t kPreviewBytes = 1024;

    std::string conversation;  // as the user calls it: "room:NAME", or the other user
    std::string title;         // of the room
    // The same for all messages of a conversation, 16 characters that say nothing of its name: a newer notification
    // takes the place of an older one (FCM: collapse_key, APNs: apns-collapse-id).
    std::string collapse_key;
    std::string from;
    Uuid id;
    Position position;
    std::chrono::system_clock::time_point time{};
    std::string type;
    Bytes preview;       // the first bytes of the payload, uncompressed; of a compressed one above 64 KiB: none
    bool whole = false;  // the preview is the payload
};

// A user with messages, and without a session that has a live connection.
struct PushRequest {
    std::string user;
    std::vector<PushDevice> devices;      // at least one
    std::vector<PushedMessage> messages;  // at least one, each of another conversation
    PushBadge badge;
};

// The user has read what was pushed of a conversation, on whatever device: notifications of it can go.
struct PushCleared {
    std::string user;
    std::vector<PushDevice> devices;
    std::string conversation;
    std::string collapse_key;
    Position upto;  // everything up to it has been read
    PushBadge badge;
};

// Called one at a time, on the thread of EventHandler's hooks: a slow one delays the others, and when too many wait,
// events are dropped and counted (ServerStats::push). Best effort: what waits when the server ends is not told.
class FLARE_EXPORT PushHandler {
public:
    virtual ~PushHandler() = default;
    virtual void on_push_requested(const PushRequest&) {}
    virtual void on_push_cleared(const PushCleared&) {}
};

}  // namespace flare
