#include "server/conversations/newest_entries.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::server::reading {
namespace {

constexpr NewestEntries::Which kTen{.conversation = 7, .epoch = 1, .stamp = 100, .begin = 11, .encodings = 3};

std::string kept(NewestEntries& newest, const NewestEntries::Which& which) {
    const NewestEntries::Ptr found = newest.find(which);
    return found == nullptr ? "nothing" : found->entries + " of " + std::to_string(found->room);
}

TEST(NewestEntries, AreTheSameForAllWhoAskForTheSame) {
    NewestEntries newest;
    EXPECT_EQ(kept(newest, kTen), "nothing");
    newest.put({kTen, "ten", 1280});
    EXPECT_EQ(kept(newest, kTen), "ten of 1280");
    for (const auto change :
         {+[](NewestEntries::Which& which) { ++which.conversation; },
          +[](NewestEntries::Which& which) { ++which.epoch; }, +[](NewestEntries::Which& which) { ++which.stamp; },
          +[](NewestEntries::Which& which) { ++which.begin; }, +[](NewestEntries::Which& which) { which.begin += 64; },
          +[](NewestEntries::Which& which) { which.encodings = 0; }}) {
        NewestEntries::Which other = kTen;
        change(other);
        EXPECT_EQ(kept(newest, other), "nothing");
    }
    EXPECT_EQ(kept(newest, kTen), "ten of 1280");
}

TEST(NewestEntries, AreKeptBesideFewerOfTheSameLog) {
    NewestEntries newest;
    NewestEntries::Which one = kTen;
    one.begin = 20;
    newest.put({kTen, "ten", 1});
    newest.put({one, "one", 1});
    EXPECT_EQ(kept(newest, kTen), "ten of 1");
    EXPECT_EQ(kept(newest, one), "one of 1");
}

TEST(NewestEntries, AreNotReplacedByThoseWhoAreBehind) {
    NewestEntries newest;
    newest.put({kTen, "now", 1});
    NewestEntries::Which before = kTen;
    --before.stamp;
    newest.put({before, "before", 1});
    EXPECT_EQ(kept(newest, kTen), "now of 1");
    NewestEntries::Which restored = before;
    ++restored.epoch;
    newest.put({restored, "of another log", 1});
    EXPECT_EQ(kept(newest, restored), "of another log of 1");
}

TEST(NewestEntries, AreBounded) {
    constexpr std::size_t kMost = 1024 * 1024;
    NewestEntries newest(kMost);
    newest.put({kTen, std::string(NewestEntries::kMostOfOne + 1, 'x'), 1});
    EXPECT_EQ(kept(newest, kTen), "nothing");
    std::size_t there = 0;
    NewestEntries::Which each = kTen;
    for (each.conversation = 1; each.conversation <= 10'000; ++each.conversation)
        newest.put({each, std::string(1000, 'x'), 1});
    for (each.conversation = 1; each.conversation <= 10'000; ++each.conversation) there += newest.find(each) != nullptr;
    EXPECT_GE(there, kMost / 1000 / 3);
    EXPECT_LE(there, kMost / 1000);
}

}  // namespace
}  // namespace flare::server::reading
