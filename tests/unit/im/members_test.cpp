#include "im/members.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace flare::im {
namespace {

using model::Member;
using model::Role;

Limits small_limits() {
    Limits limits;
    limits.listed_members = 3;
    limits.looked_up_members = 2;
    return limits;
}
Member one(Row user, Role role = Role::member) { return {.user = user, .role = role}; }

std::size_t listed(const Members& members) {
    std::size_t count = 0;
    members.for_each([&](const Member&) { ++count; });
    return count;
}

TEST(Members, AreAllKnownUpToTheLimit) {
    const Limits limits = small_limits();
    Members members(limits);
    members.load(std::vector{one(1), one(2), one(3)}, true);
    EXPECT_TRUE(members.listed());
    EXPECT_EQ(listed(members), 3u);
    for (Row user = 1; user <= 3; ++user) EXPECT_NE(members.find(user), nullptr);
    EXPECT_EQ(members.find(4), nullptr) << "may be banned: only the store knows";
    members.check_invariants();
}

TEST(Members, AreAskedForOnce) {
    const Limits limits = small_limits();
    Members members(limits);
    EXPECT_TRUE(members.want(4));
    EXPECT_FALSE(members.want(4));
    EXPECT_EQ(members.find(4), nullptr);
    members.loaded(one(4, Role::none));
    ASSERT_NE(members.find(4), nullptr);
    EXPECT_EQ(members.find(4)->role, Role::none);
    EXPECT_FALSE(members.want(4));

    EXPECT_TRUE(members.want(5));
    members.not_loaded(5);
    EXPECT_TRUE(members.want(5)) << "again";
    members.check_invariants();
}

TEST(Members, KeepWhatWasCommittedWhenAnOlderAnswerComes) {
    const Limits limits = small_limits();
    Members members(limits);
    EXPECT_TRUE(members.want(4));
    members.set(one(4, Role::admin));
    members.loaded(one(4, Role::member));
    EXPECT_EQ(members.find(4)->role, Role::admin);
    members.loaded(one(9));
    EXPECT_EQ(members.find(9), nullptr) << "nobody asked";
}

TEST(Members, ForgetWhoWasNotNeededForLongest) {
    const Limits limits = small_limits();
    Members members(limits);
    for (Row user = 1; user <= 2; ++user) {
        members.want(user);
        members.loaded(one(user));
    }
    members.find(1);
    members.want(3);
    members.loaded(one(3));
    EXPECT_NE(members.find(1), nullptr);
    EXPECT_EQ(members.find(2), nullptr);
    EXPECT_NE(members.find(3), nullptr);
    members.check_invariants();
}

TEST(Members, OfAListStayWhoeverIsLookedUp) {
    const Limits limits = small_limits();
    Members members(limits);
    members.load(std::vector{one(1), one(2), one(3)}, true);
    for (Row user = 10; user < 20; ++user) {
        members.want(user);
        members.loaded(one(user, Role::none));
        members.check_invariants();
    }
    EXPECT_EQ(listed(members), 3u);
    EXPECT_TRUE(members.listed());
}

TEST(Members, BecomeOfALargeConversationWhenTheyAreTooMany) {
    const Limits limits = small_limits();
    Members members(limits);
    members.load(std::vector{one(1), one(2), one(3)}, true);
    members.set(one(4));
    EXPECT_FALSE(members.listed());
    members.check_invariants();
    EXPECT_NE(members.find(4), nullptr);
    EXPECT_LE(listed(members), 2u);
}

TEST(Members, WhoLeftAListMayBeForgotten) {
    const Limits limits = small_limits();
    Members members(limits);
    members.load(std::vector{one(1), one(2), one(3)}, true);
    members.set(one(1, Role::none));
    members.set(one(7));
    EXPECT_TRUE(members.listed());
    members.check_invariants();
    for (Row user = 10; user < 20; ++user) members.set(one(user, Role::none));
    EXPECT_EQ(members.find(1), nullptr);
    EXPECT_NE(members.find(7), nullptr);
    members.check_invariants();
}

TEST(Members, OfALargeConversationAreOnlySomeOfThoseLoaded) {
    const Limits limits = small_limits();
    Members members(limits);
    members.want(1);
    members.load(std::vector{one(1), one(2), one(3), one(4)}, true);
    EXPECT_FALSE(members.listed());
    EXPECT_EQ(listed(members), 2u);
    members.check_invariants();
    members.clear();
    EXPECT_EQ(members.find(1), nullptr);
    members.check_invariants();
}

}  // namespace
}  // namespace flare::im
