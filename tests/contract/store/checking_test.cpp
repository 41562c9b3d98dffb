// Clauses about a check: whatever was done it finds nothing, and what was damaged by hand it names.
#include "contract/store/faulty_vfs.hpp"
#include "contract/store/store_fixture.hpp"
#include "store/sqlite/check.hpp"
#include "store/sqlite/sqlite.hpp"
#include "support/folder.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <random>
#include <tuple>
#include <vector>

#include <sqlite3.h>

namespace flare::store::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

FLARE_STORE_SUITE(StoreChecking);

std::vector<std::string> texts(const CheckReport& report) {
    std::vector<std::string> all;
    for (const Finding& each : report.faults) all.push_back(each.where + ": " + each.what);
    return all;
}

constexpr Row kUsers = 9;
std::vector<Write> users() {
    std::vector<Write> all;
    for (Row i = 1; i <= kUsers; ++i) all.push_back({NewUser{"user" + std::to_string(i)}});
    return all;
}

// Everything that a store does, as chance has it.
class Chance {
public:
    Chance(StoreTest& store, std::uint64_t seed) : store_(store), random_(seed) {}

    void prepare() {
        for (Write& each : users()) EXPECT_EQ(store_.write(each).code, errc::ok);
        for (int i = 0; i < 4; ++i) rooms_.push_back(store_.make("room " + std::to_string(i)));
    }
    void step() {
        store_.bytes.clear();
        store_.now += any(1000);
        const Row room = rooms_[any(rooms_.size())];
        const std::uint64_t last = store_.head(room).last.offset;
        switch (any(14)) {
            case 0: return store_.maintain();
            case 1: return change_member(room);
            case 2: return cut(room, any(last + 2));
            case 3: return begin_again(any(rooms_.size()));
            case 4: return append(room, model::EntryKind::edit, 1 + any(last + 1));
            case 5: return append(room, model::EntryKind::removal, 1 + any(last + 1));
            case 6: return mark(room, any(last + 2));
            case 7: return mark(room, last);
            case 8:
            case 9: return append(room, model::EntryKind::reaction, 1 + any(last + 1));
            default: break;
        }
        for (std::uint64_t i = any(40); i > 0; --i) append(room, model::EntryKind::message, 0);
    }

private:
    void mark(Row room, std::uint64_t offset) { store_.write({Mark{room, 1 + any(kUsers), offset}}); }
    std::uint64_t any(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
    void append(Row room, model::EntryKind kind, std::uint64_t ref) {
        NewEntry entry = store_.entry(room, ++last_id_, std::string(any(30), 'x'));
        entry.kind = kind;
        entry.ref = ref;
        entry.sender = 1 + any(kUsers);
        if (any(4) == 0) entry.flags = model::kSilent;
        if (kind == model::EntryKind::reaction) {
            entry.payload = store_.text(std::string(1, static_cast<char>('a' + any(4))));
            entry.flags = any(3) == 0 ? model::kTakenBack : 0;
        }
        if (any(4) == 0) entry.mentions = {1 + any(kUsers)};
        store_.append(entry);
        if (any(8) == 0) store_.append(entry);
    }
    void change_member(Row room) {
        Change change;
        change.conversation = room;
        model::Member member;
        member.user = 1 + any(kUsers);
        member.role = static_cast<model::Role>(any(6));
        change.members = {member};
        if (any(2) == 0) {
            change.entry = store_.entry(room, ++last_id_);
            change.entry->kind = model::EntryKind::membership;
        }
        store_.change(change);
    }
    void cut(Row room, std::uint64_t keep_from) {
        Change change;
        change.conversation = room;
        change.keep_from = keep_from;
        store_.change(change);
    }
    void begin_again(std::size_t which) {
        Change removed;
        removed.conversation = rooms_[which];
        removed.removed = true;
        store_.change(removed);
        rooms_[which] = store_.make("room " + std::to_string(which));
    }

    StoreTest& store_;
    std::mt19937_64 random_;
    std::vector<Row> rooms_;
    std::uint64_t last_id_ = 0;
};

TEST_P(StoreChecking, FindsNothingWhateverWasDone) {
    for (std::uint64_t seed = 1; seed <= 6; ++seed) {
        SCOPED_TRACE("seed " + std::to_string(seed));
        StoreTest store(GetParam());
        Chance chance(store, seed);
        chance.prepare();
        for (int i = 0; i < 60; ++i) {
            chance.step();
            if (i % 25 == 24) store.crash();
            const auto report = store.engine->check(5);
            ASSERT_TRUE(report);
            ASSERT_THAT(texts(*report), IsEmpty()) << "step " << i;
        }
    }
}

TEST_P(StoreChecking, CountsWhatIsThere) {
    for (Write& each : users()) write(each);
    Change made;
    made.key = model::ConversationKey::room("room");
    made.members.resize(2);
    made.members[0].user = 1;
    made.members[0].role = model::Role::owner;
    made.members[1].user = 2;
    const Row room = change(made).row;
    for (std::uint64_t id = 1; id <= 70; ++id) append(room, id);
    const auto report = engine->check(5);
    ASSERT_TRUE(report);
    EXPECT_TRUE(report->good());
    EXPECT_EQ(report->users, kUsers);
    EXPECT_EQ(report->conversations, 1u);
    EXPECT_EQ(report->members, 2u);
    EXPECT_EQ(report->entries, 70u);
}

// ---- damage to a file ----

class CheckedFile : public ::testing::Test {
protected:
    CheckedFile() { base::log().set_level(base::Log::Level::off); }

