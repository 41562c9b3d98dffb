// A store, the places where its copies go, and processes that are killed.
#pragma once

#include "contract/store/store_fixture.hpp"
#include "store/sqlite/copy.hpp"
#include "store/sqlite/sqlite.hpp"
#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

namespace flare::store::test {

class StoreCopies : public ::testing::Test {
protected:
    StoreCopies() { base::log().set_level(base::Log::Level::off); }

    std::unique_ptr<Engine> opened(const std::string& name) const {
        sqlite::Settings settings;
        settings.path = folder.path(name);
        auto engine = sqlite::open(settings);
        EXPECT_TRUE(engine) << engine.error().text;
        return engine ? std::move(*engine) : nullptr;
    }
    Outcome commit(Engine& engine, Write write, std::size_t size = 100) const {
        WriteBatch batch;
        batch.writes.push_back(std::move(write));
        batch.bytes = std::string(size, 'x');
        WriteBatch* const group[] = {&batch};
        EXPECT_TRUE(engine.commit(group, kStart));
        return batch.writes.front().outcome;
    }
    Outcome append(Engine& engine, std::uint64_t id, std::size_t size = 100) const {
        NewEntry entry;
        entry.conversation = 1;
        entry.id = id_of(id);
        entry.payload = {0, static_cast<std::uint32_t>(size)};
        return commit(engine, {entry}, size);
    }
    void begin(Engine& engine) const {
        Change made;
        made.key = model::ConversationKey::room("tea");
        commit(engine, {made});
    }
    static model::Head head_of(Engine& engine) { return (**engine.reader()->conversation(Row{1})).head; }
    model::Head head_of(const std::string& name) const { return head_of(*opened(name)); }
    // Without the locks and notes that were left.
    std::vector<std::string> files() const {
        std::vector<std::string> all;
        for (const auto& each : std::filesystem::directory_iterator(folder.path("")))
            if (each.path().extension() != ".lock" && each.path().extension() != ".stamp")
                all.push_back(each.path().filename());
        return all;
    }
    Checked<> back_up(const std::string& to, sqlite::Copying copying = {}) {
        return sqlite::back_up(folder.path("flare.db"), folder.path(to), copying, report);
    }
    Checked<> restore(const std::string& from, sqlite::Copying copying = {}) {
        return sqlite::restore(folder.path(from), folder.path("flare.db"), copying, report);
    }
    static sqlite::Copying replacing() {
        sqlite::Copying copying;
        copying.replace = true;
        return copying;
    }
    // Its server is killed, and has committed the entries `from` to `upto`, which are in its write-ahead log only.
    void append_and_be_killed(const std::string& name, std::uint64_t from, std::uint64_t upto) const {
        EXPECT_EQ(in_child([&] {
                      const auto engine = opened(name);
                      for (std::uint64_t id = from; id <= upto; ++id) append(*engine, id);
                      return ::kill(::getpid(), SIGKILL);
                  }),
                  128 + SIGKILL);
        EXPECT_GT(std::filesystem::file_size(folder.path(name + "-wal")), 0u);
    }
    void run(const std::string& name, const std::string& statements) const {
        sqlite3* database = nullptr;
        ASSERT_EQ(sqlite3_open(folder.path(name).c_str(), &database), SQLITE_OK);
        EXPECT_EQ(sqlite3_exec(database, statements.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
        sqlite3_close(database);
    }
    // In a process of its own; 77: it cannot be done here.
    template <typename Work>
    static int in_child(const Work& work) {
        const pid_t child = ::fork();
        if (child == 0) ::_exit(work());
        int status = 0;
        ::waitpid(child, &status, 0);
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }

    flare::test::Folder folder;
    CheckReport report;
};

}  // namespace flare::store::test
