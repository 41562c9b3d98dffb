// How a restarted server accepts tickets of the previous process: with a proof made for this very connection, and once
// per session.
//
// Protocol: docs/protocol.md, "Tickets"; docs/decisions/0016-proofs-that-cannot-be-repeated.md.
// Threads:  values; HonouredTickets belongs to its owner's thread.
#pragma once

#include "session/ticket_keys.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace flare::session {

// HMAC-SHA-256(secret, "flare ticket proof 1" | ticket | challenge | epoch, 8 bytes big endian | attempt id).
std::string ticket_proof(std::string_view secret, std::string_view ticket, std::string_view challenge,
                         std::uint64_t epoch, const Uuid& attempt_id);

// What a connection was asked whose resume nobody knew: to prove the ticket that it showed.
struct TicketChallenge {
    TicketContents identity;
    std::string ticket;
    std::string bytes;  // for Refused: of this connection alone
};

// For a resume of a session that nobody knows here. Null: what it shows is no ticket that another process has sealed
// with our keys, or its proof is wrong.
std::unique_ptr<const TicketChallenge> challenge_ticket(const TicketKeys& keys, const wire::Hello& hello,
                                                        base::Random& random);
// Whether the next Hello on the same connection is of the ticket's user and device, and answers.
bool answers(const TicketChallenge& challenge, const wire::Hello& hello);

// The sessions of processes before this one whose tickets have made a session here. Entries stay as long as the
// process: their tickets may not expire before it ends. Past kMost nothing more is honoured: clients show their
// credential, as they do without a lasting ticket.
class HonouredTickets {
public:
    static constexpr std::size_t kMost = 100'000;

    explicit HonouredTickets(std::size_t most = kMost) : most_(most) {}

    // A ticket of this session may make one here.
    bool may_make_one(const SessionId& session) const;
    // The same, or join what this very connect has made: it may bring its proof on several carriers.
    bool may_attach(const SessionId& session, const Uuid& attempt) const;
    void note(const SessionId& session, const Uuid& attempt);

private:
    std::size_t most_;
    boost::unordered_flat_map<SessionId, Uuid, std::hash<SessionId>> attempts_;
};

}  // namespace flare::session
