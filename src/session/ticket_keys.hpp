// Tickets that outlive the process that made them. Sealed in one is whose session it was and the session's secret, so
// that a server which holds the key, and knows no session any more, still knows whom it stands for.
//
// Protocol: docs/protocol.md, "Tickets"; docs/decisions/0013-ticket-as-credential.md.
// Threads:  immutable: any.
#pragma once

#include "base/random.hpp"
#include "session/types.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace flare::session {

// What a ticket says of its session.
struct TicketContents {
    SessionId session;
    std::string user;
    std::string device;
    std::string secret;
    std::string token_id;               // of the credential that the session was made with; may be empty
    std::uint64_t expires_unix_ms = 0;  // when that credential does; 0: never
    std::string claims{};               // what that credential says of the user; may be empty
};

//   version 2 (1 byte) | node (0) | the user's place (2) | session id (16) | salt (16) | ChaCha20-Poly1305 of what is
//   below | tag (16) process (8) | expiry (8, big endian) | secret (32) | user | device | token id | claims, each
//   behind its length (2)
//
// What stands before the salt can be read by anybody, and is bound as associated data. Every ticket has a key of its
// own, HMAC-SHA-256(key, "flare ticket 1" | salt), which seals nothing else: its nonce is 0.
class TicketKeys {
public:
    static constexpr std::size_t kKeyBytes = 32;
    static constexpr std::size_t kProcessBytes = 8;

    // `current` seals; both open. `previous` may be empty. `process`: kProcessBytes that no other process has.
    TicketKeys(std::string current, std::string previous, std::string process);

    static constexpr std::size_t kMaxClaimsBytes = 1024;
    // Nothing: a name or the claims are too long for a ticket.
    std::optional<std::string> seal(const TicketContents& identity, base::Random& random) const;
    // Nothing: not a ticket of these keys, or one of this very process, which knows its sessions itself: who ended here
    // does not come back by ticket. Whether it has expired is for the caller to say.
    std::optional<TicketContents> open(std::string_view ticket) const;

private:
    std::array<std::string, 2> keys_;
    std::string process_;
};

// What lies inside the seal, as open() reads it. Nothing: the pieces do not add up.
std::optional<TicketContents> read_ticket_content(std::string_view content);

}  // namespace flare::session