    // A room of 100 entries, of which the tenth was edited and the twentieth removed, and a direct conversation whose
    // message both have reacted to.
    void fill() {
        auto engine = sqlite::open(settings()).value();
        commit(*engine, users());
        for (const auto& key : {model::ConversationKey::room("tea"), model::ConversationKey::direct("ann", "bob")}) {
            Change made;
            made.key = key;
            for (Row user = 1; user <= 2; ++user) {
                model::Member member;
                member.user = user;
                member.role = model::Role::member;
                made.members.push_back(member);
            }
            rooms.push_back(commit(*engine, {{made}}).row);
        }
        for (std::uint64_t id = 1; id <= 98; ++id) commit(*engine, {{entry(rooms[0], id)}});
        for (const auto& [kind, ref] :
             {std::pair(model::EntryKind::edit, 10), std::pair(model::EntryKind::removal, 20)}) {
            NewEntry changes = entry(rooms[0], 100 + static_cast<std::uint64_t>(ref));
            changes.kind = kind;
            changes.ref = static_cast<std::uint64_t>(ref);
            commit(*engine, {{changes}});
        }
        commit(*engine, {{entry(rooms[1], 300)}});
        for (const Row user : {Row{1}, Row{2}}) {
            NewEntry reaction = entry(rooms[1], 400 + user);
            reaction.kind = model::EntryKind::reaction;
            reaction.sender = user;
            reaction.ref = 1;
            reaction.payload = {0, 1};
            commit(*engine, {{reaction}});
        }
        for (const auto& [room, user, offset] : {std::tuple(0, 1, 50), std::tuple(0, 2, 100), std::tuple(1, 1, 1)})
            commit(*engine, {{Mark{rooms[static_cast<std::size_t>(room)], static_cast<Row>(user),
                                   static_cast<std::uint64_t>(offset)}}});
    }
    NewEntry entry(Row room, std::uint64_t id) const {
        NewEntry entry;
        entry.conversation = room;
        entry.sender = 1;
        entry.id = id_of(id);
        entry.payload = {0, 100};
        if (id == 5) entry.mentions = {2};
        return entry;
    }
    static Outcome commit(Engine& engine, std::vector<Write> writes) {
        WriteBatch batch;
        batch.writes = std::move(writes);
        batch.bytes = std::string(100, 'x');
        WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine.commit(group, kStart));
        return batch.writes.front().outcome;
    }
    sqlite::Settings settings() const {
        sqlite::Settings settings;
        settings.path = path;
        return settings;
    }
    // As an administrator's tool would.
    void run(const std::string& statements) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(path.c_str(), &database), SQLITE_OK);
        char* error = nullptr;
        EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
        EXPECT_GT(sqlite3_total_changes(database), 0) << "it damages nothing: " << statements;
        sqlite3_close(database);
    }
    CheckReport checked(const std::string& vfs = {}) const {
        const auto report = sqlite::check_file(path, vfs, 20);
        EXPECT_TRUE(report) << report.error().text;
        return report ? *report : CheckReport();
    }
    Failure failure() const {
        const auto report = sqlite::check_file(path, {}, 20);
        EXPECT_FALSE(report);
        return report ? Failure(errc::ok) : report.error();
    }

    flare::test::Folder folder;
    const std::string path = folder.path("flare.db");
    std::vector<Row> rooms;
};

