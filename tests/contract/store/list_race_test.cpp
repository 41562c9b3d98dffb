// What is committed between the steps in which SQLite's reader lists conversations.
#include "contract/store/sqlite_fixture.hpp"
#include "store/sqlite/listing.hpp"

#include <gtest/gtest.h>

namespace flare::store::test {
namespace {

constexpr Row kLister = 1, kOther = 2;

class ListRace : public SqliteStore {
protected:
    ListRace() {
        Change made;
        made.key = model::ConversationKey::room("room");
        made.members = {member_since_start(kLister), member_since_start(kOther)};
        const auto engine = sqlite::open(settings).value();
        room = commit(*engine, {made}).row;
        upto = engine->about().stamp;
    }
    Outcome commit(Engine& engine, Write write) {
        WriteBatch batch;
        batch.writes.push_back(std::move(write));
        WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine.commit(group, kStart));
        EXPECT_EQ(batch.writes.front().outcome.code, errc::ok);
        return batch.writes.front().outcome;
    }
    // With an entry, and the file is closed behind it.
    std::uint64_t leave() {
        const auto engine = sqlite::open(settings).value();
        Change left;
        left.conversation = room;
        left.members = {member_since_start(kLister, model::Role::none)};
        left.members[0].left_at = kStart;
        left.entry.emplace().kind = model::EntryKind::membership;
        left.entry->conversation = room;
        left.entry->id = id_of(1);
        return commit(*engine, {left}).stamp;
    }

    Row room = 0;
    std::uint64_t upto = 0;
};

// A feed that began at the head of the log with the membership of before would never hear that it has ended.
TEST_F(ListRace, ShowsNobodyAsAMemberBesideAHeadThatIsNewerThanThat) {
    for (const bool in_memory : {false, true}) {
        sqlite::Shared shared;
        shared.path = settings.path;
        shared.heads = std::make_unique<sqlite::HeadTable>(4);
        auto database = sqlite::Database::open(settings.path, {}, sqlite::Database::Use::read).value();
        sqlite::ListStatements statements;
        ASSERT_TRUE(statements.prepare(database));
        ListRequest request;
        request.user = in_memory ? kOther : kLister;
        request.above = upto;
        request.with_rest = true;
        sqlite::Listing listing(shared, statements, request, upto);
        ASSERT_TRUE(listing.read_members());
        ASSERT_TRUE(listing.look_up_logs());
        ASSERT_TRUE(listing.read_logs());
        if (in_memory) {
            std::vector<sqlite::HeadTable::Known> known;
            shared.heads->known(std::vector{room}, known);
            Conversation as_published;
            as_published.row = room;
            as_published.head.stamp = upto + 1;
            shared.heads->learn(room, known.at(0).ticket, std::make_shared<const Conversation>(as_published));
            run("UPDATE member SET role = 0 WHERE user = 2");
        } else {
            ASSERT_GT(leave(), upto);
        }
        ASSERT_TRUE(listing.choose()) << "the member is to be read again";
        const auto page = listing.read_page();
        ASSERT_TRUE(page);
        EXPECT_TRUE(page->found.empty());
        EXPECT_TRUE(page->rest.empty()) << in_memory;
    }
}

// A feed of it would begin behind an entry that no page has.
TEST_F(ListRace, TellsWhatHasMovedOnSinceItWasChosenAsChanged) {
    for (const std::uint32_t limit : {20u, 1u}) {
        Change other;
        other.key = model::ConversationKey::room("other" + std::to_string(limit));
        other.members = {member_since_start(kLister)};
        sqlite::Shared shared;
        shared.path = settings.path;
        shared.heads = std::make_unique<sqlite::HeadTable>(4);
        std::uint64_t committed = 0;
        {
            const auto engine = sqlite::open(settings).value();
            upto = engine->about().stamp;
            (void)commit(*engine, {other});  // has changed
            committed = engine->about().stamp;
        }
        auto database = sqlite::Database::open(settings.path, {}, sqlite::Database::Use::read).value();
        sqlite::ListStatements statements;
        ASSERT_TRUE(statements.prepare(database));
        ListRequest request;
        request.user = kLister;
        request.above = upto;
        request.limit = limit;
        request.with_rest = true;
        sqlite::Listing listing(shared, statements, request, committed);
        ASSERT_TRUE(listing.read_members());
        ASSERT_TRUE(listing.look_up_logs());
        ASSERT_TRUE(listing.read_logs());
        NewEntry entry;
        entry.conversation = room;
        entry.sender = kOther;
        entry.id = id_of(limit);
        std::uint64_t written = 0;
        {
            const auto engine = sqlite::open(settings).value();
            written = commit(*engine, {entry}).stamp;
        }
        ASSERT_TRUE(listing.choose());
        const auto page = listing.read_page();
        ASSERT_TRUE(page);
        EXPECT_TRUE(
            std::ranges::none_of(page->rest, [&](const Listed& each) { return each.conversation.row == room; }));
        if (limit == 1) {
            EXPECT_TRUE(page->more) << "there is no room on this page";
            EXPECT_TRUE(page->rest.empty());
        } else {
            ASSERT_EQ(page->found.size(), 2u);
            EXPECT_EQ(page->found[0].conversation.row, room);
            EXPECT_EQ(page->found[0].conversation.head.stamp, written);
            EXPECT_EQ(page->found[0].stamp, written);
            EXPECT_FALSE(page->more);
        }
    }
}

}  // namespace
}  // namespace flare::store::test
