// How sessions end: docs/protocol.md, the state tables of the sessions.
#include "support.hpp"

namespace flare::session::test {
namespace {

TEST(Life, AClientThatGivesNoCreditEndsAsSlowConsumer) {
    Settings settings;
    settings.slow_consumer_after = 10s;
    settings.heartbeat_timeout = 1h;
    ClientSettings client = Bench::client_settings();
    client.max_unacked_frames = 40;
    Bench bench(settings, client);
    bench.connect(1);
    const SessionId id = *bench.client.session.id();
    for (std::uint8_t i = 0; i < 10; ++i) ASSERT_TRUE(bench.push(i, "x"));
    EXPECT_NE(bench.from_server(1), "");  // all its credit, and it never answers
    ASSERT_TRUE(bench.push(11, "one too many"));

    bench.pass(9s);
    bench.server.table.on_time(bench.now());
    EXPECT_TRUE(bench.server.ended.empty());
    bench.pass(2s);
    bench.server.table.on_time(bench.now());
    EXPECT_EQ(bench.server.ended, (std::vector<std::pair<SessionId, errc>>{{id, errc::slow_consumer}}));
}

TEST(Life, WhoIsThrownOutGetsNothingBehindWhatWasDropped) {
    Bench bench;
    bench.server.answers = false;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "asks"));
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 1u);
    ASSERT_TRUE(bench.push(2, "dropped"));
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    const Reply reply{"server", message_of(3, "reply")};
    bench.server.table.finish(bench.server.handlings[0], {wire::ReceiptStatus::handled, errc::ok, {}, 0}, &reply,
                              bench.now());

    bench.exchange();
    EXPECT_TRUE(bench.client.texts.empty());
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::kicked}));
}

TEST(Life, ADisconnectWaitsForWhatWasSentAndItsReceipts) {
    Bench bench;
    bench.server.answers = false;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "x"));
    bench.client.session.disconnect(bench.now());
    EXPECT_EQ(code_of(bench.send(2, "too late")), errc::shutting_down);
    bench.exchange();
    EXPECT_TRUE(bench.client.disconnected.empty());

    bench.server.table.finish(bench.server.handlings[0], {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr,
                              bench.now());
    bench.live(1s);
    EXPECT_EQ(bench.client.disconnected, (std::vector<bool>{true}));
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::ok);
}

TEST(Life, ADisconnectEndsAtItsLimitWhateverTheServerDoes) {
    Bench bench;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "x"));
    bench.silence(1);
    bench.client.session.disconnect(bench.now());
    bench.live(6s);
    EXPECT_EQ(bench.client.disconnected, (std::vector<bool>{false}));
}

TEST(Life, AShutdownSendsWhatWaitsAndSaysWhenToComeBack) {
    Bench bench;
    bench.connect(1);
    for (std::uint8_t i = 0; i < 20; ++i) ASSERT_TRUE(bench.push(i, std::to_string(i)));
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    EXPECT_EQ(code_of(bench.push(30, "late")), errc::session_ended);
    bench.live(1s);
    EXPECT_EQ(bench.client.texts.size(), 20u);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));
    EXPECT_TRUE(bench.client.gaps.empty()) << "nothing is missing";
    EXPECT_EQ(bench.server.table.size(), 0u);
}

TEST(Life, ASessionThatSaysGoodbyeEndsWithItsLastCarrier) {
    Bench bench;
    bench.connect(1);
    ASSERT_TRUE(bench.push(1, "never acknowledged"));
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 0, bench.now());
    EXPECT_TRUE(bench.server.ended.empty());
    bench.cut(1);
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::shutting_down);
    EXPECT_EQ(bench.server.table.size(), 0u);
}

// Otherwise the next session says again and again that its time has come.
TEST(Life, AnEndThatADisconnectOvertakesIsNotTheNextSessions) {
    Bench bench;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "x"));
    bench.exchange();
    ASSERT_TRUE(bench.push(1, "its acknowledgement waits for the carrier"));
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.to_client(1, bench.from_server(1));
    ASSERT_TRUE(bench.client.ended.empty());
    bench.client.session.disconnect(bench.now());
    ASSERT_EQ(bench.client.disconnected.size(), 1u);

    bench.connect(2);
    ASSERT_TRUE(bench.client.session.attached());
    bench.client.session.on_time(bench.now());
    EXPECT_GT(bench.client.session.next_deadline(), bench.now());
    bench.cut(2);
    EXPECT_TRUE(bench.client.session.may_go_early());
}

TEST(Life, AnEndThatOvertakesTheWelcomeComesBehindIt) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    ASSERT_FALSE(bench.to_server(1, bench.from_client(1)));
    bench.server.table.end(*bench.server.table.by_carrier(1), errc::kicked, "out", 0, bench.now());
    bench.exchange();
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::kicked}));
    EXPECT_EQ(bench.client.closed, (std::vector<Closed>{{1, errc::ok}}));
}

