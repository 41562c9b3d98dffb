#include "session/lasting_ticket.hpp"

#include "base/crypto.hpp"
#include "session/planted.hpp"
#include "session/ticket.hpp"

#include <utility>

namespace flare::session {

std::string ticket_proof(std::string_view secret, std::string_view ticket, std::string_view challenge,
                         std::uint64_t epoch, const Uuid& attempt_id) {
    std::string proven = "flare ticket proof 1";
    proven.append(ticket).append(challenge);
    for (int shift = 56; shift >= 0; shift -= 8) proven.push_back(static_cast<char>(epoch >> shift));
    proven.append(attempt_id.raw());
    return base::hmac_sha256(secret, proven);
}

std::unique_ptr<const TicketChallenge> challenge_ticket(const TicketKeys& keys, const wire::Hello& hello,
                                                        base::Random& random) {
    if (!hello.resume) return nullptr;
    auto identity = keys.open(hello.resume->ticket);
    if (!identity) return nullptr;
    const std::string proof =
        resume_mac(identity->secret, hello.resume->ticket, hello.epoch, hello.resume->nonce, hello.attempt_id);
    if (!base::equal_constant_time(proof, hello.resume->mac)) return nullptr;
    auto challenge = std::make_unique<TicketChallenge>();
    challenge->identity = std::move(*identity);
    challenge->ticket = hello.resume->ticket;
    challenge->bytes = random.bytes(wire::kChallengeBytes);
    return challenge;
}

bool answers(const TicketChallenge& challenge, const wire::Hello& hello) {
    if (challenge.identity.user != hello.user || challenge.identity.device != hello.device) return false;
    if (planted(Fault::ticket_without_challenge)) return true;
    const std::string proof =
        ticket_proof(challenge.identity.secret, challenge.ticket, challenge.bytes, hello.epoch, hello.attempt_id);
    return base::equal_constant_time(proof, hello.ticket_proof);
}

bool HonouredTickets::may_make_one(const SessionId& session) const {
    return (attempts_.size() < most_ && !attempts_.contains(session)) || planted(Fault::ticket_honoured_twice);
}

bool HonouredTickets::may_attach(const SessionId& session, const Uuid& attempt) const {
    const auto found = attempts_.find(session);
    return (found != attempts_.end() && found->second == attempt) || may_make_one(session);
}

void HonouredTickets::note(const SessionId& session, const Uuid& attempt) { attempts_.emplace(session, attempt); }

}  // namespace flare::session
