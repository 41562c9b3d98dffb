// Early data (0-RTT) between two endpoints: tickets, what arrives when, refusals, copies.
#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "support/udp_relay.hpp"
#include "transport/quic/quic.hpp"
#include "transport/quic/replay_guard.hpp"
#include "transport/quic/ticket_store.hpp"
#include "wire/batch.hpp"

#include <gtest/gtest.h>

#include <fstream>

#include <sys/stat.h>

namespace flare::transport::quic::test {
namespace {

namespace asio = boost::asio;
using asio::ip::udp;
using namespace std::chrono_literals;

void add_ping(wire::Batch& batch) { batch.add({}, wire::encode_ping(wire::Ping{})); }

void add_message(wire::Batch& batch, const std::string& text, wire::Seq seq) {
    wire::DataView data;
    wire::MessageView message;
    message.type = "test";
    message.payload = text;
    data.message = message;
    wire::FrameHeader header;
    header.lane = 2;
    header.seq = seq;
    batch.add(header, wire::encode(data));
}

// "ping", or the text of a message.
std::vector<std::string> texts_of(std::string_view part) {
    std::vector<std::string> texts;
    wire::BatchReader reader(part);
    wire::FrameView frame;
    while (!reader.done() && reader.next(frame)) {
        const bool is_data = frame.kind == wire::FrameKind::data;
        texts.emplace_back(is_data ? wire::decode_data(frame.body)->message->payload : "ping");
    }
    return texts;
}

struct Peer final : CarrierHandler {
    explicit Peer(std::unique_ptr<Carrier> made) : was_early(made->info().early), carrier(std::move(made)) {
        carrier->set_handler(this);
    }
    void on_batch(std::string_view part) override {
        for (std::string& text : texts_of(part)) heard.push_back(std::move(text));
        heard_early = heard_early || carrier->info().early;
    }
    void on_writable() override {}
    void on_confirmed() override { ++confirmed; }
    void on_closed(const CloseReason& reason) override { closed = reason; }

    const bool was_early;
    std::unique_ptr<Carrier> carrier;
    std::vector<std::string> heard;
    bool heard_early = false;
    int confirmed = 0;
    std::optional<CloseReason> closed;
};

class EarlyDataTest : public ::testing::Test, protected ListenerHandler {
protected:
    EarlyDataTest() { open(1); }

    // A server whose tickets are of this secret, on the same port as the one before it.
    void open(std::uint8_t secret, bool early_data = true) {
        const std::string address =
            listener ? "127.0.0.1:" + std::to_string(listener->local_endpoint().port()) : "127.0.0.1:0";
        accepted.clear();
        listener.reset();
        flare::test::run_for(io, 10ms);
        Resumption resumption;
        resumption.secret.fill(secret);
        resumption.early_data = early_data;
        auto context =
            ServerContext::load({identity.certificate_file, identity.key_file, "", false}, {kAlpn}, nullptr, resumption)
                .value();
        Options options;
        options.secret.fill(secret);
        std::string text;
        listener = Listener::open(io, address, context, options, *this, &text).value();
    }
    std::unique_ptr<Peer> connect(std::function<void(wire::Batch&)> first_flight = nullptr,
                                  std::optional<udp::endpoint> to = std::nullopt) {
        std::unique_ptr<Peer> made;
        bool failed = false;
        ConnectTarget target;
        target.endpoint = to.value_or(listener->local_endpoint());
        target.server_name = "localhost";
        target.first_flight = std::move(first_flight);
        const auto attempt =
            quic::connect(io, target, client, {}, [&](std::unique_ptr<Carrier> carrier, const ConnectError& error) {
                if (carrier) made = std::make_unique<Peer>(std::move(carrier));
                failed = error.code != errc::ok;
                EXPECT_FALSE(failed) << error.text;
            });
        EXPECT_TRUE(until([&] { return made || failed; }));
        return made;
    }
    // A first connection, whose ticket stays behind.
    void become_known(std::optional<udp::endpoint> to = std::nullopt) {
        const auto peer = connect(nullptr, to);
        flare::test::run_for(io, 30ms);
        accepted.clear();
    }
    void expect_once_after_the_handshake();
    static void first_flight(wire::Batch& batch) {
        add_ping(batch);
        add_message(batch, "message", 1);
    }
    template <typename Condition>
    bool until(Condition condition) {
        return flare::test::run_until(io, condition);
    }