TEST(Life, AnEndThatOvertakesTheWelcomeOfAResumeTellsOfTheGap) {
    Bench bench;
    bench.server.answers = false;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "asks"));
    bench.exchange();
    bench.cut(1);
    ASSERT_TRUE(bench.push(2, "missed"));
    bench.client.session.begin_attempt("token");
    bench.open(2);
    ASSERT_FALSE(bench.to_server(2, bench.from_client(2)));
    bench.server.table.cut_off(bench.session(), errc::credential_revoked, "revoked", bench.now());
    bench.exchange();
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::credential_revoked}));
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    const GapReport& gap = bench.client.gaps[0];
    EXPECT_EQ(gap.resent, (std::vector<Uuid>{id_of(1)}));
    const auto& lane = gap.lanes[lane_of(kServerTarget, 4)];
    EXPECT_TRUE(lane.exact);
    EXPECT_EQ(lane.server_sent, lane.received + 1);
}

// Something waits for the client that the server's goodbye counts and that does not come.
class HalfAGoodbye : public ::testing::Test {
protected:
    HalfAGoodbye() {
        bench.connect(1);
        bench.open(2, true);
        bench.exchange();
        EXPECT_TRUE(bench.push(1, "lost"));
    }
    static ClientSettings takes_little() {
        ClientSettings settings = Bench::client_settings();
        settings.max_message_bytes = 10;
        return settings;
    }
    void goodbye_alone(CarrierKey key) {
        bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
        const std::string said = bench.from_server(key);
        for (const auto& frame : frames_of(said)) {
            if (frame.kind != wire::FrameKind::goodbye) continue;
            bench.to_client(key, batch_of({}, wire::encode(*wire::decode_goodbye(frame.body))));
        }
    }
    // A frame whose number counts and whose content cannot be had.
    void too_large(CarrierKey key) {
        bench.to_client(key, numbered(lane_of(kServerTarget, 4), 1, data_of(9, "more than it takes")));
    }

    Bench bench{{}, takes_little()};
};

TEST_F(HalfAGoodbye, OfASessionThatIsLostSetsTheNextOneNoTime) {
    (void)bench.from_server(1);
    goodbye_alone(1);
    too_large(2);
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    ASSERT_TRUE(bench.client.ended.empty());

    bench.connect(3);
    bench.live(6s);  // longer than that goodbye had
    EXPECT_GT(bench.client.session.next_deadline(), bench.now());
    ASSERT_TRUE(bench.push(2, "late"));
    const std::string late = bench.from_server(3);
    goodbye_alone(3);
    EXPECT_TRUE(bench.client.ended.empty()) << "what was sent before has its time";
    bench.to_client(3, late);
    bench.live(1s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::kicked}));
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{"late"}));
}

TEST_F(HalfAGoodbye, ADisconnectIsOverWithItsSession) {
    bench.client.session.disconnect(bench.now());
    too_large(2);
    EXPECT_EQ(bench.client.disconnected, (std::vector<bool>{false}));
    bench.connect(3);
    EXPECT_TRUE(bench.send(1, "x"));
}

TEST(Life, ASessionWithoutCarriersExpiresAndItsTombstoneKnowsTheGap) {
    Settings settings;
    settings.session_life = 30s;
    Bench bench(settings);
    bench.connect(1);
    bench.cut(1);
    ASSERT_TRUE(bench.push(1, "missed"));
    bench.live(31s);
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::session_expired);

    bench.connect(2);
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    EXPECT_EQ(bench.client.gaps[0].reason, errc::session_expired);
    EXPECT_TRUE(bench.client.gaps[0].lanes[0].exact);
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{2, false}));
}

TEST(Life, ALostSessionIsFollowedByANewConnect) {
    Settings settings;
    settings.session_life = 30s;
    Bench bench(settings);
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "x"));
    bench.exchange();
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.open(2);
    bench.exchange();  // the resume is refused, the Hello with the token that follows must not find the old one
    EXPECT_EQ(bench.server.created.size(), 2u);
    EXPECT_TRUE(bench.client.session.attached());
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST(Life, SilenceEndsACarrierOnBothSides) {
    Settings settings;
    settings.heartbeat_timeout = 20s;
    ClientSettings client = Bench::client_settings();
    client.heartbeat_interval = 5s;
    client.heartbeat_timeout = 20s;
    Bench bench(settings, client);
    bench.connect(1);
    bench.silence(1);
    bench.live(21s);
    EXPECT_EQ(bench.client.lost, (std::vector<errc>{errc::heartbeat_timeout}));
    ASSERT_FALSE(bench.server.closed.empty());
    EXPECT_EQ(bench.server.closed[0].code, errc::heartbeat_timeout);
    EXPECT_EQ(bench.session().presence(), Presence::detached);
}

TEST(Life, AStandbyTakesOverAndTellsAgainWhatItHas) {
    Bench bench;
    bench.connect(1);
    bench.open(2, true);
    bench.exchange();
    EXPECT_EQ(bench.client.standby, (std::vector<CarrierKey>{2}));
    ASSERT_TRUE(bench.push(1, "x"));
    bench.to_client(1, bench.from_server(1));
    bench.pass(1s);
    (void)bench.from_client(1);  // its acknowledgement is lost with the carrier
    bench.cut(1);
    bench.exchange();
    EXPECT_EQ(bench.session().active(), 2u);
    EXPECT_EQ(bench.session().totals().unacked_frames, 0u);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{"x"}));
    EXPECT_TRUE(bench.client.lost.empty());
}

}  // namespace
}  // namespace flare::session::test
