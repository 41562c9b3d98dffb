// Which entries of a log are beyond the rules of retention, on every engine.
#include "contract/store/list_fixture.hpp"

#include "store/retention.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StoreRetention : public ListedStore {
protected:
    std::uint64_t kept(Row room, const RetentionRules& rules) {
        const auto found = reader->conversation(room);
        EXPECT_TRUE(found && *found);
        const auto first = first_kept(*reader, **found, rules, now);
        EXPECT_TRUE(first) << first.error().message();
        return first ? *first : 0;
    }
    // A hundred messages of 5 bytes, one a second; `now` is the time of the last one.
    Row make_long() {
        const Row room = make_room("long", {kAnn});
        for (int i = 0; i < 100; ++i) {
            now += 1000;
            NewEntry said = entry(room, ++last_id, "12345");
            said.sender = kAnn;
            append(said);
        }
        return room;
    }
};

INSTANTIATE_TEST_SUITE_P(All, StoreRetention, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreRetention, KeepsEverythingWithoutARule) {
    const Row room = make_long();
    EXPECT_EQ(kept(room, {}), 0u);
    EXPECT_EQ(kept(room, {.age_ms = 100'000, .entries = 100, .bytes = 500}), 0u);
    EXPECT_EQ(kept(make_room("empty", {kAnn}), {.age_ms = 1, .entries = 1, .bytes = 1}), 0u);
}

TEST_P(StoreRetention, CountsEntries) {
    const Row room = make_long();
    EXPECT_EQ(kept(room, {.entries = 99}), 2u);
    EXPECT_EQ(kept(room, {.entries = 1}), 100u);
}

TEST_P(StoreRetention, FindsAnAge) {
    const Row room = make_long();
    EXPECT_EQ(kept(room, {.age_ms = 99'000}), 0u);
    EXPECT_EQ(kept(room, {.age_ms = 98'999}), 2u);
    EXPECT_EQ(kept(room, {.age_ms = 10'000}), 90u);
    now += 1'000'000;
    EXPECT_EQ(kept(room, {.age_ms = 10'000}), 101u);
    now = 5;
    EXPECT_EQ(kept(room, {.age_ms = 10'000}), 0u) << "a clock that was set back removes nothing";
}

TEST_P(StoreRetention, CountsBytes) {
    const Row room = make_long();
    EXPECT_EQ(kept(room, {.bytes = 499}), 2u);
    EXPECT_EQ(kept(room, {.bytes = 495}), 2u);
    EXPECT_EQ(kept(room, {.bytes = 494}), 3u);
    EXPECT_EQ(kept(room, {.bytes = 4}), 101u);
}

TEST_P(StoreRetention, CountsTheBytesOfAnEditedMessageOnce) {
    const Row room = make_room("edited", {kAnn});
    NewEntry said = entry(room, ++last_id, "12345");
    said.sender = kAnn;
    append(said);
    for (int i = 0; i < 3; ++i) {
        NewEntry edit = entry(room, ++last_id, "123456789");
        edit.sender = kAnn;
        edit.kind = model::EntryKind::edit;
        edit.ref = 1;
        ASSERT_EQ(append(edit).code, errc::ok);
    }
    append(entry(room, ++last_id, "x"));
    EXPECT_EQ(head(room).bytes, 10u);
    EXPECT_EQ(kept(room, {.bytes = 9}), 2u);
    EXPECT_EQ(kept(room, {.bytes = 1}), 2u);
}

TEST_P(StoreRetention, TheStrictestRuleCounts) {
    const Row room = make_long();
    EXPECT_EQ(kept(room, {.age_ms = 10'000, .entries = 50, .bytes = 400}), 90u);
    EXPECT_EQ(kept(room, {.age_ms = 90'000, .entries = 50, .bytes = 400}), 51u);
    EXPECT_EQ(kept(room, {.age_ms = 90'000, .entries = 95, .bytes = 400}), 21u);
}

TEST_P(StoreRetention, CutsAgainWhereItHasCut) {
    const Row room = make_long();
    ASSERT_EQ(cut(room, kept(room, {.bytes = 400})).code, errc::ok);
    maintain();
    EXPECT_EQ(head(room).first, 21u);
    EXPECT_EQ(kept(room, {.bytes = 400}), 0u);
    EXPECT_EQ(kept(room, {.bytes = 395}), 22u);
}

TEST_P(StoreRetention, ListsConversationsByRowButForThoseThatEnd) {
    const Row first = make_room("first", {kAnn});
    const Row second = make_room("second", {kAnn});
    const Row third = make_room("third", {kAnn});
    say(second, kAnn);
    remove(second);
    EXPECT_THAT(*reader->conversations(0, 10), ElementsAre(first, third));
    EXPECT_THAT(*reader->conversations(0, 1), ElementsAre(first));
    EXPECT_THAT(*reader->conversations(first, 10), ElementsAre(third));
    EXPECT_THAT(*reader->conversations(third, 10), IsEmpty());
}

// Their bytes are counted less when the rows go: until then it is not known how many are left.
TEST_P(StoreRetention, LeavesOutWhatIsBeingDeleted) {
    const Row room = make_long();
    ASSERT_EQ(cut(room, 50).code, errc::ok);
    if (head(room).bytes != 255u) {
        EXPECT_THAT(*reader->conversations(0, 10), IsEmpty());
    }
    maintain();
    EXPECT_EQ(head(room).bytes, 255u);
    EXPECT_THAT(*reader->conversations(0, 10), ElementsAre(room));
}

// ---- users who are being erased ----

TEST_P(StoreRetention, RemembersWhoIsBeingErased) {
    EXPECT_THAT(*reader->erasures(10), IsEmpty());
    for (const Row user : {kBob, kAnn}) {
        const Outcome noted = write({Erasure{.user = user}});
        EXPECT_EQ(noted.code, errc::ok);
        EXPECT_EQ(noted.row, user);
    }
    EXPECT_EQ(write({Erasure{.user = kAnn, .conversation = 9}}).code, errc::ok);
    open();
    EXPECT_THAT(*reader->erasures(10), ElementsAre(Erasure{kAnn, 9}, Erasure{kBob, 0}));
    EXPECT_THAT(*reader->erasures(1), ElementsAre(Erasure{kAnn, 9}));
    EXPECT_EQ(write({Erasure{.user = kAnn, .done = true}}).code, errc::ok);
    open();
    EXPECT_THAT(*reader->erasures(10), ElementsAre(Erasure{kBob, 0}));
}

}  // namespace
}  // namespace flare::store::test
