// Seals a connection before its Hello: the client's half of the handshake, and how it gets the server's key.
//
// Protocol: docs/protocol.md, "Sealing".
// Threads:  its client's I/O thread.
#pragma once

#include "transport/carrier.hpp"
#include "transport/tls/tls.hpp"
#include "wire/noise.hpp"

#include <flare/client.hpp>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace flare::client {

struct Sealing {
    Encryption mode = Encryption::off;
    std::optional<wire::Key> pinned;  // the server's key, known beforehand (and one that works) ...
    std::shared_ptr<transport::tls::ClientContext> trust;     // ... or whose certificate may vouch for it
    std::shared_ptr<std::map<std::string, wire::Key>> known;  // by host and port: certificates have vouched for these
};

// One handshake on one connection, from which no byte but its own goes out before it is done. Destroying it drops the
// connection, silently.
class SealAttempt final : private transport::CarrierHandler {
public:
    struct Server {
        std::string name;     // that its certificate must carry
        std::string address;  // host and port
    };
    struct Outcome {
        std::unique_ptr<transport::Carrier> carrier;  // sealed; null: `failure` says why not
        Failure failure;
        bool again = false;   // the key that was known was not the server's any more: it is forgotten now
        int round_trips = 1;  // that it took
    };
    // `done` is called once, from the event loop; it may destroy the attempt. Errors: encryption_unavailable: the
    // server does not seal, or this client cannot know its key; server_key_mismatch; certificate_rejected;
    // connect_timeout, and what the connection ended with.
    SealAttempt(boost::asio::io_context& context, std::unique_ptr<transport::Carrier> carrier, const Sealing& sealing,
                Server server, std::chrono::milliseconds limit, std::function<void(Outcome)> done);
    ~SealAttempt();
    SealAttempt(const SealAttempt&) = delete;
    SealAttempt& operator=(const SealAttempt&) = delete;

private:
    void on_batch(std::string_view batch) override;
    void on_writable() override {}
    void on_closed(const transport::CloseReason& reason) override;

    void ask_for_key();
    void take_key(const wire::Seal& seal);
    void shake_hands(const wire::Key& server);
    void take_answer(const wire::Seal& seal);
    void take_refusal(std::string_view batch);
    void send(const wire::Seal& seal);
    void fail(Failure failure);
    void finish(Outcome outcome);

    std::unique_ptr<transport::Carrier> carrier_;
    const Sealing sealing_;
    const Server server_;
    std::function<void(Outcome)> done_;
    boost::asio::steady_timer timer_;
    std::string nonce_;  // while the key is asked for
    bool from_memory_ = false;
    int round_trips_ = 0;
    std::optional<wire::NoiseNk> noise_;
    std::shared_ptr<void> alive_ = std::make_shared<char>();
};

}  // namespace flare::client
