// Resume tickets and the proof that a client holds the session's secret.
//
// Protocol: docs/protocol.md, "Tickets".
// Threads:  pure functions.
#pragma once

#include "base/random.hpp"
#include "session/types.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace flare::session {

// 36 bytes: version (1), node (0), the user's place (2), session id (16), random (16). Opaque to clients. A sealed
// ticket (version 2, see TicketKeys) begins alike, and is longer.
inline constexpr std::size_t kTicketBytes = 36;
inline constexpr std::size_t kTicketHeadBytes = 20;  // version, node, place, session id
inline constexpr std::size_t kSecretBytes = 32;

std::string make_ticket(base::Place place, const SessionId& session, base::Random& random);
// The beginning of a sealed one.
std::string make_sealed_head(base::Place place, const SessionId& session);
bool is_sealed(std::string_view ticket) noexcept;
std::optional<SessionId> session_in_ticket(std::string_view ticket) noexcept;
// Where the ticket's user belongs; nothing when it is not a ticket of ours.
std::optional<base::Place> place_in_ticket(std::string_view ticket) noexcept;

// HMAC-SHA-256(secret, "flare resume 1" | ticket | epoch, 8 bytes big endian | nonce | attempt id).
std::string resume_mac(std::string_view secret, std::string_view ticket, std::uint64_t epoch, std::string_view nonce,
                       const Uuid& attempt_id);

}  // namespace flare::session
