// Backups that take the place of a store: known as older by clients, and nothing of the old one is lost before that.
#include "contract/store/copy_fixture.hpp"
#include "store/sqlite/check.hpp"

#include <gmock/gmock.h>

#include <csignal>

#include <sys/stat.h>

namespace flare::store::test {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

class StoreRestored : public StoreCopies {
protected:
    // A store of ten entries and its backup; then ten more.
    void fill() {
        const auto engine = opened("flare.db");
        begin(*engine);
        for (std::uint64_t id = 1; id <= 10; ++id) append(*engine, id);
        ASSERT_TRUE(back_up("backup.db"));
        for (std::uint64_t id = 11; id <= 20; ++id) append(*engine, id);
        generation = engine->about().generation;
        epoch = head_of(*engine).last.epoch;
    }
    std::uint64_t generation = 0;
    std::uint64_t epoch = 0;
};

TEST_F(StoreRestored, HasTheBackupsContentInEpochsOfItsOwn) {
    fill();
    const auto done = restore("backup.db", replacing());
    ASSERT_TRUE(done) << done.error().text;
    std::filesystem::remove(folder.path("flare.db.stamp"));  // it does not take the note
    const auto engine = opened("flare.db");
    EXPECT_NE(engine->about().generation, generation);
    EXPECT_EQ(head_of(*engine).last.offset, 10u);
    EXPECT_NE(head_of(*engine).last.epoch, epoch);
    const Outcome known = append(*engine, 3);
    EXPECT_TRUE(known.repeat);
    EXPECT_EQ(known.position.offset, 3u);
    EXPECT_EQ(append(*engine, 15).position.offset, 11u) << "what was lost can be sent again";
    EXPECT_TRUE(engine->check(1)->good());
}

TEST_F(StoreRestored, IsMadeWhereThereWasNone) {
    fill();
    std::filesystem::remove(folder.path("flare.db"));
    ASSERT_TRUE(restore("backup.db"));
    struct stat found {};
    ASSERT_EQ(::stat(folder.path("flare.db").c_str(), &found), 0);
    EXPECT_EQ(found.st_mode & 0777, 0600u);
    EXPECT_EQ(head_of("flare.db").last.offset, 10u);
}

TEST_F(StoreRestored, TakesNothingFromWhatWasBesideTheOldFile) {
    fill();
    append_and_be_killed("flare.db", 21, 40);
    ASSERT_TRUE(restore("backup.db", replacing()));
    EXPECT_THAT(files(), UnorderedElementsAre("flare.db", "backup.db"));
    EXPECT_EQ(head_of("flare.db").last.offset, 10u);
    EXPECT_TRUE(sqlite::check_file(folder.path("flare.db"), {}, 1)->good());
}

TEST_F(StoreRestored, LosesNothingOfTheOldOneBeforeItIsInItsPlace) {
    fill();
    append_and_be_killed("flare.db", 21, 40);
    const auto has_a_log = [&] { return std::filesystem::exists(folder.path("flare.db-wal")); };
    bool asked_without = false;
    sqlite::Copying copying = replacing();
    copying.goes_on = [&](std::uint64_t, std::uint64_t) {
        asked_without = !has_a_log();
        return !asked_without;
    };
    EXPECT_EQ(restore("backup.db", copying).error().code, errc::cancelled);
    EXPECT_TRUE(asked_without) << "the last step before the new file has the name";
    EXPECT_THAT(files(), UnorderedElementsAre("flare.db", "backup.db"));
    EXPECT_EQ(head_of("flare.db").last.offset, 40u);
    EXPECT_EQ(opened("flare.db")->about().generation, generation);
    ASSERT_TRUE(restore("backup.db", replacing()));
    EXPECT_EQ(head_of("flare.db").last.offset, 10u);
}

TEST_F(StoreRestored, LosesNothingWhenItIsStoppedAtAnyTime) {
    for (int last = 1;; ++last) {
        SCOPED_TRACE("call " + std::to_string(last));
        for (const char* const each : {"flare.db", "backup.db"}) std::filesystem::remove(folder.path(each));
        fill();
        append_and_be_killed("flare.db", 21, 30);
        int calls = 0;
        sqlite::Copying copying = replacing();
        copying.goes_on = [&](std::uint64_t, std::uint64_t) { return ++calls < last; };
        const auto done = restore("flare.db", copying);
        EXPECT_EQ(head_of("flare.db").last.offset, 30u);
        if (done) {
            EXPECT_GE(last, 3);
            return;
        }
        EXPECT_EQ(done.error().code, errc::cancelled);
        if (HasFailure()) return;
    }
}

TEST_F(StoreRestored, TakesThePlaceOfADamagedOne) {
    fill();
    append_and_be_killed("flare.db", 21, 40);
    folder.write("flare.db", std::string(10'000, 'x'));
    const auto done = restore("backup.db", replacing());
    ASSERT_TRUE(done) << done.error().text;
    EXPECT_THAT(files(), UnorderedElementsAre("flare.db", "backup.db"));
    EXPECT_EQ(head_of("flare.db").last.offset, 10u);
}

TEST_F(StoreRestored, WaitsForNobodyWhoReadsTheLogOfTheOldOne) {
    fill();
    append_and_be_killed("flare.db", 21, 40);
    sqlite3* tool = nullptr;
    ASSERT_EQ(sqlite3_open(folder.path("flare.db").c_str(), &tool), SQLITE_OK);
    sqlite3_db_config(tool, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    ASSERT_EQ(sqlite3_exec(tool, "BEGIN; SELECT count(*) FROM log", nullptr, nullptr, nullptr), SQLITE_OK);
    const auto refused = restore("backup.db", replacing());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::store_in_use);
    EXPECT_THAT(refused.error().text, HasSubstr("another process reads"));
    sqlite3_close(tool);
    EXPECT_EQ(head_of("flare.db").last.offset, 40u);
    EXPECT_TRUE(restore("backup.db", replacing()));
}

TEST_F(StoreRestored, ReplacesNothingUnlessItIsTold) {
    fill();
    const auto refused = restore("backup.db");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::file_unwritable);
    EXPECT_EQ(head_of("flare.db").last.offset, 20u);
}

TEST_F(StoreRestored, WaitsForNoServer) {
    fill();
    const auto engine = opened("flare.db");
    const auto refused = restore("backup.db", replacing());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::store_in_use);
    EXPECT_EQ(append(*engine, 21).position.offset, 21u);
}

TEST_F(StoreRestored, IsNeverADamagedOrNewerOrForeignOne) {
    fill();
    const std::string good = folder.read("backup.db");
    for (const auto& [statements, code] : {std::pair("DELETE FROM ids WHERE row = 3", errc::store_damaged),
                                           std::pair("PRAGMA user_version=99", errc::store_too_new),
                                           std::pair("PRAGMA application_id=7", errc::invalid_config)}) {
        SCOPED_TRACE(statements);
        folder.write("backup.db", good);
        run("backup.db", statements);
        const auto refused = restore("backup.db", replacing());
        ASSERT_FALSE(refused);
        EXPECT_EQ(refused.error().code, code) << refused.error().text;
        EXPECT_EQ(head_of("flare.db").last.offset, 20u);
    }
    folder.write("backup.db", good.substr(0, good.size() / 2));
    EXPECT_EQ(restore("backup.db", replacing()).error().code, errc::store_damaged);
    EXPECT_EQ(restore("none.db", replacing()).error().code, errc::file_not_found);
    EXPECT_EQ(head_of("flare.db").last.offset, 20u);
}

TEST_F(StoreRestored, FromItselfHasAnotherGenerationOnly) {
    fill();
    const auto done = restore("flare.db", replacing());
    ASSERT_TRUE(done) << done.error().text;
    const auto engine = opened("flare.db");
    EXPECT_NE(engine->about().generation, generation);
    EXPECT_EQ(head_of(*engine).last.offset, 20u);
}

// ---- an older copy that was put back by hand ----

TEST_F(StoreRestored, ByHandGetsAGenerationOfItsOwn) {
    fill();
    const std::string old = folder.read("backup.db");
    folder.write("flare.db", old);
    std::uint64_t renewed = 0;
    {
        const auto engine = opened("flare.db");
        renewed = engine->about().generation;
        EXPECT_NE(renewed, generation);
        EXPECT_EQ(head_of(*engine).last.offset, 10u);
        EXPECT_NE(head_of(*engine).last.epoch, epoch);
        EXPECT_EQ(append(*engine, 15).position.offset, 11u);
    }
    EXPECT_EQ(opened("flare.db")->about().generation, renewed) << "once";
}

TEST_F(StoreRestored, IsNotSaidOfAFileThatIsAsItWas) {
    fill();
    EXPECT_EQ(opened("flare.db")->about().generation, generation);
    EXPECT_EQ(in_child([&] {
                  const auto engine = opened("flare.db");
                  for (std::uint64_t id = 21; id <= 40; ++id) {
                      append(*engine, id);
                      if (!engine->maintain(kStart)) return 1;
                  }
                  return ::kill(::getpid(), SIGKILL);
              }),
              128 + SIGKILL);
    const auto engine = opened("flare.db");
    EXPECT_EQ(engine->about().generation, generation);
    EXPECT_EQ(head_of(*engine).last.offset, 40u);
}

TEST_F(StoreRestored, IsNotKnownWithoutTheNote) {
    fill();
    const std::string old = folder.read("backup.db");
    folder.write("flare.db", old);
    folder.write("flare.db.stamp", "nonsense");
    EXPECT_EQ(opened("flare.db")->about().generation, generation) << "which is why nobody should do it by hand";
}

}  // namespace
}  // namespace flare::store::test
