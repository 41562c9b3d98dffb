#include "server/signals/presence_subscriptions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace flare::server {
namespace {

using namespace std::chrono_literals;
using State = wire::im::Presence;
using Names = std::vector<std::string>;

constexpr session::TimePoint kNoon{std::chrono::hours(12)};

Uuid session_of(std::size_t number) {
    Uuid id;
    id.bytes[14] = static_cast<std::uint8_t>(number >> 8);
    id.bytes[15] = static_cast<std::uint8_t>(number & 0xff);
    return id;
}

class Following : public ::testing::Test {
protected:
    static std::vector<PresenceSubscriptions::Wanted> wanted(const Names& users, bool hidden = false) {
        std::vector<PresenceSubscriptions::Wanted> all;
        for (const std::string& user : users) all.push_back({user, hidden});
        return all;
    }
    static Names numbered(int first, int count) {
        Names all;
        for (int i = first; i < first + count; ++i) all.push_back("user" + std::to_string(i));
        return all;
    }
    // All of them are `state` then.
    errc follow(std::size_t session, const Names& users, session::Duration after = 0s, State state = State::offline,
                bool hidden = false) {
        Names to_watch;
        const auto all = wanted(users, hidden);
        const errc code = table.follow(session_of(session), all, kNoon + after, to_watch);
        for (const std::string& user : to_watch) learn(user, state, after);
        if (code == errc::ok) (void)table.snapshot(session_of(session), all);
        table.check_invariants();
        return code;
    }
    void learn(const std::string& user, State state, session::Duration after) {
        table.learn(user, {state, 1}, kNoon + after);
    }
    // Notices that are due by then; those of each session as "ann online bob away".
    void pass(session::Duration until) {
        while (table.next_deadline() <= kNoon + until) {
            const session::TimePoint now = table.next_deadline();
            table.on_time(now, [&](const Uuid& to, std::span<const wire::im::PresenceState> states) {
                if (!takes) return false;
                static constexpr const char* kStates[] = {"unknown", "offline", "away", "online"};
                std::string& text = notices[to.bytes.back()].emplace_back();
                for (const auto& each : states)
                    text += std::string(each.user) + " " + kStates[static_cast<int>(each.state)] + " ";
                at.push_back(now);
                sizes.push_back(states.size());
                return true;
            });
        }
        table.check_invariants();
    }

