#include "server/signals/presence_book.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flare::server {
namespace {

using namespace std::chrono_literals;
using Shown = PresenceBook::Shown;
using State = wire::im::Presence;

constexpr session::TimePoint kBegin{std::chrono::hours(1)};
constexpr std::int64_t kUnix = 1'000'000;

// A book of one worker, which two workers follow.
class Presences : public ::testing::Test {
protected:
    PresenceBook::Time at(session::Duration after) const { return {kBegin + after, kUnix + after / 1ms}; }
    PresenceNow watch(const std::string& user, session::Duration after) { return book.watch(user, 1, at(after)); }
    void show(const std::string& user, Shown shown, session::Duration after) { book.shows(user, shown, at(after)); }
    void pass(session::Duration until) {
        while (book.next_deadline() <= kBegin + until) book.on_time(at(until));
    }
    // "ann online" ..., since the last time, to that worker.
    std::vector<std::string> told(std::uint32_t to = 1) {
        static constexpr const char* kNames[] = {"unknown", "offline", "away", "online"};
        std::vector<std::string> all;
        book.take_news([&](std::uint32_t worker, const std::vector<PresenceNews>& news) {
            for (const PresenceNews& each : news) {
                if (worker == to) all.push_back(each.user + " " + kNames[static_cast<int>(each.now.state)]);
            }
        });
        return all;
    }
    using Told = std::vector<std::string>;

    // The grace of its start is over.
    PresenceBook book{20s, kBegin - 1h, 2};
};

TEST_F(Presences, AreToldToWhoFollowsAndToNobodyElse) {
    EXPECT_EQ(watch("ann", 0s).state, State::offline);
    show("ann", Shown::online, 1s);
    show("bob", Shown::online, 1s);
    show("ann", Shown::away, 2s);
    EXPECT_EQ(told(), (Told{"ann online", "ann away"}));
    show("ann", Shown::online, 3s);
    EXPECT_TRUE(told(0).empty());
    EXPECT_EQ(book.find("bob", at(4s)).state, State::online);
    book.unwatch("ann", 1);
    show("ann", Shown::away, 5s);
    EXPECT_TRUE(told().empty());
    EXPECT_FALSE(book.has_news());
}

TEST_F(Presences, WhoIsBackWithinTheGraceHasNeverGone) {
    watch("ann", 0s);
    show("ann", Shown::online, 0s);
    EXPECT_EQ(told(), Told{"ann online"});
    for (int i = 0; i < 5; ++i) {
        show("ann", Shown::nothing, i * 30s + 1s);
        pass(i * 30s + 20s);
        EXPECT_EQ(book.find("ann", at(i * 30s + 20s)).state, State::online);
        show("ann", Shown::online, i * 30s + 20s);
        pass(i * 30s + 29s);  // the grace of before is not its end
    }
    EXPECT_TRUE(told().empty());
}

TEST_F(Presences, WhoStaysAwayForLongerIsOfflineSinceItWasLost) {
    watch("ann", 0s);
    show("ann", Shown::online, 0s);
    show("ann", Shown::nothing, 5s);
    pass(24s + 999ms);
    EXPECT_EQ(told(), Told{"ann online"});
    pass(25s);
    EXPECT_EQ(told(), Told{"ann offline"});
    const PresenceNow now = book.find("ann", at(60s));
    EXPECT_EQ(now.state, State::offline);
    EXPECT_EQ(now.last_active_ms, kUnix + 5'000) << "not the end of the grace";
    book.unwatch("ann", 1);
    EXPECT_EQ(book.size(), 0u);
    EXPECT_EQ(book.find("ann", at(61s)), now) << "it is remembered when nobody follows";
}

TEST_F(Presences, WhoWasAwayIsAwayWithinTheGrace) {
    show("ann", Shown::online, 0s);
    show("ann", Shown::away, 3s);
    show("ann", Shown::nothing, 4s);
    const PresenceNow now = watch("ann", 10s);
    EXPECT_EQ(now.state, State::away);
    EXPECT_EQ(now.last_active_ms, kUnix + 3'000);
    show("ann", Shown::online, 11s);
    EXPECT_EQ(told(), Told{"ann online"});
}

TEST_F(Presences, OfASessionThatEndsLongAfterItsConnectionNobodyHears) {
    show("ann", Shown::online, 0s);
    show("ann", Shown::nothing, 1s);
    pass(30s);
    EXPECT_EQ(book.size(), 0u);
    show("ann", Shown::nothing, 120s);  // its life is over
    EXPECT_EQ(book.size(), 0u);
    EXPECT_EQ(book.next_deadline(), session::kNever);
}

TEST(PresencesAfterAStart, AreUnknownForTheGraceAndThenOffline) {
    PresenceBook book(20s, kBegin, 2);
    const auto at = [](session::Duration after) { return PresenceBook::Time{kBegin + after, kUnix + after / 1ms}; };
    EXPECT_EQ(book.watch("ann", 0, at(1s)).state, State::unknown);
    EXPECT_EQ(book.watch("bob", 0, at(1s)).state, State::unknown);
    EXPECT_EQ(book.find("eve", at(2s)).state, State::unknown);
    book.shows("ann", Shown::online, at(10s));
    book.on_time(at(19s + 999ms));
    std::vector<PresenceNews> news;
    const auto take = [&] {
        news.clear();
        book.take_news([&](std::uint32_t, std::vector<PresenceNews> some) { news = std::move(some); });
        return news.size();
    };
    ASSERT_EQ(take(), 1u);
    EXPECT_EQ(news[0].user, "ann");
    EXPECT_EQ(news[0].now.state, State::online);
    book.on_time(at(20s));
    ASSERT_EQ(take(), 1u);
    EXPECT_EQ(news[0].user, "bob");
    EXPECT_EQ(news[0].now.state, State::offline);
    EXPECT_EQ(book.find("eve", at(20s)).state, State::offline);
}

TEST(PresencesAfterAStart, OfWhoComesAndGoesWithinItAreKept) {
    PresenceBook book(20s, kBegin, 1);
    const auto at = [](session::Duration after) { return PresenceBook::Time{kBegin + after, kUnix}; };
    book.shows("ann", Shown::online, at(5s));
    book.shows("ann", Shown::nothing, at(15s));
    book.on_time(at(20s));
    EXPECT_EQ(book.find("ann", at(20s)).state, State::online) << "its own grace is longer";
    book.on_time(at(35s));
    EXPECT_EQ(book.find("ann", at(35s)).state, State::offline);
}

TEST_F(Presences, TenThousandWhoAreLostAndBackTellNothing) {
    constexpr int kUsers = 10'000;
    const auto name = [](int i) { return "user" + std::to_string(i); };
    for (int i = 0; i < kUsers; ++i) {
        show(name(i), Shown::online, 0s);
        watch(name(i), 0s);
    }
    (void)told();
    for (int i = 0; i < kUsers; ++i) show(name(i), Shown::nothing, 1s);
    pass(20s);
    for (int i = 0; i < kUsers; ++i) show(name(i), Shown::online, 20s);
    pass(60s);
    EXPECT_TRUE(told().empty());

    for (int i = 0; i < kUsers; ++i) show(name(i), Shown::nothing, 61s);
    int turns = 0;
    for (; book.next_deadline() <= kBegin + 81s; ++turns) book.on_time(at(81s));
    EXPECT_EQ(turns, kUsers / static_cast<int>(PresenceBook::kMostInTurn)) << "a turn of the loop is bounded";
    EXPECT_EQ(told().size(), static_cast<std::size_t>(kUsers));
}

}  // namespace
}  // namespace flare::server
