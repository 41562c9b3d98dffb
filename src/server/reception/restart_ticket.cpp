#include "server/reception/restart_ticket.hpp"

namespace flare::server {

// Whether what a ticket says still holds. Whether its user or its credential was revoked is asked for every session
// that is made: Reception::attach().
bool RestartTickets::holds(const session::TicketContents& ticket) const {
    const auto unix_time = executor_.wall_clock().time_since_epoch();
    const auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count();
    return ticket.expires_unix_ms == 0 || static_cast<std::uint64_t>(unix_ms) < ticket.expires_unix_ms;
}

void RestartTickets::ask_for_proof(ServerCarrier& carrier, const wire::Hello& hello, wire::Refused& refused) const {
    if (!state_.ticket_keys) return;
    auto& challenge = carrier.greeting->challenge;
    challenge = session::challenge_ticket(*state_.ticket_keys, hello, executor_.random());
    if (challenge) refused.challenge = challenge->bytes;
}

std::optional<session::SessionCredential> RestartTickets::proven(ServerCarrier& carrier,
                                                                 const wire::Hello& hello) const {
    const auto challenge = std::move(carrier.greeting->challenge);
    if (!challenge || !session::answers(*challenge, hello) || !holds(challenge->identity)) return std::nullopt;
    return credential_of(challenge->identity);
}

// It was let in by its credential, and ends with it.
session::SessionCredential RestartTickets::credential_of(const session::TicketContents& ticket) const {
    Identity identity(ticket.user);
    identity.token_id = ticket.token_id;
    identity.claims = ticket.claims;
    if (ticket.expires_unix_ms != 0) {
        identity.expires = std::chrono::system_clock::time_point(
            std::chrono::milliseconds(static_cast<std::int64_t>(ticket.expires_unix_ms)));
    }
    session::SessionCredential result = authenticator_.in_steady_time(std::move(identity));
    result.ticket_of = ticket.session;
    return result;
}

}  // namespace flare::server
