// When everybody comes at once: who is let in, and whose ticket of before a restart takes the place of the credential.
// docs/server.md, "Storms".
#include "base/random.hpp"
#include "server/worker.hpp"

namespace flare::server {

// Takes a place at the admission rate for this connection, or refuses it until its slot.
bool Worker::let_in(ServerCarrier& connection) {
    if (connection.let_in || !group_.admission.on()) return true;
    const auto wait = group_.admission.ask(now());
    if (!wait) {
        ++counters_.admissions;
        return connection.let_in = true;
    }
    ++counters_.admissions_refused;
    count_error(errc::rate_limited);
    wire::Refused refused;
    refused.code = errc::rate_limited;
    refused.text = "more sessions begin at the moment than the server lets in";
    refused.retry_after_ms = static_cast<std::uint32_t>(wait->count());
    refuse(connection, refused);
    return false;
}

// Whether what a ticket says still holds. Whether its user or its credential was revoked is asked for every session
// that is made: attach().
bool Worker::ticket_holds(const session::TicketContents& identity) const {
    const auto unix_time = std::chrono::system_clock::now().time_since_epoch();
    const auto unix_ms = std::chrono::duration_cast<std::chrono::milliseconds>(unix_time).count();
    return identity.expires_unix_ms == 0 || static_cast<std::uint64_t>(unix_ms) < identity.expires_unix_ms;
}

// A resume whose session nobody knows here: if it shows a ticket of a process before, the Refused asks for a proof that
// is made for this connection.
void Worker::ask_for_proof(ServerCarrier& connection, const wire::Hello& hello, wire::Refused& refused) {
    if (!group_.ticket_keys) return;
    connection.challenge = session::challenge_ticket(*group_.ticket_keys, hello, base::system_random());
    if (connection.challenge) refused.challenge = connection.challenge->bytes;
}

// Whom the Hello after that stands for. Nothing: the credential decides.
std::optional<session::SessionCredential> Worker::proven_by_ticket(ServerCarrier& connection,
                                                                   const wire::Hello& hello) {
    const auto challenge = std::move(connection.challenge);
    if (!challenge || !session::answers(*challenge, hello) || !ticket_holds(challenge->identity)) return std::nullopt;
    return of_ticket(challenge->identity);
}

// It was let in by its credential, and ends with it.
session::SessionCredential Worker::of_ticket(const session::TicketContents& ticket) {
    Identity identity(ticket.user);
    identity.token_id = ticket.token_id;
    identity.claims = ticket.claims;
    if (ticket.expires_unix_ms != 0) {
        identity.expires = std::chrono::system_clock::time_point(
            std::chrono::milliseconds(static_cast<std::int64_t>(ticket.expires_unix_ms)));
    }
    session::SessionCredential result = in_steady_time(std::move(identity));
    result.ticket_of = ticket.session;
    return result;
}

}  // namespace flare::server