TEST_F(CheckedFile, IsGoodAndStaysAsItIs) {
    fill();
    const std::string before = folder.read("flare.db");
    const CheckReport report = checked();
    EXPECT_THAT(texts(report), IsEmpty());
    EXPECT_EQ(report.entries, 103u);
    EXPECT_EQ(folder.read("flare.db"), before);
    EXPECT_FALSE(std::filesystem::exists(path + "-wal"));
    EXPECT_FALSE(std::filesystem::exists(path + "-shm"));
}

TEST_F(CheckedFile, NamesEachContradiction) {
    fill();
    const std::string good = folder.read("flare.db");
    struct Damage {
        const char* statements;
        const char* where;
        const char* what;
    };
    const char* const room = "conversation 1, room tea";
    for (const Damage& each : {
             // ids
             Damage{"DELETE FROM ids WHERE row = 7", room, "the id of offset"},
             Damage{"UPDATE ids SET row = 8 WHERE row = 7", room, "the table of ids has one of row 8"},
             Damage{"UPDATE ids SET sender = 2 WHERE row = 7", room, "the id of offset"},
             Damage{"UPDATE log SET id = x'00' WHERE offset = 7 AND conversation = 1", room,
                    "offset 7: its id has 1 bytes"},
             // the log
             Damage{"DELETE FROM log WHERE conversation = 1 AND offset = 50", room, "there is no offset 50"},
             Damage{"DELETE FROM log WHERE conversation = 1 AND offset BETWEEN 1 AND 3", room,
                    "there is no offsets 1 to 3"},
             Damage{"UPDATE log SET offset = 51 WHERE conversation = 1 AND offset = 50", room, "there is no offset 50"},
             Damage{"UPDATE log SET offset = 49 WHERE conversation = 1 AND offset = 50", room, "offset 49 comes again"},
             Damage{"UPDATE log SET conversation = 77 WHERE conversation = 1 AND offset = 50", "log",
                    "belongs to conversation 77, which does not exist"},
             Damage{"UPDATE log SET n = n + 1 WHERE conversation = 1 AND offset = 50", room,
                    "offset 50 counts as message 51"},
             Damage{"UPDATE log SET time_ms = time_ms - 1 WHERE conversation = 1 AND offset = 50", room,
                    "the time of offset 50"},
             Damage{"UPDATE log SET ref = 100 WHERE conversation = 1 AND offset = 99", room,
                    "offset 99: it changes offset 100"},
             Damage{"UPDATE log SET rev = 3 WHERE conversation = 1 AND offset = 50", room,
                    "offset 50: it was changed by offset 3"},
             Damage{"UPDATE log SET sender = 77 WHERE conversation = 1 AND offset = 50", room,
                    "a sender, 77, is no user"},
             // blocks
             Damage{"UPDATE block SET rows = substr(rows, 1, length(rows) - 1) WHERE conversation = 1 AND first = 33",
                    room, "one ends before offset 64, and the next one begins at 65"},
             Damage{"UPDATE block SET rows = substr(rows, 1, length(rows) - 1) WHERE conversation = 1 AND first = 97",
                    room, "its blocks end before 100"},
             Damage{"DELETE FROM block WHERE conversation = 1 AND first = 33", room, "the next one begins at 65"},
             Damage{"DELETE FROM block WHERE conversation = 1 AND first = 1", room, "its blocks begin at offset 33"},
             Damage{"DELETE FROM block WHERE conversation = 1", room, "its blocks are missing"},
             Damage{"UPDATE block SET rows = x'808080' WHERE conversation = 1 AND first = 33", room,
                    "its block of offset 33 cannot be read"},
             Damage{"UPDATE block SET rows = (SELECT rows FROM block WHERE first = 33) WHERE conversation = 1 AND "
                    "first = 65",
                    room, "its blocks look for offset 65 in row"},
             Damage{"UPDATE block SET conversation = 77 WHERE conversation = 2", "blocks",
                    "belongs to conversation 77"},
             // heads
             Damage{"UPDATE conversation SET last = last - 1 WHERE row = 1", room,
                    "its head says that offset 99 is its newest"},
             Damage{"UPDATE conversation SET last = last + 1 WHERE row = 1", room,
                    "its head says that offset 101 is its newest"},
             Damage{"UPDATE conversation SET messages = messages + 1 WHERE row = 1", room, "its head differs"},
             Damage{"UPDATE conversation SET last_ms = 1 WHERE row = 1", room, "its head differs"},
             Damage{"UPDATE conversation SET bytes = bytes + 1 WHERE row = 1", room, "its payloads have"},
             Damage{"UPDATE conversation SET first_n = 1 WHERE row = 1", room, "offset 1 counts as message 1"},
             Damage{"UPDATE conversation SET first = 200 WHERE row = 1", room, "names 200 as its oldest offset"},
             Damage{"UPDATE conversation SET stamp = stamp - 3 WHERE row = 1", room, "a start would not read it again"},
             Damage{"UPDATE conversation SET key = 'x' WHERE row = 1", "conversation 1", "its name cannot be read"},
             // members and the rest
             Damage{"UPDATE conversation SET members = 3 WHERE row = 1", room,
                    "says that it has 3 members, and it has 2"},
             Damage{"DELETE FROM member WHERE conversation = 2 AND user = 2", "conversation 2, of ann and bob",
                    "says that it has 2 members, and it has 1"},
             Damage{"UPDATE member SET role = 9 WHERE conversation = 1 AND user = 1", room, "its member 1 with role 9"},
             Damage{"DELETE FROM user WHERE row = 2", room, "its member 2 with role 2 is no user"},
             Damage{"UPDATE member SET conversation = 77 WHERE conversation = 1 AND user = 1", "members",
                    "conversation 77"},
             Damage{"UPDATE member SET read_offset = 101 WHERE conversation = 1 AND user = 2", room,
                    "its member 2 has read up to offset 101, and its log ends at 100"},
             Damage{"UPDATE member SET read_n = 49 WHERE conversation = 1 AND user = 1", room,
                    "up to offset 50, which is message 50, and its mark counts 49"},
             Damage{"UPDATE member SET read_n = 99 WHERE conversation = 1 AND user = 2", room,
                    "up to offset 100, which is message 98, and its mark counts 99"},
             Damage{"UPDATE member SET read_offset = 0 WHERE conversation = 1 AND user = 1", room,
                    "up to offset 0, and its mark counts 50 messages, of 0"},
             Damage{"UPDATE mention SET conversation = 77", "mentions", "mentions user 2 at offset 5"},
             Damage{"UPDATE reaction_count SET users = 3", "conversation 2, of ann and bob",
                    "a reaction to offset 1 counts 3 users, and there are 2"},
             Damage{"DELETE FROM reaction WHERE user = 2", "conversation 2, of ann and bob",
                    "a reaction to offset 1 counts 2 users, and there are 1"},
             Damage{"DELETE FROM reaction_count", "conversation 2, of ann and bob",
                    "a reaction to offset 1 is not counted"},
             Damage{"UPDATE reaction SET user = 77 WHERE user = 2", "reactions", "has one to offset 1 of user 77"},
             Damage{"INSERT INTO push_device(user, device, service, token, app, stamp) VALUES(77, '', '', '', '', 1)",
                    "devices", "one of user 77"},
             Damage{"DELETE FROM meta WHERE name = 'generation'", "meta", "is missing"},
             Damage{"UPDATE meta SET value = 0 WHERE name = 'generation'", "meta", "its generation is 0"},
             Damage{"UPDATE meta SET value = 1000 WHERE name = 'low_water'", "meta", "1000, is beyond"},
         }) {
        SCOPED_TRACE(each.statements);
        folder.write("flare.db", good);
        run(each.statements);
        const CheckReport report = checked();
        EXPECT_FALSE(report.good());
        EXPECT_THAT(texts(report), ::testing::Contains(AllOf(::testing::StartsWith(std::string(each.where) + ": "),
                                                             HasSubstr(each.what))));
    }
}

