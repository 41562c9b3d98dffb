#include "im/rates.hpp"

#include "im/holds.hpp"
#include "im/refusal.hpp"

#include "support.hpp"

#include <gtest/gtest.h>

namespace flare::im::test {
namespace {

constexpr std::chrono::steady_clock::time_point kRatesStart{std::chrono::hours(9)};

TEST(DeviceRates, AreEachDevicesOwn) {
    DeviceRates rates({10, 2});
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(rates.wait(1, kRatesStart), 0ns);
        rates.take(1, kRatesStart);
    }
    EXPECT_EQ(rates.wait(1, kRatesStart), 100ms);
    EXPECT_EQ(rates.wait(2, kRatesStart), 0ns);
    EXPECT_EQ(rates.wait(1, kRatesStart + 100ms), 0ns);
}

TEST(DeviceRates, LetSeveralBurstsBeUsedUpAndAreGivenBack) {
    DeviceRates rates({10, 2});
    const DeviceRates::TimePoint now{std::chrono::hours(100)};
    for (int i = 0; i < 4; ++i) {
        EXPECT_EQ(rates.wait(1, now, 2).count(), 0);
        rates.take(1, now);
    }
    EXPECT_EQ(rates.wait(1, now, 2), 100ms);
    EXPECT_EQ(rates.wait(1, now), 300ms);
    for (int i = 0; i < 4; ++i) rates.give(1);
    EXPECT_EQ(rates.wait(1, now).count(), 0);
    rates.give(2);
    EXPECT_EQ(rates.size(), 1u) << "of one that is not known nothing was taken";
}

TEST(DeviceRates, AreBoundedAndForgetThoseThatWereQuietFirst) {
    DeviceRates rates({10, 2}, 8);
    for (std::uint64_t device = 1; device <= 8; ++device) rates.take(device, kRatesStart);
    for (int i = 0; i < 2; ++i) rates.take(1, kRatesStart + 1s);
    rates.take(9, kRatesStart + 1s);
    EXPECT_EQ(rates.size(), 2u);
    EXPECT_EQ(rates.wait(1, kRatesStart + 1s), 100ms);
    for (std::uint64_t device = 10; device < 100; ++device) {
        rates.take(device, kRatesStart + 1s);
        ASSERT_LE(rates.size(), 8u);
        rates.check_invariants();
    }
}

TEST(DeviceRates, WithoutARateRememberNothing) {
    DeviceRates rates({}, 8);
    rates.take(1, kRatesStart);
    EXPECT_EQ(rates.size(), 0u);
    EXPECT_EQ(rates.wait(1, kRatesStart), 0ns);
}

TEST(SlowMode, IsBoundedAndForgetsWhoMayWriteAgain) {
    Limits limits;
    limits.slow_senders = 4;
    SlowMode slow(limits);
    for (Row user = 1; user <= 20; ++user) {
        slow.wrote(user, 1000 * user);
        slow.check_invariants();
        EXPECT_EQ(slow.wait_ms(user, 500, 1000 * user), 500u);
    }
    slow.expire(500, 20'500);
    EXPECT_TRUE(slow.empty());
}

TEST(SlowMode, IsNotLongerWhenTheClockWasSetBack) {
    Limits limits;
    SlowMode slow(limits);
    slow.wrote(1, 1'000'000);
    EXPECT_EQ(slow.wait_ms(1, 500, 10), 500u);
    EXPECT_EQ(slow.wait_ms(1, 0, 1'000'000), 0u);
}

TEST(Holds, AreBoundedAndLetThoseGoThatWereHeldForLongest) {
    Limits limits;
    limits.held_sessions = 16;
    Holds holds(limits);
    for (SessionKey session = 1; session <= 100; ++session) {
        holds.put_off(session, id_of(session), session, 1ms, kRatesStart + session * 1ms);
        holds.check_invariants();
        EXPECT_LE(holds.size(), 16u);
        EXPECT_FALSE(holds.lets_in(session, id_of(1000), 1000)) << "the newest is held";
    }
    EXPECT_TRUE(holds.lets_in(1, id_of(1000), 1000));
}

TEST(RetryAfter, IsRoundedUpAndNeverZero) {
    EXPECT_EQ(retry_after(0ns), 1u);
    EXPECT_EQ(retry_after(-5s), 1u);
    EXPECT_EQ(retry_after(1'000'001ns), 2u);
    EXPECT_EQ(retry_after(std::chrono::hours(24 * 365)), UINT32_MAX);
    EXPECT_EQ(time_left_ms(5, 5), 0u);
    EXPECT_EQ(time_left_ms(6, 5), 1u);
    EXPECT_EQ(time_left_ms(UINT64_MAX, 5), 0u);
}

}  // namespace
}  // namespace flare::im::test
