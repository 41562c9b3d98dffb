// Feeds in the lanes of a session: docs/protocol.md, "Feeds".
#include "support.hpp"

namespace flare::session::test {
namespace {

using Refusals = std::vector<std::pair<std::uint32_t, errc>>;

class Feeds : public ::testing::Test {
protected:
    static ClientSettings subscriber() {
        ClientSettings settings = Bench::client_settings();
        settings.conversations = true;
        return settings;
    }
    // A client that takes two frames of a lane before the application has consumed one.
    static ClientSettings narrow() {
        ClientSettings settings = subscriber();
        settings.max_unacked_frames = 8;
        return settings;
    }
    void start(Settings settings = {}, ClientSettings client = subscriber(), std::size_t budget = 64u << 20) {
        bench = std::make_unique<Bench>(settings, std::move(client), budget);
        bench->server.table.offer(nullptr, true);
        bench->connect(1);
    }
    static wire::Body body_of(std::uint32_t feed_id, std::string_view payload) {
        wire::im::Feed feed;
        wire::im::Entry& entry = feed.entries.emplace_back();
        entry.offset = 1;
        entry.from = "bob";
        entry.payload = payload;
        wire::Body body = wire::im::feed_body(feed);
        body.feed_id = feed_id;
        return body;
    }
    Result<void> feed(std::uint32_t feed_id, std::string_view payload) { return feed(body_of(feed_id, payload)); }
    Result<void> feed(wire::Body body) {
        return bench->server.table.send_feed(bench->session(), kLane, std::move(body), bench->now());
    }
    Result<void> message(std::uint8_t number, LaneIndex lane = kLane) {
        return bench->server.table.send(bench->session(), lane, data_of(number, "a message"), Priority::normal,
                                        bench->now());
    }
    std::size_t waiting() { return bench->session().lane_set().waiting(kLane); }
    // What the client has got, as "number:payload".
    std::vector<std::string> got() const {
        std::vector<std::string> all;
        for (const auto& each : bench->client.feeds) {
            for (const std::string& payload : each.payloads)
                all.push_back(std::to_string(each.feed_id) + ":" + payload.substr(0, 8));
        }
        return all;
    }
    void consume_held() {
        for (const auto& [lane, cost] : std::exchange(bench->client.held, {}))
            bench->client.session.consumed(lane, cost, bench->now());
    }
    void check() {
        bench->client.session.check_invariants();
        (void)bench->server.table.check_invariants();
    }

