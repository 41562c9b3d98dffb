// The credential of a session: docs/protocol.md, "Credentials".
#include "support.hpp"

namespace flare::session::test {
namespace {

struct Credential : ::testing::Test {
    // A session whose credential is good for ten minutes; its client is warned a minute before.
    Credential() {
        bench.server.expires_at = bench.now() + 10min;
        bench.connect(1);
    }
    Bench bench;
};

TEST_F(Credential, ItsEndIsToldInTimeAndThenTheSessionEnds) {
    bench.live(8min, 10s);
    EXPECT_TRUE(bench.client.credentials.empty());
    bench.live(61s, 1s);
    ASSERT_EQ(bench.client.credentials.size(), 1u);
    EXPECT_EQ(bench.client.credentials[0].code, errc::ok);
    EXPECT_FALSE(bench.client.credentials[0].answer);
    EXPECT_LE(bench.client.credentials[0].expires_in_ms, 60'000u);
    EXPECT_GE(bench.client.credentials[0].expires_in_ms, 58'000u);
    EXPECT_TRUE(bench.client.ended.empty());
    bench.live(61s, 1s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::token_expired}));
    EXPECT_EQ(bench.client.credentials.size(), 1u);
}

TEST_F(Credential, OneThatLivesShortIsWarnedOfInItsLastQuarter) {
    Bench brief;
    brief.server.expires_at = brief.now() + 8s;
    brief.connect(1);
    brief.live(5s);
    EXPECT_TRUE(brief.client.credentials.empty());
    brief.live(1500ms);
    EXPECT_EQ(brief.client.credentials.size(), 1u);
}

TEST_F(Credential, AnotherOneMovesTheEnd) {
    bench.server.next_identity = SessionCredential{"ann", bench.now() + 30min};
    bench.client.session.renew_credential("new");
    bench.exchange();
    EXPECT_EQ(bench.server.credentials, (std::vector<std::string>{"new"}));
    ASSERT_EQ(bench.client.credentials.size(), 1u);
    EXPECT_EQ(bench.client.credentials[0].code, errc::ok);
    EXPECT_TRUE(bench.client.credentials[0].answer);
    EXPECT_EQ(bench.client.credentials[0].expires_in_ms, 30u * 60 * 1000);
    bench.live(28min, 10s);
    EXPECT_TRUE(bench.client.ended.empty());
    bench.live(3min, 10s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::token_expired}));
}

TEST_F(Credential, OneThatIsRefusedOrBelongsToAnotherChangesNothing) {
    bench.server.next_identity = Failure(errc::unauthenticated, "no");
    bench.client.session.renew_credential("bad");
    bench.exchange();
    bench.server.next_identity = SessionCredential{"bob", kNever};
    bench.client.session.renew_credential("bob's");
    bench.exchange();
    ASSERT_EQ(bench.client.credentials.size(), 2u);
    EXPECT_EQ(bench.client.credentials[0].code, errc::unauthenticated);
    EXPECT_EQ(bench.client.credentials[0].text, "no");
    EXPECT_EQ(bench.client.credentials[1].code, errc::user_mismatch);
    EXPECT_TRUE(bench.client.ended.empty());
    bench.live(11min, 10s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::token_expired}));
}

TEST_F(Credential, OneThatTookTheWayOfALostCarrierGoesAgainOnTheNext) {
    bench.server.answers = false;
    bench.client.session.renew_credential("new");
    EXPECT_NE(bench.from_client(1), "");  // lost with the carrier
    bench.cut(1);
    bench.server.answers = true;
    bench.server.next_identity = SessionCredential{"ann", kNever};
    bench.connect(2);
    EXPECT_EQ(bench.server.credentials, (std::vector<std::string>{"new"}));
    ASSERT_EQ(bench.client.credentials.size(), 1u);
    EXPECT_EQ(bench.client.credentials[0].expires_in_ms, 0u);  // never
    bench.live(20min, 10s);
    EXPECT_TRUE(bench.client.ended.empty());
}

TEST_F(Credential, IsLookedAtOnceThoughItComesTwice) {
    bench.server.answers = false;  // authentication takes its time
    bench.client.session.renew_credential("new");
    bench.exchange();
    bench.cut(1);
    bench.connect(2);
    EXPECT_EQ(bench.server.credentials.size(), 1u);
    bench.server.table.renew(bench.session().id(), SessionCredential{"ann", kNever}, bench.now());
    bench.exchange();
    EXPECT_EQ(bench.client.credentials.size(), 1u);
}

TEST_F(Credential, AnAnswerForASessionThatIsOverIsPassedOver) {
    const SessionId id = bench.session().id();
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.live(10s);
    bench.server.table.renew(id, SessionCredential{"ann", kNever}, bench.now());
    EXPECT_TRUE(bench.client.credentials.empty());
}

TEST_F(Credential, WithoutAnEndNothingIsTold) {
    Bench plain;
    plain.connect(1);
    plain.live(3h, 20s);
    EXPECT_TRUE(plain.client.credentials.empty());
    EXPECT_TRUE(plain.client.ended.empty());
}

}  // namespace
}  // namespace flare::session::test
