#include "base/aging_map.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::base {
namespace {

constexpr std::size_t kPlenty = 1024 * 1024;

TEST(AgingMap, HasWhatWasPutLast) {
    AgingMap<int, std::string> map(kPlenty);
    EXPECT_EQ(map.find(1), nullptr);
    map.put(1, "one", 3);
    map.put(2, "two", 3);
    map.put(1, "another", 7);
    ASSERT_NE(map.find(1), nullptr);
    EXPECT_EQ(*map.find(1), "another");
    EXPECT_EQ(*map.find(2), "two");
    EXPECT_EQ(map.size(), 2u);
    map.clear();
    EXPECT_EQ(map.find(1), nullptr);
}

TEST(AgingMap, KeepsWhatIsUsedAndStaysBounded) {
    constexpr std::size_t kEach = 1000;
    AgingMap<int, int> map(kPlenty);
    map.put(0, 7, kEach);
    for (int key = 1; key <= 10'000; ++key) {
        map.put(key, key, kEach);
        ASSERT_NE(map.find(0), nullptr) << key;
        ASSERT_NE(map.find(key), nullptr);
        ASSERT_LE(map.size(), kPlenty / kEach + 2) << key;
    }
    EXPECT_EQ(*map.find(0), 7);
    EXPECT_GE(map.size(), kPlenty / kEach / 3);
    EXPECT_EQ(map.find(1), nullptr);
}

TEST(AgingMap, CountsWhatHasGrown) {
    AgingMap<int, int> map(kPlenty);
    for (int key = 0; key <= 1000; ++key) {
        map.put(key, key, 0);
        map.resize(key, kPlenty / 10);
        ASSERT_LE(map.size(), 14u) << key;
    }
    for (int i = 0; i < 1000; ++i) map.put(1, i, kPlenty / 10);
    EXPECT_NE(map.find(1000), nullptr) << "what is put again is not counted twice";
}

}  // namespace
}  // namespace flare::base