    static constexpr LaneIndex kLane = lane_of("room:lunch", 4);
    static constexpr LaneIndex kOtherLane = (kLane + 1) % 4;
    std::unique_ptr<Bench> bench;
};

// ---- on their way ----

TEST_F(Feeds, ComeInTheOrderOfTheirLaneUnderTheirNumbers) {
    start();
    ASSERT_TRUE(feed(7, "one"));
    ASSERT_TRUE(message(1));
    ASSERT_TRUE(feed(300, "two"));
    ASSERT_TRUE(feed(7, "three"));
    const std::string down = bench->from_server(1);
    std::vector<wire::FrameKind> kinds;
    for (const wire::FrameView& frame : frames_of(down)) {
        if (frame.seq != 0) kinds.push_back(frame.kind);
    }
    using Kind = wire::FrameKind;
    EXPECT_EQ(kinds, (std::vector<Kind>{Kind::feed, Kind::data, Kind::feed, Kind::feed}));
    bench->to_client(1, down);
    EXPECT_EQ(got(), (std::vector<std::string>{"7:one", "300:two", "7:three"}));
    EXPECT_EQ(bench->client.feeds[0].lane, kLane);
    EXPECT_EQ(bench->client.texts, std::vector<std::string>{"a message"});
    check();
}

TEST_F(Feeds, ShareTheBytesOfABody) {
    start();
    const wire::Body shared = body_of(0, std::string(5'000, 'x'));
    for (const std::uint32_t feed_id : {1u, 2u}) {
        wire::Body mine = shared;
        mine.feed_id = feed_id;
        ASSERT_TRUE(feed(std::move(mine)));
    }
    wire::Batch batch;
    (void)bench->server.table.write(1, batch, bench->now(), 1u << 20);
    const auto of_body = [&](const wire::Batch::Segment& each) { return each.shared.data() == shared.bytes.data(); };
    EXPECT_EQ(std::count_if(batch.segments().begin(), batch.segments().end(), of_body), 2);
    bench->to_client(1, batch.str());
    EXPECT_EQ(got(), (std::vector<std::string>{"1:xxxxxxxx", "2:xxxxxxxx"}));
}

TEST_F(Feeds, LargeOnesTravelInPiecesWithTheirNumber) {
    start();
    std::string payload(300'000, ' ');
    for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = static_cast<char>('a' + i % 23);
    ASSERT_TRUE(feed(9, payload));
    ASSERT_TRUE(feed(8, "after"));
    bench->exchange();
    ASSERT_EQ(bench->client.feeds.size(), 2u);
    EXPECT_EQ(bench->client.feeds[0].feed_id, 9u);
    EXPECT_TRUE(bench->client.feeds[0].in_pieces);
    EXPECT_EQ(bench->client.feeds[0].payloads, std::vector<std::string>{payload});
    EXPECT_EQ(bench->client.feeds[1].feed_id, 8u);
    EXPECT_FALSE(bench->client.feeds[1].in_pieces);
    check();
}

TEST_F(Feeds, AReplayGivesNoneTwiceAndLosesNone) {
    start();
    const std::string large(100'000, 'l');
    ASSERT_TRUE(feed(1, "one"));
    ASSERT_TRUE(feed(2, large));
    ASSERT_TRUE(feed(3, "three"));
    bench->to_client(1, bench->from_server(1, 1));
    bench->to_client(1, bench->from_server(1, 1));  // the first piece
    (void)bench->from_server(1);                    // the rest is lost with the carrier
    bench->cut(1);
    ASSERT_TRUE(feed(4, "while away"));
    bench->connect(2);
    EXPECT_EQ(bench->client.ready.back(), (std::pair<CarrierKey, bool>{2, true}));
    EXPECT_EQ(got(), (std::vector<std::string>{"1:one", "2:llllllll", "3:three", "4:while aw"}));
    EXPECT_EQ(bench->client.feeds[1].payloads[0], large);
    check();
}

// ---- what may not come ----

TEST_F(Feeds, AreUnexpectedFromAClient) {
    start();
    (void)bench->to_server(1, numbered(0, 1, body_of(1, "x")));
    EXPECT_EQ(bench->server.errors, std::vector<errc>{errc::unexpected_frame});
    EXPECT_TRUE(bench->server.ended.empty()) << "the session survives";
    start();
    wire::Batch batch;
    wire::FrameHeader header;
    header.seq = 1;
    batch.add_chunk(header, 100'000, Bytes("a piece"), static_cast<std::uint32_t>(wire::FrameKind::feed));
    (void)bench->to_server(1, batch.str());
    EXPECT_EQ(bench->server.errors, std::vector<errc>{errc::unexpected_frame});
}

TEST_F(Feeds, AreUnexpectedWithoutTheCapability) {
    Bench plain;
    plain.connect(1);
    plain.to_client(1, numbered(0, 1, body_of(1, "x")));
    EXPECT_EQ(plain.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
    EXPECT_TRUE(plain.client.gaps.empty()) << "the session survives";
}

TEST_F(Feeds, ThatAreMalformedEndTheSession) {
    start();
    wire::Body body = body_of(1, "x");
    body.bytes = Bytes(std::string_view("\xd2\x01\x02\x0a\x05", 5));  // it ends inside its entry
    bench->to_client(1, numbered(kLane, 1, body));
    EXPECT_EQ(bench->client.closed, (std::vector<Closed>{{1, errc::malformed_frame}}));
    EXPECT_EQ(bench->client.gaps.size(), 1u) << "its number counts";
    EXPECT_TRUE(bench->client.feeds.empty());
    start();
    wire::Batch batch;
    wire::FrameHeader header;
    header.seq = 1;
    header.feed_id = 1;
    batch.add_chunk(header, 2, Bytes("\x0a\x05"), static_cast<std::uint32_t>(wire::FrameKind::feed));
    bench->to_client(1, batch.str());
    EXPECT_EQ(bench->client.closed, (std::vector<Closed>{{1, errc::malformed_frame}}));
    EXPECT_EQ(bench->client.gaps.size(), 1u);
}

TEST_F(Feeds, ForWhichTheClientHasNoMemoryAreSaidToBeMissing) {
    start();
    bench->client.budget.take_anyway(64u << 20);
    ASSERT_TRUE(feed(9, std::string(300'000, 'l')));
    ASSERT_TRUE(feed(9, "after"));
    bench->exchange();
    EXPECT_EQ(bench->client.feeds_refused, (Refusals{{9, errc::busy}}));
    EXPECT_EQ(got(), std::vector<std::string>{"9:after"});
    EXPECT_TRUE(bench->client.closed.empty());
    bench->client.budget.give(64u << 20);
    check();
}

// ---- bounds ----

TEST_F(Feeds, NeitherKeepToTheBoundsOfTheQueueNorUseThemUp) {
    Settings settings;
    settings.max_queued_frames = 4;
    settings.max_queued_bytes = 10'000;
    start(settings);
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(feed(1, std::string(3'000, 'x')));
    for (std::uint8_t i = 1; i <= 4; ++i) EXPECT_TRUE(message(i)) << i;
    EXPECT_EQ(code_of(message(5)), errc::recipient_busy);
    EXPECT_EQ(bench->session().totals().queued_feeds, 20u);
    EXPECT_EQ(waiting(), 24u);
    check();
    bench->exchange();
    EXPECT_EQ(bench->client.feeds.size(), 20u);
    EXPECT_EQ(bench->client.texts.size(), 4u);
    EXPECT_EQ(waiting(), 0u);
}

TEST_F(Feeds, NeedMemoryOfTheServer) {
    start({}, subscriber(), 150'000);
    bench->server.budget.take_anyway(200'000);
    EXPECT_EQ(code_of(feed(1, "x")), errc::busy);
    EXPECT_EQ(bench->server.memory_shorts, 1);
    EXPECT_EQ(waiting(), 0u);
    bench->server.budget.give(200'000);
    const std::size_t before = bench->server.budget.used();
    ASSERT_TRUE(feed(1, "x"));
    EXPECT_GT(bench->server.budget.used(), before);
    bench->live(1s);
    EXPECT_EQ(got(), std::vector<std::string>{"1:x"});
    EXPECT_EQ(bench->server.budget.used(), before);
}

TEST_F(Feeds, AreNotTakenByASessionThatEnds) {
    start();
    EXPECT_EQ(code_of(bench->server.table.send_feed(bench->session(), 4, body_of(1, "x"), bench->now())),
              errc::unknown_lane);
    bench->server.answers = false;
    ASSERT_TRUE(bench->send(1, "a handler has it"));
    bench->client.session.disconnect(bench->now());
    (void)bench->to_server(1, bench->from_client(1));
    EXPECT_EQ(code_of(feed(1, "x")), errc::session_ended) << "its client says goodbye";
    start();
    bench->server.table.end(bench->session(), errc::shutting_down, "down", 0, bench->now());
    EXPECT_EQ(code_of(feed(1, "x")), errc::session_ended);
}

TEST_F(Feeds, WaitWithoutANumberUntilTheApplicationHasConsumed) {
    start({}, narrow());
    bench->client.consumes_feeds = false;
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(feed(1, std::to_string(i)));
    EXPECT_EQ(waiting(), 5u);
    EXPECT_EQ(bench->session().lane_set().waiting(kOtherLane), 0u);
    EXPECT_EQ(bench->session().lane_set().waiting(99), 0u);
    bench->exchange();
    EXPECT_EQ(got(), (std::vector<std::string>{"1:1", "1:2"}));
    EXPECT_EQ(waiting(), 3u);
    bench->client.consumes_feeds = true;
    consume_held();
    bench->live(1s);
    EXPECT_EQ(got(), (std::vector<std::string>{"1:1", "1:2", "1:3", "1:4", "1:5"}));
    EXPECT_EQ(waiting(), 0u);
    check();
}

// ---- room ----

TEST_F(Feeds, RoomIsToldWhileItIsWantedAndFramesGetNumbers) {
    start();
    ASSERT_TRUE(feed(1, "one"));
    bench->exchange();
    EXPECT_EQ(bench->server.rooms, 0) << "nobody wants it";
    bench->session().room().want(true);
    EXPECT_TRUE(bench->session().room().wanted());
    bench->exchange();
    EXPECT_EQ(bench->server.rooms, 0) << "nothing got a number";
    ASSERT_TRUE(feed(1, "two"));
    ASSERT_TRUE(feed(1, "three"));
    bench->exchange();
    EXPECT_EQ(bench->server.rooms, 1) << "once for each write";
    ASSERT_TRUE(feed(1, std::string(300'000, 'x')));
    bench->to_client(1, bench->from_server(1, 1));
    EXPECT_EQ(bench->server.rooms, 1) << "its other pieces wait";
    bench->exchange();
    EXPECT_EQ(bench->server.rooms, 2);
    bench->session().room().want(false);
    ASSERT_TRUE(feed(1, "four"));
    bench->exchange();
    EXPECT_EQ(bench->server.rooms, 2);
    EXPECT_EQ(bench->client.feeds.size(), 5u);
}

TEST_F(Feeds, RoomIsToldWhenACarrierBecomesActive) {
    start();
    bench->session().room().want(true);
    bench->cut(1);
    EXPECT_EQ(bench->server.rooms, 0);
    bench->connect(2);
    EXPECT_EQ(bench->server.rooms, 1);
    bench->session().room().want(false);
    bench->cut(2);
    bench->connect(3);
    EXPECT_EQ(bench->server.rooms, 1);
}

TEST_F(Feeds, RoomIsToldWhenTheServerMovesToAnotherCarrierByItself) {
    start();
    bench->open(2, true);
    bench->exchange();
    bench->session().room().want(true);
    bench->silence(1);
    bench->server.table.carrier_gone(1, bench->now());
    EXPECT_EQ(bench->session().active(), 2u);
    EXPECT_EQ(bench->server.rooms, 1);
}

// ---- slowness ----

TEST_F(Feeds, AClientThatIsSlowWithFeedsAloneKeepsItsSession) {
    start({}, narrow());
    bench->client.consumes_feeds = false;
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(feed(1, std::to_string(i)));
    bench->live(2min, 1s);
    ASSERT_TRUE(bench->server.ended.empty());
    EXPECT_EQ(waiting(), 3u);
    ASSERT_TRUE(message(1)) << "behind them";
    bench->live(29s, 1s);
    EXPECT_TRUE(bench->server.ended.empty());
    bench->live(2s, 1s);
    ASSERT_EQ(bench->server.ended.size(), 1u);
    EXPECT_EQ(bench->server.ended[0].second, errc::slow_consumer);
}

TEST_F(Feeds, ThatWaitInOneLaneDoNotMakeAnotherLookSlow) {
    start({}, narrow());
    bench->client.consumes_feeds = false;
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(feed(1, std::to_string(i)));
    bench->exchange();
    ASSERT_EQ(waiting(), 3u);
    // Of the other lane one message a second is taken, and more wait.
    for (std::uint8_t i = 1; i <= 60; ++i) ASSERT_TRUE(message(i, kOtherLane));
    for (int i = 0; i < 45; ++i) {
        bench->pass(1s);
        bench->client.session.on_time(bench->now());
        bench->server.table.on_time(bench->now());
        bench->to_client(1, bench->from_server(1, 1));
        (void)bench->to_server(1, bench->from_client(1));
    }
    ASSERT_TRUE(bench->server.ended.empty());
    EXPECT_GE(bench->client.texts.size(), 40u);
    EXPECT_GT(bench->session().totals().other_frames(), 0u);
    check();
}

// ---- goodbye ----

TEST_F(Feeds, AShutdownDoesNotWaitForThem) {
    start({}, narrow());
    bench->client.consumes_feeds = false;
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(feed(1, std::to_string(i)));
    bench->exchange();
    bench->server.table.end(bench->session(), errc::shutting_down, "down", 0, bench->now());
    EXPECT_EQ(waiting(), 0u);
    bench->live(500ms);
    EXPECT_EQ(bench->client.ended, std::vector<errc>{errc::shutting_down});
    EXPECT_EQ(got().size(), 2u) << "what had a number";
}

TEST_F(Feeds, ADisconnectDoesNotWaitForThem) {
    start({}, narrow());
    bench->client.consumes_feeds = false;
    for (int i = 1; i <= 5; ++i) ASSERT_TRUE(feed(1, std::to_string(i)));
    bench->exchange();
    bench->client.session.disconnect(bench->now());
    bench->live(500ms);
    EXPECT_EQ(bench->client.disconnected, std::vector<bool>{true});
    ASSERT_EQ(bench->server.ended.size(), 1u);
    EXPECT_EQ(bench->server.ended[0].second, errc::ok);
}

// ---- beside messages ----

TEST_F(Feeds, AClientKnowsWhichMessagesHaveComeByThemselves) {
    Settings settings;
    settings.session_life = 10s;
    start(settings);
    ASSERT_TRUE(bench->push(1, "x"));
    EXPECT_FALSE(bench->client.session.has_seen(kServerTarget, id_of(1)));
    bench->exchange();
    EXPECT_TRUE(bench->client.session.has_seen(kServerTarget, id_of(1)));
    EXPECT_FALSE(bench->client.session.has_seen("bob", id_of(1))) << "two senders may use one id";
    EXPECT_FALSE(bench->client.session.has_seen(kServerTarget, id_of(2)));
    bench->cut(1);
    bench->pass(11s);
    bench->server.table.on_time(bench->now());
    bench->connect(2);
    ASSERT_EQ(bench->client.gaps.size(), 1u);
    EXPECT_TRUE(bench->client.session.has_seen(kServerTarget, id_of(1))) << "whatever session it came in";
}

}  // namespace
}  // namespace flare::session::test
