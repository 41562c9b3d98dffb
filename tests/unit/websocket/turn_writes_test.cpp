// What a connection writes in a turn of its event loop: kept, sent at its end, and behind or before whatever else it
// does.
#include "codec_fixture.hpp"
#include "send_script.hpp"
#include "socket_fixture.hpp"

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TurnWritesOfAConnection : public Sockets {
protected:
    void SetUp() override {
        listen();
        raw = upgraded();
        first = &last();
    }
    // Does `what` in the turn in which a batch comes, and what send() does from then on is as scripted.
    void in_a_turn(const std::function<void()>& what, std::deque<long> results = {}) {
        bool done = false;
        first->then = [&, results = std::move(results)] {
            script.emplace(results);
            what();
            done = true;
        };
        raw->send(client.binary(batch_of("go").str()));
        ASSERT_TRUE(run_until([&] { return done; }));
        first->then = nullptr;
    }
    void send(const std::string& payload) { first->carrier->send(batch_of(payload)); }
    static std::size_t framed(const std::string& payload) {
        const std::size_t bytes = batch_of(payload).bytes();
        return bytes + (bytes < 126 ? 2 : 4);
    }
    static Seen message(const std::string& payload) { return binary(batch_of(payload).str()); }
    static Events frames(const RawPeer& peer) {
        Parser parser(Role::client, Accept::any, 1 << 24);
        Events events;
        feed(parser, peer.received, events);
        return events;
    }
    void expect(RawPeer& peer, const Events& expected) {
        run_until(
            [&] {
                peer.poll();
                return frames(peer).size() >= expected.size();
            },
            std::chrono::seconds(5));
        EXPECT_EQ(frames(peer), expected);
    }

    const FramePeer client{Role::server};
    std::unique_ptr<RawPeer> raw;
    Peer* first = nullptr;
    std::optional<SendScript> script;
};

TEST_F(TurnWritesOfAConnection, GoAtItsEndWithOneCall) {
    in_a_turn([&] {
        send("one");
        send("two");
        EXPECT_THAT(script->offered, IsEmpty());
    });
    EXPECT_THAT(script->offered, ElementsAre(framed("one") + framed("two")));
    EXPECT_EQ(first->carrier->stats().bytes_out, framed("one") + framed("two"));
    expect(*raw, {message("one"), message("two")});
}

TEST_F(TurnWritesOfAConnection, AreKeptWhereTheSocketTakesLess) {
    in_a_turn(
        [&] {
            send("one");
            send("two");
        },
        {5});
    EXPECT_FALSE(first->carrier->writable());
    EXPECT_EQ(first->carrier->stats().bytes_out, 5u);
    expect(*raw, {message("one"), message("two")});
    EXPECT_EQ(first->writable, 1);
    EXPECT_EQ(first->carrier->stats().bytes_out, framed("one") + framed("two"));
}

TEST_F(TurnWritesOfAConnection, AreKeptWhereTheSocketIsFull) {
    in_a_turn([&] { send("one"); }, {-EAGAIN});
    EXPECT_FALSE(first->carrier->writable());
    expect(*raw, {message("one")});
    EXPECT_EQ(first->writable, 1);
}

TEST_F(TurnWritesOfAConnection, KeepTheirOrderBehindWhatTheSocketDidNotTake) {
    const auto other = upgraded();
    Peer& second = last();
    in_a_turn(
        [&] {
            send("one");
            second.carrier->send(batch_of("to another"));
            send("two");
        },
        {1});
    EXPECT_THAT(script->offered, ElementsAre(framed("one"), framed("to another")));
    expect(*raw, {message("one"), message("two")});
    expect(*other, {message("to another")});
}

