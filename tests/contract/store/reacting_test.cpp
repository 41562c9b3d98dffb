// Reactions to messages, and the bounds of what may change a message.
#include "contract/store/store_fixture.hpp"
#include "store/rules.hpp"

#include <gmock/gmock.h>

#include <algorithm>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreReacting : public StoreContract {
protected:
    StoreReacting() {
        for (int i = 1; i <= 40; ++i) EXPECT_EQ(write({NewUser{"user" + std::to_string(i)}}).code, errc::ok);
        room = make("room");
    }
    Outcome react(Row user, std::string_view key, std::uint64_t ref = 1, bool taken_back = false) {
        NewEntry reaction = entry(room, ++last_id, key);
        reaction.kind = model::EntryKind::reaction;
        reaction.sender = user;
        reaction.type = {};
        reaction.ref = ref;
        if (taken_back) reaction.flags = model::kTakenBack;
        return append(reaction);
    }
    Outcome take_back(Row user, std::string_view key, std::uint64_t ref = 1) { return react(user, key, ref, true); }
    Outcome change_message(model::EntryKind kind, std::uint64_t ref, std::string_view payload = {}) {
        NewEntry change = entry(room, ++last_id, payload);
        change.kind = kind;
        change.ref = ref;
        return append(change);
    }
    Page shown_to(Row who, bool with_reactions = true) {
        PageRequest request;
        request.conversation = room;
        request.direction = Direction::forward;
        request.limit = 1000;
        request.reactions = with_reactions;
        request.reader = who;
        return page(request);
    }
    std::vector<Reaction> reactions_to(std::uint64_t offset, Row who = 0) {
        for (const Entry& each : shown_to(who).entries)
            if (each.offset == offset) return each.reactions;
        return {};
    }
    void expect_good() {
        const auto report = engine->check(5);
        ASSERT_TRUE(report);
        for (const Finding& each : report->faults) ADD_FAILURE() << each.where << ": " << each.what;
    }

    Row room = 0;
    std::uint64_t last_id = 100;
};
INSTANTIATE_TEST_SUITE_P(All, StoreReacting, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreReacting, CountsUsersByKeyAndSaysWhetherTheReaderIsOne) {
    append(room, 1);
    append(room, 2);
    EXPECT_EQ(react(1, "up").position.offset, 3u);
    react(2, "up");
    react(2, "heart");
    react(3, "up", 2);
    for (const bool again : {false, true}) {
        if (again) crash();
        EXPECT_THAT(reactions_to(1, 1), ElementsAre(Reaction{"heart", 1, false}, Reaction{"up", 2, true}));
        EXPECT_THAT(reactions_to(1, 2), ElementsAre(Reaction{"heart", 1, true}, Reaction{"up", 2, true}));
        EXPECT_THAT(reactions_to(1), ElementsAre(Reaction{"heart", 1, false}, Reaction{"up", 2, false}));
        EXPECT_THAT(reactions_to(2, 1), ElementsAre(Reaction{"up", 1, false}));
        const Page page = shown_to(1);
        EXPECT_EQ(page.entries[0].reactions_upto, 6u);
        EXPECT_EQ(page.entries[0].rev, 1u) << "its text is as it was";
        EXPECT_EQ(page.entries[2].kind, model::EntryKind::reaction);
        EXPECT_EQ(page.entries[2].ref, 1u);
        EXPECT_EQ(page.entries[2].payload, "up");
        EXPECT_THAT(shown_to(1, false).entries[0].reactions, IsEmpty()) << "nobody asked for them";
        EXPECT_EQ(shown_to(1, false).entries[0].reactions_upto, 0u);
        EXPECT_EQ(page.entries[2].reactions_upto, 0u) << "nobody reacts to a reaction";
        expect_good();
    }
}

TEST_P(StoreReacting, TakesAReactionBack) {
    append(room, 1);
    react(1, "up");
    react(2, "up");
    EXPECT_EQ(take_back(1, "up").position.offset, 4u);
    EXPECT_THAT(reactions_to(1, 1), ElementsAre(Reaction{"up", 1, false}));
    EXPECT_EQ(shown_to(1).entries[3].flags, model::kTakenBack);
    take_back(2, "up");
    EXPECT_THAT(reactions_to(1), IsEmpty());
    EXPECT_EQ(shown_to(1).entries[0].reactions_upto, 5u);
    EXPECT_EQ(react(1, "up").position.offset, 6u);
    EXPECT_THAT(reactions_to(1, 1), ElementsAre(Reaction{"up", 1, true}));
    expect_good();
}

TEST_P(StoreReacting, WritesNothingThatChangesNothing) {
    append(room, 1);
    react(1, "up");
    const model::Head before = head(room);
    for (const Outcome& outcome : {react(1, "up"), take_back(1, "heart"), take_back(2, "up")}) {
        EXPECT_EQ(outcome.code, errc::ok);
        EXPECT_TRUE(outcome.repeat);
        EXPECT_EQ(outcome.position, (model::Position{before.last.epoch, 0})) << "there is no entry";
        EXPECT_EQ(outcome.time_ms, before.last_ms);
    }
    EXPECT_EQ(head(room), before);
    EXPECT_THAT(reactions_to(1), ElementsAre(Reaction{"up", 1, false}));
}

TEST_P(StoreReacting, AnswersARepeatByItsIdWhateverHasChangedSince) {
    append(room, 1);
    NewEntry reaction = entry(room, 7, "up");
    reaction.kind = model::EntryKind::reaction;
    reaction.ref = 1;
    EXPECT_EQ(append(reaction).position.offset, 2u);
    take_back(7, "up");
    const Outcome again = append(reaction);
    EXPECT_TRUE(again.repeat);
    EXPECT_EQ(again.position.offset, 2u);
    EXPECT_THAT(reactions_to(1), IsEmpty()) << "it is not given anew";
    change_message(model::EntryKind::removal, 1);
    EXPECT_EQ(append(reaction).position.offset, 2u);
}

