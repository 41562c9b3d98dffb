// A cache in a file of a folder of its own, and what tests do with it.
#pragma once

#include "client/cache/cache_file.hpp"
#include "unit/client/cache_support.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

namespace flare::client::test {

class CacheFiles : public ::testing::Test {
protected:
    // Opens it as `user` does, anew.
    errc open(const std::string& user = "alice") {
        opened.reset();
        auto made = CacheFile::open(path, user);
        if (!made) {
            said = made.error().text;
            return made.error().code;
        }
        opened.emplace(std::move(*made));
        said = opened->damaged ? opened->damaged->text : "";
        return opened->damaged ? opened->damaged->code : errc::ok;
    }
    void write(const CacheChanges& changes) {
        const auto written = opened->file->write(changes);
        ASSERT_TRUE(written) << written.error().text;
    }
    // "1 2 3", with " ..." if there are more; or the error.
    std::string history(const HistoryQuery& query = {}, const std::string& conversation = "room:tea") {
        const auto page = opened->file->history(conversation, query);
        if (!page) return std::string(name(page.error().code));
        EXPECT_TRUE(page->from_cache);
        return offsets(*page);
    }
    // A cache with an entry and a message, closed.
    void fill() {
        ASSERT_EQ(open(), errc::ok) << said;
        auto changes = told("room:tea", 1, 3);
        changes.posted.push_back(kept_message(1));
        write(changes);
        opened.reset();
    }
    void patch(std::uintmax_t at, const std::string& bytes) const {
        std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
        file.seekp(static_cast<std::streamoff>(at));
        file << bytes;
    }
    // It was set aside, and there is a new one that works.
    void expect_begun_anew() {
        EXPECT_NE(said.find(path + ".damaged"), std::string::npos) << said;
        EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
        EXPECT_TRUE(opened->contents.outbox.empty());
        write(told("room:tea", 8, 9));
        ASSERT_EQ(open(), errc::ok) << said;
        EXPECT_EQ(history(), "8 9 ...");
    }

    const flare::test::Folder folder;
    const std::string path = folder.path("alice.cache");
    std::optional<CacheFile::Opened> opened;
    std::string said;
};

}  // namespace flare::client::test
