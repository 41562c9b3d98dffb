// What an upgraded connection does with a peer that knows only RFC 6455, or not
// even that.
#include "codec_fixture.hpp"
#include "socket_fixture.hpp"
#include "transport/websocket/deflate.hpp"

#include <malloc.h>

namespace flare::transport::websocket::test {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ConnectionTest : public Sockets {
protected:
    void SetUp() override { listen(); }

    // The frames of the server in what a raw peer has received.
    static Events frames(const RawPeer& raw) {
        Parser parser(Role::client, Accept::any, 1 << 24);
        Events events;
        feed(parser, raw.received, events);
        return events;
    }
    // Sends, then reads to the end of the stream.
    Events answer_to(const std::string& bytes, const std::string& subprotocol = "flare.v1") {
        const auto raw = upgraded(subprotocol);
        raw->send(bytes);
        read_to_end(*raw);
        return frames(*raw);
    }
    const FramePeer peer{Role::server};
};

TEST_F(ConnectionTest, Case2_2_AnswersAPing) {
    const auto raw = upgraded();
    raw->send(peer.ping("Hello, world!"));
    ASSERT_TRUE(read_bytes(*raw, 15));
    EXPECT_THAT(frames(*raw), ElementsAre(pong("Hello, world!")));
}

TEST_F(ConnectionTest, Case2_10_AnswersTenPingsInOrder) {
    const auto raw = upgraded();
    std::string bytes;
    Events expected;
    for (int i = 0; i < 10; ++i) {
        bytes += peer.ping("payload-" + std::to_string(i));
        expected.push_back(pong("payload-" + std::to_string(i)));
    }
    raw->send(bytes);
    ASSERT_TRUE(read_bytes(*raw, expected.size() * 11));
    EXPECT_EQ(frames(*raw), expected);
}

TEST_F(ConnectionTest, Case5_6_AnswersAPingBetweenFragmentsBeforeTheMessage) {
    const auto raw = upgraded();
    last().echo = true;
    const std::string batch = batch_of("x").str();
    raw->send(peer.binary(batch.substr(0, 3), false) + peer.ping("p") + peer.more(batch.substr(3), true));
    ASSERT_TRUE(read_bytes(*raw, 3 + 2 + batch_of("echo").bytes()));
    EXPECT_THAT(frames(*raw), ElementsAre(pong("p"), binary(batch_of("echo").str())));
    EXPECT_THAT(last().batches, ElementsAre(batch));
}

TEST_F(ConnectionTest, Case7_1_1_AnswersACloseWithItsCodeAndEnds) {
    EXPECT_THAT(answer_to(peer.close(1000, "bye")), ElementsAre(closed(1000)));
    ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
    EXPECT_EQ(last().closed->code, errc::ok);
    EXPECT_EQ(last().closed->text, "bye");
    EXPECT_TRUE(last().closed->by_peer);
}

TEST_F(ConnectionTest, Case7_3_1_AnswersACloseWithoutACodeWithoutACode) {
    EXPECT_THAT(answer_to(peer.frame(8, "")), ElementsAre(closed(0)));
    EXPECT_EQ(last().closed->code, errc::ok);
}

TEST_F(ConnectionTest, Case7_1_3to7_1_5_NothingAfterACloseCounts) {
    EXPECT_THAT(answer_to(peer.close(1001) + peer.ping("x") + peer.binary("x")), ElementsAre(closed(1001)));
    EXPECT_EQ(last().closed->code, errc::shutting_down);
    EXPECT_THAT(last().batches, IsEmpty());
}

TEST_F(ConnectionTest, NamesACloseCodeThatMeansNothingToUs) {
    answer_to(peer.close(3333));
    EXPECT_EQ(last().closed->code, errc::closed_by_peer);
    EXPECT_THAT(last().closed->text, HasSubstr("3333"));
}

TEST_F(ConnectionTest, ClosesWithTheCodeOfEachFault) {
    const FramePeer unmasked{Role::client};
    const std::vector<std::tuple<std::string, int, errc>> faults = {
        {unmasked.binary("x"), 1002, errc::websocket_violation},
        {peer.frame(2, "x", true, 4), 1002, errc::websocket_violation},
        {peer.frame(3, "x"), 1002, errc::websocket_violation},
        {peer.more("x", true), 1002, errc::websocket_violation},
        {peer.ping(std::string(126, 'x')), 1002, errc::websocket_violation},
        {peer.close(1005), 1002, errc::websocket_violation},
        {peer.close(1000, "\xFF"), 1007, errc::invalid_utf8},
        {peer.text("{}"), 1003, errc::text_on_binary},
        {peer.binary(std::string(wire::kMaxBatchBytes + 1, 'x')).substr(0, 14), 1009, errc::batch_too_large},
    };
    for (const auto& [bytes, code, error] : faults) {
        const Events events = answer_to(bytes);
        ASSERT_EQ(events.size(), 1u);
        EXPECT_EQ(events[0].kind, EventKind::close);
        EXPECT_EQ(events[0].code, code);
        EXPECT_FALSE(events[0].payload.empty()) << "the reason says what is wrong";
        ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
        EXPECT_EQ(last().closed->code, error);
        EXPECT_FALSE(last().closed->by_peer);
    }
}

TEST_F(ConnectionTest, ClosesAJsonConnectionWithTheCodeOfEachFault) {
    const std::vector<std::tuple<std::string, int, errc>> faults = {
        {peer.binary("x"), 1003, errc::binary_on_text},
        {peer.text("{\"data\": nonsense"), 4116, errc::malformed_json},
        {peer.text("\xED\xA0\x80"), 1007, errc::invalid_utf8},
    };
    for (const auto& [bytes, code, error] : faults) {
        const Events events = answer_to(bytes, "flare.v1.json");
        ASSERT_EQ(events.size(), 1u);
        EXPECT_EQ(events[0].code, code);
        EXPECT_FALSE(events[0].payload.empty());
        ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
        EXPECT_EQ(last().closed->code, error);
        EXPECT_EQ(last().closed->text.substr(0, events[0].payload.size()), events[0].payload);
    }
}

TEST_F(ConnectionTest, HoldsLessForAStrangerThanForAPeerThatHasSpoken) {
    options.max_first_batch_bytes = 500;
    listen();
    const std::string small = batch_of(std::string(300, 's')).str();
    const std::string large = batch_of(std::string(3000, 'l')).str();
    const auto raw = upgraded();
    raw->send(peer.binary(small) + peer.binary(large));
    ASSERT_TRUE(run_until([&] { return last().batches.size() == 2; }));
    const Events events = answer_to(peer.binary(large));
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].code, 1009);
}