    PresenceSubscriptions table{10min};
    std::map<std::uint8_t, Names> notices;
    std::vector<session::TimePoint> at;
    std::vector<std::size_t> sizes;
    bool takes = true;
};

TEST_F(Following, AChangeIsToldAtOnceAndTheNextASecondLater) {
    ASSERT_EQ(follow(1, {"ann", "bob"}), errc::ok);
    pass(1s);
    EXPECT_TRUE(notices.empty()) << "the snapshot has said it";
    learn("ann", State::online, 2s);
    pass(2s);
    learn("bob", State::online, 2s + 100ms);
    learn("ann", State::away, 2s + 200ms);
    pass(2s + 999ms);
    EXPECT_EQ(notices[1], Names{"ann online "});
    pass(3s);
    EXPECT_EQ(notices[1], (Names{"ann online ", "ann away bob online "}));
}

TEST_F(Following, WhoIsBackWithinABatchIsNotToldOf) {
    ASSERT_EQ(follow(1, {"ann", "bob"}, 0s, State::online), errc::ok);
    learn("bob", State::away, 1s);
    pass(1s);
    notices.clear();
    learn("ann", State::offline, 1s + 100ms);
    learn("ann", State::online, 1s + 500ms);
    pass(5s);
    EXPECT_TRUE(notices.empty());
}

TEST_F(Following, ASessionGetsAtMostOneNoticeASecondWhateverHappens) {
    ASSERT_EQ(follow(1, numbered(0, 1000)), errc::ok);
    for (int i = 0; i < 1000; ++i) learn("user" + std::to_string(i), State::online, 1s);
    pass(10s);
    EXPECT_EQ(sizes, (std::vector<std::size_t>{256, 256, 256, 232}));
    for (std::size_t i = 1; i < at.size(); ++i) EXPECT_GE(at[i] - at[i - 1], 1s);
}

TEST_F(Following, NoticesOfLongNamesAreSmall) {
    Names users;
    for (int i = 0; i < 100; ++i) users.push_back(std::string(250, 'x') + std::to_string(i));
    ASSERT_EQ(follow(1, users), errc::ok);
    for (const std::string& user : users) learn(user, State::online, 1s);
    pass(10s);
    ASSERT_EQ(sizes.size(), 3u);
    for (const std::size_t each : sizes) EXPECT_LE(each * 250, PresenceSubscriptions::kMostNoticedBytes + 250);
}

TEST_F(Following, WhatIsNotTakenIsToldInASecondAndIsTheNewest) {
    ASSERT_EQ(follow(1, {"ann"}), errc::ok);
    takes = false;
    learn("ann", State::online, 1s);
    pass(1s + 500ms);
    learn("ann", State::away, 1s + 600ms);
    takes = true;
    pass(2s);
    EXPECT_EQ(notices[1], Names{"ann away "});
}

TEST_F(Following, OneMoreThanAThousandIsRefusedAndNothingIsHalfDone) {
    ASSERT_EQ(follow(1, numbered(0, 999)), errc::ok);
    EXPECT_EQ(follow(1, {"ann", "bob"}), errc::too_many_subscriptions);
    EXPECT_EQ(table.size(), 999u);
    EXPECT_EQ(follow(1, {"ann", "user0", "user998"}), errc::ok) << "whom it follows already is no more";
    EXPECT_EQ(table.size(), 1000u);
    EXPECT_EQ(follow(2, numbered(0, 1001)), errc::too_many_subscriptions);
    EXPECT_EQ(follow(2, numbered(0, 1000)), errc::ok) << "it counts for each session";
    EXPECT_EQ(table.observed(), 1001u);
}

TEST_F(Following, EndsWithTheLease) {
    ASSERT_EQ(follow(1, {"ann", "bob"}), errc::ok);
    ASSERT_EQ(follow(1, {"bob"}, 5min), errc::ok);  // again
    pass(10min - 1s);
    EXPECT_EQ(table.size(), 2u);
    pass(10min);
    EXPECT_EQ(table.size(), 1u);
    EXPECT_EQ(table.take_unwatched(), Names{"ann"});
    learn("ann", State::online, 10min + 1s);
    learn("bob", State::online, 10min + 1s);
    pass(11min);
    EXPECT_EQ(notices[1], Names{"bob online "});
    pass(15min);
    EXPECT_EQ(table.size(), 0u);
    EXPECT_EQ(table.next_deadline(), session::kNever);
}

TEST_F(Following, NobodyIsWatchedForWhoHasGone) {
    ASSERT_EQ(follow(1, {"ann", "bob", "eve"}), errc::ok);
    ASSERT_EQ(follow(2, {"bob"}), errc::ok);
    const std::string_view gone[] = {"eve", "nobody"};
    table.unfollow(session_of(1), gone);
    table.check_invariants();
    EXPECT_EQ(table.take_unwatched(), Names{"eve"});
    table.session_ended(session_of(1));
    table.check_invariants();
    ASSERT_EQ(follow(3, {"ann"}), errc::ok);
    EXPECT_TRUE(table.take_unwatched().empty()) << "somebody follows ann again";
    EXPECT_EQ(table.size(), 2u);
    learn("bob", State::online, 1s);
    pass(2s);
    EXPECT_TRUE(notices[1].empty());
    EXPECT_EQ(notices[2], Names{"bob online "});
}

TEST_F(Following, WhoIsHiddenIsUnknownWhateverHappens) {
    ASSERT_EQ(follow(1, {"ann"}, 0s, State::online, true), errc::ok);
    ASSERT_EQ(follow(2, {"ann"}), errc::ok);
    learn("ann", State::away, 1s);
    pass(1s);
    EXPECT_TRUE(notices[1].empty());
    EXPECT_EQ(notices[2], Names{"ann away "});
    table.hide(session_of(2), "ann", kNoon + 3s);
    learn("ann", State::offline, 4s);
    pass(10s);
    EXPECT_EQ(notices[2], (Names{"ann away ", "ann unknown "}));
    ASSERT_EQ(follow(2, {"ann"}, 3s + 10ms), errc::ok);  // what was read before the block
    pass(15s);
    EXPECT_EQ(notices[2].back(), "ann unknown ");
    ASSERT_EQ(follow(2, {"ann"}, 20s), errc::ok);  // and a renewal finds it allowed
    pass(21s);
    EXPECT_EQ(notices[2].back(), "ann offline ") << "the answer has said it; so does a notice";
}

TEST_F(Following, AnAnswerMayBeOvertakenByNoticesButTheLastOneIsRight) {
    ASSERT_EQ(follow(1, {"ann"}), errc::ok);
    learn("ann", State::online, 1s);
    pass(1s);
    // A renewal finds another state than the last notice said: that is told as well.
    learn("ann", State::away, 1s + 10ms);
    ASSERT_EQ(follow(1, {"ann"}, 1s + 20ms), errc::ok);
    pass(3s);
    EXPECT_EQ(notices[1], (Names{"ann online ", "ann away "}));
}

TEST_F(Following, ATurnOfTheLoopServesSoManyAndTheOthersFollow) {
    constexpr std::size_t kSessions = PresenceSubscriptions::kMostInTurn + 100;
    std::vector<std::string> to_watch;
    for (std::size_t i = 0; i < kSessions; ++i) {
        ASSERT_EQ(table.follow(session_of(i), wanted({"ann"}), kNoon, to_watch), errc::ok);
        (void)table.snapshot(session_of(i), wanted({"ann"}));
    }
    learn("ann", State::online, 1s);
    std::size_t given = 0;
    const auto give = [&](const Uuid&, std::span<const wire::im::PresenceState>) { return ++given != 0; };
    table.on_time(kNoon + 1s, give);
    EXPECT_EQ(given, PresenceSubscriptions::kMostInTurn);
    EXPECT_LE(table.next_deadline(), kNoon + 1s);
    table.on_time(kNoon + 1s, give);
    EXPECT_EQ(given, kSessions);
}

}  // namespace
}  // namespace flare::server
