// Calls that wait for a message's outcome while there is no connection: ClientSettings::send_timeout.
#include "support.hpp"

namespace flare::session::test {
namespace {

struct Offline : ::testing::Test {
    static ClientSettings patient_for(Duration send_timeout) {
        ClientSettings settings = Bench::client_settings();
        settings.send_timeout = send_timeout;
        return settings;
    }
    void wait_for(std::uint8_t number, std::string_view payload, std::string_view to = kServerTarget) {
        ASSERT_TRUE(bench.client.session.send(message_of(number, payload, to), Priority::normal, bench.now(), true));
    }
    const std::vector<Outcome>& outcomes() const { return bench.client.outcomes; }
    Bench bench{{}, patient_for(10s)};
};

TEST_F(Offline, WhatNeverHadANumberIsWithdrawnAndNeverSent) {
    bench.connect(1);
    bench.cut(1);
    wait_for(1, "withdrawn");
    bench.live(9'900ms);
    EXPECT_TRUE(outcomes().empty());
    bench.live(100ms);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].message_id, id_of(1));
    EXPECT_EQ(outcomes()[0].error, errc::not_connected);
    EXPECT_NE(outcomes()[0].text.find("10000 ms"), std::string::npos) << outcomes()[0].text;
    EXPECT_EQ(bench.client.session.queue_length(), 0u);

    ASSERT_TRUE(bench.send(2, "later"));
    bench.connect(2);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"later"})) << "the withdrawn one must not come";
}

TEST_F(Offline, BeforeTheFirstSessionItIsTheSame) {
    wait_for(1, "withdrawn");
    EXPECT_EQ(bench.client.session.next_deadline(), bench.now() + 10s) << "one deadline, of the oldest";
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::not_connected);
    EXPECT_EQ(bench.client.session.next_deadline(), kNever);
    bench.connect(1);
    EXPECT_TRUE(bench.server.texts.empty());
}

TEST_F(Offline, WhatWasUnderWayIsUnknownAndArrivesOnce) {
    bench.connect(1);
    wait_for(1, "under way");
    (void)bench.from_client(1);  // lost with its carrier
    bench.cut(1);
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::outcome_unknown);
    EXPECT_NE(outcomes()[0].text.find("may still arrive"), std::string::npos) << outcomes()[0].text;
    bench.connect(2);
    bench.live(1s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"under way"}));
    EXPECT_EQ(outcomes().size(), 1u) << "its receipt comes too late to be told";
    EXPECT_EQ(bench.server.errors.size(), 0u);
}

TEST_F(Offline, WhatTheServerHasIsUnknownToo) {
    bench.connect(1);
    bench.server.answers = false;
    wait_for(1, "taken");
    bench.exchange();
    bench.cut(1);
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::outcome_unknown);
}

// Its pieces that have numbers go on, so that the lane is whole.
TEST_F(Offline, ABigOneOfWhichPiecesWereSentIsUnknownAndDoesNotHarmTheLane) {
    bench.connect(1);
    const std::string big(3 * wire::kChunkThreshold, 'x');
    wait_for(1, big);
    (void)bench.from_client(1, wire::kChunkBytes / 2);
    bench.cut(1);
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::outcome_unknown);
    ASSERT_TRUE(bench.send(2, "after"));
    bench.connect(2);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{big, "after"}));
}

TEST_F(Offline, TheTimeCountsFromWhenItBeganToWaitOffline) {
    bench.connect(1);
    bench.server.answers = false;
    wait_for(1, "asked while connected");
    bench.exchange();
    bench.live(30s);
    EXPECT_TRUE(outcomes().empty()) << "there is a connection: it may wait";
    bench.cut(1);
    bench.live(5s);
    wait_for(2, "asked later");
    bench.live(4'900ms);
    EXPECT_TRUE(outcomes().empty());
    bench.live(100ms);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].message_id, id_of(1));
    bench.live(5s);
    ASSERT_EQ(outcomes().size(), 2u);
    EXPECT_EQ(outcomes()[1].message_id, id_of(2));
}

TEST_F(Offline, AConnectionInBetweenBeginsItAnew) {
    bench.connect(1);
    bench.server.answers = false;
    wait_for(1, "patient");
    bench.exchange();
    bench.cut(1);
    bench.live(9s);
    bench.connect(2);
    bench.cut(2);
    bench.live(9s);
    EXPECT_TRUE(outcomes().empty());
    bench.live(1s);
    EXPECT_EQ(outcomes().size(), 1u);
}

TEST_F(Offline, WhatWasPostedWaitsUntilItIsSent) {
    bench.connect(1);
    bench.cut(1);
    ASSERT_TRUE(bench.send(1, "posted"));
    wait_for(2, "waited for");
    ASSERT_TRUE(bench.send(3, "posted, too"));
    bench.live(1h, 1s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].message_id, id_of(2));
    bench.connect(2);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"posted", "posted, too"})) << "in their order";
    EXPECT_EQ(outcomes().size(), 3u);
}

TEST_F(Offline, WhatTheServerSaidBusyToIsAsIfItHadNeverBeenSent) {
    bench.connect(1);
    bench.server.answers = false;
    wait_for(1, "hello", "bob");
    bench.exchange();
    bench.server.table.finish(bench.server.handlings.at(0), {wire::ReceiptStatus::refused, errc::busy, "", 60'000},
                              nullptr, bench.now());
    bench.exchange();
    bench.cut(1);
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::not_connected);
    bench.connect(2);
    bench.live(2min, 1s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"hello"}));
}

TEST_F(Offline, OneThatIsClearedBeforeItsTimeHasOneOutcome) {
    wait_for(1, "cleared");
    bench.live(5s);
    EXPECT_EQ(bench.client.session.clear_queue(bench.now()), 1u);
    bench.live(10s);
    ASSERT_EQ(outcomes().size(), 1u);
    EXPECT_EQ(outcomes()[0].error, errc::cancelled);
    EXPECT_EQ(bench.client.session.next_deadline(), kNever);
}

TEST(OfflineWithoutATimeout, ACallWaitsForEver) {
    Bench bench({}, Offline::patient_for(0s));
    bench.connect(1);
    bench.cut(1);
    ASSERT_TRUE(bench.client.session.send(message_of(1, "patient"), Priority::normal, bench.now(), true));
    bench.live(24h, 1min);
    EXPECT_TRUE(bench.client.outcomes.empty());
    bench.connect(2);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"patient"}));
}

}  // namespace
}  // namespace flare::session::test
