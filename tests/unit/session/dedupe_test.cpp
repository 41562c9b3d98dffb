#include "session/dedupe.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

constexpr Duration kWindow = 2min;
constexpr TimePoint kStarted = kStart - 1h;
using Verdict = DedupeRing::Verdict;

class DedupeRingTest : public ::testing::Test {
protected:
    Verdict check(std::uint8_t number, TimePoint now, Duration first_sent_ago = {}) {
        return ring.check(id_of(number), first_sent_ago, kStarted, now).verdict;
    }
    void act_on(std::uint8_t number, TimePoint now) {
        ASSERT_EQ(check(number, now), Verdict::fresh);
        ring.finish(id_of(number), {wire::ReceiptStatus::handled, errc::ok, {}, 0});
    }

    DedupeRing ring{4, kWindow};
};

TEST_F(DedupeRingTest, ActsOnAnIdOnce) {
    EXPECT_EQ(check(1, kStart), Verdict::fresh);
    EXPECT_EQ(check(1, kStart), Verdict::in_progress);
    ring.finish(id_of(1), {wire::ReceiptStatus::refused, errc::handler_failed, "why", 5});

    const auto again = ring.check(id_of(1), 0s, kStarted, kStart + 1s);
    ASSERT_EQ(again.verdict, Verdict::finished);
    EXPECT_EQ(again.receipt->status, wire::ReceiptStatus::refused);
    EXPECT_EQ(again.receipt->code, errc::handler_failed);
    EXPECT_EQ(again.receipt->text, "why");
    EXPECT_EQ(again.receipt->retry_after_ms, 5u);
}

TEST_F(DedupeRingTest, RemembersForTheWholeWindow) {
    act_on(1, kStart);
    EXPECT_EQ(check(1, kStart + kWindow, kWindow), Verdict::finished);
}

TEST_F(DedupeRingTest, RefusesARepeatOfWhatItMayHaveForgottenByAge) {
    act_on(1, kStart);
    EXPECT_EQ(check(1, kStart + kWindow + 1s, kWindow + 1s), Verdict::too_old);
}

TEST_F(DedupeRingTest, RefusesARepeatOfWhatItMayHaveForgottenForWantOfRoom) {
    act_on(1, kStart);
    for (std::uint8_t i = 2; i <= 5; ++i) act_on(i, kStart + 1s);

    EXPECT_EQ(ring.size(), 4u);
    EXPECT_EQ(check(1, kStart + 2s, 2s), Verdict::too_old);
    EXPECT_EQ(check(2, kStart + 2s, 1s), Verdict::finished);
}

TEST_F(DedupeRingTest, TakesARepeatThatIsYoungerThanAllThatWasForgotten) {
    act_on(1, kStart);
    for (std::uint8_t i = 2; i <= 5; ++i) act_on(i, kStart + 1s);
    EXPECT_EQ(check(9, kStart + 2s, 1s), Verdict::fresh);  // first sent after the forgotten one was acted on
}

TEST_F(DedupeRingTest, TakesARepeatFromBeforeTheProcessBegan) {
    EXPECT_EQ(ring.check(id_of(1), kWindow * 2, kStart - 1s, kStart).verdict, Verdict::fresh);
}

TEST_F(DedupeRingTest, RefusesARepeatFromBeforeTheProcessBeganOnceItMayHaveBeenActedOnAndForgotten) {
    const auto sent_at = kStart - 1s;
    ASSERT_EQ(ring.check(id_of(1), 2s, kStart, sent_at + 2s).verdict, Verdict::fresh);
    ring.finish(id_of(1), {wire::ReceiptStatus::handled, errc::ok, {}, 0});
    const auto later = kStart + kWindow + 5s;
    EXPECT_EQ(ring.check(id_of(1), later - sent_at, kStart, later).verdict, Verdict::too_old);
}

TEST_F(DedupeRingTest, KeepsWhatIsBeingHandledHoweverLongItTakes) {
    ASSERT_EQ(check(1, kStart), Verdict::fresh);
    EXPECT_EQ(check(1, kStart + 3 * kWindow, 3 * kWindow), Verdict::in_progress);
    ring.finish(id_of(1), {wire::ReceiptStatus::handled, errc::ok, {}, 0});
    EXPECT_NE(check(1, kStart + 3 * kWindow + 1s, 3 * kWindow + 1s), Verdict::fresh);
}

TEST_F(DedupeRingTest, ManyNewIdsDoNotPushOutOneThatIsBeingHandled) {
    ASSERT_EQ(check(1, kStart), Verdict::fresh);
    for (std::uint8_t i = 2; i <= 9; ++i) act_on(i, kStart + 1s);
    EXPECT_EQ(check(1, kStart + 2s, 2s), Verdict::in_progress);
}

TEST_F(DedupeRingTest, ForgetsAWithdrawnIdAtOnce) {
    ASSERT_EQ(check(1, kStart), Verdict::fresh);
    ring.withdraw(id_of(1));
    EXPECT_TRUE(ring.empty());
    EXPECT_EQ(check(1, kStart + 1s), Verdict::fresh);
}

TEST_F(DedupeRingTest, AWithdrawnIdSeenAgainLivesItsOwnTime) {
    ASSERT_EQ(check(1, kStart), Verdict::fresh);
    ring.withdraw(id_of(1));
    act_on(1, kStart + 1min);
    EXPECT_EQ(check(1, kStart + kWindow + 30s, 90s), Verdict::finished);
}

TEST_F(DedupeRingTest, KnowsEveryIdWhileItGrowsFromAFewToMany) {
    DedupeRing large{50, kWindow};
    const auto verdict = [&](std::uint8_t number) { return large.check(id_of(number), 0s, kStarted, kStart).verdict; };
    for (std::uint8_t number = 1; number <= 40; ++number) {
        ASSERT_EQ(verdict(number), Verdict::fresh);
        if (number == 3) continue;  // still being handled
        large.finish(id_of(number), {wire::ReceiptStatus::handled, errc::ok, {}, 0});
        for (std::uint8_t earlier = 1; earlier <= number; ++earlier)
            ASSERT_EQ(verdict(earlier), earlier == 3 ? Verdict::in_progress : Verdict::finished);
    }
    EXPECT_EQ(large.size(), 40u);
    for (std::uint8_t number = 41; number <= 70; ++number) {
        ASSERT_EQ(verdict(number), Verdict::fresh);
        large.finish(id_of(number), {wire::ReceiptStatus::handled, errc::ok, {}, 0});
    }
    EXPECT_EQ(large.size(), 50u);
    EXPECT_EQ(verdict(3), Verdict::in_progress) << "the others are forgotten first";
    EXPECT_EQ(verdict(22), Verdict::finished);
}

TEST_F(DedupeRingTest, IsEmptyWhenAllHasExpired) {
    act_on(1, kStart);
    ring.expire(kStart + kWindow + 1s);
    EXPECT_TRUE(ring.empty());
}

}  // namespace
}  // namespace flare::session::test
