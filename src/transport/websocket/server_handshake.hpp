// The life of an accepted connection until it is a WebSocket or gone: TLS, one
// HTTP request, its answer.
//
// Threads:  its listener's only.
// Owner:    the listener, which also watches the time.
#pragma once

#include "transport/proxy/header_reader.hpp"
#include "transport/tcp/socket.hpp"
#include "transport/websocket/upgrade.hpp"
#include "transport/websocket/websocket.hpp"

#include <chrono>
#include <list>
#include <memory>
#include <string>

namespace flare::transport::websocket {

class ServerHandshake final : public std::enable_shared_from_this<ServerHandshake>, private Poller::Watcher {
public:
    // What the handshake asks of its listener. Either call may destroy the listener and with it this object's owner.
    class Owner {
    public:
        virtual http::Response answer(const http::Request& request) = 0;
        // A trusted proxy has named the client. False: it may have no more connections.
        virtual bool client_known(const std::string& address) = 0;
        // Carrier: the upgrade is complete; null: the connection has gone. The last call.
        virtual void finished(ServerHandshake& handshake, std::unique_ptr<Carrier> carrier) = 0;

    protected:
        ~Owner() = default;
    };

    ServerHandshake(Owner& owner, tcp::Socket socket, const Options& options, CarrierInfo info);

    void start();
    // Time is up: a request that has begun is told so; the connection goes.
    void expire();
    // The owner is no more; nothing is called after this.
    void abandon() noexcept;

    // What the connection counts against; empty: against no address.
    std::string counted_address() const { return info_.of_proxy ? std::string() : info_.peer_address; }
    std::chrono::steady_clock::time_point deadline() const noexcept { return deadline_; }

    std::list<std::shared_ptr<ServerHandshake>>::iterator place;  // the owner's: where it keeps this one

private:
    enum class State : std::uint8_t { proxy, tls, request, answering, draining, finished };

    void wait(tcp::Wait what);
    void on_ready(bool readable, bool writable) override;
    void read_proxy_header();
    bool read_forwarded();
    // False: it is finished, or the owner has gone.
    bool take_client(const proxy::Source& source);
    void begin();
    void advance_tls();
    void read_request();
    void answer_http();
    void write_answer(std::string answer);
    void flush_answer();
    void drain();
    void finish(std::unique_ptr<Carrier> carrier);

    Owner* owner_;
    tcp::Socket socket_;
    const Options options_;
    CarrierInfo info_;
    std::unique_ptr<proxy::HeaderReader> proxy_header_;  // while a PROXY header is expected
    RequestReader reader_;
    std::string answer_;  // what is left to write of it
    std::chrono::steady_clock::time_point deadline_;
    State state_ = State::request;
    bool upgrading_ = false;  // the answer is a 101
};

}  // namespace flare::transport::websocket
