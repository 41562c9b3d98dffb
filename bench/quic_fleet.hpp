// Many QUIC clients on one UDP socket: more of them than a process may have files.
//
// Threads: one io_context's. Owner: shared by SessionLoad and the carriers.
#pragma once

#include "transport/quic/endpoint.hpp"
#include "transport/quic/quic.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <functional>
#include <memory>
#include <string>

namespace flare::bench {

class QuicFleet final : public transport::quic::Endpoint {
public:
    using Done = std::function<void(std::unique_ptr<transport::Carrier>, const std::string& failure)>;

    // Throws std::runtime_error.
    QuicFleet(boost::asio::io_context& context, transport::quic::ConnectTarget target,
              std::shared_ptr<transport::quic::ClientContext> keys, const transport::quic::Options& options);
    void begin() { watch(); }
    void dial(base::Place place, Done done);

private:
    void stray(const transport::quic::UdpSocket::Packet&, const ngtcp2_version_cid&) override {}
    void handshaken(transport::quic::Connection& connection) override;
    void ended(transport::quic::Connection& connection) override;

    const transport::quic::ConnectTarget target_;
    const std::shared_ptr<transport::quic::ClientContext> keys_;
    boost::unordered_flat_map<transport::quic::Connection*, Done> waiting_;
};

}  // namespace flare::bench
