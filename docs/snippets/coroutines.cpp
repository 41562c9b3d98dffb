// The guide's chapter about coroutines, and many clients on one thread.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>

#include <vector>

// snippet: talk
struct Talks {
    boost::asio::io_context& loop;
    int under_way = 0;
    int acknowledged = 0;
};

flare::Task<> talk(flare::Client& client, Talks& talks) {
    if (flare::Checked<flare::Protocol> connected = co_await client.async_connect(); connected) {
        flare::SendResult sent = co_await client.async_send_text_message("server", "hello");
        talks.acknowledged += sent.success;
        co_await client.async_disconnect();
    }
    if (--talks.under_way == 0) talks.loop.stop();  // clients keep the loop running: stop it explicitly
}
// end

int main() {
    auto server = flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").build();
    if (!server || !server->start()) return 1;
    const auto addresses = flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr());

    // snippet: loop
    boost::asio::io_context loop;  // run by one thread; must outlive its clients
    std::vector<flare::Client> clients;
    for (int i = 0; i < 100; ++i) {
        auto client =
            flare::ClientBuilder("user-" + std::to_string(i)).server_addresses(addresses).io_context(loop).build();
        if (!client) return 1;
        clients.push_back(std::move(*client));
    }
    Talks talks{loop, 100};
    for (flare::Client& client : clients) boost::asio::co_spawn(loop, talk(client, talks), boost::asio::detached);
    loop.run();  // all clients run on this thread
    // end
    trying::expect(talks.acknowledged == 100, "all hundred have talked");

    // snippet: deadlock
    flare::errc answer = flare::errc::ok;
    loop.restart();
    boost::asio::post(loop, [&] {
        answer = clients.front().connect().error().code;  // would_deadlock
        loop.stop();
    });
    loop.run();
    // end
    trying::expect(answer == flare::errc::would_deadlock, "a blocking call on the loop says so");

    clients.clear();
    loop.restart();
    loop.run();  // nothing is left on it; otherwise this does not return
}