TEST_F(TurnWritesOfAConnection, GoBeforeALargeOne) {
    const std::string large(10'000, 'x');
    in_a_turn([&] {
        send("one");
        send(large);
        EXPECT_THAT(script->offered, ElementsAre(framed("one")));
        send("two");
    });
    expect(*raw, {message("one"), message(large), message("two")});
}

TEST_F(TurnWritesOfAConnection, GoBeforeALargeOneAlsoWhereTheSocketIsFull) {
    const std::string large(10'000, 'x');
    in_a_turn(
        [&] {
            send("one");
            send(large);
            EXPECT_FALSE(first->carrier->writable());
        },
        {3});
    expect(*raw, {message("one"), message(large)});
}

TEST_F(TurnWritesOfAConnection, GoBeforeAClose) {
    in_a_turn([&] {
        send("one");
        first->carrier->close(errc::kicked, "out", std::chrono::seconds(5));
    });
    expect(*raw, {message("one"), closed(4000 + static_cast<std::uint16_t>(errc::kicked), "out")});
}

TEST_F(TurnWritesOfAConnection, GoBeforeACloseAlsoWhereTheSocketIsFull) {
    in_a_turn(
        [&] {
            send("one");
            first->carrier->close(errc::kicked, "out", std::chrono::seconds(5));
        },
        {-EAGAIN});
    expect(*raw, {message("one"), closed(4000 + static_cast<std::uint16_t>(errc::kicked), "out")});
}

TEST_F(TurnWritesOfAConnection, GoBeforeTheAnswerToAClose) {
    first->echo = true;
    raw->send(client.binary(batch_of("go").str()) + client.close(1000, ""));
    read_to_end(*raw);
    EXPECT_EQ(frames(*raw), (Events{message("echo"), closed(1000)}));
}

TEST_F(TurnWritesOfAConnection, GoBeforeItIsLetGo) {
    in_a_turn([&] {
        send("one");
        first->carrier.reset();
    });
    EXPECT_EQ(raw->received, "");
    read_to_end(*raw);
    EXPECT_EQ(frames(*raw), (Events{message("one")}));
}

TEST_F(TurnWritesOfAConnection, GoBeforeItMovesToAnotherLoop) {
    std::unique_ptr<ParkedCarrier> parked;
    in_a_turn([&] {
        send("one");
        parked = first->carrier->park();
        EXPECT_THAT(script->offered, SizeIs(1));
    });
    ASSERT_NE(parked, nullptr);
    first->carrier = std::move(*parked).resume(io);
    EXPECT_EQ(first->carrier->stats().bytes_out, framed("one"));
    send("two");
    expect(*raw, {message("one"), message("two")});
}

TEST_F(TurnWritesOfAConnection, ThatTheSocketDoesNotTakeKeepItWhereItIs) {
    std::unique_ptr<ParkedCarrier> parked;
    in_a_turn(
        [&] {
            send("one");
            parked = first->carrier->park();
        },
        {4});
    EXPECT_EQ(parked, nullptr);
    expect(*raw, {message("one")});
}

TEST_F(TurnWritesOfAConnection, ThatFailEndIt) {
    in_a_turn(
        [&] {
            send("one");
            EXPECT_TRUE(first->carrier->writable());
        },
        {-ECONNRESET});
    EXPECT_FALSE(first->carrier->writable());
    ASSERT_TRUE(run_until([&] { return first->closed.has_value(); }));
    EXPECT_EQ(first->closed->code, errc::connection_lost);
}

TEST_F(TurnWritesOfAConnection, ThatFailDropWhatFollows) {
    in_a_turn(
        [&] {
            send("one");
            send(std::string(10'000, 'x'));
            send("two");
        },
        {-EPIPE});
    EXPECT_THAT(script->offered, ElementsAre(framed("one")));
    ASSERT_TRUE(run_until([&] { return first->closed.has_value(); }));
    raw->poll();
    EXPECT_EQ(raw->received, "");
}

TEST_F(TurnWritesOfAConnection, ThatFailAreTheLastOnesTried) {
    const auto other = upgraded();
    Peer& second = last();
    in_a_turn(
        [&] {
            send("one");
            second.carrier->send(batch_of("to another"));
            send("two");
        },
        {-EPIPE});
    EXPECT_THAT(script->offered, ElementsAre(framed("one"), framed("to another")));
    expect(*other, {message("to another")});
}

TEST_F(TurnWritesOfAConnection, GoBeforeItEndsInTheSameTurn) {
    const auto other = upgraded();
    Peer& second = last();
    // Both are seen in one turn, in this order.
    first->then = [&] { second.carrier->send(batch_of("to another")); };
    raw->send(client.binary(batch_of("go").str()));
    other->finish();
    read_to_end(*other);
    EXPECT_EQ(frames(*other), (Events{message("to another")}));
    EXPECT_TRUE(second.closed.has_value());
}

TEST_F(TurnWritesOfAConnection, OutsideOfATurnGoAtOnce) {
    script.emplace();
    send("one");
    EXPECT_THAT(script->offered, ElementsAre(framed("one")));
}

}  // namespace
}  // namespace flare::transport::websocket::test
