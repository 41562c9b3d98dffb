// A client on the application's own event loop, and coroutines of the application that wait for it: Asio is compiled
// into both the application and the library here, and the two have to agree.
#include <flare/client.hpp>
#include <flare/server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include <cstdio>

namespace asio = boost::asio;

namespace {

flare::Task<> talk(flare::Client& client, int& acknowledged) {
    const auto connected = co_await client.async_connect();
    if (!connected) {
        std::printf("own loop: %s\n", connected.error().text.c_str());
        co_return;
    }
    for (int i = 0; i < 100; ++i) {
        const flare::SendResult sent = co_await client.async_send_text_message("server", "hello");
        acknowledged += sent.success ? 1 : 0;
    }
    // The loop cannot wait for itself: the library has to see whose thread this is.
    const flare::SendResult blocking = client.send_text_message("server", "hello");
    if (blocking.error != flare::errc::would_deadlock) acknowledged = -1;
    co_await client.async_disconnect();
}

}  // namespace

int main() {
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").log_level(flare::LogLevel::warn).build();
    if (!server || !server->start()) return 1;
    asio::io_context loop;
    int acknowledged = 0;
    {
        auto client =
            flare::ClientBuilder("ann")
                .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                .io_context(loop)
                .build();
        if (!client) return 1;
        bool done = false;
        asio::co_spawn(loop, talk(*client, acknowledged), [&done](std::exception_ptr) { done = true; });
        while (!done) loop.run_one();
    }
    std::printf("own loop: %d acknowledged\n", acknowledged);
    return acknowledged == 100 ? 0 : 1;
}
