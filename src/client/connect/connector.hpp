// One connect: resolves the configured addresses and tries them, staggered, until its owner has what it wants.
//
// Protocol: RFC 8305 (Happy Eyeballs v2): 250 ms between the addresses of a name; docs/racing.md, "The start", between
// URLs.
//           Losers are cancelled, never waited for.
// Threads:  its client's I/O thread.
// Owner:    ClientLoop, Race. Destroying it cancels everything, silently; a callback may do so.
#pragma once

#include "client/config.hpp"
#include "client/recorder.hpp"
#include "transport/quic/quic.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace flare::client {

class Connector {
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
    ~Connector();
    Connector(const Connector&) = delete;
    Connector& operator=(const Connector&) = delete;

    // Why there is no connection: for each URL what failed, or that nothing has answered yet.
    std::string failures() const;
    // The code of the first failure; connect_timeout while there is none.
    errc code() const;
    // Records the addresses that have been tried and have not answered: nobody waits for them any more.
    void record_unanswered() const;
    // Something may still come.
    bool pending() const;
    // Has every address of this protocol failed?
    bool failed(Protocol protocol) const;

private:
    class State;
    std::shared_ptr<State> state_;
};

}  // namespace flare::client
