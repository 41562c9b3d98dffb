// Clauses about invitations: users without a role who may join.
#include "contract/store/list_fixture.hpp"
#include "contract/store/sqlite_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr Row kDan = 4, kEve = 5;

class StoreInviting : public ListedStore {
protected:
    Outcome invite(Row room, Row user, Row by = kAnn) {
        model::Member invited = reader->member(room, user)->value_or(model::Member{.user = user});
        invited.invited_by = by;
        invited.invited_ms = now;
        return put(room, invited);
    }
    // Declined, or taken back.
    Outcome uninvite(Row room, Row user) {
        model::Member member = **reader->member(room, user);
        member.invited_by = member.invited_ms = 0;
        member.left_at = now;
        return put(room, member);
    }
    std::vector<Row> invited(Row room, Row after = 0, std::uint32_t limit = 10) {
        const auto found = reader->invitations(room, after, limit);
        EXPECT_TRUE(found) << found.error().message();
        std::vector<Row> users;
        for (const model::Member& each : *found) users.push_back(each.user);
        return users;
    }
    std::uint32_t count(Row user, std::uint32_t most = 100) {
        const auto found = reader->count_invitations(user, most);
        EXPECT_TRUE(found) << found.error().message();
        return found ? *found : 0;
    }
    void expect_good() { EXPECT_TRUE(engine->check(5)->good()) << engine->check(5)->faults.front().what; }
};
INSTANTIATE_TEST_SUITE_P(All, StoreInviting, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreInviting, KeepsByWhomAndWhen) {
    const Row room = make_room("room", {kAnn});
    invite(room, kBob);
    const auto member = reader->member(room, kBob);
    ASSERT_TRUE(member && *member);
    EXPECT_EQ((*member)->role, model::Role::none);
    EXPECT_EQ((*member)->invited_by, kAnn);
    EXPECT_EQ((*member)->invited_ms, now);
    EXPECT_EQ((**reader->conversation(room)).members, 1u) << "who is invited is no member";
    EXPECT_THAT(*reader->members(room, 0, 10, false), ::testing::SizeIs(1));
    expect_good();
    crash();
    EXPECT_EQ((**reader->member(room, kBob)).invited_ms, now);
}

TEST_P(StoreInviting, ListsWhoIsInvitedAndCountsToHowMany) {
    const Row room = make_room("room", {kAnn});
    const Row other = make_room("other", {kAnn, kBob});
    for (const Row user : {kEve, kBob, kDan, kCat}) invite(room, user);
    invite(other, kCat);
    EXPECT_THAT(invited(room), ElementsAre(kBob, kCat, kDan, kEve));
    EXPECT_THAT(invited(room, kBob, 2), ElementsAre(kCat, kDan));
    EXPECT_THAT(invited(other), ElementsAre(kCat));
    EXPECT_EQ(count(kCat), 2u);
    EXPECT_EQ(count(kCat, 1), 1u);
    EXPECT_EQ(count(kBob), 1u);
    EXPECT_EQ(count(kAnn), 0u);
    uninvite(room, kCat);
    EXPECT_THAT(invited(room), ElementsAre(kBob, kDan, kEve));
    EXPECT_EQ(count(kCat), 1u);
    remove(other);
    EXPECT_EQ(count(kCat), 0u) << "an invitation ends with its room";
    EXPECT_THAT(invited(room + 100), IsEmpty());
    expect_good();
}

TEST_P(StoreInviting, EndsWhenItsUserJoins) {
    const Row room = make_room("room", {kAnn});
    say(room, kAnn, 3);
    invite(room, kBob);
    put(room, member_since_start(kBob));
    EXPECT_THAT(invited(room), IsEmpty());
    EXPECT_EQ(count(kBob), 0u);
    EXPECT_EQ((**reader->conversation(room)).members, 2u);
    EXPECT_EQ(mark_of(room, kBob).offset, 5u) << "whoever joins has read what is there";
    expect_good();
}

