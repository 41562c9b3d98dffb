#include "sim/socket.hpp"

#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

Socket::Socket(World& world, std::shared_ptr<Carrier> carrier, Who who_, transport::CarrierInfo info)
    : who(who_), world_(world), carrier_(std::move(carrier)), info_(std::move(info)) {}

std::unique_ptr<transport::Carrier> Socket::open(Turn turn) {
    turn_ = std::move(turn);
    return std::make_unique<SocketCarrier>(shared_from_this());
}

void Socket::crash(bool one_sided) {
    at_ = nullptr;
    carrier_->cut(one_sided);
}

void Socket::lose() {
    unread_.clear();
    carrier_->cut(false);
}

void Socket::confirm() {
    if (!std::exchange(info_.early, false) || at_ == nullptr || closing_ || gone_) return;
    turn_([this] {
        if (at_ != nullptr) at_->handler()->on_confirmed();
    });
}

void Socket::arrived(std::string_view bytes) {
    if (closing_) return;
    unread_.emplace_back(bytes);
    pump();
}

void Socket::writable() {
    if (at_ == nullptr || closing_ || gone_) return;
    turn_([this] { at_->handler()->on_writable(); });
}

void Socket::gone() {
    gone_ = true;
    pump();
}

void Socket::pump_soon() {
    world_.after(0ms, [self = shared_from_this()] { self->pump(); });
}

// Hands on what has come, one batch a turn, and then the end; whoever does not read notices neither.
void Socket::pump() {
    if (pumping_) return;
    pumping_ = true;
    const auto reads = [this] { return at_ != nullptr && at_->handler() != nullptr && !paused_ && !closing_; };
    while (reads() && !unread_.empty()) {
        const std::string bytes = std::move(unread_.front());
        unread_.pop_front();
        if (look_ && !look_(*this, bytes)) continue;
        turn_([&] {
            at_->handler()->on_batch(bytes);
            if (at_ != nullptr && !closing_) at_->handler()->on_turn_end();
        });
    }
    pumping_ = false;
    // Whoever does not read from a TCP socket does not notice its end; QUIC does.
    const bool notices =
        reads() || (at_ != nullptr && at_->handler() != nullptr && !closing_ && info_.protocol == Protocol::quic);
    if (!notices || !gone_) return;
    turn_([this] {
        SocketCarrier* const at = std::exchange(at_, nullptr);
        at->handler()->on_closed({errc::connection_lost, "cut", false, transport::Ending::reset});
    });
}

// ---- on a worker ----

SocketCarrier::~SocketCarrier() {
    if (socket_ == nullptr || (socket_->at_ != this && socket_->at_ != nullptr)) return;
    socket_->at_ = nullptr;
    if (!socket_->closing_) socket_->carrier_->cut(false);
}

void SocketCarrier::set_handler(transport::CarrierHandler* handler) {
    handler_ = handler;
    if (!socket_->unread_.empty() || socket_->gone_) socket_->pump_soon();
}

bool SocketCarrier::writable() const { return !socket_->closing_ && socket_->carrier_->writable(Side::server); }

void SocketCarrier::send(const wire::Batch& batch) { socket_->carrier_->send(Side::server, batch.str()); }

void SocketCarrier::pause_reading(bool paused) {
    socket_->paused_ = paused;
    if (!paused) socket_->pump_soon();
}

void SocketCarrier::close(errc code, std::string_view text, std::chrono::milliseconds) {
    Socket& socket = *socket_;
    if (std::exchange(socket.closing_, true)) return;
    const bool fault = boost::system::error_code(code) == errcond::protocol && code != errc::stale_carrier &&
                       code != errc::hello_timeout;
    if (fault && socket.who == Who::client)
        socket.world_.violated("two honest sides find no fault with each other: " + std::string(name(code)) + " " +
                               std::string(text));
    socket.carrier_->close(Side::server);
    socket.world_.after(1ms, [self = socket_] {
        if (self->at_ == nullptr) return;
        self->turn_([&] {
            SocketCarrier* const at = std::exchange(self->at_, nullptr);
            at->handler_->on_closed({errc::ok, {}, false, transport::Ending::said});
        });
    });
}

// A socket can move; a QUIC connection cannot.
std::unique_ptr<transport::ParkedCarrier> SocketCarrier::park() {
    if (socket_->info_.protocol == Protocol::quic || socket_->gone_) return nullptr;
    socket_->at_ = nullptr;
    socket_->paused_ = false;
    return std::make_unique<ParkedSocket>(std::move(socket_));
}

std::size_t SocketCarrier::held_bytes() const noexcept {
    std::size_t bytes = 0;
    if (socket_) {
        for (const std::string& each : socket_->unread_) bytes += each.size();
    }
    return bytes;
}

ParkedSocket::~ParkedSocket() {
    if (socket_ != nullptr) socket_->crash(false);
}

}  // namespace flare::sim
