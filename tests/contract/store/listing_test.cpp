// Clauses about the list of a user's conversations.
#include "contract/store/list_fixture.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

namespace flare::store::test {
namespace {

using model::Role;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class StoreListing : public ListedStore {};
INSTANTIATE_TEST_SUITE_P(All, StoreListing, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreListing, NamesTheNewestActivityFirst) {
    const Row a = make_room("a", {kAnn, kBob});
    const Row b = make_room("b", {kAnn});
    const Row c = make_room("c", {kBob});
    const Row d = make_room("d", {kAnn, kBob});
    say(b, kAnn);
    say(a, kBob);
    for (const bool again : {false, true}) {
        if (again) open();
        const ListPage page = list(kAnn);
        EXPECT_THAT(rooms_of(page.found), ElementsAre(a, b, d));
        EXPECT_FALSE(page.more);
        EXPECT_TRUE(page.whole);
        EXPECT_THAT(rooms_of(list(kBob).found), ElementsAre(a, d, c));
        EXPECT_THAT(list(kCat).found, IsEmpty());
    }
}

TEST_P(StoreListing, SaysWhatIsKnownOfEach) {
    const Row room = make_room("room", {kAnn, kBob});
    Change changed;
    changed.conversation = room;
    changed.config = model::Config{"Title", model::Join::open, model::Visibility::all, 1000, 2000, true};
    change(changed);
    say(room, kBob, 5);
    mark(room, kAnn, 2);
    const Outcome last = say(room, kBob);
    const ListPage page = list(kAnn);
    ASSERT_THAT(page.found, SizeIs(1));
    const Listed& found = page.found.front();
    const auto conversation = **reader->conversation(room);
    EXPECT_EQ(found.conversation.row, room);
    EXPECT_EQ(found.conversation.key, conversation.key);
    EXPECT_EQ(found.conversation.config, *changed.config);
    EXPECT_EQ(found.conversation.head, conversation.head);
    EXPECT_EQ(found.conversation.head.last, last.position);
    EXPECT_EQ(found.conversation.members, 2u);
    EXPECT_EQ(found.conversation.created_ms, kStart);
    EXPECT_EQ(found.member, **reader->member(room, kAnn));
    EXPECT_EQ(found.mark, (model::ReadMark{2, 2}));
    EXPECT_EQ(found.stamp, last.stamp);
    EXPECT_FALSE(found.is_gone());
    EXPECT_EQ(page.upto, last.stamp);
    EXPECT_EQ(page.upto, engine->about().stamp);
    EXPECT_EQ(page.generation, engine->about().generation);
}

TEST_P(StoreListing, NamesWhatHasChangedSince) {
    std::vector<Row> rooms;
    for (int i = 0; i < 8; ++i) rooms.push_back(make_room("room " + std::to_string(i), {kAnn, kBob}));
    for (const Row room : rooms) say(room, kBob, 3);
    const std::uint64_t cursor = list(kAnn).upto;
    EXPECT_THAT(list(kAnn, cursor).found, IsEmpty());

    const std::uint64_t said = say(rooms[2], kBob).stamp;
    const std::uint64_t read = mark(rooms[6], kAnn, 2).stamp;
    mark(rooms[5], kBob, 2);  // that is his affair
    const std::uint64_t muted = put(rooms[4], member_since_start(kAnn, Role::reader), false).stamp;
    mark(rooms[7], kAnn, 0);  // changes nothing
    for (const bool again : {false, true}) {
        if (again) open();
        const ListPage page = list(kAnn, cursor);
        ASSERT_THAT(rooms_of(page.found), ElementsAre(rooms[4], rooms[6], rooms[2]));
        EXPECT_EQ(page.found[0].stamp, muted);
        EXPECT_EQ(page.found[1].stamp, read);
        EXPECT_EQ(page.found[2].stamp, said);
        EXPECT_FALSE(page.whole);
        EXPECT_EQ(page.upto, muted);
        EXPECT_THAT(rooms_of(list(kAnn, read).found), ElementsAre(rooms[4]));
        EXPECT_THAT(list(kAnn, page.upto).found, IsEmpty());
    }
}

TEST_P(StoreListing, ComesInPagesOfOneMoment) {
    std::vector<Row> rooms;
    for (int i = 0; i < 7; ++i) rooms.push_back(make_room("room " + std::to_string(i), {kAnn}));
    for (const Row room : rooms) say(room, kBob);
    ListRequest request;
    request.user = kAnn;
    request.limit = 3;
    const ListPage first = list(request);
    EXPECT_THAT(rooms_of(first.found), ElementsAre(rooms[6], rooms[5], rooms[4]));
    EXPECT_TRUE(first.more);

    // What changes meanwhile moves into the next list.
    say(rooms[2], kBob);
    const Row fresh = make_room("another", {kAnn});
    request.upto = first.upto;
    request.before_stamp = first.found.back().stamp;
    request.before_row = first.found.back().conversation.row;
    const ListPage second = list(request);
    EXPECT_THAT(rooms_of(second.found), ElementsAre(rooms[3], rooms[1], rooms[0]));
    EXPECT_FALSE(second.more);
    EXPECT_EQ(second.upto, first.upto);
    EXPECT_THAT(rooms_of(list(kAnn, first.upto).found), ElementsAre(fresh, rooms[2]));
}

TEST_P(StoreListing, GivesEachOnceInPagesOfAnySize) {
    std::vector<Row> rooms;
    for (int i = 0; i < 5; ++i) rooms.push_back(make_room("room " + std::to_string(i), {kAnn}));
    for (const std::uint32_t limit : {0, 1, 2, 4, 5, 6}) {
        ListRequest request;
        request.user = kAnn;
        request.limit = limit;
        std::vector<Row> found;
        for (bool more = true; more;) {
            const ListPage page = list(request);
            for (const Row row : rooms_of(page.found)) found.push_back(row);
            ASSERT_EQ(page.found.size(),
                      std::min<std::size_t>(std::max(limit, 1u), 5 - (found.size() - page.found.size())));
            more = page.more;
            ASSERT_EQ(more, found.size() < rooms.size());
            request.upto = page.upto;
            request.before_stamp = page.found.back().stamp;
            request.before_row = page.found.back().conversation.row;
        }
        EXPECT_THAT(found, ElementsAre(rooms[4], rooms[3], rooms[2], rooms[1], rooms[0]));
    }
}

TEST_P(StoreListing, NamesWhatIsGoneOnceAndOnlySince) {
    const Row left = make_room("left", {kAnn, kBob});
    const Row removed = make_room("removed", {kAnn, kBob});
    const Row empty = make_room("removed before anything was said", {kAnn, kBob});
    const Row stays = make_room("stays", {kAnn, kBob});
    say(left, kBob, 3);
    say(removed, kBob, 3);
    const std::uint64_t before = list(kAnn).upto;

    const Outcome leaving = leave(left, kAnn);
    const Outcome removal = remove(removed);
    const Outcome second = remove(empty);
    for (const bool again : {false, true}) {
        if (again) maintain();
        if (again) open();
        const ListPage page = list(kAnn, before);
        ASSERT_THAT(rooms_of(page.found), ElementsAre(empty, removed, left));
        EXPECT_EQ(page.found[0].stamp, second.stamp);
        EXPECT_EQ(page.found[1].stamp, removal.stamp);
        EXPECT_EQ(page.found[2].stamp, leaving.stamp);
        EXPECT_EQ(page.found[2].conversation.key, model::ConversationKey::room("left"));
        for (const Listed& each : page.found) {
            EXPECT_TRUE(each.is_gone());
            EXPECT_EQ(unread(each), "0");
        }
        EXPECT_TRUE(page.found[1].conversation.removed);
        EXPECT_EQ(page.found[2].member.role, Role::none);
        EXPECT_THAT(rooms_of(list(kAnn).found), ElementsAre(stays)) << "a whole list has nothing that is gone";
    }
    const std::uint64_t after = list(kAnn).upto;
    say(left, kBob, 2);
    EXPECT_THAT(list(kAnn, after).found, IsEmpty()) << "whoever has left hears no more of the log";
    EXPECT_THAT(rooms_of(list(kBob, after).found), ElementsAre(left));
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreListing, TellsNothingOfARoomThatOneNeverWasIn) {
    const Row room = make_room("room", {kAnn});
    const std::uint64_t before = list(kBob).upto;
    model::Member banned;
    banned.user = kBob;
    banned.banned_until = UINT64_MAX;
    put(room, banned);
    EXPECT_THAT(list(kBob, before).found, IsEmpty());
    ListRequest request;
    request.user = kBob;
    request.above = before;
    request.limit = 1;
    EXPECT_FALSE(list(request).more);
}

TEST_P(StoreListing, NamesTheRestBehindTheLastPage) {
    std::vector<Row> rooms;
    for (int i = 0; i < 8; ++i) rooms.push_back(make_room("room " + std::to_string(i), {kAnn, kBob}));
    for (const Row room : rooms) say(room, kBob);
    leave(rooms[1], kAnn);
    remove(rooms[2]);
    const std::uint64_t cursor = list(kAnn).upto;
    say(rooms[5], kBob);
    say(rooms[3], kBob);
    ListRequest request;
    request.user = kAnn;
    request.above = cursor;
    EXPECT_THAT(list(request).rest, IsEmpty()) << "it was not asked for";
    request.with_rest = true;
    ListPage page = list(request);
    EXPECT_THAT(rooms_of(page.found), ElementsAre(rooms[3], rooms[5]));
    ASSERT_THAT(rooms_of(page.rest), ElementsAre(rooms[7], rooms[6], rooms[4], rooms[0]));
    EXPECT_EQ(page.rest[0].conversation.head, head(rooms[7]));
    EXPECT_EQ(page.rest[0].member.user, kAnn);

    request.most_rest = 2;
    EXPECT_THAT(rooms_of(list(request).rest), ElementsAre(rooms[7], rooms[6]));
    request.limit = 1;
    page = list(request);
    EXPECT_TRUE(page.more);
    EXPECT_THAT(page.rest, IsEmpty()) << "another page follows";
    request.above = 0;
    request.limit = 1000;
    EXPECT_THAT(list(request).rest, IsEmpty()) << "everything is in the pages";
}

// Whoever lists again is shown what has changed in the meantime, with an entry and without.
TEST_P(StoreListing, ShowsConversationsAsTheyAreNow) {
    const Row room = make_room("room", {kAnn, kBob});
    const Row quiet = make_room("quiet", {kAnn, kBob});
    ASSERT_EQ(listed(room, kAnn).conversation.config.title, "");
    ListRequest rest;
    rest.user = kAnn;
    rest.above = list(kAnn).upto;
    rest.with_rest = true;
    ASSERT_THAT(rooms_of(list(rest).rest), ElementsAre(quiet, room));

    Change titled;
    titled.conversation = room;
    titled.config.emplace().title = "Title";
    change(titled);
    EXPECT_EQ(listed(room, kAnn).conversation.config.title, "Title");
    EXPECT_EQ(list(rest).rest.back().conversation.config.title, "Title") << "without an entry it is no change";
    put(room, member_since_start(kCat));
    EXPECT_EQ(listed(room, kAnn).conversation.members, 3u);
    put(quiet, member_since_start(kCat), false);
    EXPECT_EQ(listed(quiet, kAnn).conversation.members, 3u);
    say(room, kBob, 2);
    EXPECT_EQ(listed(room, kAnn).conversation.head, head(room));
    EXPECT_EQ(listed(room, kAnn).conversation.head.last.offset, 3u);
    cut(room, 2);
    maintain();
    EXPECT_EQ(listed(room, kAnn).conversation.head, head(room));
    EXPECT_EQ(listed(room, kAnn).conversation.head.first, 2u);
    EXPECT_THAT(rooms_of(list(rest).rest), ElementsAre(quiet));
    const std::uint64_t before = list(kAnn).upto;
    remove(room);
    EXPECT_TRUE(list(kAnn, before).found.at(0).is_gone());
    EXPECT_THAT(rooms_of(list(kAnn).found), ElementsAre(quiet));
}

TEST_P(StoreListing, SaysOfTheRestWhatAMemberMayRead) {
    const Row room = make_room("room", {kAnn});
    say(room, kAnn, 3);
    model::Member bob = member_since_start(kBob, Role::moderator);
    put(room, bob);
    ListRequest request;
    request.user = kBob;
    request.above = list(kBob).upto;
    request.with_rest = true;
    for (const bool again : {false, true}) {
        if (again) open();
        const ListPage page = list(request);
        ASSERT_THAT(page.rest, SizeIs(1));
        EXPECT_EQ(page.rest[0].member.user, kBob);
        EXPECT_EQ(page.rest[0].member.role, Role::moderator);
        EXPECT_EQ(page.rest[0].member.visible_from, 4u);
        EXPECT_EQ(page.rest[0].conversation.head, head(room));
        EXPECT_EQ(page.rest[0].conversation.key, model::ConversationKey::room("room"));
    }
}

TEST_P(StoreListing, IsWholeForWhoKnowsMoreThanTheStore) {
    const Row room = make_room("room", {kAnn});
    const Row left = make_room("left", {kAnn});
    leave(left, kAnn);
    const ListPage page = list(kAnn, list(kAnn).upto + 1);
    EXPECT_TRUE(page.whole);
    EXPECT_THAT(rooms_of(page.found), ElementsAre(room));
    EXPECT_FALSE(list(kAnn, list(kAnn).upto).whole);
}

TEST_P(StoreListing, IsWholeForWhoDoesNotKnowWhatIsForgotten) {
    const Row gone = make_room("gone", {kAnn});
    const Row stays = make_room("stays", {kAnn});
    const std::uint64_t before = list(kAnn).upto;
    remove(gone);
    const std::uint64_t after = list(kAnn).upto;
    EXPECT_FALSE(list(kAnn, before).whole);
    now += std::uint64_t{31} * 24 * 60 * 60 * 1000;
    maintain();
    for (const bool again : {false, true}) {
        if (again) open();
        ASSERT_FALSE(*reader->conversation(gone));
        const ListPage page = list(kAnn, before);
        EXPECT_TRUE(page.whole);
        EXPECT_THAT(rooms_of(page.found), ElementsAre(stays));
        EXPECT_FALSE(list(kAnn, after).whole);
    }
}

// Heads that are in memory only, written and forgotten again while others read.
TEST_P(StoreListing, MissesNothingWhileOthersWrite) {
    constexpr int kRooms = 12;
    constexpr int kGroups = 600;
    std::vector<Row> rooms;
    for (int i = 0; i < kRooms; ++i) rooms.push_back(make_room("room " + std::to_string(i), {kAnn, kBob}));
    constexpr int kGroupsAList = 10;
    std::atomic<int> lists{0};
    std::atomic<bool> ended{false};
    std::atomic<bool> failed{false};
    std::thread writer([&] {
        std::uint64_t random = 7;
        for (int i = 0; i < kGroups; ++i) {
            while (lists < i / kGroupsAList) std::this_thread::yield();
            WriteBatch batch;
            for (int j = 0; j < 3; ++j) {
                random = random * 6364136223846793005u + 1442695040888963407u;
                const Row room = rooms[(random >> 33) % kRooms];
                if (j == 2) {
                    batch.writes.push_back({Mark{room, kAnn, (random >> 40) % 50}});
                    continue;
                }
                NewEntry entry;
                entry.conversation = room;
                entry.sender = kBob;
                entry.id = id_of(static_cast<std::uint64_t>(1'000'000 + 3 * i + j));
                batch.writes.push_back({entry});
            }
            WriteBatch* const group[] = {&batch};
            if (!engine->commit(group, kStart)) failed = true;
            if (i % 50 == 0 && !engine->maintain(kStart + static_cast<std::uint64_t>(i) * 100)) failed = true;
        }
        ended = true;
    });
    struct Known {
        std::uint64_t last = 0, read = 0;
    };
    std::map<Row, Known> known;
    std::uint64_t cursor = 0;
    for (bool last = false; !last; ++lists) {
        last = ended;
        const ListPage page = list(kAnn, cursor);
        EXPECT_GE(page.upto, cursor);
        for (const Listed& each : page.found) {
            EXPECT_GT(each.stamp, cursor);
            Known& one = known[each.conversation.row];
            EXPECT_GE(each.conversation.head.last.offset, one.last);
            EXPECT_GE(each.mark.offset, one.read);
            one = {each.conversation.head.last.offset, each.mark.offset};
        }
        cursor = page.upto;
    }
    writer.join();
    EXPECT_FALSE(failed);
    for (const Row room : rooms) {
        EXPECT_EQ(known[room].last, head(room).last.offset);
        EXPECT_EQ(known[room].read, mark_of(room, kAnn).offset);
    }
}

}  // namespace
}  // namespace flare::store::test
