// What a client's session is told at its start, and what it agrees on with its server.
//
// Threads:  values.
// Owner:    ClientSession.
#pragma once

#include "session/lane_set.hpp"
#include "session/outbox.hpp"
#include "wire/compression.hpp"

#include <memory>
#include <optional>
#include <string>

namespace flare::session {

struct ClientSettings : Settings {
    std::string user;
    std::string device;
    Platform platform = Platform::unknown;
    std::uint32_t retry_count = 3;  // message_retry
    Duration retry_delay = std::chrono::seconds(1);
    // There is another way to the server: a carrier that does not answer is suspected as soon as its round trip allows,
    // in place of after retry_delay (docs/racing.md, "Failure detection").
    bool suspect_early = false;
    // How long an awaited message waits while there is no connection; 0: for ever.
    Duration send_timeout = std::chrono::minutes(2);
    Outbox::Limits outbox;
    // Messages that no call waits for stay in the outbox when the client gives up, for the next time that it connects.
    bool keeps_posted = false;
    std::shared_ptr<const wire::Compression> compression;  // null: off
    // Asks for kCapabilityConversations. Whoever does must know all that a server may send with it.
    bool conversations = false;
};

// With the server, in its Welcome.
struct ClientAgreement {
    explicit ClientAgreement(const ClientSettings& mine) : settings(mine), ack_delay(mine.max_ack_delay) {
        limits.max_message_bytes = mine.max_message_bytes;
    }
    // A new session, which `lanes` is for. What was agreed in the one before counts no longer.
    void begin(const ClientSettings& mine, const wire::Welcome& welcome);
    // Again with each carrier.
    void hear(const ClientSettings& mine, const wire::Welcome& welcome) noexcept;

    Settings settings;  // referenced by `lanes`
    wire::Limits limits;
    wire::Encodings encodings = 0;
    bool conversations = false;
    std::optional<wire::Storing> store;  // the server's; nothing: it has none, or does not say
    Duration ack_delay;                  // the server's
    std::optional<SessionId> id;
    std::unique_ptr<LaneSet> lanes;  // null: there is no session
};

}  // namespace flare::session
