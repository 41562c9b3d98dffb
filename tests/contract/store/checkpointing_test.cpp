// The write-ahead log of SQLite, which is copied into the file beside commits: what fails there, and who needs it as it
// is. What of the store's engine has threads is here: all of it that the thread sanitizer sees.
#include "contract/store/faulty_vfs.hpp"
#include "contract/store/sender.hpp"
#include "contract/store/sqlite_fixture.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <random>
#include <thread>

#include <sqlite3.h>

namespace flare::store::test {
namespace {

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

}  // namespace
}  // namespace flare::store::test
