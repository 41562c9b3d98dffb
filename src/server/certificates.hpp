// The server's certificates and keys for wss, QUIC and sealing: loaded together, or not at all.
//
// Threads: a value; what it holds is immutable.
#pragma once

#include "server/config.hpp"
#include "server/sealing.hpp"
#include "transport/quic/quic.hpp"
#include "transport/tls/tls.hpp"

#include <memory>
#include <string>
#include <vector>

namespace flare::server {

struct Certificates {
    std::shared_ptr<transport::tls::ServerContext> tls;    // null: ws, or no WebSocket
    std::shared_ptr<transport::quic::ServerContext> quic;  // null: no QUIC
    std::shared_ptr<const Sealing> sealing;                // null: clients cannot seal

    // Errors as Server::start(). `quic_secret`: see transport::quic::Resumption. `before`: those that these take the
    // place of; empty at the start.
    static Checked<Certificates> load(const Config& config, const transport::quic::Secret& quic_secret,
                                      const Certificates& before);
    // The files that they come from.
    static std::vector<std::string> files(const Config& config);
};

}  // namespace flare::server
