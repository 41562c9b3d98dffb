// Clauses about pages of a log.
#include "contract/store/store_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreReading : public StoreContract {
protected:
    StoreReading() {
        room = make("room");
        request.conversation = room;
        for (std::uint64_t id = 1; id <= 70; ++id) append(room, id, "0123456789");
    }
    std::vector<std::uint64_t> read(Direction direction, std::uint64_t from, std::uint32_t limit) {
        request.direction = direction;
        request.from = from;
        request.limit = limit;
        last = page(request);
        return offsets(last);
    }
    Row room = 0;
    PageRequest request;
    Page last;
};
INSTANTIATE_TEST_SUITE_P(All, StoreReading, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreReading, GivesPagesInBothDirectionsInTheOrderOfTheLog) {
    EXPECT_THAT(read(Direction::forward, 31, 4), ElementsAre(31, 32, 33, 34));
    EXPECT_TRUE(last.more);
    EXPECT_THAT(read(Direction::forward, 68, 4), ElementsAre(68, 69, 70));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::forward, 67, 4), ElementsAre(67, 68, 69, 70));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::forward, 71, 4), IsEmpty());
    EXPECT_THAT(read(Direction::forward, 0, 2), ElementsAre(1, 2));
    EXPECT_THAT(read(Direction::backward, 34, 4), ElementsAre(31, 32, 33, 34));
    EXPECT_TRUE(last.more);
    EXPECT_THAT(read(Direction::backward, 3, 4), ElementsAre(1, 2, 3));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::backward, 4, 4), ElementsAre(1, 2, 3, 4));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::backward, UINT64_MAX, 2), ElementsAre(69, 70));
    EXPECT_THAT(read(Direction::backward, 0, 2), IsEmpty());
    EXPECT_EQ(last.head.last.offset, 70u);
}

// Those who read the newest entries again are shown the same, but for what has changed.
TEST_P(StoreReading, GivesTheNewestEntriesAgainAsTheyAreNow) {
    for (const std::uint32_t limit : {3u, 2u, 5u, 5u, 1u}) {
        EXPECT_THAT(read(Direction::backward, UINT64_MAX, limit), SizeIs(limit));
        EXPECT_EQ(last.entries.back().offset, 70u) << limit;
        EXPECT_EQ(last.entries.front().payload, "0123456789") << limit;
        EXPECT_TRUE(last.more) << limit;
    }
    request.floor = 68;
    EXPECT_THAT(read(Direction::backward, 70, 5), ElementsAre(68, 69, 70));
    EXPECT_FALSE(last.more);
    request.floor = 1;
    request.bytes = 30;  // of type and payload there are 14
    EXPECT_THAT(read(Direction::backward, 70, 5), ElementsAre(69, 70));
    EXPECT_TRUE(last.more);
    request.bytes = 1;
    EXPECT_THAT(read(Direction::backward, 70, 5), ElementsAre(70));
    request.bytes = 1024 * 1024;

    NewEntry edit = entry(room, 71, "edited");
    edit.kind = model::EntryKind::edit;
    edit.ref = 70;
    append(edit);
    read(Direction::backward, UINT64_MAX, 3);
    EXPECT_THAT(payloads(last), ElementsAre("0123456789", "edited", "edited"));
    NewEntry removal = entry(room, 72, "");
    removal.kind = model::EntryKind::removal;
    removal.ref = 70;
    append(removal);
    EXPECT_THAT(read(Direction::backward, UINT64_MAX, 3), ElementsAre(70, 71, 72));
    EXPECT_THAT(payloads(last), ElementsAre("", "", ""));
    EXPECT_TRUE(last.entries[0].blank);

    Change cut;
    cut.conversation = room;
    cut.keep_from = 71;
    change(cut);
    EXPECT_THAT(read(Direction::backward, UINT64_MAX, 3), ElementsAre(71, 72));
    EXPECT_FALSE(last.more);
    EXPECT_EQ(last.head.first, 71u);
}

TEST_P(StoreReading, StaysBetweenFloorAndCeiling) {
    request.floor = 10;
    request.ceiling = 12;
    EXPECT_THAT(read(Direction::forward, 1, 50), ElementsAre(10, 11, 12));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::backward, 70, 50), ElementsAre(10, 11, 12));
    EXPECT_FALSE(last.more);
    EXPECT_THAT(read(Direction::backward, 70, 2), ElementsAre(11, 12));
    EXPECT_TRUE(last.more);
    request.floor = UINT64_MAX;
    EXPECT_THAT(read(Direction::backward, 70, 2), IsEmpty());
}

TEST_P(StoreReading, EndsAPageAtItsBytesButNeverEmpty) {
    request.bytes = 45;  // three entries of 14, with their types
    EXPECT_THAT(read(Direction::forward, 1, 50), ElementsAre(1, 2, 3));
    EXPECT_TRUE(last.more);
    EXPECT_THAT(read(Direction::backward, 70, 50), ElementsAre(68, 69, 70));
    EXPECT_TRUE(last.more);
    request.bytes = 1;
    EXPECT_THAT(read(Direction::backward, 70, 50), ElementsAre(70));
    EXPECT_THAT(read(Direction::forward, 69, 50), ElementsAre(69));
    EXPECT_TRUE(last.more);
}

TEST_P(StoreReading, RefusesAConversationThatIsNotThere) {
    request.conversation = room + 1;
    const auto page = reader->page(request);
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error(), errc::unknown_conversation);
}

TEST_P(StoreReading, SeesWhatIsCommittedFromSeveralReaders) {
    const auto second = engine->reader();
    EXPECT_EQ((**second->conversation(room)).head.last.offset, 70u);
    append(room, 71);
    EXPECT_EQ((**second->conversation(room)).head.last.offset, 71u);
    EXPECT_EQ(head(room).last.offset, 71u);
    EXPECT_THAT(read(Direction::backward, 71, 1), ElementsAre(71));
}

}  // namespace
}  // namespace flare::store::test
