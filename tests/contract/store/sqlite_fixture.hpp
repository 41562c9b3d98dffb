// A store in an SQLite file, with and without a hundred messages, and what an administrator's tool does to it.
#pragma once

#include "contract/store/store_fixture.hpp"
#include "store/sqlite/sqlite.hpp"
#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include <sqlite3.h>

namespace flare::store::test {

class SqliteStore : public ::testing::Test {
protected:
    SqliteStore() {
        base::log().set_level(base::Log::Level::off);
        settings.path = folder.path("flare.db");
    }
    Failure failure_of_opening() {
        const auto opened = sqlite::open(settings);
        EXPECT_FALSE(opened);
        return opened ? Failure(errc::ok) : opened.error();
    }
    // As an administrator's tool would.
    void run(const std::string& statements) {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(settings.path.c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
    }
    flare::test::Folder folder;
    sqlite::Settings settings;
};

// One store with a hundred messages in it, over SQLite as it is.
class SqliteContent : public SqliteStore {
protected:
    void fill() {
        auto engine = sqlite::open(settings).value();
        Change made;
        made.key = model::ConversationKey::room("room");
        ASSERT_TRUE(commit(*engine, {{made}}));
        room = batch.writes.front().outcome.row;
        std::vector<Write> entries;
        for (std::uint64_t id = 1; id <= 100; ++id) entries.push_back({entry(id)});
        ASSERT_TRUE(commit(*engine, std::move(entries)));
    }
    NewEntry entry(std::uint64_t id) {
        NewEntry entry;
        entry.conversation = room;
        entry.id = id_of(id);
        entry.payload = {0, 1000};
        return entry;
    }
    Result<> commit(Engine& engine, std::vector<Write> writes) {
        batch.writes = std::move(writes);
        batch.bytes = std::string(1000, 'x');
        WriteBatch* const group[] = {&batch};
        return engine.commit(group, kStart);
    }
    PageRequest everything() const {
        PageRequest request;
        request.conversation = room;
        request.limit = 1000;
        request.from = UINT64_MAX;
        request.bytes = UINT32_MAX;
        return request;
    }
    WriteBatch batch;
    Row room = 0;
};

}  // namespace flare::store::test
