// What peers can make a server hold is counted, and has an end.
#include "integration/harness.hpp"
#include "integration/raw_peer.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <future>
#include <list>
#include <random>

namespace flare::test {
namespace {

constexpr std::uint64_t kCeiling = 16u << 20;

// A client whose upgrade is done, and who goes on as it likes.
class Upgraded {
public:
    Upgraded(boost::asio::io_context& context, const std::string& address) : socket_(context) {
        const std::size_t colon = address.rfind(':');
        socket_.connect({boost::asio::ip::make_address(address.substr(0, colon)),
                         static_cast<std::uint16_t>(std::stoi(address.substr(colon + 1)))});
        send(
            "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Protocol: flare.v1\r\n\r\n");
        std::string answer;
        boost::asio::read_until(socket_, boost::asio::dynamic_buffer(answer), "\r\n\r\n");
    }
    // What cannot be sent any more is not: the server has dropped the connection.
    void send(const std::string& bytes) {
        boost::system::error_code dropped;
        boost::asio::write(socket_, boost::asio::buffer(bytes), dropped);
    }

private:
    boost::asio::ip::tcp::socket socket_;
};

// A whole message, masked with zeros.
std::string masked(const std::string& payload) {
    std::string head("\x82\xff\0\0\0\0\0\0\0\0\0\0\0\0", 14);
    for (std::size_t i = 0; i < 4; ++i) head[9 - i] = static_cast<char>(payload.size() >> (8 * i));
    return head + payload;
}

// A message of which the last byte is missing.
std::string unfinished() {
    std::string all = masked(std::string(120'000, 'x'));
    all.pop_back();
    return all;
}

// What does not shrink.
std::string noise(std::size_t bytes) {
    std::mt19937 random(7);
    std::string made(bytes, '\0');
    for (char& each : made) each = static_cast<char>(random());
    return made;
}

// A gate in a handler. What waits at it goes on with the test's end at the latest.
class Gate {
public:
    ~Gate() { open(); }
    void open() {
        if (!std::exchange(open_, true)) promise_.set_value();
    }
    MessageHandler handler() const {
        return [gate = gate_](const SessionInfo&, const Message&) {
            gate.wait();
            return HandlerResult();
        };
    }

private:
    std::promise<void> promise_;
    std::shared_future<void> gate_ = promise_.get_future().share();
    bool open_ = false;
};

bool refused_as_busy(Events& events) {
    return events.wait([](const std::vector<Event>& seen) {
        return std::any_of(seen.begin(), seen.end(), [](const Event& each) {
            const auto* failed = std::get_if<event::MessageFailed>(&each);
            return failed != nullptr && failed->error.code == errc::busy;
        });
    });
}

TEST(Memory, OfBatchesThatAreNotCompleteIsCountedAndHasAnEnd) {
    Server server = started(quiet_server().worker_threads(1).max_memory_bytes(kCeiling).hello_timeout(60s));
    Events events;
    Client honest = connected(client_of(server.websocket_addr(), "honest", events));
    boost::asio::io_context context;
    std::list<Upgraded> strangers;
    std::uint64_t most = 0;
    for (int i = 0; i < 120; ++i) {
        strangers.emplace_back(context, server.websocket_addr()).send(unfinished());
        if (i % 10 != 9) continue;
        EXPECT_TRUE(honest.send_text_message("server", "still there?").success);
        most = std::max(most, server.stats()->memory_bytes);
    }
    EXPECT_GT(most, 1u << 20) << "what strangers hold is not counted";
    EXPECT_LT(most, kCeiling / 2);
    EXPECT_TRUE(events.all<event::Disconnected>().empty());
    // 14 MB would be held; a quarter of the ceiling may.
    EXPECT_TRUE(eventually([&] { return server.stats()->connections.at(Protocol::websocket) < 80u; }));
}

TEST(Memory, OfAFirstBatchIsLimitedToThatOfAHello) {
    Server server = started(quiet_server().worker_threads(1).hello_timeout(60s));
    boost::asio::io_context context;
    Upgraded stranger(context, server.websocket_addr());
    stranger.send(masked(std::string(128 * 1024 + 1, 'x')).substr(0, 14));  // announced, and no more
    EXPECT_TRUE(eventually([&] {
        const auto stats = server.stats();
        const auto found = stats->errors.find(errc::batch_too_large);
        return found != stats->errors.end() && found->second == 1u;
    }));
}

// A Hello with a token, and behind it the beginning of what its client has to say.
std::string hello_with(std::size_t bytes_behind) {
    wire::Hello hello = RawPeer::hello_of("stranger");
    hello.token = "any";
    wire::Batch batch;
    batch.add({}, wire::encode(hello));
    wire::Ping ping;
    const std::string padding(bytes_behind, 'x');
    ping.padding = padding;
    batch.add({}, wire::encode_ping(ping));
    return batch.str();
}

TEST(Memory, OfWhatWaitsForAuthenticationIsCountedAndGoesOnWithItsConnection) {
    std::promise<void> open;
    Server server = started(quiet_server().worker_threads(1).max_memory_bytes(kCeiling).with_auth_handler(
        [opened = open.get_future().share()](const AuthRequest& request) -> Checked<Identity> {
            opened.wait();
            return Identity(request.claimed_user);
        }));
    boost::asio::io_context context;
    std::list<Upgraded> strangers;
    for (int i = 0; i < 20; ++i)
        strangers.emplace_back(context, server.websocket_addr()).send(masked(hello_with(100'000)));
    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes > 2'000'000u; }));
    open.set_value();
    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes < 1u << 20; }))
        << "what waited is not given back when it goes on";
}

TEST(Memory, OfMessagesThatWaitForTheirHandlerIsCountedAndRefusedBeyondAShare) {
    Gate gate;
    Server server =
        started(quiet_server().worker_threads(1).max_memory_bytes(kCeiling).on_message_type("slow", gate.handler()));
    Events events;
    std::list<Client> senders;
    for (int i = 0; i < 30; ++i)
        senders.push_back(connected(client_of(server.websocket_addr(), "sender" + std::to_string(i), events)));
    for (Client& sender : senders)
        EXPECT_TRUE(sender.post_message("server", Message("slow", std::string(700'000, 'x'))));
    EXPECT_TRUE(refused_as_busy(events)) << "21 MB wait under a ceiling of 16 MiB";
    EXPECT_GT(server.stats()->memory_bytes, 4u << 20);
    gate.open();
    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes < 1u << 20; })) << "it is not given back";
}

TEST(Memory, OfWhatHandlersInflateIsCountedAndRefusedBeyondTheCeiling) {
    Gate gate;
    Server server = started(quiet_server()
                                .worker_threads(1)
                                .handler_threads(4)
                                .compression(true)
                                .max_memory_bytes(kCeiling)
                                .on_message_type("slow", gate.handler()));
    Events events;
    std::list<Client> senders;
    for (int i = 0; i < 4; ++i)
        senders.push_back(
            connected(client_of(server.websocket_addr(), "sender" + std::to_string(i), events).compression(true)));
    for (Client& sender : senders)
        EXPECT_TRUE(sender.post_message("server", Message("slow", std::string(7'000'000, 'x'))));
    EXPECT_TRUE(refused_as_busy(events)) << "28 MB are inflated under a ceiling of 16 MiB";
    gate.open();
    EXPECT_TRUE(eventually([&] { return server.stats()->memory_bytes < 1u << 20; })) << "it is not given back";
}

TEST(Memory, OfMessagesThatWaitBehindALargeOneIsCountedAndRefusedBeyondAShare) {
    Gate gate;
    Server server = started(quiet_server()
                                .worker_threads(1)
                                .handler_threads(1)
                                .compression(true)
                                .max_memory_bytes(kCeiling)
                                .on_message_type("slow", gate.handler()));
    Events events;
    Client busy = connected(client_of(server.websocket_addr(), "busy", events));
    EXPECT_TRUE(busy.post_message("server", Message("slow", "the pool's only thread")));
    Client plain = connected(client_of(server.websocket_addr(), "plain", events));  // reads nothing compressed
    std::list<Client> senders;
    const std::string behind = noise(700'000);
    for (int i = 0; i < 24; ++i) {
        senders.push_back(
            connected(client_of(server.websocket_addr(), "sender" + std::to_string(i), events).compression(true)));
        EXPECT_TRUE(senders.back().post_message("plain", Message("large", std::string(300'000, 'x'))));
        EXPECT_TRUE(senders.back().post_message("plain", Message("behind", behind)));
    }
    EXPECT_TRUE(refused_as_busy(events)) << "17 MB wait under a ceiling of 16 MiB";
    gate.open();
}

}  // namespace
}  // namespace flare::test