TEST_P(StoreReacting, HasTwentyKeysAMessage) {
    append(room, 1);
    append(room, 2);
    for (std::uint64_t i = 0; i < kMostReactionKeys; ++i)
        ASSERT_EQ(react(1 + i, "key" + std::to_string(i)).code, errc::ok);
    const std::uint64_t last = head(room).last.offset;
    EXPECT_EQ(react(30, "another").code, errc::too_many_reactions);
    EXPECT_EQ(head(room).last.offset, last);
    EXPECT_EQ(react(30, "key7").code, errc::ok) << "it is one of them";
    EXPECT_EQ(react(30, "another", 2).code, errc::ok) << "to another message";
    take_back(1, "key0");
    EXPECT_EQ(react(31, "another").code, errc::ok) << "one has gone";
    EXPECT_THAT(reactions_to(1), SizeIs(kMostReactionKeys));
    expect_good();
}

TEST_P(StoreReacting, HasThreeReactionsOfAUserToAMessage) {
    append(room, 1);
    append(room, 2);
    for (const char* const key : {"a", "b", "c"}) ASSERT_EQ(react(1, key).code, errc::ok);
    react(2, "d");
    EXPECT_EQ(react(1, "d").code, errc::too_many_reactions);
    EXPECT_EQ(react(1, "e").code, errc::too_many_reactions);
    EXPECT_EQ(react(1, "a").code, errc::ok) << "it is there already";
    EXPECT_EQ(react(1, "d", 2).code, errc::ok) << "to another message";
    take_back(1, "b");
    EXPECT_EQ(react(1, "d").code, errc::ok);
    expect_good();
}

TEST_P(StoreReacting, LosesTheReactionsToWhatIsDeleted) {
    append(room, 1, "secret");
    append(room, 2);
    react(1, "up");
    react(2, "up", 2);
    EXPECT_EQ(change_message(model::EntryKind::removal, 1).code, errc::ok);
    for (const bool again : {false, true}) {
        if (again) crash();
        EXPECT_THAT(reactions_to(1), IsEmpty());
        EXPECT_THAT(reactions_to(2), SizeIs(1));
        expect_good();
    }
    EXPECT_EQ(react(3, "up").code, errc::history_pruned);
    EXPECT_EQ(take_back(1, "up").code, errc::history_pruned);
    EXPECT_EQ(change_message(model::EntryKind::removal, 1).code, errc::history_pruned) << "it is gone";
    EXPECT_EQ(change_message(model::EntryKind::edit, 1, "again").code, errc::history_pruned);
}

TEST_P(StoreReacting, ReactsToNothingThatIsNotThere) {
    append(room, 1);
    react(1, "up");
    for (const std::uint64_t ref : {0u, 2u, 3u, 9u}) EXPECT_EQ(react(2, "up", ref).code, errc::history_pruned) << ref;
}

TEST_P(StoreReacting, LosesTheReactionsToWhatRetentionRemoves) {
    append(room, 1);
    append(room, 2);
    react(1, "up", 1);
    react(1, "up", 2);
    Change cut;
    cut.conversation = room;
    cut.keep_from = 2;
    change(cut);
    expect_good();
    maintain();
    expect_good();
    EXPECT_THAT(reactions_to(2), SizeIs(1));
    EXPECT_EQ(react(2, "up", 1).code, errc::history_pruned);
    Change removed;
    removed.conversation = room;
    removed.removed = true;
    change(removed);
    maintain();
    expect_good();
}

TEST_P(StoreReacting, EditsAMessageAHundredTimes) {
    append(room, 1, "0");
    append(room, 2, "other");
    for (std::uint64_t i = 1; i <= kMostEdits; ++i) {
        if (i == 50) crash();
        ASSERT_EQ(change_message(model::EntryKind::edit, 1, std::to_string(i)).code, errc::ok) << i;
    }
    EXPECT_EQ(change_message(model::EntryKind::edit, 1, "too often").code, errc::too_many_edits);
    EXPECT_EQ(change_message(model::EntryKind::edit, 2, "another").code, errc::ok);
    const Page page = shown_to(1);
    EXPECT_EQ(page.entries[0].payload, "100");
    EXPECT_EQ(page.entries[0].flags, 0u);
    EXPECT_FALSE(page.entries[0].blank);
    EXPECT_EQ(page.entries[0].rev, 102u);
    EXPECT_EQ(change_message(model::EntryKind::removal, 1).code, errc::ok) << "it can still be deleted";
    EXPECT_TRUE(shown_to(1).entries[0].blank);
    expect_good();
}

TEST_P(StoreReacting, UndoesAGroupThatIsNotWritten) {
    append(room, 1, "text");
    react(1, "up");
    const model::Head before = head(room);
    bytes.clear();
    WriteBatch batch;
    NewEntry reaction = entry(room, 900, "heart");
    reaction.kind = model::EntryKind::reaction;
    reaction.ref = 1;
    reaction.sender = 2;
    NewEntry removal = entry(room, 901, "");
    removal.kind = model::EntryKind::removal;
    removal.ref = 1;
    batch.writes = {{reaction}, {removal}};
    batch.bytes = bytes;
    WriteBatch* const group[] = {&batch};
    place->fail(1);
    EXPECT_FALSE(engine->commit(group, now));
    place->heal();
    crash();
    if (head(room).last.offset != before.last.offset) return;  // of unknown outcome: it was written
    EXPECT_THAT(reactions_to(1, 1), ElementsAre(Reaction{"up", 1, true}));
    expect_good();
}

}  // namespace
}  // namespace flare::store::test
