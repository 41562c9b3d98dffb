#include "quic_fleet.hpp"

#include "transport/quic/carrier.hpp"

#include <cstring>
#include <stdexcept>
#include <utility>

namespace flare::bench {
namespace quic = transport::quic;

QuicFleet::QuicFleet(boost::asio::io_context& context, quic::ConnectTarget target,
                     std::shared_ptr<quic::ClientContext> keys, const quic::Options& options)
    : Endpoint(context, options), target_(std::move(target)), keys_(std::move(keys)) {
    if (const int error = socket_.connect(target_.endpoint); error != 0)
        throw std::runtime_error(std::string("a UDP socket: ") + std::strerror(error));
}

void QuicFleet::dial(base::Place place, Done done) {
    quic::Connection& connection = add(std::make_unique<quic::Connection>(*this, false));
    quic::Connection::Departure departure;
    departure.server_name = target_.server_name;
    departure.place = place;
    waiting_[&connection] = std::move(done);
    if (!connection.connect(*keys_, departure, socket_.local(), quic::Address::of(target_.endpoint), now()))
        throw std::runtime_error("the TLS session cannot be made");
    touch(connection);
}

void QuicFleet::handshaken(quic::Connection& connection) {
    connection.reported = true;
    const auto found = waiting_.find(&connection);
    const Done done = std::move(found->second);
    waiting_.erase(found);
    done(std::make_unique<quic::QuicCarrier>(shared_from_this(), connection), {});
}

void QuicFleet::ended(quic::Connection& connection) {
    const auto found = waiting_.find(&connection);
    if (found == waiting_.end()) return;
    connection.reported = true;
    const Done done = std::move(found->second);
    waiting_.erase(found);
    done(nullptr, connection.end().text);
}

}  // namespace flare::bench
