#include <flare/uuid.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <thread>
#include <unordered_set>
#include <vector>

namespace flare::test {
namespace {

TEST(Uuid, IsReadAndWrittenAsText) {
    const auto id = Uuid::parse("01910A3E-5c00-7b1a-8d5e-0123456789AB");
    ASSERT_TRUE(id);
    EXPECT_EQ(id->str(), "01910a3e-5c00-7b1a-8d5e-0123456789ab");
    EXPECT_EQ(id->bytes[0], 0x01);
    EXPECT_EQ(id->bytes[15], 0xab);
    EXPECT_EQ(Uuid{}.str(), "00000000-0000-0000-0000-000000000000");
}

TEST(Uuid, TakesNothingButItsThirtySixCharacters) {
    for (const char* text : {"", "01910a3e5c007b1a8d5e0123456789ab", "{01910a3e-5c00-7b1a-8d5e-0123456789ab}",
                             "01910a3e-5c00-7b1a-8d5e-0123456789a", "01910a3e-5c00-7b1a-8d5e-0123456789abc",
                             "01910a3e-5c00-7b1a-8d5e-0123456789ag", "01910a3e+5c00-7b1a-8d5e-0123456789ab",
                             "01910a3e-5c007-b1a-8d5e-0123456789ab", " 1910a3e-5c00-7b1a-8d5e-0123456789ab"}) {
        EXPECT_FALSE(Uuid::parse(text)) << text;
    }
    const std::string with_zero("01910a3e-5c00-7b1a-8d5e-0123456789a\0", 36);
    EXPECT_FALSE(Uuid::parse(with_zero));
}

TEST(Uuid, ComesFromExactlySixteenBytes) {
    const std::string raw = "0123456789abcdef";
    EXPECT_EQ(Uuid::from_bytes(raw)->raw(), raw);
    EXPECT_FALSE(Uuid::from_bytes(raw.substr(1)));
    EXPECT_FALSE(Uuid::from_bytes(raw + "0"));
    EXPECT_FALSE(Uuid::from_bytes(""));
}

TEST(Uuid, Version7HasItsTimeVersionAndVariant) {
    std::array<std::uint8_t, 10> random{};
    random.fill(0xff);
    EXPECT_EQ(Uuid::v7(0x0123456789ab, random).str(), "01234567-89ab-7fff-bfff-ffffffffffff");
    random.fill(0);
    EXPECT_EQ(Uuid::v7(0, random).str(), "00000000-0000-7000-8000-000000000000");

    const auto now =
        std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
            .count();
    const Uuid id = Uuid::v7();
    std::int64_t time = 0;
    for (std::size_t i = 0; i < 6; ++i) time = time << 8 | id.bytes[i];
    EXPECT_NEAR(static_cast<double>(time), static_cast<double>(now), 5'000);
    EXPECT_EQ(id.bytes[6] >> 4, 7);
    EXPECT_EQ(id.bytes[8] >> 6, 2);
}

TEST(Uuid, LaterIdsAreGreaterInEveryThreadOfTheProcess) {
    constexpr int kThreads = 4;
    constexpr int kEach = 20'000;
    std::vector<std::vector<Uuid>> made(kThreads);
    std::vector<std::thread> threads;
    for (auto& ids : made) {
        threads.emplace_back([&ids] {
            for (int i = 0; i < kEach; ++i) ids.push_back(Uuid::v7());
        });
    }
    for (std::thread& each : threads) each.join();
    std::unordered_set<Uuid> all;
    for (const auto& ids : made) {
        EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
        all.insert(ids.begin(), ids.end());
    }
    EXPECT_EQ(all.size(), static_cast<std::size_t>(kThreads) * kEach);

    const Uuid before = Uuid::v7();
    Uuid elsewhere;
    std::thread([&] { elsewhere = Uuid::v7(); }).join();
    EXPECT_LT(before, elsewhere);
    EXPECT_LT(elsewhere, Uuid::v7());
}

TEST(Uuid, SaysWhenItWasMade) { EXPECT_EQ(Uuid::v7(1'700'000'000'123, {}).unix_milliseconds(), 1'700'000'000'123u); }

}  // namespace
}  // namespace flare::test