TEST_P(StoreInviting, IsInTheListOfItsUserAndNotGone) {
    const Row room = make_room("room", {kAnn});
    say(room, kAnn, 3);
    const std::uint64_t before = list(kBob).upto;
    const Outcome made = invite(room, kBob);
    for (const std::uint64_t above : {std::uint64_t{0}, before}) {
        const ListPage page = list(kBob, above);
        ASSERT_EQ(page.found.size(), 1u) << above;
        EXPECT_TRUE(page.found[0].is_invitation());
        EXPECT_FALSE(page.found[0].is_gone());
        EXPECT_EQ(page.found[0].member.invited_by, kAnn);
        EXPECT_EQ(page.found[0].stamp, made.stamp);
        EXPECT_EQ(unread(page.found[0]), "0") << "who is invited reads nothing";
    }
    const std::uint64_t after = list(kBob).upto;
    say(room, kAnn, 2);
    EXPECT_THAT(list(kBob, after).found, IsEmpty()) << "nor do they hear of the log";
    ListRequest request;
    request.user = kBob;
    request.above = after;
    request.with_rest = true;
    EXPECT_THAT(list(request).rest, IsEmpty()) << "an invitation has no feed";
}

TEST_P(StoreInviting, IsGoneFromTheListWhenItEnds) {
    const Row room = make_room("room", {kAnn});
    const Row other = make_room("other", {kAnn});
    invite(room, kBob);
    invite(other, kBob);
    const std::uint64_t before = list(kBob).upto;
    uninvite(room, kBob);
    remove(other);
    const ListPage page = list(kBob, before);
    ASSERT_EQ(page.found.size(), 2u);
    EXPECT_TRUE(page.found[0].is_gone());
    EXPECT_TRUE(page.found[1].is_gone());
    EXPECT_FALSE(page.found[0].is_invitation()) << "of a room that has ended";
    EXPECT_THAT(list(kBob).found, IsEmpty()) << "a whole list does not name it";
    expect_good();
}

TEST_P(StoreInviting, BringsBackWhoHasLeft) {
    const Row room = make_room("room", {kAnn, kBob});
    leave(room, kBob);
    const std::uint64_t before = list(kBob).upto;
    invite(room, kBob);
    const ListPage page = list(kBob, before);
    ASSERT_EQ(page.found.size(), 1u);
    EXPECT_TRUE(page.found[0].is_invitation());
    uninvite(room, kBob);
    EXPECT_TRUE(list(kBob, page.upto).found.at(0).is_gone());
    expect_good();
}

TEST_P(StoreInviting, IsFoundWithTheConversationsOfItsUser) {
    const Row room = make_room("room", {kAnn});
    invite(room, kBob);
    const auto found = reader->conversations_of(kBob, 0, 10);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 1u);
    EXPECT_TRUE(found->at(0).member.invited()) << "whoever is erased loses it";
    EXPECT_EQ(*reader->count_conversations(kBob, 10), 0u);
}

// It is a part of the user's row as everything else of it: a ban does not lose it, and is not lost with it.
TEST_P(StoreInviting, StandsBesideBans) {
    const Row room = make_room("room", {kAnn});
    model::Member member{.user = kBob};
    member.banned_until = now + 10;
    member.invited_by = kAnn;
    member.invited_ms = now;
    put(room, member);
    EXPECT_EQ(**reader->member(room, kBob), member);
    EXPECT_EQ(reader->bans(room, 0, 10, now)->at(0), member);
    EXPECT_EQ(reader->invitations(room, 0, 10)->at(0), member);
}

TEST_P(StoreInviting, IsCheckedAgainstRoles) {
    const Row room = make_room("room", {kAnn});
    model::Member member = member_since_start(kBob);
    member.invited_ms = now;
    put(room, member);
    const auto report = engine->check(5);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->fault_count, 1u) << "a member is invited";
}

}  // namespace
}  // namespace flare::store::test
