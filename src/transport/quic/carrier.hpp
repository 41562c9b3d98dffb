// The carrier of a QUIC connection.
//
// Threads: its endpoint's.
// Owner:   whoever holds it; it keeps its endpoint alive.
#pragma once

#include "transport/quic/endpoint.hpp"

namespace flare::transport::quic {

class QuicCarrier final : public Carrier {
public:
    QuicCarrier(std::shared_ptr<Endpoint> endpoint, Connection& connection);
    ~QuicCarrier() override;

    void set_handler(CarrierHandler* handler) override;
    bool writable() const override { return connection_ != nullptr && connection_->writable(); }
    void send(const wire::Batch& batch) override;
    std::size_t held_bytes() const noexcept override { return connection_ == nullptr ? 0 : connection_->held_bytes(); }
    void pause_reading(bool paused) override;
    void close(errc code, std::string_view text, std::chrono::milliseconds limit) override;
    std::unique_ptr<ParkedCarrier> park() override { return nullptr; }  // its connection belongs to a socket
    const CarrierInfo& info() const override { return info_; }
    const CarrierStats& stats() const override;
    PathFigures path() const override { return connection_ == nullptr ? PathFigures{} : connection_->path(); }
    bool lanes_apart() const noexcept override { return true; }
    void hold_lanes() override {
        if (connection_ != nullptr) connection_->hold_lanes();
    }

    // ---- from the connection ----

    void tell_batch(std::string_view part);
    void tell_writable();
    void tell_turn_end();
    void tell_confirmed();
    void tell_unreachable();
    void tell_closed(const CloseReason& reason);
    void connection_gone();
    void update_addresses(const Address& local, const Address& remote);

    bool has_handler() const noexcept { return handler_ != nullptr; }
    Endpoint& endpoint() noexcept { return *endpoint_; }
    Connection* connection() noexcept { return connection_; }

private:
    std::shared_ptr<Endpoint> endpoint_;
    Connection* connection_;
    CarrierHandler* handler_ = nullptr;
    CarrierInfo info_;
    mutable CarrierStats stats_;  // kept when the connection goes
};

}  // namespace flare::transport::quic
