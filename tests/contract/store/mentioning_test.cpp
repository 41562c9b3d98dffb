// Clauses about whom messages mention: which rows there are, what pages show of them, and what is counted.
#include "contract/store/list_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using model::EntryKind;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class StoreMentions : public ListedStore {
protected:
    StoreMentions() { room = make_room("room", {kAnn, kBob}); }
    std::vector<Row> mentioned(std::uint64_t offset) {
        PageRequest request;
        request.conversation = room;
        request.from = offset;
        request.direction = Direction::forward;
        request.limit = 1;
        const Page found = page(request);
        EXPECT_EQ(found.entries.size(), 1u);
        return found.entries.empty() ? std::vector<Row>() : found.entries.front().mentions;
    }
    Row room = 0;
};
INSTANTIATE_TEST_SUITE_P(All, StoreMentions, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreMentions, AreOfMembersEachOnce) {
    const Outcome said = say_to(room, kBob, {kBob, kCat, kAnn, kAnn, 77});
    EXPECT_THAT(said.mentions, UnorderedElementsAre(kAnn, kBob)) << "cat is no member, and nobody has the row 77";
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_THAT(mentioned(1), ElementsAre(kAnn, kBob));
        EXPECT_EQ(all(room).entries.front().flags & model::kNamesUsers, model::kNamesUsers);
    }
    EXPECT_THAT(say_to(room, kBob, {kCat}).mentions, IsEmpty());
    EXPECT_THAT(mentioned(2), IsEmpty());
    EXPECT_EQ(all(room).entries.back().flags, 0);
    put(room, member_since_start(kCat));
    EXPECT_THAT(say_to(room, kBob, {kCat}).mentions, ElementsAre(kCat));
    leave(room, kCat);
    EXPECT_THAT(say_to(room, kBob, {kCat}).mentions, IsEmpty());
}

TEST_P(StoreMentions, OfARepeatAreThoseThatItHas) {
    NewEntry said = entry(room, ++last_id);
    said.mentions = {kAnn, kCat};
    EXPECT_THAT(append(said).mentions, ElementsAre(kAnn));
    put(room, member_since_start(kCat));
    said.first_sent_ms = now;
    const Outcome again = append(said);
    EXPECT_TRUE(again.repeat);
    EXPECT_THAT(again.mentions, ElementsAre(kAnn));
    EXPECT_THAT(mentioned(1), ElementsAre(kAnn));
}

TEST_P(StoreMentions, AreCountedAsUnreadIs) {
    say_to(room, kBob, {kAnn});
    say(room, kBob, 1);
    say_to(room, kBob, {kAnn, kBob});
    say_to(room, kAnn, {kBob});
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_EQ(unread_mentions(room, kAnn), 2u);
        EXPECT_EQ(unread_mentions(room, kBob), 1u) << "an own message mentions nobody";
        EXPECT_EQ(unread(room, kAnn), "3");
    }
    mark(room, kAnn, 1);
    EXPECT_EQ(unread_mentions(room, kAnn), 1u);
    mark(room, kAnn, 3);
    EXPECT_EQ(unread_mentions(room, kAnn), 0u);
    say_to(room, kBob, {kAnn}, model::kSilent);
    EXPECT_THAT(mentioned(5), ElementsAre(kAnn));
    EXPECT_EQ(unread_mentions(room, kAnn), 0u) << "what is silent is not unread";
}

TEST_P(StoreMentions, OfAllAreCountedForAllOthers) {
    say_to(room, kBob, {kAnn}, model::kMentionAll);
    EXPECT_THAT(mentioned(1), ElementsAre(kAnn)) << "that it mentions all is a flag";
    EXPECT_EQ(unread_mentions(room, kAnn), 1u) << "who is named, too, counts it once";
    EXPECT_EQ(unread_mentions(room, kBob), 0u);
    put(room, member_since_start(kCat));
    EXPECT_EQ(unread_mentions(room, kCat), 0u) << "who joins has read it";
    say_to(room, 0, {}, model::kMentionAll);
    for (const Row user : {kAnn, kBob, kCat}) EXPECT_EQ(unread_mentions(room, user), user == kAnn ? 2u : 1u);
}

TEST_P(StoreMentions, OfDeletedAndRemovedMessagesAreGone) {
    for (int i = 0; i < 3; ++i) say_to(room, kBob, {kAnn}, i == 1 ? model::kMentionAll : 0);
    say(room, kBob, EntryKind::removal, 2);
    EXPECT_EQ(unread_mentions(room, kAnn), 2u);
    EXPECT_THAT(mentioned(2), IsEmpty());
    say(room, kBob, EntryKind::edit, 3);
    EXPECT_EQ(unread_mentions(room, kAnn), 2u) << "an edit changes nothing of it";
    EXPECT_THAT(mentioned(3), ElementsAre(kAnn));
    const Listed before = listed(room, kAnn);
    cut(room, 2);
    EXPECT_EQ(unread_mentions(room, kAnn), 1u);
    maintain();
    EXPECT_EQ(unread_mentions(before), 1u) << "what is gone by now does not count";
    EXPECT_EQ(unread_mentions(room, kAnn), 1u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreMentions, OfWhoIsErasedAreGone) {
    say_to(room, kBob, {kAnn, kBob});
    say_to(room, kBob, {kAnn});
    write({Erasure{kAnn, 0, false}});
    EXPECT_EQ(unread_mentions(room, kAnn), 2u);
    write({Erasure{kAnn, room, true}});
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_THAT(mentioned(1), ElementsAre(kBob));
        EXPECT_THAT(mentioned(2), IsEmpty());
        EXPECT_EQ(unread_mentions(room, kAnn), 0u);
    }
}

TEST_P(StoreMentions, AreCountedUpToALimitHoweverFarBelow) {
    for (int i = 0; i < 5; ++i) say_to(room, kBob, {kAnn});
    EXPECT_EQ(unread_mentions(room, kAnn, 5), 5u);
    EXPECT_EQ(unread_mentions(room, kAnn, 4), 4u);
    EXPECT_EQ(unread_mentions(room, kAnn, 0), 0u);
    say(room, kBob, 1100);
    EXPECT_EQ(unread(room, kAnn), "999 and more");
    EXPECT_EQ(unread_mentions(room, kAnn), 5u) << "they are found without looking at each entry";
}

TEST_P(StoreMentions, AreAsOfTheList) {
    say_to(room, kBob, {kAnn});
    const Listed before = listed(room, kAnn);
    say_to(room, kBob, {kAnn});
    EXPECT_EQ(unread_mentions(before), 1u) << "what came later is not in it";
    say(room, kBob, EntryKind::removal, 1);
    EXPECT_EQ(unread_mentions(before), 0u);
}

TEST_P(StoreMentions, AreOfOneConversation) {
    const Row other = make_room("other", {kAnn, kBob});
    say_to(room, kBob, {kAnn}, model::kMentionAll);
    say(other, kBob, 3);
    EXPECT_EQ(unread_mentions(other, kAnn), 0u);
    EXPECT_EQ(unread_mentions(room, kAnn), 1u);
}

TEST_P(StoreMentions, AreOfAReplyAsOfAnyMessage) {
    say(room, kAnn, 1);
    NewEntry reply = entry(room, ++last_id);
    reply.sender = kBob;
    reply.ref = 1;
    reply.mentions = {kAnn};
    EXPECT_EQ(append(reply).code, errc::ok);
    EXPECT_EQ(all(room).entries.back().ref, 1u);
    EXPECT_EQ(unread_mentions(room, kAnn), 1u);
}

}  // namespace
}  // namespace flare::store::test
