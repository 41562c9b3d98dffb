// The secret of a session and its issued tickets: which are valid, and for whom.
//
// Protocol: docs/protocol.md, "Tickets".
// Threads:  its worker only.
// Owner:    ServerSession.
#pragma once

#include "base/assert.hpp"
#include "session/types.hpp"

#include <string>
#include <string_view>
#include <utility>

namespace flare::session {

class SessionTickets {
public:
    const std::string& secret() const noexcept { return secret_; }
    void keep_secret(std::string secret) { secret_ = std::move(secret); }

    // One was issued that the client has not confirmed: it is offered again, in place of another one.
    bool offers() const noexcept { return !next_.empty(); }
    void offer(std::string ticket) {
        FLARE_INVARIANT(!offers(), "a ticket is issued while another one is not confirmed");
        next_ = std::move(ticket);
        ++issued_;
    }
    // How many were issued: names the latest one.
    std::uint32_t issued() const noexcept { return issued_; }
    // For a Welcome that offered this one. Confirmed meanwhile, it is the current one.
    const std::string& for_welcome(std::uint32_t offered) const noexcept {
        return offered == issued_ && offers() ? next_ : current_;
    }

    bool is_next(std::string_view ticket) const noexcept { return offers() && ticket == next_; }
    // Good for a Hello of this connect.
    bool accepts(std::string_view ticket, const Uuid& attempt) const noexcept {
        return ticket == current_ || is_next(ticket) || (ticket == previous_ && attempt == previous_attempt_);
    }
    // The client has the ticket that its Welcome offered: the one before is good no longer, but for Hellos of the
    // connect that is still under way.
    void confirm(const Uuid& attempt) {
        previous_ = std::move(current_);
        previous_attempt_ = attempt;
        current_ = std::move(next_);
        next_.clear();
    }

private:
    std::string secret_;
    std::string current_;   // confirmed: the client has used or acknowledged it
    std::string next_;      // issued, not yet confirmed; empty: none
    std::string previous_;  // replaced; good only for Hellos of previous_attempt_
    Uuid previous_attempt_;
    std::uint32_t issued_ = 0;
};

}  // namespace flare::session
