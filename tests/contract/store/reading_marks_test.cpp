// How far members have come beside what they have read: what was delivered, what is to count as unread; and who has
// read an entry.
#include "contract/store/list_fixture.hpp"
#include "contract/store/sqlite_fixture.hpp"
#include "store/sqlite/database.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flare::store::test {
namespace {

using What = Mark::What;
using model::ReadMark;

class StoreMarks : public ListedStore {
protected:
    Outcome deliver(Row room, Row user, std::uint64_t offset) {
        return write({Mark{room, user, offset, What::delivered}});
    }
    Outcome unmark(Row room, Row user, std::uint64_t offset) { return write({Mark{room, user, offset, What::unread}}); }
    std::vector<MemberMark> marks(Row room, Row after = 0, std::uint32_t limit = 100) {
        const auto found = reader->marks(room, after, limit);
        EXPECT_TRUE(found) << found.error().message();
        return found ? *found : std::vector<MemberMark>();
    }
    // "2 3; 2 of 4": the rows of a page, and the counts.
    std::string readers(ReadersRequest request) {
        const auto found = reader->readers(request);
        if (!found) return found.error().message();
        std::string text;
        for (const MemberMark& each : found->found) text += std::to_string(each.user) + " ";
        if (found->more) text += "more ";
        return text + "; " + std::to_string(found->read) + " of " + std::to_string(found->members);
    }
};
INSTANTIATE_TEST_SUITE_P(All, StoreMarks, ::testing::ValuesIn(engine_kinds()), kind_name);

TEST_P(StoreMarks, DeliveredOnlyGrowsAndIsNeverBelowWhatIsRead) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 10);
    Outcome first = deliver(room, kAnn, 4);
    EXPECT_FALSE(first.repeat);
    EXPECT_EQ(first.delivered, 4u);
    EXPECT_EQ(first.position.offset, 0u) << "nothing is read";
    EXPECT_TRUE(deliver(room, kAnn, 3).repeat);
    EXPECT_EQ(deliver(room, kAnn, 99).delivered, 10u) << "not beyond the end";
    EXPECT_EQ(mark(room, kBob, 6).delivered, 6u);
    EXPECT_TRUE(deliver(room, kBob, 5).repeat) << "who has read it has it";
    EXPECT_EQ(marks(room), (std::vector<MemberMark>{{kAnn, 1, 0, 10}, {kBob, 1, 6, 6}}));
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreMarks, DeliveredMovesNoStamp) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 3);
    const std::uint64_t upto = list(kAnn).upto;
    deliver(room, kAnn, 2);
    EXPECT_TRUE(list(kAnn, upto).found.empty()) << "a list names the conversation for it";
    EXPECT_EQ(list(kAnn).upto, upto);
    say(room, kBob);
    EXPECT_EQ(head(room).last.offset, 4u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreMarks, DeliveredIsThereAfterACrash) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 3);
    deliver(room, kAnn, 2);
    unmark(room, kBob, 3);
    if (!engine->about().durable) return;
    crash();
    EXPECT_EQ(marks(room)[0].delivered, 2u);
    EXPECT_EQ(mark_of(room, kBob).unread_from, 3u);
}

TEST_P(StoreMarks, UnreadIsListedUntilAMarkReachesIt) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 10);
    mark(room, kAnn, 8);
    const std::uint64_t upto = list(kAnn).upto;
    const Outcome first = unmark(room, kAnn, 5);
    EXPECT_EQ(first.unread_from, 5u);
    EXPECT_EQ(first.position.offset, 8u) << "what is read stays so";
    EXPECT_EQ(list(kAnn, upto).found.size(), 1u) << "other devices are to hear of it";
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{8, 8, 5}));
    EXPECT_TRUE(unmark(room, kAnn, 5).repeat);

    EXPECT_TRUE(mark(room, kAnn, 4).repeat);
    EXPECT_EQ(mark_of(room, kAnn).unread_from, 5u) << "it was not reached";
    const Outcome reached = mark(room, kAnn, 6);
    EXPECT_FALSE(reached.repeat);
    EXPECT_EQ(reached.unread_from, 0u);
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{8, 8, 0}));

    EXPECT_EQ(unmark(room, kAnn, 99).unread_from, 10u) << "not in the future of the log";
    EXPECT_EQ(unmark(room, kAnn, 0).unread_from, 0u);
    EXPECT_TRUE(engine->check(5)->good());
}

TEST_P(StoreMarks, UnreadEndsWhenItsMemberComesAnew) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    unmark(room, kAnn, 3);
    leave(room, kAnn);
    put(room, member_since_start(kAnn));
    EXPECT_EQ(mark_of(room, kAnn), (ReadMark{7, 5, 0}));
}

TEST_P(StoreMarks, NeedARole) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    leave(room, kBob);
    for (const Row who : {kBob, kCat}) {
        EXPECT_EQ(deliver(room, who, 3).code, errc::unknown_conversation);
        EXPECT_EQ(unmark(room, who, 3).code, errc::unknown_conversation);
    }
    EXPECT_EQ(marks(room), (std::vector<MemberMark>{{kAnn, 1, 0, 0}}));
}