TEST_F(ConnectionTest, TellsItsReasonEvenToAPeerThatGoesOnSending) {
    const auto raw = upgraded();
    // Bytes that nobody reads any more would reset the connection and destroy the close frame.
    raw->send(peer.frame(3, "x"));
    for (int i = 0; i < 20; ++i) {
        raw->try_send(std::string(50'000, 'x'));
        run_for(1ms);
    }
    read_to_end(*raw);
    const Events events = frames(*raw);
    ASSERT_EQ(events.size(), 1u);
    EXPECT_EQ(events[0].code, 1002);
}

TEST_F(ConnectionTest, GivesUpOnAPeerThatNeverEndsAfterAViolation) {
    const auto raw = upgraded();
    raw->send(peer.frame(3, "x"));
    const auto start = std::chrono::steady_clock::now();
    ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
    EXPECT_LT(std::chrono::steady_clock::now() - start, 4s);
}

TEST_F(ConnectionTest, AFloodOfPingsFromAPeerThatDoesNotReadCostsNoMemory) {
    const auto raw = upgraded();
    std::string pings;
    for (int i = 0; i < 500; ++i) pings += peer.ping(std::string(120, 'p'));
    // The first megabytes fill the socket's buffers in both directions.
    std::size_t sent = 0;
    const auto flood = [&](std::size_t bytes) {
        const std::size_t until = sent + bytes;
        while (sent < until) {
            const ssize_t took = raw->try_send(std::string_view(pings).substr(sent % pings.size()));
            if (took > 0) sent += static_cast<std::size_t>(took);
            io.restart();
            io.poll();
        }
    };
    flood(12u << 20);
    const auto before = mallinfo2().uordblks;
    flood(12u << 20);
    const auto after = mallinfo2().uordblks;
    EXPECT_LT(after, before + 64 * 1024);
    EXPECT_FALSE(last().closed);
    EXPECT_FALSE(last().carrier->writable());
}

// What one turn of the loop brings is counted by the loop's own steps: between two of them others are served.
TEST_F(ConnectionTest, OneTurnBringsABoundedNumberOfMessages) {
    const auto raw = upgraded();
    constexpr std::size_t kMessages = 3'000;
    std::string bytes;
    for (std::size_t i = 0; i < kMessages; ++i) bytes += peer.binary("");
    raw->send(bytes);
    std::size_t most = 0;
    while (last().batches.size() < kMessages) {
        const std::size_t before = last().batches.size();
        ASSERT_NE(io.run_one_for(10s), 0u) << before << " messages have come";
        most = std::max(most, last().batches.size() - before);
    }
    EXPECT_LE(most, 256u);
    raw->send(peer.close(1000));
    ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
    EXPECT_EQ(last().closed->code, errc::ok);
}

TEST_F(ConnectionTest, OneTurnAnswersABoundedNumberOfPings) {
    const auto raw = upgraded();
    constexpr std::size_t kPings = 3'000;
    std::string bytes;
    for (std::size_t i = 0; i < kPings; ++i) bytes += peer.ping("");
    raw->send(bytes);
    std::size_t most = 0;
    for (std::size_t seen = 0; seen < kPings * 2;) {
        ASSERT_NE(io.run_one_for(10s), 0u);
        raw->poll();
        most = std::max(most, raw->received.size() - seen);
        seen = raw->received.size();
    }
    EXPECT_LE(most, 2 * 256u);
}

TEST_F(ConnectionTest, ACloseFrameBehindManyMessagesIsFoundInALaterTurn) {
    const auto raw = upgraded();
    std::string bytes;
    for (int i = 0; i < 1'000; ++i) bytes += peer.binary("");
    raw->send(bytes + peer.close(1000, "bye"));
    ASSERT_TRUE(run_until([&] { return last().closed.has_value(); }));
    EXPECT_EQ(last().closed->text, "bye");
    EXPECT_EQ(last().batches.size(), 1'000u);
}

TEST_F(ConnectionTest, OneTurnInflatesABoundedAmount) {
    options.deflate = true;
    listener.reset();
    listen();
    auto raw = std::make_unique<RawPeer>(listener->local_endpoint());
    std::string request = upgrade();
    request.insert(request.size() - 2, "Sec-WebSocket-Extensions: permessage-deflate\r\n");
    raw->send(request);
    ASSERT_TRUE(run_until([&] { return peers.size() == 1; }));
    const std::string large(128 * 1024, '\0');
    const std::string small(deflate_message(large).value());
    constexpr std::size_t kMessages = 60;
    std::string bytes;
    for (std::size_t i = 0; i < kMessages; ++i) bytes += peer.frame(2, small, true, 4);
    raw->send(bytes);
    std::size_t most = 0;
    while (last().batches.size() < kMessages) {
        const std::size_t before = last().batches.size();
        ASSERT_NE(io.run_one_for(10s), 0u);
        most = std::max(most, last().batches.size() - before);
    }
    EXPECT_EQ(most, 1u);  // each is more than a turn may bring
}

TEST_F(ConnectionTest, MasksEachFrameOfAClientWithAnotherKey) {
    // A server that answers the upgrade by hand, to see the client's bytes.
    const auto connected = connect(target());
    ASSERT_TRUE(connected.carrier);
    ASSERT_TRUE(run_until([&] { return peers.size() == 1; }));
    const auto parked = last().carrier->park();
    ASSERT_NE(parked, nullptr);
    // The parked socket is read through a second descriptor of the same connection.
    sockaddr_storage address{};
    int fd = -1;
    for (int candidate = 3; candidate < 200 && fd < 0; ++candidate) {
        socklen_t size = sizeof address;
        if (::getpeername(candidate, reinterpret_cast<sockaddr*>(&address), &size) != 0) continue;
        const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&address);
        if (v4->sin_family == AF_INET && ntohs(v4->sin_port) == connected.carrier->info().local_port) fd = candidate;
    }
    ASSERT_GE(fd, 0);
    const std::string batch = batch_of("secret").str();
    connected.carrier->send(batch_of("secret"));
    connected.carrier->send(batch_of("secret"));
    std::string bytes(1000, '\0');
    ASSERT_TRUE(run_until([&] {
        return ::recv(fd, bytes.data(), bytes.size(), MSG_PEEK) == static_cast<ssize_t>(2 * (6 + batch.size()));
    }));
    const std::string first = bytes.substr(0, 6 + batch.size());
    const std::string second = bytes.substr(first.size(), first.size());
    EXPECT_EQ(first.substr(0, 2), second.substr(0, 2));
    EXPECT_NE(first.substr(2, 4), second.substr(2, 4));
    EXPECT_EQ(bytes.find("secret"), std::string::npos);
}

}  // namespace
}  // namespace flare::transport::websocket::test
