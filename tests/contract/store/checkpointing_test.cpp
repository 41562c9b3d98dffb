// The write-ahead log of SQLite, which is copied into the file beside commits: what fails there, and who needs it as it
// is. What of the store's engine has threads is here: all of it that the thread sanitizer sees.
#include "contract/store/faulty_vfs.hpp"
#include "contract/store/sender.hpp"
#include "contract/store/sqlite_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <memory>
#include <random>
#include <sstream>
#include <thread>

#include <spdlog/sinks/ostream_sink.h>
#include <sqlite3.h>

namespace flare::store::test {
namespace {

using ::testing::HasSubstr;

TEST_F(SqliteContent, KeepsItsLogSmallHoweverMuchIsRead) {
    settings.checkpoint_pages = 12;
    fill();
    const auto engine = sqlite::open(settings).value();
    std::atomic<bool> enough{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 3; ++i) {
        threads.emplace_back([&] {
            const auto reader = engine->reader();
            while (!enough) EXPECT_TRUE(reader->page(everything()));
        });
    }
    std::uint64_t largest = 0;
    const auto began = std::chrono::steady_clock::now();
    for (std::uint64_t id = 101; id <= 400; ++id) {
        ASSERT_TRUE(commit(*engine, {{entry(id)}}));
        largest = std::max<std::uint64_t>(largest, std::filesystem::file_size(folder.path("flare.db-wal")));
    }
    // Not as long as there is always a reader inside.
    EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(30));
    enough = true;
    for (std::thread& each : threads) each.join();
    EXPECT_LE(largest, 4200u * (4 * 12 + 20));  // what one commit adds is at most 20 pages
}

TEST_F(SqliteContent, CommitsWhileItsLogIsCopied) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    settings.checkpoint_pages = 12;
    fill();
    const auto engine = sqlite::open(settings).value();
    vfs.set_file_syncs(FaultyVfs::FileSyncs::held);
    for (std::uint64_t id = 101; id <= 110; ++id) ASSERT_TRUE(commit(*engine, {{entry(id)}}));
    const auto in_log = [&] { return std::filesystem::file_size(folder.path("flare.db-wal")); };
    EXPECT_GT(in_log(), 4096u * 12);  // so that a copy has begun
    vfs.set_file_syncs(FaultyVfs::FileSyncs::done);
    for (std::uint64_t id = 111; id <= 300; ++id) ASSERT_TRUE(commit(*engine, {{entry(id)}}));
    EXPECT_LE(in_log(), 4200u * (4 * 12 + 20));
}

TEST_F(SqliteContent, FailsWhenTheCopyOfItsLogFails) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    settings.checkpoint_pages = 12;
    fill();
    const auto engine = sqlite::open(settings).value();
    vfs.set_file_syncs(FaultyVfs::FileSyncs::failing);
    std::uint64_t id = 101;
    while (id < 1000 && commit(*engine, {{entry(id)}})) ++id;
    ASSERT_LT(id, 1000u);
    EXPECT_EQ(commit(*engine, {{entry(id)}}).error(), errc::storage_failed);
    EXPECT_FALSE(engine->reopen());
    vfs.set_file_syncs(FaultyVfs::FileSyncs::done);
    ASSERT_TRUE(engine->reopen());
    const std::uint64_t answered = id - 1;
    for (id = 101; id <= answered; ++id) {
        ASSERT_TRUE(commit(*engine, {{entry(id)}}));
        EXPECT_TRUE(batch.writes.front().outcome.repeat);
        EXPECT_EQ(batch.writes.front().outcome.position.offset, id);
    }
    ASSERT_TRUE(commit(*engine, {{entry(answered + 1)}}));
    EXPECT_EQ(batch.writes.front().outcome.position.offset, answered + 1);
}

TEST_F(SqliteContent, SaysWhatWasWrongWithTheCopyOfItsLog) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    settings.checkpoint_pages = 12;
    fill();
    const auto engine = sqlite::open(settings).value();
    std::ostringstream lines;
    const auto sink = std::make_shared<spdlog::sinks::ostream_sink_mt>(lines);
    base::log().sinks().push_back(sink);
    base::log().set_level(base::Log::Level::err);
    vfs.set_file_syncs(FaultyVfs::FileSyncs::failing);
    for (std::uint64_t id = 101; id < 1000 && commit(*engine, {{entry(id)}}); ++id) {
    }
    base::log().set_level(base::Log::Level::off);
    std::erase(base::log().sinks(), sink);
    vfs.set_file_syncs(FaultyVfs::FileSyncs::done);
    EXPECT_THAT(lines.str(), HasSubstr("copying the write-ahead log: disk I/O error"));
}

