// What the contexts hold: GnuTLS credentials, priorities, ALPN.
//
// Threads: immutable once made, but for what locks itself.
// Owner:   ServerContext, ClientContext.
#pragma once

#include "transport/quic/quic.hpp"
#include "transport/quic/replay_guard.hpp"
#include "transport/quic/ticket_store.hpp"

#include <gnutls/gnutls.h>

namespace flare::transport::quic {

// RFC 9001 section 4: TLS 1.3 alone, without its compatibility mode (section 8.4).
inline constexpr const char* kPriorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:%DISABLE_TLS13_COMPAT_MODE";

struct Credentials {
    Credentials();
    ~Credentials();
    Credentials(const Credentials&) = delete;
    Credentials& operator=(const Credentials&) = delete;

    gnutls_certificate_credentials_t certificates = nullptr;
    gnutls_priority_t priorities = nullptr;
    std::vector<std::string> alpn;
};

struct ServerContext::Keys : Credentials {
    bool require_client_certificate = false;
    bool ask_for_client_certificate = false;
    bool early_data = false;
    // Empty: no tickets. GnuTLS makes of it the keys that encrypt tickets, another every few hours.
    std::string ticket_key;
    std::shared_ptr<ReplayGuard> replays;  // goes on when the certificate changes
};

struct ClientContext::Keys : Credentials {
    explicit Keys(std::string ticket_file) : tickets(std::move(ticket_file)) {}
    mutable TicketStore tickets;
};

}  // namespace flare::transport::quic
