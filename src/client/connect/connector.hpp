// One connect: resolves the configured addresses and tries them, staggered, until its owner stops it.
//
// Protocol: RFC 8305 (Happy Eyeballs v2): 250 ms between the addresses of a name; docs/racing.md, "Connecting", between
// URLs.
//           Losers are cancelled, never waited for.
// Threads:  its client's I/O thread.
// Owner:    Attempt, Beside. Destroying it cancels everything, silently; a callback may do so.
#pragma once

#include "client/config.hpp"
#include "client/connect/effects.hpp"
#include "client/recorder.hpp"
#include "transport/quic/quic.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace flare::client {

class Connector final : public Dialling {
public:
    struct Start {
        const Url* url = nullptr;
        std::chrono::milliseconds after{0};  // or as soon as everything before it has failed
    };
    struct Made {
        std::unique_ptr<transport::Carrier> carrier;
        std::chrono::steady_clock::duration took{};        // the attempt
        std::chrono::steady_clock::duration round_trip{};  // of its path, as the handshakes' duration tells
        std::string unsealed_because;                      // Encryption::preferred: why it is not sealed
    };
    // `made` is called for each connection (sealed, if the configuration says so), from the event loop; the others go
    // on meanwhile. `exhausted`: nothing is left to wait for. `first_flight`: see quic::ConnectTarget; empty: no early
    // data. What becomes of each address goes to the recorder.
    Connector(boost::asio::io_context& context, const Config& config, Recorder& recorder, std::vector<Start> starts,
              std::function<void(wire::Batch&)> first_flight, std::function<void(Made)> made,
              std::function<void()> exhausted);
    ~Connector() override;
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    std::string failures() const override;
    errc code() const override;
    void record_unanswered() const override;
    bool pending() const override;
    bool failed(Protocol protocol) const override;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace flare::client
