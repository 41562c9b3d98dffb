#include "auth/answer_cache.hpp"

#include <gtest/gtest.h>

namespace flare::auth::test {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};

TEST(AnswerCache, AnswersUntilItsTimeOrTheCredentialsEnd) {
    AnswerCache cache(10);
    cache.put("a", Identity("ann", kNow + 1h), kNow + 30s);
    cache.put("b", Identity("bob", kNow + 10s), kNow + 30s);
    EXPECT_EQ(cache.find("a", kNow + 29s)->user, "ann");
    EXPECT_EQ(cache.find("a", kNow + 29s)->expires, kNow + 1h);
    EXPECT_FALSE(cache.find("a", kNow + 30s));
    EXPECT_EQ(cache.find("b", kNow + 9s)->user, "bob");
    EXPECT_FALSE(cache.find("b", kNow + 10s));
    EXPECT_FALSE(cache.find("c", kNow));
    EXPECT_EQ(cache.size(), 0u);
}

TEST(AnswerCache, ForgetsTheOldestBeyondItsLimit) {
    AnswerCache cache(3);
    for (int i = 0; i < 100; ++i) {
        cache.put("often", Identity("ann"), kNow + 1h);
        cache.put(std::to_string(i), Identity("bob"), kNow + 1h);
        EXPECT_LE(cache.size(), 3u);
    }
    EXPECT_TRUE(cache.find("often", kNow));
    EXPECT_TRUE(cache.find("99", kNow));
    EXPECT_FALSE(cache.find("97", kNow));
    AnswerCache none(0);
    none.put("a", Identity("ann"), kNow + 1h);
    EXPECT_FALSE(none.find("a", kNow));
}

TEST(AnswerCache, TellsTokensAndUsersApart) {
    EXPECT_EQ(AnswerCache::key_of("token", "ann").size(), 32u);
    EXPECT_NE(AnswerCache::key_of("token", "ann"), AnswerCache::key_of("tokena", "nn"));
    EXPECT_NE(AnswerCache::key_of("token", "ann"), AnswerCache::key_of("token", "bob"));
    EXPECT_NE(AnswerCache::key_of("1:", ""), AnswerCache::key_of("", "1:"));
}

TEST(AnswerCache, HoldsSoManyBytesOfClaimsAndNoMore) {
    AnswerCache cache(100, 1000);
    Identity identity("ann");
    identity.claims = std::string(400, 'c');
    for (int i = 0; i < 50; ++i) {
        cache.put(std::to_string(i), identity, kNow + 1h);
        cache.put(std::to_string(i), identity, kNow + 1h);  // in its own place
        EXPECT_LE(cache.size(), 2u);
    }
    EXPECT_EQ(cache.find("49", kNow)->claims, identity.claims);
    EXPECT_TRUE(cache.find("48", kNow));
    EXPECT_FALSE(cache.find("47", kNow));
    identity.claims = std::string(1001, 'c');
    cache.put("too large", identity, kNow + 1h);
    EXPECT_EQ(cache.size(), 0u);
}

}  // namespace
}  // namespace flare::auth::test
