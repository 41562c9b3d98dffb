// A server and a client on the lab's network, with both protocols between them.
//
// Threads: one at a time, but for what the client and the server call back.
// Owner:   a scenario.
#pragma once

#include "lab/network.hpp"
#include "lab/tcp_helper.hpp"
#include "lab/traffic.hpp"
#include "support/certificates.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare::lab {

enum class Reach : std::uint8_t { both, quic, websocket };

// The client's events, with the time of each.
class EventLog {
public:
    using Clock = std::chrono::steady_clock;
    void add(const Event& event);
    std::size_t count(std::string_view name) const;
    // Time of the first of that name after `since`; nothing: it did not come until `limit` had passed.
    std::optional<Clock::time_point> wait_for(std::string_view name, Clock::time_point since,
                                              std::chrono::milliseconds limit) const;
    std::vector<Clock::time_point> times(std::string_view name) const;
    std::string text() const;  // all but messages and heartbeats

private:
    mutable std::mutex mutex_;
    mutable std::condition_variable changed_;
    std::vector<std::pair<Clock::time_point, Event>> events_;
};

class Stage {
public:
    static constexpr int kWebsocketPort = 4000;
    static constexpr int kQuicPort = 4010;

    // `verbose`: the logs of client and server go to standard error.
    explicit Stage(std::chrono::milliseconds round_trip, bool verbose = false);
    ~Stage();

    Network network;
    test::Certificates certificates;
    EventLog events;
    Arrivals at_server, at_client;
    std::unique_ptr<TcpHelper> helper;  // in the router: see TcpHelper

    // A client of this stage, to be changed further before make().
    ClientBuilder client_builder(Reach reach = Reach::both);
    void make(const ClientBuilder& builder);
    Checked<Protocol> connect();
    Client& client() { return *client_; }
    Server& server() { return *server_; }
    void drop_client();
    // Starts lab_serve() with this stage's certificate.
    std::vector<std::string> serve_command() const;

    // Messages both ways, each `per_second`.
    // Every `large_every`th has `large_bytes` (0: none).
    void start_traffic(double per_second = 1000, std::uint64_t large_every = 0, std::size_t large_bytes = 0);
    void mark();
    // Both directions have moved on by `count` messages since mark(); false: not within 20 s.
    bool flows_again(std::uint64_t count = 300) const;
    struct Outcome {
        std::uint64_t lost = 0, repeated = 0, reordered = 0;
        std::uint64_t refused = 0;  // the sender was told that it cannot be sent
    };
    // Ends the traffic: how many messages were to be sent, {up, down}.
    std::pair<std::uint64_t, std::uint64_t> stop_sending();
    // Ends the traffic, and waits for what is under way.
    Outcome stop_traffic();
    double silence_ms() const;  // the longer of the two directions, since mark()

    std::uint64_t connected_hooks() const { return hooks_->connected; }
    std::uint64_t disconnected_hooks() const { return hooks_->disconnected; }

private:
    struct Hooks final : EventHandler {
        std::atomic<std::uint64_t> connected{0}, disconnected{0};
        void on_user_connected(const SessionInfo&) override { ++connected; }
        void on_user_disconnected(const SessionInfo&, const Failure&) override { ++disconnected; }
    };
    test::Certificates::Identity authority_ = certificates.authority("ca");
    test::Certificates::Identity identity_ = certificates.make("server", {.common_name = "flare"}, &authority_);
    std::shared_ptr<Hooks> hooks_ = std::make_shared<Hooks>();
    std::optional<Server> server_;
    std::optional<Client> client_;
    std::optional<Pacer> from_client_, from_server_;
    std::atomic<std::uint64_t> refused_{0};
};

// nft statements.
inline const std::string kDropUdp = "meta l4proto udp drop\n";
inline const std::string kDropLargeUdp = "udp length > 1208 drop\n";
inline const std::string kResetTcp = "tcp dport 4000 reject with tcp reset\ntcp sport 4000 reject with tcp reset\n";

}  // namespace flare::lab