    Answer on_handshake(const std::string&, bool) override { return Answer::admit; }
    void on_handshake_gone(const std::string&, bool) override {}
    void on_carrier(std::unique_ptr<Carrier> carrier, bool) override {
        accepted.push_back(std::make_unique<Peer>(std::move(carrier)));
    }

    asio::io_context io;
    flare::test::Certificates files;
    flare::test::Certificates::Identity authority = files.authority();
    flare::test::Certificates::Identity identity = files.make("server", {.common_name = "flare"}, &authority);
    std::shared_ptr<ClientContext> client =
        ClientContext::load({authority.certificate_file, "", ""}, {kAlpn}, nullptr).value();
    std::unique_ptr<Listener> listener;
    std::vector<std::unique_ptr<Peer>> accepted;
    const std::vector<std::string> all{"ping", "message"};
};

// A flight that a server has refused as early data comes once, after the handshake.
void EarlyDataTest::expect_once_after_the_handshake() {
    const auto peer = connect(first_flight);
    ASSERT_TRUE(peer);
    ASSERT_TRUE(until([&] { return !accepted.empty() && !accepted[0]->heard.empty(); }));
    flare::test::run_for(io, 50ms);
    EXPECT_EQ(accepted.size(), 1u);
    EXPECT_FALSE(accepted[0]->was_early);
    EXPECT_EQ(accepted[0]->heard, all);
    EXPECT_EQ(peer->carrier->info().early_data, EarlyData::rejected);
}

TEST_F(EarlyDataTest, ArrivesBeforeTheHandshakeIsComplete) {
    become_known();
    const auto peer = connect(first_flight);
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->carrier->info().early_data, EarlyData::accepted);
    ASSERT_TRUE(until([&] { return !accepted.empty() && accepted[0]->confirmed == 1; }));
    EXPECT_TRUE(accepted[0]->was_early);
    EXPECT_TRUE(accepted[0]->heard_early);
    EXPECT_FALSE(accepted[0]->carrier->info().early);
    EXPECT_EQ(accepted[0]->heard, all);
    // And the conversation goes on, both ways.
    wire::Batch batch;
    add_message(batch, "answer", 1);
    accepted[0]->carrier->send(batch);
    peer->carrier->send(batch);
    EXPECT_TRUE(until([&] { return accepted[0]->heard.size() == 3; }));
    flare::test::run_for(io, 20ms);
    EXPECT_TRUE(peer->heard.empty()) << "lanes wait until channel 0 has begun";
    wire::Batch welcome;
    add_ping(welcome);
    accepted[0]->carrier->send(welcome);
    EXPECT_TRUE(until([&] { return peer->heard.size() == 2; }));
    EXPECT_EQ(peer->heard, (std::vector<std::string>{"ping", "answer"}));
}

TEST_F(EarlyDataTest, NeedsATicketAndUsesItOnce) {
    bool asked = false;
    const auto asks = [&](wire::Batch& batch) {
        asked = true;
        first_flight(batch);
    };
    const auto stranger = connect(asks);
    EXPECT_FALSE(asked);
    EXPECT_EQ(stranger->carrier->info().early_data, EarlyData::none);
    flare::test::run_for(io, 30ms);
    const auto known = connect(asks);
    EXPECT_TRUE(asked);
}

TEST_F(EarlyDataTest, GoesAgainOnceWhenTheServerWasStartedAgain) {
    become_known();
    open(1);  // the same keys: the ticket is good, but what came before its start may be a copy
    expect_once_after_the_handshake();
}

TEST_F(EarlyDataTest, GoesAgainOnceWhenTheServerHasOtherKeys) {
    become_known();
    open(2);
    expect_once_after_the_handshake();
}

TEST_F(EarlyDataTest, GoesAgainOnceWhenTheServerTakesNone) {
    become_known();
    open(1, false);
    expect_once_after_the_handshake();
}

TEST_F(EarlyDataTest, ACopyBringsNothing) {
    flare::test::UdpRelay relay(io, listener->local_endpoint());
    become_known(relay.endpoint());
    relay.from_clients.clear();
    const auto peer = connect(first_flight, relay.endpoint());
    ASSERT_TRUE(until([&] { return !accepted.empty() && accepted[0]->confirmed == 1; }));
    const std::vector<std::string> captured = relay.from_clients;
    ASSERT_FALSE(captured.empty());
    for (int i = 0; i < 100; ++i) {
        relay.send(captured);
        flare::test::run_for(io, 1ms);
    }
    flare::test::run_for(io, 100ms);
    for (std::size_t i = 1; i < accepted.size(); ++i) EXPECT_TRUE(accepted[i]->heard.empty());
    // The connection that was copied goes on.
    wire::Batch batch;
    add_message(batch, "after", 2);
    peer->carrier->send(batch);
    EXPECT_TRUE(until([&] { return accepted[0]->heard.size() == 3; }));
    EXPECT_FALSE(peer->closed);
}

TEST_F(EarlyDataTest, ALostHandshakeGivesTheTicketBack) {
    become_known();
    ConnectTarget target;
    target.endpoint = listener->local_endpoint();
    target.server_name = "localhost";
    listener.reset();
    flare::test::run_for(io, 10ms);
    const udp::socket hole(io, target.endpoint);  // takes everything and never answers
    int asked = 0;
    target.first_flight = [&](wire::Batch&) { ++asked; };
    for (int i = 0; i < 2; ++i) {
        const auto attempt =
            quic::connect(io, target, client, {}, [](std::unique_ptr<Carrier>, const ConnectError&) {});
        flare::test::run_for(io, 20ms);
    }
    EXPECT_EQ(asked, 2);
}

TEST(TicketStore, ForgetsTheOldestServer) {
    TicketStore store;
    for (int i = 0; i < 70; ++i) store.keep("server" + std::to_string(i), {"session", "parameters"});
    EXPECT_FALSE(store.take("server0"));
    ASSERT_TRUE(store.take("server69"));
    EXPECT_FALSE(store.take("server69"));
}

TEST(TicketStore, OutlivesTheProcessInAFile) {
    const flare::test::Certificates folder;
    const std::string path = folder.path("tickets");
    const std::string raw("\0\xff\n ticket", 10);
    {
        TicketStore store(path);
        store.keep("a:1", {raw, "parameters"});
        store.keep("b:2", {"b", "b"});
    }
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    {
        std::ofstream(path, std::ios::app) << "c:3 nonsense\n\nd:4 %% %%\n";
        TicketStore store(path);
        const auto ticket = store.take("a:1");
        ASSERT_TRUE(ticket);
        EXPECT_EQ(ticket->session, raw);
        EXPECT_EQ(ticket->parameters, "parameters");
        EXPECT_FALSE(store.take("c:3"));
        EXPECT_FALSE(store.take("d:4"));
    }
    TicketStore store(path);
    EXPECT_FALSE(store.take("a:1")) << "used once, whatever the process";
    EXPECT_TRUE(store.take("b:2"));
}

TEST(TicketStore, GoesOnWhereNothingCanBeWritten) {
    TicketStore store("/nonexistent/tickets");
    store.keep("a:1", {"a", "a"});
    EXPECT_TRUE(store.take("a:1"));
}

TEST_F(EarlyDataTest, WorksWithATicketOfAnotherProcess) {
    const std::string path = files.path("tickets");
    const auto another_process = [&] {
        return ClientContext::load({authority.certificate_file, "", ""}, {kAlpn}, nullptr, path).value();
    };
    client = another_process();
    become_known();
    client = another_process();
    const auto peer = connect(first_flight);
    ASSERT_TRUE(peer);
    EXPECT_EQ(peer->carrier->info().early_data, EarlyData::accepted);
}

TEST(ReplayGuard, KnowsAHelloForOneWindowAtLeast) {
    ReplayGuard guard;
    const auto start = ReplayGuard::Clock::time_point(1h);
    EXPECT_TRUE(guard.first_time("a", start));
    EXPECT_FALSE(guard.first_time("a", start));
    EXPECT_FALSE(guard.first_time("a", start + 9s));
    EXPECT_FALSE(guard.first_time("a", start + 11s));
    EXPECT_TRUE(guard.first_time("b", start + 11s));
    EXPECT_TRUE(guard.first_time("a", start + 45s));
}

}  // namespace
}  // namespace flare::transport::quic::test
