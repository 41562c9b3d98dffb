#include "session/ticket.hpp"

#include "base/crypto.hpp"

namespace flare::session {
namespace {

constexpr char kTicketVersion = 1;

}  // namespace

std::string make_ticket(std::uint32_t home, const SessionId& session, base::Random& random) {
    std::string ticket;
    ticket.reserve(kTicketBytes);
    ticket.push_back(kTicketVersion);
    ticket.push_back(static_cast<char>(home));
    ticket.append(session.value.raw());
    ticket.append(random.bytes(16));
    return ticket;
}

std::optional<SessionId> session_in_ticket(std::string_view ticket) noexcept {
    if (ticket.size() != kTicketBytes || ticket[0] != kTicketVersion) return std::nullopt;
    return SessionId{*Uuid::from_bytes(ticket.substr(2, 16))};
}

std::optional<std::uint32_t> home_in_ticket(std::string_view ticket) noexcept {
    if (ticket.size() != kTicketBytes || ticket[0] != kTicketVersion) return std::nullopt;
    return static_cast<unsigned char>(ticket[1]);
}

std::string resume_mac(std::string_view secret, std::string_view ticket, std::uint64_t epoch, std::string_view nonce,
                       const Uuid& attempt_id) {
    std::string proven = "flare resume 1";
    proven.append(ticket);
    for (int shift = 56; shift >= 0; shift -= 8) proven.push_back(static_cast<char>(epoch >> shift));
    proven.append(nonce);
    proven.append(attempt_id.raw());
    return base::hmac_sha256(secret, proven);
}

}  // namespace flare::session
