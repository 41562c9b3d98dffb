#include "transport/quic/carrier.hpp"

namespace flare::transport::quic {

QuicCarrier::QuicCarrier(std::shared_ptr<Endpoint> endpoint, Connection& connection)
    : endpoint_(std::move(endpoint)), connection_(&connection), info_(connection.info()) {
    connection.attach(this);
}

QuicCarrier::~QuicCarrier() {
    if (connection_ != nullptr) connection_->abandon();
}

void QuicCarrier::set_handler(CarrierHandler* handler) {
    handler_ = handler;
    if (connection_ != nullptr) endpoint_->touch(*connection_);  // what came before it waits
}

void QuicCarrier::send(const wire::Batch& batch) {
    if (connection_ != nullptr) connection_->send(batch);
}

void QuicCarrier::pause_reading(bool paused) {
    if (connection_ != nullptr) connection_->pause(paused);
}

void QuicCarrier::close(errc code, std::string_view text, std::chrono::milliseconds limit) {
    if (connection_ != nullptr) connection_->close(code, text, limit);
}

const CarrierStats& QuicCarrier::stats() const {
    if (connection_ != nullptr) stats_ = connection_->stats();
    return stats_;
}

void QuicCarrier::tell_batch(std::string_view part) {
    if (handler_ != nullptr) handler_->on_batch(part);
}

void QuicCarrier::tell_writable() {
    if (handler_ != nullptr) handler_->on_writable();
}

void QuicCarrier::tell_turn_end() {
    if (handler_ != nullptr) handler_->on_turn_end();
}

void QuicCarrier::tell_confirmed() {
    info_.early = false;
    if (handler_ != nullptr) handler_->on_confirmed();
}

void QuicCarrier::tell_unreachable() {
    if (handler_ != nullptr) handler_->on_unreachable();
}

// The connection may still answer late packets; for this carrier it is over.
void QuicCarrier::tell_closed(const CloseReason& reason) {
    stats_ = connection_->stats();
    connection_->attach(nullptr);
    connection_ = nullptr;
    if (handler_ != nullptr) handler_->on_closed(reason);
}

void QuicCarrier::update_addresses(const Address& local, const Address& remote) {
    info_.local_address = local.endpoint().address().to_string();
    info_.local_port = local.endpoint().port();
    info_.peer_address = remote.endpoint().address().to_string();
    info_.peer_port = remote.endpoint().port();
}

void QuicCarrier::connection_gone() {
    stats_ = connection_->stats();
    connection_ = nullptr;
}

}  // namespace flare::transport::quic
