// A Flare client over QUIC, written with coroutines: connects, sends a text, a binary and a custom JSON message to the
// server's handler, prints every event, its status and its statistics.
//
//     ./quic_client [quic://127.0.0.1:4010] [certs/ca.crt]
#include <flare/client.hpp>

#include <boost/asio/co_spawn.hpp>
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
flare::Task<bool> talk(flare::Client& client) {
    const auto protocol = co_await client.async_connect();
    if (!protocol) {
        std::fprintf(stderr, "quic_client: %s\n", protocol.error().text.c_str());
        co_return false;
    }
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

}  // namespace

int main(int argc, char** argv) {
    auto client =
        flare::ClientBuilder("quic_user")
            .server_addresses(flare::ServerAddresses().with_quic_url(argc > 1 ? argv[1] : "quic://127.0.0.1:4010"))
            .protocol_selection_mode(flare::ProtocolSelection::quic)
            .tls(true)
            .ca_file(argc > 2 ? argv[2] : "certs/ca.crt")
            .connection_timeout(5s)
            .heartbeat_interval(30s)
            .max_reconnect_attempts(3)
            .reconnect_delay(1s)
            .message_retry(3, 1s)
            .buffer_size(8192)
            .with_event_callback(on_event)
            .build();
    if (!client) {
        std::fprintf(stderr, "quic_client: %s\n", client.error().text.c_str());
        return 1;
    }
    boost::asio::io_context loop;
    auto result = boost::asio::co_spawn(loop, talk(*client), boost::asio::use_future);
    loop.run();
    if (!result.get()) return 1;

    for (int i = 0; i < 100 && replies < 3; ++i) std::this_thread::sleep_for(20ms);
    const flare::ConnectionStats stats = client->get_connection_stats();
    std::printf("status %s over %s, round trip %lld us, %llu messages sent, %llu received\n",
                std::string(flare::name(client->get_status())).c_str(),
                stats.protocol ? std::string(flare::name(*stats.protocol)).c_str() : "nothing",
                static_cast<long long>(stats.rtt ? stats.rtt->count() / 1000 : 0),
                static_cast<unsigned long long>(stats.messages_sent),
                static_cast<unsigned long long>(stats.messages_received));
    client->disconnect();
    return replies == 3 ? 0 : 1;
}
