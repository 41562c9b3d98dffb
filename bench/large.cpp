// A large message down (server to client) beside the same message up, over ws, wss and quic, with and without a delay
// of the network: whatever holds one of the two up shows as a difference.
//
// Each time is from the client's call to the end of one exchange: up, a large message and its receipt; down, a small
// message and the large one that answers it. Both take one round trip beside what the bytes take.
//
// Options: --delay MS (round trip added by a relay; 0: none, and no relay), --bytes N (default 8 MiB), --count N
// (messages each way, default 5; the median counts), --json. Ends with 0 when no way down takes more than twice the way
// up.
#include "bench.hpp"
#include "delay_relay.hpp"
#include "server_process.hpp"
#include "stats.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <cmath>
#include <future>
#include <optional>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr double kMostDownOverUp = 2;
constexpr std::chrono::minutes kLongestExchange{2};

struct LargeOptions {
    std::chrono::milliseconds delay{0};
    std::size_t bytes = 8u << 20;
    std::size_t count = 5;
    bool json = false;
};

struct Ways {
    double down_ms = 0;
    double up_ms = 0;
    bool alike() const noexcept { return down_ms <= kMostDownOverUp * up_ms; }
};

// Its last byte tells whether it is whole.
Bytes large_payload(std::size_t bytes) {
    std::string content(bytes, '.');
    content.back() = '!';
    return Bytes(content);
}

double median(std::vector<double> values) {
    std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
    return values[values.size() / 2];
}

// Waits for the large message that is on its way to a client.
class Arrival {
public:
    void operator()(const flare::Event& event) {
        const auto* received = std::get_if<event::MessageReceived>(&event);
        if (received == nullptr) return;
        const std::string_view payload = received->message.payload.view();
        if (next_) next_->set_value(payload.ends_with('!') ? payload.size() : 0);
    }
    std::future<std::size_t> expect() { return next_.emplace().get_future(); }

private:
    std::optional<std::promise<std::size_t>> next_;  // set before the message is asked for
};

Client connect(const std::string& transport, std::uint16_t port, Arrival& arrival) {
    ServerAddresses addresses;
    const std::string url = transport + "://127.0.0.1:" + std::to_string(port);
    (transport == "quic" ? addresses.quic : transport == "wss" ? addresses.websocket_tls : addresses.websocket) = url;
    auto client =
        ClientBuilder("large")
            .server_addresses(addresses)
            .protocol_selection_mode(transport == "quic" ? ProtocolSelection::quic : ProtocolSelection::websocket)
            .ca_file("certs/ca.crt")
            .message_retry(0, kLongestExchange)
            .with_event_callback([&arrival](const flare::Event& event) { arrival(event); })
            .build();
    if (!client) throw std::runtime_error(client.error().text);
    if (const auto connected = client->connect(); !connected) throw std::runtime_error(connected.error().text);
    return std::move(*client);
}

Ways measure_ways(const std::string& transport, const LargeOptions& options) {
    ServerOptions where;
    where.transport = transport;
    where.configure = [payload = large_payload(options.bytes)](ServerBuilder& builder) {
        builder.on_message_type("down",
                                [payload](const SessionInfo&, const Message&) { return Message("large", payload); });
        builder.on_message_type("up", [](const SessionInfo&, const Message&) { return HandlerResult(); });
    };
    const ServerProcess server(where);
    std::optional<DelayRelay> relay;
    if (options.delay.count() != 0) relay.emplace(server.port(), transport == "quic", options.delay);
    Arrival arrival;
    Client client = connect(transport, relay ? relay->port() : server.port(), arrival);
    const Bytes payload = large_payload(options.bytes);

    const auto up = [&] {
        const std::uint64_t began = now_ns();
        const SendResult sent = client.send_message("server", Message("up", payload));
        if (!sent.success) throw std::runtime_error("a message up: " + sent.error_message);
        return static_cast<double>(now_ns() - began) / 1e6;
    };
    const auto down = [&] {
        auto arrived = arrival.expect();
        const std::uint64_t began = now_ns();
        if (const auto asked = client.post_message("server", Message("down", "")); !asked)
            throw std::runtime_error("asking for a message down: " + asked.error().text);
        if (arrived.wait_for(kLongestExchange) != std::future_status::ready || arrived.get() != options.bytes)
            throw std::runtime_error("a message down did not arrive as it was sent");
        return static_cast<double>(now_ns() - began) / 1e6;
    };
    std::vector<double> downs, ups;
    for (std::size_t i = 0; i <= options.count; ++i) {  // the first of each finds its way, and does not count
        const double one_up = up();
        const double one_down = down();
        if (i == 0) continue;
        ups.push_back(one_up);
        downs.push_back(one_down);
    }
    const Ways ways{median(downs), median(ups)};
    std::fprintf(for_people(options.json), "large: %zu bytes over %s, delay %lld ms: down %.1f ms, up %.1f ms%s\n",
                 options.bytes, transport.c_str(), static_cast<long long>(options.delay.count()), ways.down_ms,
                 ways.up_ms, ways.alike() ? "" : ": NOT alike");
    client.disconnect();
    return ways;
}

}  // namespace

int bench_large(int argc, char** argv) {
    LargeOptions options;
    for (int i = 1; i < argc; ++i) {
        const std::string_view option = argv[i];
        const auto number = [&](unsigned long long least, unsigned long long most) {
            return std::clamp(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--json") {
            options.json = true;
        } else if (option == "--delay" && i + 1 < argc) {
            options.delay = std::chrono::milliseconds(number(0, 10'000));
        } else if (option == "--bytes" && i + 1 < argc) {
            options.bytes = number(1, 16u << 20);
        } else if (option == "--count" && i + 1 < argc) {
            options.count = number(1, 1000);
        } else {
            std::fprintf(stderr, "large: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    const Ways ws = measure_ways("ws", options);
    const Ways wss = measure_ways("wss", options);
    const Ways quic = measure_ways("quic", options);
    if (options.json) {
        std::printf(
            "{\"bytes\":%zu,\"delay_ms\":%lld,\"ws_down_ms\":%.1f,\"ws_up_ms\":%.1f,\"wss_down_ms\":%.1f,"
            "\"wss_up_ms\":%.1f,\"quic_down_ms\":%.1f,\"quic_up_ms\":%.1f}\n",
            options.bytes, static_cast<long long>(options.delay.count()), ws.down_ms, ws.up_ms, wss.down_ms, wss.up_ms,
            quic.down_ms, quic.up_ms);
    }
    return ws.alike() && wss.alike() && quic.alike() ? 0 : 1;
}

}  // namespace flare::bench
