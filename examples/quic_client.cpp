// A Flare client over QUIC, written with coroutines: connects, sends a text, a binary and a custom JSON message to the
// server's handler, sealed. Then, not sealed, a session that comes back with a message in its first packets (0-RTT),
// which sealing has no room for, and moves to another port. Prints every event, its status and its statistics.
//
//     ./quic_client [quic://127.0.0.1:4010] [certs/ca.crt]
#include <flare/client.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>

using namespace std::chrono_literals;

namespace {

std::atomic<int> replies{0};

void on_event(const flare::Event& event) {
    std::printf("event  %s\n", flare::to_string(event).c_str());
    std::fflush(stdout);
    if (std::holds_alternative<flare::event::MessageReceived>(event)) ++replies;
}

bool report(const char* what, const flare::SendResult& result) {
    std::printf("%s %s%s%s\n", result.success ? "sent  " : "failed", what, result.success ? "" : ": ",
                result.error_message.c_str());
    return result.success;
}

// Every call of the client exists for coroutines. Aggregates that own memory are named before they go into a co_await:
// g++ 12 destroys them twice otherwise.
flare::Task<bool> connect(flare::Client& client) {
    const auto protocol = co_await client.async_connect();
    if (!protocol) std::fprintf(stderr, "quic_client: %s\n", protocol.error().text.c_str());
    co_return protocol.has_value();
}

flare::Task<bool> talk(flare::Client& client) {
    if (!co_await connect(client)) co_return false;
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    const std::string timestamp = std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
    flare::Bytes binary(std::string("\x01\x02\x03\x04"));
    flare::Message custom(
        "custom",
        flare::Bytes(R"({"type":"custom","client":"quic","data":"custom data","timestamp":)" + timestamp + "}"));
    bool good = report("text", co_await client.async_send_text_message("server", "Hello from the QUIC client"));
    good = report("binary", co_await client.async_send_binary_message("server", std::move(binary))) && good;
    good = report("custom", co_await client.async_send_message("server", std::move(custom))) && good;
    co_return good;
}

// The connection is dropped and the session resumed; what is sent meanwhile goes along with the first packets.
flare::Task<bool> come_back(flare::Client& client) {
    using namespace boost::asio::experimental::awaitable_operators;
    if (!co_await connect(client)) co_return false;
    bool good = report("text, not sealed", co_await client.async_send_text_message("server", "Hello again"));
    const auto [protocol, early] =
        co_await (client.async_reconnect() && client.async_send_text_message("server", "in the first packets"));
    good = report("text in the first packets", early) && protocol && good;
    const flare::ProtocolMetrics metrics = client.get_protocol_metrics(flare::Protocol::quic);
    std::printf("early data: accepted %llu, rejected %llu\n",
                static_cast<unsigned long long>(metrics.early_data_accepted),
                static_cast<unsigned long long>(metrics.early_data_rejected));
    if (const auto moved = client.migrate(); !moved) {
        std::fprintf(stderr, "quic_client: %s\n", moved.error().text.c_str());
        co_return false;
    }
    co_return report("text from another port",
                     co_await client.async_send_text_message("server", "from another port")) &&
        good&& metrics.early_data_accepted == 1;
}

flare::Task<bool> run(flare::Client& sealed, flare::Client& early) {
    const bool good = co_await talk(sealed);
    co_return co_await come_back(early) && good;
}

}  // namespace

int main(int argc, char** argv) {
    flare::ClientBuilder builder("quic_user");
    builder.server_addresses(flare::ServerAddresses().with_quic_url(argc > 1 ? argv[1] : "quic://127.0.0.1:4010"))
        .protocol_selection_mode(flare::ProtocolSelection::quic)
        .tls(true)
        .ca_file(argc > 2 ? argv[2] : "certs/ca.crt")
        .connection_timeout(5s)
        .heartbeat_interval(30s)
        .max_reconnect_attempts(3)
        .reconnect_delay(1s)
        .message_retry(3, 1s)
        .buffer_size(8192)
        .compression(true)
        .with_event_callback(on_event);
    auto client = builder.encryption(true).build();
    auto unsealed = builder.encryption(false).build();
    if (!client || !unsealed) {
        std::fprintf(stderr, "quic_client: %s\n", (client ? unsealed : client).error().text.c_str());
        return 1;
    }
    boost::asio::io_context loop;
    auto result = boost::asio::co_spawn(loop, run(*client, *unsealed), boost::asio::use_future);
    loop.run();
    if (!result.get()) return 1;

    for (int i = 0; i < 100 && replies < 6; ++i) std::this_thread::sleep_for(20ms);
    const flare::ConnectionStats stats = client->get_connection_stats();
    std::printf("status %s over %s%s, round trip %lld us, %llu messages sent, %llu received\n",
                std::string(flare::name(client->get_status())).c_str(),
                stats.protocol ? std::string(flare::name(*stats.protocol)).c_str() : "nothing",
                stats.sealed ? ", sealed" : "", static_cast<long long>(stats.rtt ? stats.rtt->count() / 1000 : 0),
                static_cast<unsigned long long>(stats.messages_sent),
                static_cast<unsigned long long>(stats.messages_received));
    client->disconnect();
    unsealed->disconnect();
    return replies == 6 ? 0 : 1;
}
