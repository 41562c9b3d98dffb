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

}  // namespace
}  // namespace flare::store::sqlite
