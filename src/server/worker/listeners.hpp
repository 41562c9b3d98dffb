// The listening sockets of a worker: accept connections within the limits and pass them to its reception. They also
// answer plain HTTP requests for health.
//
// Threads: its worker's, once it runs.
// Owner:   Worker.
#pragma once

#include "server/certificates.hpp"
#include "server/worker/shard.hpp"
#include "transport/port_use.hpp"
#include "transport/quic/quic.hpp"
#include "transport/websocket/websocket.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <string>

namespace flare::server {

class Listeners final : private transport::websocket::ListenerHandler, private transport::quic::ListenerHandler {
public:
    Listeners(boost::asio::io_context& context, Shard& shard) : context_(context), shard_(shard) {}

    // Before the worker runs. Errors as Server::start().
    Checked<boost::asio::ip::tcp::endpoint> open_websocket(const std::string& address,
                                                           std::shared_ptr<transport::tls::ServerContext> tls);
    Checked<boost::asio::ip::udp::endpoint> open_quic(const std::string& address,
                                                      std::shared_ptr<transport::quic::ServerContext> keys,
                                                      const transport::quic::Secret& secret);
    // For connections that come from now on.
    void use_certificates(const Certificates& certificates);
    void stop_accepting();
    void close();
    void add_to(ServerStats& stats) const;

private:
    transport::PortUse port_use() const noexcept;
    bool admit(errc admitted);

    // ListenerHandler of both transports
    bool on_connection(const std::string& peer_address) override;
    bool on_client(const std::string& address) override;
    void on_connection_gone(const std::string& peer_address) override;
    Answer on_handshake(const std::string& peer_address, bool validated) override;
    void on_handshake_gone(const std::string& peer_address, bool validated) override;
    void on_carrier(std::unique_ptr<transport::Carrier> carrier, bool validated) override;
    void on_carrier(std::unique_ptr<transport::Carrier> carrier) override;
    transport::http::Response on_http(const transport::http::Request& request) override;
    void on_accept_paused(errc code) override;

    boost::asio::io_context& context_;
    Shard& shard_;
    std::unique_ptr<transport::websocket::Listener> websocket_;
    std::unique_ptr<transport::quic::Listener> quic_;
    bool stopping_ = false;
};

}  // namespace flare::server
