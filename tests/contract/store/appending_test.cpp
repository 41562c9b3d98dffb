// Clauses about entries: each once, without gaps, in one order.
#include "contract/store/store_fixture.hpp"

#include <gmock/gmock.h>

namespace flare::store::test {
namespace {

using ::testing::ElementsAre;

FLARE_STORE_SUITE(StoreAppending);

TEST_P(StoreAppending, GivesOffsetsWithoutGapsFromOneInTheOrderOfTheGroup) {
    const Row first = make("first");
    const Row second = make("second");
    WriteBatch one;
    WriteBatch two;
    for (std::uint64_t i = 1; i <= 5; ++i) one.writes.push_back({entry(i % 2 == 0 ? first : second, i)});
    for (std::uint64_t i = 6; i <= 8; ++i) two.writes.push_back({entry(first, i)});
    one.bytes = two.bytes = bytes;
    WriteBatch* const group[] = {&one, &two};
    ASSERT_TRUE(engine->commit(group, now));

    std::vector<std::uint64_t> given;
    for (const WriteBatch* batch : group)
        for (const Write& each : batch->writes) given.push_back(each.outcome.position.offset);
    EXPECT_THAT(given, ElementsAre(1, 1, 2, 2, 3, 3, 4, 5));
    EXPECT_THAT(offsets(all(first)), ElementsAre(1, 2, 3, 4, 5));
    EXPECT_THAT(offsets(all(second)), ElementsAre(1, 2, 3));
    EXPECT_EQ(all(first).entries[2].id, id_of(6));
}

TEST_P(StoreAppending, KeepsWhatWasSent) {
    const Row room = make("room");
    NewEntry sent = entry(room, 1, std::string("\0\xff payload", 10));
    sent.kind = model::EntryKind::system;
    sent.encoding = model::StoredEncoding::zstd;
    sent.flags = model::kMentionAll;
    sent.ref = 12;
    const Outcome outcome = append(sent);
    append(room, 2, "");

    for (const bool again : {false, true}) {
        if (again) open();
        const Page page = all(room);
        ASSERT_EQ(page.entries.size(), 2u);
        const Entry& kept = page.entries[0];
        EXPECT_EQ(kept.offset, 1u);
        EXPECT_EQ(kept.rev, 1u);
        EXPECT_EQ(kept.kind, model::EntryKind::system);
        EXPECT_EQ(kept.encoding, model::StoredEncoding::zstd);
        EXPECT_EQ(kept.flags, model::kMentionAll);
        EXPECT_EQ(kept.ref, 12u);
        EXPECT_EQ(kept.id, id_of(1));
        EXPECT_EQ(kept.sender, 7u);
        EXPECT_EQ(kept.time_ms, outcome.time_ms);
        EXPECT_EQ(kept.type, "text");
        EXPECT_EQ(kept.payload, std::string("\0\xff payload", 10));
        EXPECT_FALSE(kept.blank);
        EXPECT_EQ(page.entries[1].payload, "");
    }
}

TEST_P(StoreAppending, AnswersARepeatWithThePositionThatItHas) {
    const Row room = make("room");
    const Outcome sent = append(room, 1);
    append(room, 2);
    now += 1000;
    for (const bool again : {false, true}) {
        if (again) open();
        const Outcome repeat = append(room, 1);
        EXPECT_EQ(repeat.code, errc::ok);
        EXPECT_TRUE(repeat.repeat);
        EXPECT_EQ(repeat.position, sent.position);
        EXPECT_EQ(repeat.time_ms, sent.time_ms);
        EXPECT_EQ(repeat.stamp, sent.stamp);
        EXPECT_EQ(repeat.messages, 1u);
        EXPECT_EQ(repeat.row, room);
    }
    EXPECT_EQ(append(room, 3).position.offset, 3u);  // the repeats took no offset
    EXPECT_THAT(offsets(all(room)), ElementsAre(1, 2, 3));
}

TEST_P(StoreAppending, AnswersARepeatInTheSameGroup) {
    const Row room = make("room");
    WriteBatch batch;
    for (const std::uint64_t id : {1u, 2u, 1u, 2u, 3u}) batch.writes.push_back({entry(room, id)});
    batch.bytes = bytes;
    WriteBatch* const group[] = {&batch};
    ASSERT_TRUE(engine->commit(group, now));
    std::vector<std::uint64_t> given;
    for (const Write& each : batch.writes) given.push_back(each.outcome.position.offset);
    EXPECT_THAT(given, ElementsAre(1, 2, 1, 2, 3));
    EXPECT_TRUE(batch.writes[2].outcome.repeat);
    EXPECT_EQ(batch.writes[3].outcome.stamp, batch.writes[1].outcome.stamp);
    EXPECT_THAT(offsets(all(room)), ElementsAre(1, 2, 3));
}

TEST_P(StoreAppending, RefusesOtherContentUnderTheKeyOfAnEntry) {
    const Row room = make("room");
    append(room, 1);
    NewEntry other = entry(room, 1, "something else");
    other.content = 99;
    const Outcome refused = append(other);
    EXPECT_EQ(refused.code, errc::duplicate_message_id);
    EXPECT_EQ(refused.position.offset, 1u);
    EXPECT_THAT(payloads(all(room)), ElementsAre("payload"));
}

TEST_P(StoreAppending, TakesTheSameIdOfAnotherSenderAndInAnotherConversation) {
    const Row room = make("room");
    const Row other = make("other");
    append(room, 1);
    NewEntry of_another = entry(room, 1);
    of_another.sender = 8;
    EXPECT_EQ(append(of_another).position.offset, 2u);
    EXPECT_EQ(append(other, 1).position.offset, 1u);
    EXPECT_TRUE(append(of_another).repeat);
}

TEST_P(StoreAppending, FindsAnEntryByItsKey) {
    const Row room = make("room");
    const Outcome sent = append(room, 1);
    const auto found = reader->find(id_of(1), room, 7);
    ASSERT_TRUE(found && *found);
    EXPECT_EQ((**found).position, sent.position);
    EXPECT_EQ((**found).time_ms, sent.time_ms);
    EXPECT_EQ((**found).content, 1u);
    EXPECT_FALSE(*reader->find(id_of(1), room, 8));
    EXPECT_FALSE(*reader->find(id_of(2), room, 7));
    EXPECT_FALSE(*reader->find(id_of(1), room + 1, 7));
}

// The first message to somebody, which makes the conversation, may be sent again before it has arrived.
TEST_P(StoreAppending, TakesARepeatThatIsOlderThanItsLog) {
    const Row room = make("room");
    now += 60'000;
    NewEntry repeat = entry(room, 1);
    repeat.first_sent_ms = kStart - 60'000;
    EXPECT_EQ(append(repeat).position.offset, 1u);
    repeat.first_sent_ms = 1;  // what is there is never too old
    EXPECT_TRUE(append(repeat).repeat);
    EXPECT_EQ(append(repeat).code, errc::ok);
    NewEntry ancient = entry(room, 2);
    ancient.first_sent_ms = kStart - std::uint64_t{31} * 24 * 60 * 60 * 1000;  // nobody remembers the logs of then
    EXPECT_EQ(append(ancient).code, errc::too_old);
}

TEST_P(StoreAppending, RefusesARepeatThatIsOlderThanTheEndOfTheLogBefore) {
    Change removal;
    removal.conversation = make("room");
    append(removal.conversation, 1);
    now += 1000;
    removal.removed = true;
    ASSERT_EQ(change(removal).code, errc::ok);
    now += 1000;
    const Row again = make("room");
    const Row other = make("another room");
    for (const bool later : {false, true}) {
        if (later) {
            maintain();
            open();
        }
        NewEntry repeat = entry(again, 1);
        repeat.first_sent_ms = kStart + 999;
        EXPECT_EQ(append(repeat).code, errc::too_old);
        repeat = entry(again, later ? 3 : 2);
        repeat.first_sent_ms = kStart + 1000;
        EXPECT_EQ(append(repeat).code, errc::ok);
        repeat = entry(other, later ? 3 : 2);
        repeat.first_sent_ms = kStart;
        EXPECT_EQ(append(repeat).code, errc::ok);
    }
}

TEST_P(StoreAppending, RefusesARepeatThatIsOlderThanARemovedEntry) {
    const Row room = make("room");
    for (std::uint64_t id = 1; id <= 3; ++id) {
        now += 1000;
        append(room, id);
    }
    Change cut;
    cut.conversation = room;
    cut.keep_from = 3;
    ASSERT_EQ(change(cut).code, errc::ok);
    maintain();
    for (const bool again : {false, true}) {
        if (again) open();
        NewEntry repeat = entry(room, again ? 5 : 4);
        repeat.first_sent_ms = kStart + 1999;  // entry 2 was taken a millisecond later
        EXPECT_EQ(append(repeat).code, errc::too_old);
        repeat.first_sent_ms = kStart + 2000;
        EXPECT_EQ(append(repeat).code, errc::ok);
    }
}

TEST_P(StoreAppending, RefusesWhatIsForNoConversationAndTakesTheRest) {
    const Row room = make("room");
    WriteBatch batch;
    batch.writes = {{entry(room + 1, 1)}, {entry(room, 2)}, {entry(0, 3)}};
    batch.bytes = bytes;
    WriteBatch* const group[] = {&batch};
    ASSERT_TRUE(engine->commit(group, now));
    EXPECT_EQ(batch.writes[0].outcome.code, errc::unknown_conversation);
    EXPECT_EQ(batch.writes[1].outcome.position.offset, 1u);
    EXPECT_EQ(batch.writes[2].outcome.code, errc::unknown_conversation);
}

TEST_P(StoreAppending, CountsMessagesThatAreNotSilent) {
    const Row room = make("room");
    EXPECT_EQ(append(room, 1).messages, 1u);
    NewEntry silent = entry(room, 2);
    silent.flags = model::kSilent;
    EXPECT_EQ(append(silent).messages, 1u);
    NewEntry other = entry(room, 3);
    other.kind = model::EntryKind::membership;
    EXPECT_EQ(append(other).messages, 1u);
    EXPECT_EQ(append(room, 4).messages, 2u);
    for (const bool again : {false, true}) {
        if (again) open();
        EXPECT_EQ(head(room).messages, 2u);
        EXPECT_EQ(all(room).entries[2].messages, 1u);
        EXPECT_EQ(all(room).entries[3].messages, 2u);
    }
}

TEST_P(StoreAppending, GivesTimesThatDoNotGoBackButForAClockThatWasFarAhead) {
    const Row room = make("room");
    now = kStart + 300'000;
    EXPECT_EQ(append(room, 1).time_ms, kStart + 300'000);
    now = kStart;  // exactly 5 min back
    EXPECT_EQ(append(room, 2).time_ms, kStart + 300'000);
    now = kStart - 1;
    EXPECT_EQ(append(room, 3).time_ms, kStart - 1);
    now = kStart + 1000;
    EXPECT_EQ(append(room, 4).time_ms, kStart + 1000);
}

TEST_P(StoreAppending, GivesStampsThatAscendOverConversationsChangesAndStarts) {
    const Row first = make("first");
    const Row second = make("second");
    std::uint64_t last = 0;
    const auto expect_more = [&](std::uint64_t stamp) {
        EXPECT_GT(stamp, last);
        last = stamp;
    };
    expect_more(append(first, 1).stamp);
    expect_more(append(second, 2).stamp);
    Change joins;
    joins.conversation = first;
    joins.members.push_back({.user = 3, .role = model::Role::member});
    expect_more(change(joins).stamp);
    open();
    EXPECT_GE(engine->about().stamp, last);
    expect_more(append(first, 3).stamp);
    Change removal;
    removal.conversation = first;
    removal.removed = true;
    expect_more(change(removal).stamp);
    maintain();  // the newest rows of the log go
    open();
    expect_more(append(second, 4).stamp);
    EXPECT_EQ(head(second).stamp, last);
}

TEST_P(StoreAppending, HasOneEpochForALogThatNoOtherHas) {
    const Row first = make("first");
    const Row second = make("second");
    const std::uint64_t epoch = append(first, 1).position.epoch;
    EXPECT_NE(epoch, 0u);
    EXPECT_NE(append(second, 2).position.epoch, epoch);
    EXPECT_EQ(head(first).last.epoch, epoch);
    const std::uint64_t generation = engine->about().generation;
    open();
    EXPECT_EQ(engine->about().generation, generation);
    EXPECT_EQ(head(first).last.epoch, epoch);
    EXPECT_EQ(append(first, 3).position, (model::Position{epoch, 2}));
    StoreTest another(GetParam());
    EXPECT_NE(another.engine->about().generation, generation);
}

TEST_P(StoreAppending, ChangesTheOriginalByAnEdit) {
    const Row room = make("room");
    append(room, 1, "first text");
    append(room, 2, "second");
    for (int i = 0; i < 3; ++i) {  // the head is written, with the bytes of the first text
        now += 2000;
        maintain();
    }
    NewEntry edit = entry(room, 3, "edited");
    edit.kind = model::EntryKind::edit;
    edit.ref = 1;
    EXPECT_EQ(append(edit).position.offset, 3u);
    for (const bool again : {false, true}) {
        if (again) crash();
        const Page page = all(room);
        EXPECT_THAT(payloads(page), ElementsAre("edited", "second", "edited"));  // the change shows what it is now
        EXPECT_EQ(page.entries[0].rev, 3u);
        EXPECT_EQ(page.entries[0].type, "text");
        EXPECT_EQ(page.entries[0].kind, model::EntryKind::message);
        EXPECT_EQ(page.entries[2].kind, model::EntryKind::edit);
        EXPECT_EQ(page.entries[2].ref, 1u);
        EXPECT_EQ(head(room).bytes, 12u);
        EXPECT_EQ(head(room).messages, 2u);
    }
    EXPECT_TRUE(append(edit).repeat);
}

TEST_P(StoreAppending, BlanksTheOriginalByARemoval) {
    const Row room = make("room");
    append(room, 1, "secret");
    NewEntry edit = entry(room, 2, "still a secret");
    edit.kind = model::EntryKind::edit;
    edit.ref = 1;
    append(edit);
    NewEntry removal = entry(room, 3, "");
    removal.kind = model::EntryKind::removal;
    removal.ref = 1;
    EXPECT_EQ(append(removal).position.offset, 3u);
    for (const bool again : {false, true}) {
        if (again) crash();
        const Page page = all(room);
        EXPECT_THAT(offsets(page), ElementsAre(1, 2, 3));
        EXPECT_THAT(payloads(page), ElementsAre("", "", ""));
        EXPECT_TRUE(page.entries[0].blank);
        EXPECT_TRUE(page.entries[1].blank);  // the edit tells nothing either
        EXPECT_EQ(page.entries[0].rev, 3u);
        EXPECT_EQ(page.entries[0].id, id_of(1));
        EXPECT_EQ(head(room).bytes, 0u);
    }
    edit.id = id_of(9);
    EXPECT_EQ(append(edit).code, errc::history_pruned);  // what was deleted cannot be edited
}

TEST_P(StoreAppending, RefusesAChangeOfWhatIsNotThere) {
    const Row room = make("room");
    append(room, 1);
    NewEntry edit = entry(room, 2);
    edit.kind = model::EntryKind::edit;
    for (const std::uint64_t ref : {0u, 2u, 3u}) {
        edit.ref = ref;
        EXPECT_EQ(append(edit).code, errc::history_pruned);
    }
    EXPECT_EQ(head(room).last.offset, 1u);
    edit.ref = 1;
    EXPECT_EQ(append(edit).position.offset, 2u);
}

// Blocks, heads and the rows behind them, whatever is written when.
TEST_P(StoreAppending, KeepsManyLogsInOrderOverManyStarts) {
    constexpr std::uint64_t kRooms = 9;
    std::vector<Row> rooms;
    for (std::uint64_t i = 0; i < kRooms; ++i) rooms.push_back(make("room " + std::to_string(i)));
    std::vector<std::uint64_t> sizes(kRooms, 0);
    std::uint64_t id = 0;
    for (int round = 0; round < 60; ++round) {
        bytes.clear();
        WriteBatch batch;
        std::vector<std::uint64_t> expected;
        for (int i = 0; i < 17; ++i) {
            ++id;
            const std::uint64_t room = id * id % kRooms;
            expected.push_back(++sizes[room]);
            batch.writes.push_back({entry(rooms[room], id, std::to_string(id))});
        }
        batch.bytes = bytes;
        WriteBatch* const group[] = {&batch};
        ASSERT_TRUE(engine->commit(group, now += 100));
        for (std::size_t i = 0; i < expected.size(); ++i)
            ASSERT_EQ(batch.writes[i].outcome.position.offset, expected[i]);
        if (round % 7 == 3) maintain();
        if (round % 10 == 4) crash();
        if (round % 10 == 9) open();
    }
    for (std::uint64_t room = 0; room < kRooms; ++room) {
        const Page page = all(rooms[room]);
        ASSERT_EQ(page.entries.size(), sizes[room]);
        for (std::uint64_t i = 0; i < sizes[room]; ++i) {
            ASSERT_EQ(page.entries[i].offset, i + 1);
            ASSERT_EQ(page.entries[i].messages, i + 1);
            ASSERT_EQ(page.entries[i].id, id_of(std::stoull(page.entries[i].payload)));
        }
        EXPECT_EQ(page.head.last.offset, sizes[room]);
        EXPECT_EQ(page.head.messages, sizes[room]);
    }
}

}  // namespace
}  // namespace flare::store::test
