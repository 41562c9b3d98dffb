#include "session/dedupe.hpp"

#include "support.hpp"

#include <array>
#include <random>

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

TEST_F(DedupeRingTest, TellsWhatItKnowsAndRemembersNothingNewByIt) {
    EXPECT_FALSE(ring.knows(id_of(2)));
    act_on(2, kStart);
    EXPECT_TRUE(ring.knows(id_of(2)));
    EXPECT_FALSE(ring.knows(id_of(1)));
    EXPECT_EQ(check(1, kStart), Verdict::fresh) << "ids no longer ascend";
    EXPECT_TRUE(ring.knows(id_of(1))) << "also while it is in progress";
    EXPECT_TRUE(ring.knows(id_of(2)));
    EXPECT_FALSE(ring.knows(id_of(3)));
    ring.withdraw(id_of(1));
    EXPECT_FALSE(ring.knows(id_of(1)));
    EXPECT_EQ(ring.size(), 1u);
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

TEST_F(DedupeRingTest, KnowsIdsThatCameOutOfOrder) {
    constexpr std::array<std::uint8_t, 4> kNumbers{5, 9, 2, 7};
    for (const std::uint8_t number : kNumbers) act_on(number, kStart);
    for (const std::uint8_t number : kNumbers) EXPECT_EQ(check(number, kStart), Verdict::finished);
    EXPECT_EQ(check(1, kStart + 1s), Verdict::fresh);
    EXPECT_EQ(check(5, kStart + 1s, 1s), Verdict::too_old) << "the first that came is forgotten, not the smallest";
}

TEST_F(DedupeRingTest, WhatWasForgottenBehindASlowOneTakesNoRoom) {
    DedupeRing large{100, kWindow};
    ASSERT_EQ(large.check(id_of(1), 0s, kStarted, kStart).verdict, Verdict::fresh);
    Uuid id = id_of(2);
    for (int i = 0; i < 1'000'000; ++i) {
        for (std::size_t at = 8; at-- > 0 && ++id.bytes[at] == 0;) {
        }
        ASSERT_EQ(large.check(id, 0s, kStarted, kStart).verdict, Verdict::fresh);
        large.finish(id, {wire::ReceiptStatus::handled, errc::ok, {}, 0});
    }
    EXPECT_EQ(large.size(), 100u);
    EXPECT_EQ(large.check(id_of(1), 1s, kStarted, kStart).verdict, Verdict::in_progress);
}

// Against a list that is searched from end to end.
TEST_F(DedupeRingTest, AgreesWithASimpleList) {
    struct Known {
        Uuid id;
        TimePoint at;
        bool finished = false;
    };
    constexpr std::size_t kCapacity = 20;
    std::mt19937_64 random(7);
    for (int round = 0; round < 200; ++round) {
        DedupeRing tested{kCapacity, kWindow};
        std::vector<Known> list;
        const bool shuffled = round % 2 == 1;
        TimePoint now = kStart;
        for (int step = 1; step < 200; ++step) {
            now += std::chrono::milliseconds(random() % 2000);
            std::erase_if(list, [&, stop = false](const Known& each) mutable {
                stop = stop || now - each.at <= kWindow || !each.finished;
                return !stop;
            });
            const bool again = random() % 4 == 0 && !list.empty();
            const Uuid id = again ? list[random() % list.size()].id
                                  : id_of(static_cast<std::uint8_t>(shuffled ? 1 + random() % 250 : step));
            auto known = std::find_if(list.begin(), list.end(), [&](const Known& each) { return each.id == id; });
            const auto check = tested.check(id, 0s, kStarted, now);
            if (known == list.end()) {
                ASSERT_EQ(check.verdict, Verdict::fresh);
                const auto finished = [](const Known& each) { return each.finished; };
                while (list.size() >= kCapacity) {
                    const auto oldest = std::find_if(list.begin(), list.end(), finished);
                    if (oldest == list.end()) break;
                    list.erase(oldest);
                }
                list.push_back({id, now});
                known = std::prev(list.end());
            } else {
                ASSERT_EQ(check.verdict, known->finished ? Verdict::finished : Verdict::in_progress);
                if (known->finished) {
                    ASSERT_EQ(check.receipt->text, known->id.str());
                }
            }
            if (!known->finished && random() % 8 == 0) {
                tested.withdraw(id);
                list.erase(known);
            } else if (!known->finished && random() % 4 != 0) {
                tested.finish(id, {wire::ReceiptStatus::refused, errc::handler_failed, id.str(), 0});
                known->finished = true;
            }
            ASSERT_EQ(tested.size(), list.size());
        }
    }
}

TEST(DedupeRing, InPlaceOfOneThatWasForgottenActsOnNothingThatThatOneMayHaveActedOn) {
    DedupeRing ring(4, kWindow, {}, kStart);
    EXPECT_EQ(ring.check(id_of(1), 10s, kStarted, kStart + 5s).verdict, Verdict::too_old);
    EXPECT_EQ(ring.check(id_of(2), 2s, kStarted, kStart + 5s).verdict, Verdict::fresh);
    EXPECT_EQ(ring.check(id_of(3), {}, kStarted, kStart).verdict, Verdict::fresh);
}

}  // namespace
}  // namespace flare::session::test
