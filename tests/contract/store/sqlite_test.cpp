// What is SQLite's own: the file, who may use it, and what is wrong with it.
#include "contract/store/faulty_vfs.hpp"
#include "contract/store/sqlite_fixture.hpp"
#include "store/sqlite/check.hpp"
#include "store/sqlite/lock_file.hpp"
#include "store/sqlite/opening.hpp"
#include "store/store.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <thread>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

namespace flare::store::test {
namespace {

using ::testing::HasSubstr;

TEST_F(SqliteStore, MakesFilesForItsUserOnly) {
    const auto engine = sqlite::open(settings);
    ASSERT_TRUE(engine) << engine.error().text;
    for (const char* const each : {"flare.db", "flare.db-wal", "flare.db.lock"}) {
        struct stat found {};
        ASSERT_EQ(::stat(folder.path(each).c_str(), &found), 0) << each;
        EXPECT_EQ(found.st_mode & 0777, 0600u) << each;
    }
}

TEST_F(SqliteStore, LeavesOneFileWhenItIsClosed) {
    sqlite::open(settings).value().reset();
    EXPECT_TRUE(std::filesystem::exists(folder.path("flare.db")));
    EXPECT_FALSE(std::filesystem::exists(folder.path("flare.db-wal")));
}

TEST_F(SqliteStore, RefusesAFileThatOthersMayRead) {
    sqlite::open(settings).value().reset();
    ::chmod(settings.path.c_str(), 0644);
    EXPECT_EQ(failure_of_opening().code, errc::permission_denied);
}

TEST_F(SqliteStore, SaysThatItsFolderIsMissing) {
    settings.path = folder.path("missing/flare.db");
    const Failure failure = failure_of_opening();
    EXPECT_EQ(failure.code, errc::file_not_found);
    EXPECT_THAT(failure.text, HasSubstr("missing/flare.db"));
}

TEST_F(SqliteStore, IsUsedByOneProcess) {
    const auto engine = sqlite::open(settings);
    ASSERT_TRUE(engine);
    const Failure within = failure_of_opening();
    EXPECT_EQ(within.code, errc::store_in_use);

    const pid_t child = ::fork();
    if (child == 0) {
        const auto opened = sqlite::open(settings);
        const std::string pid = "process " + std::to_string(::getppid());
        const bool good = !opened && opened.error().code == errc::store_in_use &&
                          opened.error().text.find(pid) != std::string::npos &&
                          opened.error().text.find(settings.path) != std::string::npos;
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteStore, IsFreeWhenItsProcessIsGone) {
    sqlite::open(settings).value().reset();
    EXPECT_TRUE(sqlite::open(settings));  // the lock file is still there
}

TEST_F(SqliteStore, IsFreeForAServerWhileOthersLookWhetherItIs) {
    std::atomic<bool> enough{false};
    std::thread looker([&] {
        while (!enough) (void)sqlite::is_held(settings.path);
    });
    for (int i = 0; i < 3000 && !HasFailure(); ++i) {
        const auto lock = sqlite::take_lock(settings.path + ".lock");
        EXPECT_TRUE(lock) << lock.error().text;
        EXPECT_TRUE(sqlite::is_held(settings.path));
    }
    enough = true;
    looker.join();
    EXPECT_FALSE(sqlite::is_held(settings.path));
}

TEST_F(SqliteStore, RefusesAFileThatCanOnlyBeRead) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    sqlite::open(settings).value().reset();
    vfs.refuse_writing(true);
    const Failure failure = failure_of_opening();
    EXPECT_EQ(failure.code, errc::file_unwritable);
    EXPECT_THAT(failure.text, HasSubstr(settings.path));
}

TEST_F(SqliteStore, RefusesTheFileOfANewerVersionAndLeavesItAlone) {
    sqlite::open(settings).value().reset();
    run("PRAGMA user_version=10");
    const std::string before = folder.read("flare.db");
    const Failure failure = failure_of_opening();
    EXPECT_EQ(failure.code, errc::store_too_new);
    EXPECT_THAT(failure.text, HasSubstr("schema version 10"));
    EXPECT_EQ(folder.read("flare.db"), before);
}

TEST_F(SqliteContent, BringsTheFileOfAnOlderVersionUpToDate) {
    fill();
    {
        const auto engine = sqlite::open(settings).value();
        ASSERT_TRUE(commit(*engine, {{NewUser{"ann"}}}));
        Change change;
        change.conversation = room;
        change.members.resize(1);
        change.members[0].user = 1;
        change.members[0].role = model::Role::owner;
        ASSERT_TRUE(commit(*engine, {{change}}));
    }
    run("DROP INDEX member_user; CREATE INDEX member_user ON member(user, conversation); "
        "DELETE FROM meta WHERE name = 'forgotten'; DROP TABLE reaction_count; DROP TABLE erasure; "
        "DROP TABLE push_device; DROP INDEX member_banned; DROP INDEX member_read; DROP INDEX member_invited; "
        "DROP INDEX member_invitation; ALTER TABLE member DROP COLUMN invited_by; ALTER TABLE member DROP COLUMN "
        "invited_ms; ALTER TABLE member DROP COLUMN wakes_from; DROP TABLE hook; DROP INDEX conversation_ended; DROP "
        "TABLE "
        "kept_answer; ALTER TABLE purge DROP COLUMN row; DELETE FROM meta WHERE name = 'purged'; PRAGMA "
        "user_version=1");
    EXPECT_TRUE(sqlite::check_file(settings.path, {}, 5)->good());
    for (int i = 0; i < 2; ++i) {
        const auto engine = sqlite::open(settings).value();
        EXPECT_EQ(engine->about().schema, 9u);
        const auto page = engine->reader()->list({.user = 1});
        ASSERT_TRUE(page);
        ASSERT_EQ(page->found.size(), 1u);
        EXPECT_EQ(page->found[0].conversation.head.last.offset, 100u);
        EXPECT_EQ(page->found[0].mark, (model::ReadMark{100, 100}));
        EXPECT_TRUE(engine->check(5)->good());
    }
}

TEST_F(SqliteStore, RefusesADatabaseOfAnotherProgramAndLeavesItAlone) {
    folder.write("flare.db", "");
    run("CREATE TABLE theirs(a)");
    const std::string before = folder.read("flare.db");
    const Failure failure = failure_of_opening();
    EXPECT_EQ(failure.code, errc::invalid_config);
    EXPECT_THAT(failure.text, HasSubstr("another program"));
    EXPECT_EQ(folder.read("flare.db"), before);
}

TEST_F(SqliteStore, SaysThatAFileIsNoDatabase) {
    folder.write("flare.db", std::string(10'000, 'x'));
    const Failure failure = failure_of_opening();
    EXPECT_EQ(failure.code, errc::store_damaged);
    EXPECT_THAT(failure.text, HasSubstr(settings.path));
}

// In a process of its own, which may not write more than 2 MB into a file, and which no signal ends.
TEST_F(SqliteStore, SurvivesALimitOfFileSizes) {
    const pid_t child = ::fork();
    if (child == 0) {
        const rlimit limit{2'000'000, 2'000'000};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        struct Owner final : BatchOwner {
            void done(std::unique_ptr<WriteBatch>, const Answer& answer) noexcept override { said = answer.code; }
            errc said = errc::ok;
        } owner;
        Store store(sqlite::open(settings).value(), {});
        auto batch = std::make_unique<WriteBatch>();
        for (int i = 0; i < 30; ++i)
            batch->writes.push_back({NewUser{std::string(100'000, static_cast<char>('a' + i))}});
        const bool taken = store.submit(batch, owner) == errc::ok;
        store.stop();
        ::_exit(taken && owner.said == errc::storage_failed ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_FALSE(WIFSIGNALED(status)) << "by signal " << WTERMSIG(status);
    EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(SqliteContent, SaysThatAPageIsDamaged) {
    fill();
    const std::string good = folder.read("flare.db");
    bool met_by_reader = false;
    bool met_by_writer = false;
    for (std::size_t page = 1; page * 4096 < good.size(); ++page) {
        std::string bad = good;
        bad.replace(page * 4096, 4096, std::string(4096, '\xa5'));
        folder.write("flare.db", bad);
        auto opened = sqlite::open(settings);
        if (!opened) {
            EXPECT_EQ(opened.error().code, errc::store_damaged) << opened.error().text;
            continue;
        }
        Engine& engine = **opened;
        const auto reader = engine.reader();
        if (const auto found = reader->page(everything()); !found) {
            EXPECT_EQ(found.error(), errc::store_damaged);
            met_by_reader = true;
        }
        if (const auto done = commit(engine, {{entry(101)}}); !done) {
            EXPECT_EQ(done.error(), errc::store_damaged);
            EXPECT_EQ(commit(engine, {{entry(102)}}).error(), errc::store_damaged);
            met_by_writer = true;
        }
    }
    EXPECT_TRUE(met_by_reader);
    EXPECT_TRUE(met_by_writer);
}

TEST_F(SqliteContent, SaysThatABlockIsDamaged) {
    fill();
    run("UPDATE block SET rows = x'808080' WHERE first = 33");
    const auto engine = sqlite::open(settings).value();
    EXPECT_EQ(engine->reader()->page(everything()).error(), errc::store_damaged);
}

TEST_F(SqliteContent, SaysThatAHeadDoesNotFitItsLog) {
    fill();
    run("UPDATE conversation SET last = 90");
    const auto engine = sqlite::open(settings).value();
    EXPECT_EQ(commit(*engine, {{entry(101)}}).error(), errc::store_damaged);
}

TEST_F(SqliteContent, KeepsRoomForRemovalsOnADiskThatIsAlmostFull) {
    fill();
    Change joins;
    joins.conversation = room;
    joins.members = {member_since_start(1)};
    ASSERT_TRUE(commit(*sqlite::open(settings).value(), {{joins}}));
    settings.min_free_bytes = UINT64_MAX;
    const auto engine = sqlite::open(settings).value();
    NewEntry removal = entry(201);
    removal.kind = model::EntryKind::removal;
    removal.ref = 50;
    Change another;
    another.key = model::ConversationKey::room("another");
    Change cut;
    cut.conversation = room;
    cut.keep_from = 10;
    ASSERT_TRUE(commit(*engine, {{entry(101)},
                                 {entry(100)},
                                 {removal},
                                 {another},
                                 {cut},
                                 {NewUser{"alice"}},
                                 {Mark{room, 1, 100}},
                                 {Mark{room, 1, 101}}}));
    const auto said = [&](int write) { return batch.writes[static_cast<std::size_t>(write)].outcome; };
    EXPECT_EQ(said(0).code, errc::storage_full);
    EXPECT_TRUE(said(1).repeat);
    EXPECT_EQ(said(2).position.offset, 101u);
    EXPECT_EQ(said(3).code, errc::storage_full);
    EXPECT_EQ(said(4).code, errc::ok);
    EXPECT_EQ(said(5).code, errc::storage_full);
    EXPECT_TRUE(said(6).repeat);
    EXPECT_EQ(said(7).code, errc::storage_full);
    EXPECT_EQ(said(7).position, model::Position());
    EXPECT_TRUE(engine->maintain(kStart));
}

TEST_F(SqliteContent, GoesOnWhenAToolWasWritingMeanwhile) {
    fill();
    const auto engine = sqlite::open(settings).value();
    sqlite3* tool = nullptr;
    ASSERT_EQ(sqlite3_open(settings.path.c_str(), &tool), SQLITE_OK);
    ASSERT_EQ(sqlite3_exec(tool, "BEGIN IMMEDIATE", nullptr, nullptr, nullptr), SQLITE_OK);
    EXPECT_EQ(commit(*engine, {{entry(101)}}).error(), errc::busy);
    ASSERT_EQ(sqlite3_exec(tool, "COMMIT", nullptr, nullptr, nullptr), SQLITE_OK);
    sqlite3_close(tool);
    EXPECT_TRUE(commit(*engine, {{entry(101)}}));
    EXPECT_EQ(batch.writes.front().outcome.position.offset, 101u);
}

// One that reads has the lock for a moment when it met an index of the log that was changing.
TEST_F(SqliteContent, RefusesNothingForAReaderThatHasTheLockForAMoment) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    fill();
    const auto engine = sqlite::open(settings).value();
    for (const int times : {1, 3}) {
        vfs.hold_write_lock(times);
        EXPECT_TRUE(commit(*engine, {{entry(100 + static_cast<std::uint64_t>(times))}}));
        EXPECT_EQ(vfs.write_lock_held(), 0);
    }
    vfs.hold_write_lock(1'000'000);
    EXPECT_EQ(commit(*engine, {{entry(200)}}).error(), errc::busy) << "a tool that writes";
}

// A process that is killed at any moment: what it said is there.
TEST_F(SqliteContent, SurvivesBeingKilled) {
    settings.checkpoint_pages = 12;
    fill();
    for (int run = 0; run < 8; ++run) {
        int ends[2];
        ASSERT_EQ(::pipe(ends), 0);
        const pid_t child = ::fork();
        if (child == 0) {
            auto engine = sqlite::open(settings).value();
            for (std::uint64_t id = 1000;; id += 4) {
                if (!commit(*engine, {{entry(id)}, {entry(id + 1)}, {entry(id + 2)}, {entry(id + 3)}})) ::_exit(1);
                for (const Write& each : batch.writes) {
                    const std::uint64_t said[] = {id + static_cast<std::uint64_t>(&each - batch.writes.data()),
                                                  each.outcome.position.offset};
                    if (::write(ends[1], said, sizeof said) != sizeof said) ::_exit(1);
                }
            }
        }
        ::close(ends[1]);
        std::vector<std::pair<std::uint64_t, std::uint64_t>> answered;
        std::uint64_t said[2];
        const std::size_t enough = 40 + static_cast<std::size_t>(run) * 23;
        while (answered.size() < enough && ::read(ends[0], said, sizeof said) == sizeof said)
            answered.emplace_back(said[0], said[1]);
        ::kill(child, SIGKILL);
        while (::read(ends[0], said, sizeof said) == sizeof said) answered.emplace_back(said[0], said[1]);
        ::close(ends[0]);
        int status = 0;
        ASSERT_EQ(::waitpid(child, &status, 0), child);
        ASSERT_TRUE(WIFSIGNALED(status));

        auto engine = sqlite::open(settings).value();
        for (const auto& [id, offset] : answered) {
            ASSERT_TRUE(commit(*engine, {{entry(id)}}));
            EXPECT_TRUE(batch.writes.front().outcome.repeat);
            EXPECT_EQ(batch.writes.front().outcome.position.offset, offset);
        }
        const auto page = engine->reader()->page(everything());
        ASSERT_TRUE(page);
        for (std::size_t i = 0; i < page->entries.size(); ++i) ASSERT_EQ(page->entries[i].offset, i + 1);
        EXPECT_EQ(page->head.last.offset, page->entries.size());
    }
}

}  // namespace
}  // namespace flare::store::test