TEST_F(CheckedFile, NamesTheFirstFaultsAndCountsAll) {
    fill();
    run("DELETE FROM ids WHERE row BETWEEN 3 AND 30");
    const auto report = sqlite::check_file(path, {}, 3);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->faults.size(), 3u);
    EXPECT_EQ(report->fault_count, 28u);
}

TEST_F(CheckedFile, IsNotGoodWithAnyPageLost) {
    fill();
    const std::string good = folder.read("flare.db");
    // Without a page that says which tables there are, there is nothing to report of.
    const auto is_good = [&] {
        const auto report = sqlite::check_file(path, {}, 20);
        return report ? report->good() : report.error().code != errc::store_damaged;
    };
    for (std::size_t page = 1; page * 4096 < good.size(); ++page) {
        SCOPED_TRACE("page " + std::to_string(page + 1));
        std::string bad = good;
        bad.replace(page * 4096, 4096, std::string(4096, '\xa5'));
        folder.write("flare.db", bad);
        EXPECT_FALSE(is_good());
        bad = good;
        bad[page * 4096] = static_cast<char>(bad[page * 4096] ^ 0x04);  // what kind of page it is
        folder.write("flare.db", bad);
        EXPECT_FALSE(is_good());
    }
}

TEST_F(CheckedFile, IsGoodAfterACrash) {
    fill();
    const auto engine = sqlite::open(settings()).value();
    for (std::uint64_t id = 1000; id < 1040; ++id) commit(*engine, {{entry(rooms[0], id)}});
    commit(*engine, {{Mark{rooms[0], 1, 120}}});  // of an entry that is in no block
    // What a process that is killed leaves behind, at another place.
    const flare::test::Folder other;
    for (const char* each : {"flare.db", "flare.db-wal"})
        std::filesystem::copy_file(folder.path(each), other.path(each));
    const auto size = std::filesystem::file_size(other.path("flare.db-wal"));
    ASSERT_GT(size, 0u);
    const auto report = sqlite::check_file(other.path("flare.db"), {}, 20);
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_THAT(texts(*report), IsEmpty());
    EXPECT_EQ(report->entries, 143u);
    EXPECT_EQ(std::filesystem::file_size(other.path("flare.db-wal")), size) << "it is left to the next start";
}

