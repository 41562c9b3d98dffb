#include "session/ticket.hpp"

#include "base/crypto.hpp"

namespace flare::session {
namespace {

constexpr char kPlain = 1;
constexpr char kSealed = 2;

constexpr std::size_t kPlaceAt = 1 + base::kNodeBytes;
constexpr std::size_t kSessionAt = kPlaceAt + base::kPlaceBytes;

std::string head_of(char version, base::Place place, const SessionId& session) {
    std::string head(kSessionAt, '\0');
    head[0] = version;
    base::put_place(head.data() + kPlaceAt, place);
    return head.append(session.value.raw());
}

bool is_plain(std::string_view ticket) noexcept { return ticket.size() == kTicketBytes && ticket[0] == kPlain; }

}  // namespace

std::string make_ticket(base::Place place, const SessionId& session, base::Random& random) {
    return head_of(kPlain, place, session).append(random.bytes(kTicketBytes - kTicketHeadBytes));
}

std::string make_sealed_head(base::Place place, const SessionId& session) { return head_of(kSealed, place, session); }

bool is_sealed(std::string_view ticket) noexcept {
    return ticket.size() > kTicketBytes && ticket.size() <= wire::kMaxTicketBytes && ticket[0] == kSealed;
}

std::optional<SessionId> session_in_ticket(std::string_view ticket) noexcept {
    if (!is_plain(ticket) && !is_sealed(ticket)) return std::nullopt;
    return SessionId{*Uuid::from_bytes(ticket.substr(kSessionAt, 16))};
}

std::optional<base::Place> place_in_ticket(std::string_view ticket) noexcept {
    if (!is_plain(ticket) && !is_sealed(ticket)) return std::nullopt;
    return base::take_place(ticket.data() + kPlaceAt);
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
