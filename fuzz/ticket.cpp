// Tickets as clients bring them, and what lies inside the seal of one: whatever is read comes out of a seal as it went
// in.
#include "session/ticket.hpp"
#include "session/ticket_keys.hpp"

#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

using namespace flare;

void require(bool good) {
    if (!good) std::abort();
}

bool equal(const session::TicketContents& a, const session::TicketContents& b) {
    return a.session == b.session && a.user == b.user && a.device == b.device && a.secret == b.secret &&
           a.token_id == b.token_id && a.expires_unix_ms == b.expires_unix_ms;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const session::TicketKeys before(std::string(32, 'k'), {}, "process1");
    static const session::TicketKeys after(std::string(32, 'n'), std::string(32, 'k'), "process2");
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);

    const bool named = session::session_in_ticket(bytes).has_value();
    require(named == session::place_in_ticket(bytes).has_value());
    if (const auto opened = after.open(bytes)) require(named && opened->session == session::session_in_ticket(bytes));

    if (auto identity = session::read_ticket_content(bytes)) {
        const auto ticket = before.seal(*identity, base::system_random());
        require(ticket && ticket->size() <= wire::kMaxTicketBytes && !before.open(*ticket));
        const auto opened = after.open(*ticket);
        require(opened && equal(*opened, *identity));
    }
    return 0;
}