TEST_P(StoreMarks, AreReadByUser) {
    const Row room = make_room("room", {kAnn, kBob, kCat});
    say(room, kBob, 5);
    mark(room, kBob, 2);
    EXPECT_EQ(marks(room, kAnn, 1), (std::vector<MemberMark>{{kBob, 1, 2, 2}}));
    EXPECT_TRUE(marks(room, kCat).empty());
    EXPECT_TRUE(marks(room + 1).empty());
}

TEST_P(StoreMarks, FindNoRoomOnAFullDisk) {
    const Row room = make_room("room", {kAnn});
    say(room, kBob, 5);
    place->fill(true);
    Write more{Mark{room, kAnn, 3, What::delivered}};
    const auto done = try_write(more);
    EXPECT_EQ(done ? more.outcome.code : static_cast<errc>(done.error().value()), errc::storage_full);
    place->fill(false);
    EXPECT_EQ(marks(room)[0].delivered, 0u);
}

// ---- who has read an entry ----

TEST_P(StoreMarks, ReadersAreMembersButTheSender) {
    const Row room = make_room("room", {kAnn, kBob, kCat, 4, 5});
    say(room, kBob, 5);
    for (const Row user : {kAnn, kBob, kCat, Row{4}}) mark(room, user, user + 1);
    leave(room, 4);
    const ReadersRequest of{room, 3, kBob, false, 0, 50, true};
    EXPECT_EQ(readers(of), "3 ; 1 of 3") << "1 has read up to 2, 2 has sent it, 4 has left, 5 has read nothing";
    EXPECT_EQ(readers({room, 2, 0, false, 0, 50, true}), "1 2 3 ; 3 of 4");
    EXPECT_EQ(readers({room, 2, 0, false, 0, 50, false}), "1 2 3 ; 0 of 0");
}

TEST_P(StoreMarks, ReadersMayReadIt) {
    const Row room = make_room("room", {kAnn, kBob});
    say(room, kBob, 5);
    put(room, member_since_start(kCat));
    mark(room, kAnn, 5);
    EXPECT_EQ(readers({room, 5, kBob, false, 0, 50, true}), "1 ; 1 of 1") << "3 has come later";
    EXPECT_EQ(readers({room, 5, kBob, true, 0, 50, true}), "1 3 ; 2 of 2") << "and may read it here";
}

TEST_P(StoreMarks, ReadersComeInPages) {
    const Row room = make_room("room", {kAnn, kBob, kCat, 4, 5});
    say(room, kBob, 3);
    for (const Row user : {kAnn, kCat, Row{4}, Row{5}}) mark(room, user, 3);
    ReadersRequest request{room, 1, kBob, false, 0, 2, true};
    EXPECT_EQ(readers(request), "1 3 more ; 4 of 4");
    request.after = 3;
    EXPECT_EQ(readers(request), "4 5 ; 4 of 4");
    request.after = 5;
    EXPECT_EQ(readers(request), "; 4 of 4");
}

// Beyond those that are looked at in their order the index finds them.
TEST_P(StoreMarks, ReadersAreFoundAmongMany) {
    constexpr Row kMany = 9000;
    Change made;
    made.key = model::ConversationKey::room("many");
    for (Row user = 1; user <= kMany; ++user) made.members.push_back(member_since_start(user));
    const Row room = change(made).row;
    say(room, kBob, 3);
    for (const Row user : {Row{10}, Row{4500}, Row{8000}, Row{8999}}) mark(room, user, 2);
    EXPECT_EQ(readers({room, 1, 4500, false, 0, 2, true}), "10 8000 more ; 3 of 8999");
    EXPECT_EQ(readers({room, 1, 4500, false, 10, 2, false}), "8000 8999 ; 0 of 0");
    EXPECT_EQ(readers({room, 1, 4500, false, 8000, 2, false}), "8999 ; 0 of 0");
    EXPECT_EQ(readers({room, 3, 4500, false, 0, 2, true}), "; 0 of 8999");
}

// ---- the file ----

using MarksFile = SqliteContent;

TEST_F(MarksFile, AsksIndexesAlone) {
    fill();
    sqlite::open(settings).value().reset();
    const auto plan = [&](const std::string& query) {
        auto database = sql::Database::open(settings.path, {}, sql::Database::Use::read).value();
        const std::string asked = "EXPLAIN QUERY PLAN " + query;
        auto statement = sql::Statement::prepare(database, asked.c_str()).value();
        std::string text;
        auto rows = statement.rows();
        while (rows.next()) text += std::string(rows.bytes(3)) + "\n";
        return text;
    };
    EXPECT_THAT(plan("SELECT count(*), sum(read_offset >= 2) FROM member INDEXED BY member_read WHERE conversation = 1 "
                     "AND visible_from <= 2 AND user <> 3 AND role <> 0"),
                ::testing::HasSubstr("COVERING INDEX member_read"));
    EXPECT_THAT(plan("SELECT read_offset, read_n, unread_from FROM member INDEXED BY member_user WHERE user = 1 AND "
                     "conversation = 1"),
                ::testing::HasSubstr("COVERING INDEX member_user"));
}

}  // namespace
}  // namespace flare::store::test
