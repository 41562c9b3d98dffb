// What a client keeps of a server between two connections: the TLS session ticket and the transport parameters that
// early data goes by.
//
// Protocol: RFC 8446 sections 2.2 and 4.6.1; RFC 9001 section 4.6; RFC 9000 section 7.4.1.
// Threads:  any.
// Owner:    ClientContext.
#pragma once

#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace flare::transport::quic {

struct Ticket {
    std::string session;     // as GnuTLS packs it
    std::string parameters;  // as ngtcp2 packs them
};

class TicketStore {
public:
    // `file`: where tickets outlive the process; empty: nowhere. What it has already is read now; lines that make no
    // sense are left out. It is written by this user alone, as secret as a password: whoever has a ticket can pose as
    // one of this client's TLS sessions.
    explicit TicketStore(std::string file = {});

    void keep(const std::string& server, Ticket ticket);
    // Each is used once, so that nobody can tell two connections of one client by it (RFC 8446 appendix C.4).
    std::optional<Ticket> take(const std::string& server);

private:
    static constexpr std::size_t kMaxServers = 64;  // then the oldest is forgotten

    void load();
    void save();

    const std::string file_;
    bool warned_ = false;
    std::mutex mutex_;
    std::list<std::pair<std::string, Ticket>> tickets_;  // the newest last
};

}  // namespace flare::transport::quic
