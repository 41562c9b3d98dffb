// One connect: resolves the configured addresses and tries them, staggered, until one gives a carrier.
//
// Protocol: RFC 8305 (Happy Eyeballs v2): 250 ms between attempts, losers are cancelled, never waited for.
// Threads:  its client's I/O thread.
// Owner:    Core. Destroying it cancels everything, silently.
#pragma once

#include "client/config.hpp"
#include "transport/quic/quic.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <optional>

namespace flare::client {

class Connector {
public:
    // `done` is called once, from the event loop: with a carrier, or with why there is none (one text that names each
    // address). It may destroy the Connector. `only`: addresses of one protocol. `first_flight`: see
    // quic::ConnectTarget.
    Connector(boost::asio::io_context& context, const Config& config, std::optional<Protocol> only,
              std::function<void(wire::Batch&)> first_flight,
              std::function<void(std::unique_ptr<transport::Carrier>, Failure)> done);
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    // Why the attempts that have ended so far have failed: for a time-out's text.
    std::string failures() const;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace flare::client
