#include "server/reception/admission.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <set>
#include <thread>
#include <vector>

namespace flare::server {
namespace {

using namespace std::chrono_literals;

const session::TimePoint kStart{std::chrono::hours(5)};

TEST(Admission, IsOffWithoutARate) {
    Admission admission(0);
    EXPECT_FALSE(admission.on());
    for (int i = 0; i < 10'000; ++i) EXPECT_FALSE(admission.ask(kStart));
}

TEST(Admission, NoSecondSeesATenthMoreThanTheRate) {
    for (const std::uint32_t rate : {10u, 33u, 200u, 1000u, 5000u}) {
        Admission admission(rate);
        std::vector<session::TimePoint> let_in;
        // A quiet second, then everybody at once, for three.
        for (session::TimePoint now = kStart; now < kStart + 3s; now += 100us) {
            for (int i = 0; i < 5; ++i) {
                if (!admission.ask(now)) let_in.push_back(now);
            }
        }
        std::size_t most = 0;
        for (std::size_t begin = 0, end = 0; begin < let_in.size(); ++begin) {
            while (end < let_in.size() && let_in[end] < let_in[begin] + 1s) ++end;
            most = std::max(most, end - begin);
        }
        EXPECT_LE(static_cast<double>(most), 1.1 * rate) << rate;
        EXPECT_GE(let_in.size(), std::size_t{3} * rate) << "and what the rate allows is let in";
    }
}

TEST(Admission, SendsThoseWhoComeTooEarlyAwayOneAfterTheOther) {
    Admission admission(1000);
    std::vector<std::chrono::milliseconds> slots;
    for (int i = 0; i < 3000; ++i) {
        if (const auto wait = admission.ask(kStart)) slots.push_back(*wait);
    }
    ASSERT_GE(slots.size(), 2900u);
    EXPECT_GE(slots.front(), Admission::kSoonest);
    for (std::size_t i = 1; i < slots.size(); ++i) EXPECT_EQ(slots[i] - slots[i - 1], 1ms);

    // They come back in their slots, and find room: nobody is sent away twice.
    for (const auto slot : slots) EXPECT_FALSE(admission.ask(kStart + slot)) << slot.count();
}

TEST(Admission, ACrowdWithoutEndDoesNotPushTheSlotsOutOfSight) {
    Admission admission(10);
    std::chrono::milliseconds longest{0};
    std::set<std::chrono::milliseconds> late;
    for (int i = 0; i < 10'000; ++i) {
        if (const auto wait = admission.ask(kStart)) {
            longest = std::max(longest, *wait);
            late.insert(*wait);
        }
    }
    EXPECT_LE(longest, Admission::kFurthest + 1s);
    EXPECT_GT(late.size(), 2900u) << "spread over all of the time there is";
}

TEST(Admission, WorkersShareOneRate) {
    Admission admission(1000);
    std::atomic<int> let_in{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&] {
            for (int i = 0; i < 1000; ++i) let_in += admission.ask(kStart) ? 0 : 1;
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(let_in, 51);
}

TEST(Admission, ADrainedSessionHasASlotOfItsOwnAtTheRate) {
    const Admission admission(500);
    EXPECT_EQ(admission.drain_slot(500) - admission.drain_slot(0), 1s);
    EXPECT_EQ(admission.drain_slot(1) - admission.drain_slot(0), 2ms);
    EXPECT_GE(admission.drain_slot(0), 1s) << "the next process must be there";
    const Admission off(0);
    EXPECT_EQ(off.drain_slot(Admission::kDrainRate) - off.drain_slot(0), 1s);
}

}  // namespace
}  // namespace flare::server
