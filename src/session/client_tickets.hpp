// The tickets of a client's session and its secret; and those of one that is over, until the next one stands.
//
// Protocol: docs/protocol.md, "Tickets".
// Threads:  as ClientSession.
// Owner:    ClientSession.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

namespace flare::session {

class ClientTickets {
public:
    bool can_resume() const noexcept { return !ticket_.empty(); }
    const std::string& ticket() const noexcept { return ticket_; }
    const std::string& secret() const noexcept { return secret_; }
    void keep_secret(const std::string& secret) { secret_ = secret; }

    // Of a Welcome. `another_waits`: a Hello is under way whose Welcome may offer an older one.
    // A ticket has a successor only when it has been seen here, so each is newer than all that came before it. What a
    // slower carrier's Welcome offers once more is not, and may have been replaced.
    void take(const std::string& ticket, bool lasts, bool another_waits) {
        lasts_ = lasts;
        if (std::find(had_.begin(), had_.end(), ticket) != had_.end()) return;
        // A Hello from here on shows this one, and is offered a later one.
        if (!another_waits) had_.clear();
        had_.push_back(ticket);
        ticket_ = ticket;
    }
    // The session is over.
    void forget() {
        ticket_.clear();
        had_.clear();
        secret_.clear();
    }

    // Of a session that is over by the server's word: they take the place of the token where the server has been
    // started again. Empty: none.
    const std::string& kept_ticket() const noexcept { return kept_ticket_; }
    const std::string& kept_secret() const noexcept { return kept_secret_; }
    void keep() {
        if (!lasts_) return;
        kept_ticket_ = ticket_;
        kept_secret_ = secret_;
    }
    void forget_kept() {
        kept_ticket_.clear();
        kept_secret_.clear();
    }

private:
    std::string ticket_;            // the newest
    std::vector<std::string> had_;  // it and those before, which a Welcome still to come may offer
    std::string secret_;
    std::string kept_ticket_;
    std::string kept_secret_;
    bool lasts_ = false;  // the server says so
};

}  // namespace flare::session
