// What goes with the Hello of a session that is resumed: docs/protocol.md, "The first flight".
#include "support.hpp"

namespace flare::session::test {
namespace {

std::vector<wire::FrameKind> kinds_of(const std::string& batch) {
    std::vector<wire::FrameKind> kinds;
    for (const auto& frame : frames_of(batch)) kinds.push_back(frame.kind);
    return kinds;
}

// A session whose carrier broke, and a message that waits.
class FirstFlight : public ::testing::Test {
protected:
    FirstFlight() {
        bench.connect(1);
        EXPECT_EQ(code_of(bench.send(1, "before")), errc::ok);
        bench.exchange();
        bench.cut(1);
        EXPECT_EQ(code_of(bench.send(2, "waited")), errc::ok);
        bench.client.session.begin_attempt("token");
        bench.open(2);
    }
    // As a server that gets it in early data.
    void take_early(const std::string& flight) {
        std::string_view rest;
        const auto hello = read_hello(flight, rest);
        ASSERT_TRUE(hello);
        bench.server.table.take_early(*hello, rest, bench.now());
    }

    Bench bench;
};

TEST_F(FirstFlight, HasTheHelloAnActivateAndTheMessages) {
    const auto kinds = kinds_of(bench.from_client(2));
    EXPECT_EQ(kinds, (std::vector{wire::FrameKind::hello, wire::FrameKind::activate, wire::FrameKind::data}));
}

TEST_F(FirstFlight, IsActedOnWithoutAnotherRoundTrip) {
    bench.to_server(2, bench.from_client(2));
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    // Welcome, and behind it what the session has to say.
    const auto kinds = kinds_of(bench.from_server(2));
    ASSERT_GE(kinds.size(), 2u);
    EXPECT_EQ(kinds[0], wire::FrameKind::welcome);
    EXPECT_EQ(kinds[1], wire::FrameKind::receipt);
}

TEST_F(FirstFlight, IsNotSentAgainAfterTheWelcome) {
    bench.to_server(2, bench.from_client(2));
    bench.to_client(2, bench.from_server(2));
    const std::string next = bench.from_client(2);
    for (const auto& frame : frames_of(next)) EXPECT_NE(frame.kind, wire::FrameKind::data);
    bench.to_server(2, next);
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::ok);
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{2, true}));
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST_F(FirstFlight, LeavesTheOldTicketGoodUntilTheWelcomeHasArrived) {
    bench.to_server(2, bench.from_client(2));
    (void)bench.from_server(2);  // a Welcome that is lost
    bench.cut(2);
    bench.client.session.begin_attempt("token");
    bench.open(3);
    bench.exchange();
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{3, true}));
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_EQ(bench.client.outcomes.size(), 2u);
}

TEST_F(FirstFlight, OnlyTheFirstCarrierOfAConnectHurries) {
    bench.open(3);
    EXPECT_EQ(kinds_of(bench.from_client(2)).size(), 3u);
    EXPECT_EQ(kinds_of(bench.from_client(3)), std::vector{wire::FrameKind::hello});
    bench.exchange();
}

TEST_F(FirstFlight, GoesWithTheFirstHelloOfACarrierAlone) {
    bench.open(3);
    const std::string flight = bench.from_client(2);
    EXPECT_EQ(kinds_of(bench.from_client(3)), std::vector{wire::FrameKind::hello});
    bench.to_server(2, flight);
    bench.exchange();  // the Welcome on carrier 2 brings another ticket than the one shown on carrier 3
    bench.cut(2);
    ASSERT_EQ(code_of(bench.send(3, "waits again")), errc::ok);
    wire::Refused refused;
    refused.code = errc::ticket_invalid;
    wire::Batch answer;
    write_refusal(answer, refused);
    bench.to_client(3, answer.str());
    EXPECT_EQ(kinds_of(bench.from_client(3)), std::vector{wire::FrameKind::hello});
}

TEST_F(FirstFlight, IsBounded) {
    for (std::uint8_t i = 10; i < 30; ++i) ASSERT_EQ(code_of(bench.send(i, std::string(2000, 'x'))), errc::ok);
    EXPECT_LE(bench.from_client(2).size(), 12u * 1024);
}

TEST_F(FirstFlight, OfALostSessionIsLostWithItAndSentAgainInTheNext) {
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.live(6s);
    bench.exchange();
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{2, false}));
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_EQ(bench.client.gaps.size(), 1u);
}

// ---- in early data ----

TEST_F(FirstFlight, InEarlyDataMessagesAreActedOnAndNothingElseHappens) {
    const auto attached = bench.server.attached;
    const auto presence = bench.server.presence;
    take_early(bench.from_client(2));
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_EQ(bench.server.attached, attached);
    EXPECT_EQ(bench.server.presence, presence);
    EXPECT_EQ(bench.session().active(), kNoCarrier);
    EXPECT_EQ(bench.session().presence(), Presence::detached);
}

TEST_F(FirstFlight, InEarlyDataIsConfirmedByAttaching) {
    const std::string flight = bench.from_client(2);
    take_early(flight);
    bench.to_server(2, flight);  // the handshake is complete
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST_F(FirstFlight, CopiesBeforeDuringAndAfterHaveNoEffect) {
    const std::string flight = bench.from_client(2);
    for (int i = 0; i < 100; ++i) take_early(flight);
    bench.to_server(2, flight);
    for (int i = 0; i < 100; ++i) take_early(flight);
    bench.exchange();
    for (int i = 0; i < 100; ++i) take_early(flight);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_EQ(bench.session().active(), 2u);
    EXPECT_EQ(code_of(bench.send(3, "after")), errc::ok);
    bench.exchange();
    EXPECT_EQ(bench.client.outcomes.size(), 3u);
    EXPECT_TRUE(bench.client.lost.size() == 1) << "the one cut of this test";
}

TEST_F(FirstFlight, InEarlyDataWithAForgedProofHasNoEffect) {
    const std::string flight = bench.from_client(2);
    std::string_view rest;
    auto hello = read_hello(flight, rest);
    ASSERT_TRUE(hello);
    hello->resume->mac[0] ^= 1;
    bench.server.table.take_early(*hello, rest, bench.now());
    EXPECT_EQ(bench.server.texts, std::vector<std::string>{"before"});
}

}  // namespace
}  // namespace flare::session::test