TEST_F(CheckedFile, KnowsMarksOfEntriesThatAreInNoBlockYet) {
    fill();
    {
        const auto engine = sqlite::open(settings()).value();
        for (std::uint64_t id = 1000; id < 1020; ++id) commit(*engine, {{entry(rooms[0], id)}});
        commit(*engine, {{Mark{rooms[0], 1, 110}}});
        const auto report = engine->check(5);
        ASSERT_TRUE(report);
        EXPECT_THAT(texts(*report), IsEmpty());
        std::filesystem::copy_file(path, path + ".copy");
        std::filesystem::copy_file(path + "-wal", path + ".copy-wal");
    }
    std::filesystem::rename(path + ".copy", path);
    std::filesystem::rename(path + ".copy-wal", path + "-wal");
    run("UPDATE member SET read_n = 1 WHERE conversation = 1 AND user = 1");
    EXPECT_THAT(texts(checked()), ::testing::Contains(HasSubstr("offset 110, which is message 108, and its mark")));
}

TEST_F(CheckedFile, KnowsTheMessagesThatWereThereBeforeTheOldest) {
    fill();
    {
        const auto engine = sqlite::open(settings()).value();
        Change cut;
        cut.conversation = rooms[0];
        cut.keep_from = 61;
        commit(*engine, {{cut}});
        EXPECT_TRUE(engine->check(5)->good()) << "a mark may be below the oldest entry";
    }
    run("UPDATE member SET read_n = 61 WHERE conversation = 1 AND user = 1");
    EXPECT_THAT(texts(checked()), ::testing::Contains(HasSubstr("counts 61 messages, of 60 that were there")));
}

TEST_F(CheckedFile, IsCheckedWhereItCanOnlyBeRead) {
    fill();
    FaultyVfs vfs;
    vfs.refuse_writing(true);
    EXPECT_TRUE(checked(vfs.name()).good());
}

TEST_F(CheckedFile, BelongsToItsServer) {
    fill();
    const auto engine = sqlite::open(settings());
    ASSERT_TRUE(engine);
    const Failure refused = failure();
    EXPECT_EQ(refused.code, errc::store_in_use);
    EXPECT_THAT(refused.text, HasSubstr(path));
    EXPECT_TRUE((*engine)->check(1)->good()) << "but the server itself may";
}

TEST_F(CheckedFile, IsAStoreOfThisVersion) {
    EXPECT_EQ(failure().code, errc::file_not_found);
    folder.write("flare.db", "");
    EXPECT_EQ(failure().code, errc::invalid_config);
    folder.write("flare.db", std::string(10'000, 'x'));
    EXPECT_EQ(failure().code, errc::store_damaged);
    std::filesystem::remove(path);
    fill();
    run("PRAGMA user_version=10; UPDATE meta SET value = value");
    EXPECT_EQ(failure().code, errc::store_too_new);
    run("PRAGMA user_version=9; PRAGMA application_id=7; UPDATE meta SET value = value");
    EXPECT_EQ(failure().code, errc::invalid_config);
}

}  // namespace
}  // namespace flare::store::test