// The copy is beside, so that no operation is the n-th: chance chooses.
TEST(StoreWithThreads, SurvivesFailuresAndLossesOfPower) {
    const unsigned seed = std::random_device{}();
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 chance(seed);
    int struck = 0;
    for (int run = 0; run < 60; ++run) {
        const std::uint64_t n = 1 + chance() % 300;
        const bool dies = run % 2 == 0;
        SCOPED_TRACE((dies ? "death at operation " : "failure of operation ") + std::to_string(n));
        StoreTest store(sqlite_with_threads());
        Sender sender(store);
        if (dies)
            store.place->die(n);
        else
            store.place->fail(n);
        for (int tries = 0; sender.run() != errc::ok && !dies; ++tries) {
            ASSERT_TRUE(store.place->struck());
            ASSERT_TRUE(store.engine->reopen());
            ASSERT_LT(tries, 3) << "one operation has failed";
        }
        struck += store.place->struck();
        if (dies) {
            store.close();
            store.place->lose_unsynced(n);
        } else {
            store.place->heal();  // what has not failed by now does not
        }
        store.open();
        ASSERT_NE(store.engine, nullptr);
        sender.check();
        EXPECT_EQ(sender.run(), errc::ok);
        EXPECT_TRUE(sender.complete());
        sender.check();
        if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(struck, 0);
}

// ---- somebody else who reads ----

// A program that has begun to read and does not end, such as a backup: it needs the log as it is.
class LongReader {
public:
    LongReader(const std::string& path, const char* vfs) {
        EXPECT_EQ(sqlite3_open_v2(path.c_str(), &database_, SQLITE_OPEN_READWRITE, vfs), SQLITE_OK);
        sqlite3_db_config(database_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
        EXPECT_EQ(sqlite3_exec(database_, "BEGIN; SELECT count(*) FROM log", nullptr, nullptr, nullptr), SQLITE_OK);
    }
    ~LongReader() { sqlite3_close(database_); }
    LongReader(const LongReader&) = delete;
    LongReader& operator=(const LongReader&) = delete;

private:
    sqlite3* database_ = nullptr;
};

// A process is killed at each operation of a commit, while somebody reads what was before. What the next one finds is
// on disk before it says anything of it.
TEST_F(SqliteContent, SyncsWhatItFindsAtAStartBesideAReader) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    settings.checkpoint_beside = false;
    fill();
    // Users, and no entries: of those a start would write something again, and so sync it.
    const auto row_of = [&](Engine& engine, const std::string& user) {
        EXPECT_TRUE(commit(engine, {{NewUser{user}}}));
        return batch.writes.front().outcome.row;
    };
    for (std::uint64_t n = 1;; ++n) {
        SCOPED_TRACE("operation " + std::to_string(n));
        const std::string name = "user " + std::to_string(n);
        auto engine = sqlite::open(settings).value();
        auto reader = std::make_unique<LongReader>(settings.path, vfs.name());
        const Row before = row_of(*engine, name);
        vfs.plan(n, FaultyVfs::Fault::death);
        (void)commit(*engine, {{NewUser{name + " who may be lost"}}});
        const bool struck = vfs.struck();
        engine.reset();
        vfs.heal();
        engine = sqlite::open(settings).value();
        EXPECT_FALSE(vfs.has_unsynced(settings.path + "-wal"));
        EXPECT_EQ(row_of(*engine, name), before);
        vfs.plan(1, FaultyVfs::Fault::death);
        engine.reset();
        reader.reset();
        vfs.heal();
        vfs.lose_unsynced(n);
        engine = sqlite::open(settings).value();
        EXPECT_EQ(row_of(*engine, name), before);
        if (!struck || HasFailure()) return;
    }
}

TEST_F(SqliteContent, IsNotOpenedAgainAfterAFailureWhileAReaderKeepsItsLog) {
    FaultyVfs vfs;
    settings.vfs = vfs.name();
    settings.checkpoint_beside = false;
    fill();
    const auto engine = sqlite::open(settings).value();
    auto reader = std::make_unique<LongReader>(settings.path, vfs.name());
    ASSERT_TRUE(commit(*engine, {{entry(101)}}));
    vfs.plan(1, FaultyVfs::Fault::error);
    EXPECT_EQ(commit(*engine, {{entry(102)}}).error(), errc::storage_failed);
    EXPECT_EQ(engine->reopen().error(), errc::storage_failed);
    EXPECT_EQ(commit(*engine, {{entry(102)}}).error(), errc::storage_failed);
    reader.reset();
    ASSERT_TRUE(engine->reopen());
    ASSERT_TRUE(commit(*engine, {{entry(101)}}));
    EXPECT_TRUE(batch.writes.front().outcome.repeat);
    ASSERT_TRUE(commit(*engine, {{entry(102)}}));
    EXPECT_EQ(batch.writes.front().outcome.position.offset, 102u);
}

// SQLite's index of the log, which says how much of it was copied, lives as long as there is a connection: whether that
// was synced, nobody knows after a failure.
TEST_F(SqliteContent, IsOpenedAgainWithoutTheConnectionsOfItsReaders) {
    settings.checkpoint_beside = false;
    fill();
    const auto connections = [&] {
        std::size_t count = 0;
        std::error_code gone;  // a descriptor that looks at the folder itself
        for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd"))
            count += std::filesystem::read_symlink(each.path(), gone) == settings.path ? 1 : 0;
        return count;
    };
    const auto engine = sqlite::open(settings).value();
    const auto reader = engine->reader();
    ASSERT_TRUE(reader->page(everything()));
    EXPECT_EQ(connections(), 2u);
    ASSERT_TRUE(engine->reopen());
    EXPECT_EQ(connections(), 1u);
    EXPECT_TRUE(reader->page(everything()));
    EXPECT_EQ(connections(), 2u);
}

}  // namespace
}  // namespace flare::store::test
