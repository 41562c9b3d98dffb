// The server's end of a carrier of the simulated world: a transport::Carrier that moves between workers as a socket
// does.
#pragma once

#include "sim/carrier.hpp"
#include "transport/carrier.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace flare::sim {

// Only clients may get attached to anything.
enum class Who : std::uint8_t { client, repeater, forger };

class SocketCarrier;

class Socket final : public std::enable_shared_from_this<Socket> {
public:
    // What happens on the worker that it is on: `turn(event)` runs the event as one turn of its loop.
    using Turn = std::function<void(const std::function<void()>&)>;
    // Looks at what is about to be handed to the server; false: it never arrives.
    using Look = std::function<bool(Socket&, const std::string&)>;

    Socket(World& world, std::shared_ptr<Carrier> carrier, Who who, transport::CarrierInfo info);
    void watch(Look look) { look_ = std::move(look); }
    // What comes first is early data, until confirm(): the handshake is complete.
    void begin_early() { info_.early = true; }
    void confirm();
    bool early() const noexcept { return info_.early; }
    // The network loses it; the server hears of that later.
    void lose();
    // The process ends: nobody is told anything any more.
    void crash(bool one_sided);

    // ---- of the network ----
    void arrived(std::string_view bytes);
    void writable();
    void gone();

    // A carrier on a worker. It may have been on another one before.
    std::unique_ptr<transport::Carrier> open(Turn turn);

    const Who who;
    bool entered = false;                           // a worker has it, or had
    std::optional<wire::Hello> hello;               // the last one that it has said
    std::optional<wire::Hello> hello_before;        // and the one before that
    bool attached = false;                          // that it belongs to a session has been seen
    session::CarrierKey key = session::kNoCarrier;  // since then: on this worker
    std::uint32_t worker = 0;

private:
    friend class SocketCarrier;
    void pump();
    void pump_soon();

    World& world_;
    const std::shared_ptr<Carrier> carrier_;
    transport::CarrierInfo info_;
    Turn turn_;
    Look look_;
    SocketCarrier* at_ = nullptr;  // null: it is on its way, or nobody has it any more
    std::deque<std::string> unread_;
    bool paused_ = false;
    bool gone_ = false;     // the network has said so
    bool closing_ = false;  // by us
    bool pumping_ = false;
};

class SocketCarrier final : public transport::Carrier {
public:
    explicit SocketCarrier(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) { socket_->at_ = this; }
    ~SocketCarrier() override;

    Socket& socket() noexcept { return *socket_; }
    transport::CarrierHandler* handler() const noexcept { return handler_; }

    void set_handler(transport::CarrierHandler* handler) override;
    bool writable() const override;
    void send(const wire::Batch& batch) override;
    void pause_reading(bool paused) override;
    void close(errc code, std::string_view text, std::chrono::milliseconds limit) override;
    std::unique_ptr<transport::ParkedCarrier> park() override;
    const transport::CarrierInfo& info() const override { return socket_->info_; }
    const transport::CarrierStats& stats() const override { return stats_; }
    std::size_t held_bytes() const noexcept override;

private:
    std::shared_ptr<Socket> socket_;
    transport::CarrierHandler* handler_ = nullptr;
    transport::CarrierStats stats_;
};

// On its way to another worker.
class ParkedSocket final : public transport::ParkedCarrier {
public:
    explicit ParkedSocket(std::shared_ptr<Socket> socket) : socket_(std::move(socket)) {}
    ~ParkedSocket() override;
    std::shared_ptr<Socket> take() && { return std::move(socket_); }
    // The simulator's workers take() it: they have no io_context.
    std::unique_ptr<transport::Carrier> resume(boost::asio::io_context&) && override { return nullptr; }

private:
    std::shared_ptr<Socket> socket_;
};

}  // namespace flare::sim
