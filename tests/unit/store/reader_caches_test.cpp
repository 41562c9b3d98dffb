#include "store/sqlite/reader_caches.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::store::sqlite {
namespace {

constexpr std::size_t kPlenty = 1024 * 1024;

TEST(UserNameCache, HasWhatWasPutLast) {
    UserNameCache names;
    EXPECT_EQ(names.find(7), nullptr);
    names.put(7, "ann");
    names.put(8, "bob");
    ASSERT_NE(names.find(7), nullptr);
    EXPECT_EQ(*names.find(7), "ann");
    EXPECT_EQ(*names.find(8), "bob");
    EXPECT_EQ(names.find(9), nullptr);
    EXPECT_EQ(names.find(0), nullptr) << "the server is no user";
}

TEST(UserNameCache, HasARoundNumberOfPlaces) {
    UserNameCache names;
    names.put(7, "ann");
    for (Row user = 8; names.find(7) != nullptr; ++user) {
        ASSERT_LE(user, 100'000u) << "it grows";
        names.put(user, "somebody");
    }
    names.put(7, "ann");
    EXPECT_EQ(*names.find(7), "ann");
}

TEST(LogTails, AreOfOneStamp) {
    LogTails tails(kPlenty);
    tails.of(7, 3)->seen.resize(5);
    EXPECT_EQ(tails.of(7, 3)->seen.size(), 5u);
    EXPECT_EQ(tails.of(8, 3)->seen.size(), 0u);
    EXPECT_EQ(tails.of(7, 4)->seen.size(), 0u) << "the log has changed";
    tails.of(7, 4)->seen.resize(6);
    EXPECT_EQ(tails.of(7, 3), nullptr) << "who is behind takes nothing from others";
    EXPECT_EQ(tails.of(7, 4)->seen.size(), 6u);
}

TEST(LogTails, KeepWhatIsUsedAndStayBounded) {
    constexpr std::size_t kText = 1000;
    LogTails tails(kPlenty);
    for (Row row = 2; row <= 10'000; ++row) {
        for (const Row each : {Row{1}, row}) {
            LogTail* const tail = tails.of(each, 1);
            ASSERT_EQ(tail->entries.size(), row > 2 && each == 1 ? 1u : 0u) << row;
            if (!tail->entries.empty()) continue;
            tail->entries.emplace_back().payload.assign(kText, 'x');
            tails.grown(*tail);
        }
        ASSERT_LE(tails.size(), kPlenty / kText) << row;
    }
    EXPECT_GE(tails.size(), kPlenty / kText / 4);
}

}  // namespace
}  // namespace flare::store::sqlite
