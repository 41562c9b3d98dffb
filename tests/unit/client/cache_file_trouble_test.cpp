// A cache in a file: what is found in its place, full disks, and crashes.
#include "unit/client/cache_files.hpp"

#include "support/no_room.hpp"

#include <csignal>
#include <filesystem>
#include <fstream>

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flare::client::test {
namespace {

namespace fs = std::filesystem;

TEST_F(CacheFiles, SetsAsideWhatWasTruncated) {
    fill();
    const auto size = fs::file_size(path);
    for (const std::uintmax_t left : {std::uintmax_t{10}, std::uintmax_t{100}, std::uintmax_t{4096}, size / 2}) {
        SCOPED_TRACE(left);
        fill();
        fs::resize_file(path, left);
        ASSERT_EQ(open(), errc::cache_damaged) << said;
        expect_begun_anew();
        opened.reset();
        fs::remove(path);
    }
}

TEST_F(CacheFiles, SetsAsideWhatIsFullOfOtherBytes) {
    fill();
    const auto size = fs::file_size(path);
    for (const std::uintmax_t at :
         {std::uintmax_t{0}, std::uintmax_t{20}, std::uintmax_t{4096}, std::uintmax_t{8192}}) {
        SCOPED_TRACE(at);
        fill();
        patch(at, std::string(std::min<std::uintmax_t>(4096, size - at), '\xa5'));
        ASSERT_EQ(open(), errc::cache_damaged) << said;
        expect_begun_anew();
        opened.reset();
        fs::remove(path);
    }
}

TEST_F(CacheFiles, SurvivesAnyByteThatIsNotWhatItWas) {
    fill();
    const std::string good = folder.read("alice.cache");
    const std::string damaged_name = path + ".damaged";
    unsigned seed = 1;
    for (int round = 0; round < 100; ++round) {
        std::string bytes = good;
        for (int i = 0; i < 4; ++i) {
            seed = seed * 1103515245u + 12345u;
            bytes[(seed >> 8) % bytes.size()] = static_cast<char>(seed >> 20);
        }
        folder.write("alice.cache", bytes);
        const errc code = open();
        // Where it is read, the answer is one of these; a flipped letter of a text is no damage that can be seen.
        EXPECT_TRUE(code == errc::ok || code == errc::cache_damaged || code == errc::cache_of_another_user ||
                    code == errc::invalid_config)
            << round << ": " << name(code) << ": " << said;
        if (opened) (void)history();
        opened.reset();
        fs::remove(damaged_name);
    }
}

TEST_F(CacheFiles, SetsAsideWhatHasOtherTables) {
    fill();
    const std::string bytes = folder.read("alice.cache");
    const auto at = bytes.find("CREATE TABLE outbox");
    ASSERT_NE(at, std::string::npos);
    patch(at + 13, "inbox ");
    ASSERT_EQ(open(), errc::cache_damaged) << said;
    expect_begun_anew();
}

TEST_F(CacheFiles, SetsAsideAnOutboxThatCannotBeRead) {
    fill();
    ASSERT_EQ(open(), errc::ok);
    CacheChanges changes;
    KeptMessage broken = kept_message(2);
    broken.message = Bytes(std::string("\xff\xff\xff"));
    changes.posted = {broken};
    write(changes);
    ASSERT_EQ(open(), errc::cache_damaged);
    expect_begun_anew();
}

TEST_F(CacheFiles, IsNotTouchedIfALaterVersionHasWrittenIt) {
    fill();
    patch(60, std::string("\0\0\0\2", 4));  // the user_version
    EXPECT_EQ(open(), errc::invalid_config);
    EXPECT_NE(said.find("later version"), std::string::npos) << said;
    EXPECT_FALSE(fs::exists(path + ".damaged"));
}

TEST_F(CacheFiles, IsNotPutInThePlaceOfSomethingElse) {
    folder.write("alice.cache", "a letter, or a picture");
    EXPECT_EQ(open(), errc::invalid_config);
    EXPECT_EQ(open(), errc::invalid_config) << "nor the second time";
    EXPECT_EQ(folder.read("alice.cache"), "a letter, or a picture");
    EXPECT_FALSE(fs::exists(path + ".lock"));
    fs::remove(path);
    fill();
    fs::remove(path + ".lock");
    patch(68, std::string("\0\0\0\1", 4));  // the application_id
    EXPECT_EQ(open(), errc::invalid_config);
    EXPECT_NE(said.find("another program"), std::string::npos) << said;
    EXPECT_FALSE(fs::exists(path + ".damaged"));
}

TEST_F(CacheFiles, IsMadeInAnEmptyFileButNotThroughALink) {
    folder.write("alice.cache", "");
    EXPECT_EQ(open(), errc::ok) << said;
    opened.reset();
    fs::rename(path, folder.path("other"));
    fs::create_symlink(folder.path("other"), path);
    EXPECT_EQ(open(), errc::file_unwritable);
}

TEST_F(CacheFiles, SaysWhatIsWrongWithItsFolder) {
    const auto nowhere = CacheFile::open(folder.path("missing/alice.cache"), "alice");
    ASSERT_FALSE(nowhere);
    EXPECT_EQ(nowhere.error().code, errc::file_not_found);
    fs::create_directory(folder.path("sub"));
    const auto directory = CacheFile::open(folder.path("sub"), "alice");
    ASSERT_FALSE(directory);
    EXPECT_EQ(directory.error().code, errc::file_unwritable);
}

TEST_F(CacheFiles, NeedsAFolderThatCanBeWrittenTo) {
    if (::geteuid() == 0) {
        // Root writes everywhere but where a file system is read-only.
        const auto refused = CacheFile::open("/proc/alice.cache", "alice");
        ASSERT_FALSE(refused);
        EXPECT_TRUE(refused.error().code == errc::file_not_found || refused.error().code == errc::file_unwritable)
            << refused.error().text;
        return;
    }
    fill();
    fs::permissions(folder.path(""), fs::perms(0500));
    EXPECT_EQ(open(), errc::file_unwritable) << said;
    fs::permissions(folder.path(""), fs::perms(0700));
    EXPECT_EQ(open(), errc::ok);
}

TEST_F(CacheFiles, HasAllOrNothingOfWhatAFullDiskHasNoRoomBeyond) {
    fill();
    ASSERT_EQ(open(), errc::ok);
    {
        const flare::test::NoRoomBeyond here(300'000);
        auto large = told("room:tea", 4, 9, 7, std::string(100'000, 'x'));
        large.posted = {kept_message(2)};
        const auto written = opened->file->write(large);
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, errc::cache_failed);
        EXPECT_NE(written.error().text.find(path), std::string::npos) << written.error().text;
    }
    ASSERT_EQ(open(), errc::ok) << said;
    EXPECT_EQ(history(), "1 2 3");
    EXPECT_EQ(ids(opened->contents.outbox), "1");
    EXPECT_EQ(opened->contents.told.at("room:tea").position.offset, 3u);
}

TEST_F(CacheFiles, CannotBeMadeOnAFullDisk) {
    {
        const flare::test::NoRoomBeyond here(2000);
        EXPECT_EQ(open(), errc::file_unwritable);
        EXPECT_NE(said.find(path), std::string::npos) << said;
    }
    EXPECT_EQ(open(), errc::ok) << said << ": what was begun is no obstacle";
}

// A process is killed while it writes; each time it writes ten messages, and how far the application was told.
TEST_F(CacheFiles, HasWholeTransactionsAfterACrash) {
    std::size_t before = 0;
    for (int round = 0; round < 8; ++round) {
        int out[2];
        ASSERT_EQ(::pipe(out), 0);
        const pid_t pid = ::fork();
        ASSERT_GE(pid, 0);
        if (pid == 0) {
            auto made = CacheFile::open(path, "alice");
            if (!made) ::_exit(1);
            for (std::uint64_t batch = made->contents.outbox.size() / 10; batch < 6'000; ++batch) {
                auto changes = told("room:tea", batch + 1, batch + 1);
                for (std::uint64_t i = 0; i < 10; ++i) changes.posted.push_back(kept_message(10 * batch + i));
                if (!made->file->write(changes)) ::_exit(2);
                if (::write(out[1], "x", 1) != 1) ::_exit(3);
            }
            ::_exit(0);
        }
        ::close(out[1]);
        char each = 0;
        std::size_t written = 0;
        while (written < 20 + 7 * static_cast<std::size_t>(round) && ::read(out[0], &each, 1) == 1) ++written;
        ::kill(pid, SIGKILL);
        while (::read(out[0], &each, 1) == 1) ++written;
        ::close(out[0]);
        int status = 0;
        ::waitpid(pid, &status, 0);
        ASSERT_TRUE(WIFSIGNALED(status)) << "it ended by itself";

        ASSERT_EQ(open(), errc::ok) << said;
        const std::size_t found = opened->contents.outbox.size();
        EXPECT_EQ(found % 10, 0u);
        EXPECT_GE(found, before + 10 * written) << "what was written is not lost with its process";
        EXPECT_LE(found, before + 10 * (written + 1));
        EXPECT_EQ(opened->contents.told.at("room:tea").position.offset, found / 10);
        before = found;
        opened.reset();
    }
}

}  // namespace
}  // namespace flare::client::test
