// When a client's session finds the carrier in use at fault: docs/racing.md, "Failure detection".
#include "support.hpp"

namespace flare::session::test {
namespace {

// Round trips of 50 ms have been measured, and there is another way to the server.
class Health : public ::testing::Test {
protected:
    static ClientSettings settings(bool early = true) {
        ClientSettings made = Bench::client_settings();
        made.suspect_early = early;
        made.heartbeat_timeout = 1h;
        made.heartbeat_interval = 1h;
        return made;
    }
    void connect(Bench& bench) {
        bench.client.session.begin_attempt("token");
        bench.open(1);
        bench.to_server(1, bench.from_client(1));
        bench.to_client(1, bench.from_server(1));
        const std::string ping = bench.from_client(1);
        bench.pass(50ms);
        bench.to_server(1, ping);
        bench.to_client(1, bench.from_server(1));
        ASSERT_EQ(bench.client.session.round_trip(), 50ms);
    }
    // Batches come often, so that their absence says something.
    void chat(Bench& bench) {
        for (std::uint8_t i = 0; i < 60; ++i) {
            ASSERT_TRUE(bench.send(i, "x"));
            bench.live(1ms, 1ms);
        }
    }
    void send_into_the_void(Bench& bench) {
        ASSERT_TRUE(bench.send(100, "into the void"));
        (void)bench.from_client(1);
    }
    void wait(Bench& bench, Duration by) {
        for (const TimePoint end = bench.now() + by; bench.now() < end;) {
            bench.pass(1ms);
            bench.client.session.on_time(bench.now());
        }
    }
};

TEST_F(Health, ACarrierThatFallsSilentIsSuspectedAfterThreeRoundTripsAndABit) {
    Bench bench({}, settings());
    connect(bench);
    chat(bench);
    send_into_the_void(bench);
    wait(bench, 174ms);
    EXPECT_TRUE(bench.client.suspected.empty());
    wait(bench, 26ms);
    EXPECT_EQ(bench.client.suspected, (std::vector<CarrierKey>{1}));
    wait(bench, 10s);
    EXPECT_EQ(bench.client.suspected.size(), 1u) << "told once";
}

TEST_F(Health, WithoutAnotherWayItTakesTheRetryDelay) {
    Bench bench({}, settings(false));
    connect(bench);
    chat(bench);
    send_into_the_void(bench);
    wait(bench, 999ms);
    EXPECT_TRUE(bench.client.suspected.empty());
    wait(bench, 2ms);
    EXPECT_EQ(bench.client.suspected.size(), 1u);
}

TEST_F(Health, ACarrierThatWasQuietAnywayGetsTheTimeOfALateAcknowledgement) {
    Bench bench({}, settings());
    connect(bench);
    for (std::uint8_t i = 0; i < 20; ++i) {
        ASSERT_TRUE(bench.send(i, "now and then"));
        bench.live(300ms, 1ms);
    }
    send_into_the_void(bench);
    wait(bench, 490ms);
    EXPECT_TRUE(bench.client.suspected.empty());
    wait(bench, 30ms);
    EXPECT_EQ(bench.client.suspected.size(), 1u);
}

TEST_F(Health, AnAcknowledgementWithdrawsTheSuspicionThreeTimes) {
    Bench bench({}, settings());
    connect(bench);
    for (std::uint8_t i = 0; i < 4; ++i) {
        chat(bench);
        ASSERT_TRUE(bench.send(static_cast<std::uint8_t>(100 + i), "late"));
        const std::string late = bench.from_client(1);
        wait(bench, 600ms);
        ASSERT_EQ(bench.client.suspected.size(), i + 1u);
        bench.to_server(1, late);
        bench.live(50ms, 1ms);
        EXPECT_EQ(bench.client.recovered.size(), std::min<std::size_t>(i + 1u, 3u));
    }
}

TEST_F(Health, NothingIsHeldAgainstTheCarrierWhileTheProcessSlept) {
    Bench bench({}, settings());
    connect(bench);
    chat(bench);
    send_into_the_void(bench);
    bench.pass(10s);  // no timer fires
    bench.client.session.on_time(bench.now());
    EXPECT_TRUE(bench.client.suspected.empty());
    wait(bench, 200ms);
    EXPECT_EQ(bench.client.suspected.size(), 1u) << "now it had its time";
}

TEST_F(Health, AnAcknowledgementThatTakesLongIsSlowThoughOthersCome) {
    Bench bench({}, settings());
    connect(bench);
    // A line with a queue of 600 ms: everything arrives, late.
    std::vector<std::pair<TimePoint, std::string>> up;
    for (int i = 0; i < 600; ++i) {
        ASSERT_TRUE(bench.send(static_cast<std::uint8_t>(i % 250 + 1), "x") || i >= 250);
        std::string batch = bench.from_client(1);
        if (!batch.empty()) up.emplace_back(bench.now() + 600ms, std::move(batch));
        bench.pass(2ms);
        bench.client.session.on_time(bench.now());
        bench.server.table.on_time(bench.now());
        for (; !up.empty() && up.front().first <= bench.now(); up.erase(up.begin()))
            bench.to_server(1, up.front().second);
        bench.to_client(1, bench.from_server(1));
    }
    EXPECT_FALSE(bench.client.slow.empty());
    EXPECT_GE(bench.client.slow.at(0), 500ms);
}

TEST_F(Health, AProbeIsAnsweredAndTheirNumberIsBounded) {
    Bench bench({}, settings());
    connect(bench);
    const std::uint64_t id = bench.client.session.probe(1, 1000);
    ASSERT_NE(id, 0u);
    EXPECT_EQ(bench.client.session.probe(7, 0), 0u) << "there is no such carrier";
    const std::string batch = bench.from_client(1);
    EXPECT_GT(batch.size(), 1000u);
    bench.to_server(1, batch);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(bench.client.probes, (std::vector<std::uint64_t>{id}));
    for (std::size_t i = 0; i < ClientSession::kMaxProbes; ++i) EXPECT_NE(bench.client.session.probe(1, 0), 0u);
    EXPECT_EQ(bench.client.session.probe(1, 0), 0u);
    bench.exchange();
    EXPECT_EQ(bench.client.probes.size(), 1 + ClientSession::kMaxProbes);
    EXPECT_TRUE(bench.client.closed.empty());
}

}  // namespace
}  // namespace flare::session::test
