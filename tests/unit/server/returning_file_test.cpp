// The file between two processes of a server: docs/server.md, "Storms".
#include "server/returning_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include <sys/stat.h>

namespace flare::server::test {
namespace {

const std::string kKey(32, 'k');
const std::string kOther(32, 'o');

struct ReturningFile : ::testing::Test {
    ReturningFile() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flare-returning-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        path = returning_path(folder + "/key");
    }
    ~ReturningFile() override { std::filesystem::remove_all(folder); }

    static std::vector<Returning> users() { return {{"ann", 1'722'470'400'000}, {"bob 中文\n", 5}, {"eve", 0}}; }
    std::string content() const {
        std::ifstream file(path, std::ios::binary);
        std::ostringstream text;
        text << file.rdbuf();
        return text.str();
    }
    void put(const std::string& text) const {
        std::ofstream(path, std::ios::binary) << text;
        ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    }
    errc refusal() const {
        const auto read = read_returning(path, kKey, {});
        return read ? errc::ok : read.error().code;
    }
    std::string folder;
    std::string path;
};

TEST_F(ReturningFile, SaysToTheNextProcessWhatItWasTold) {
    EXPECT_EQ(write_returning(path, kKey, users()).value(), 3u);
    for (const auto& [current, previous] : {std::pair(kKey, std::string()), std::pair(kOther, kKey)}) {
        const auto read = read_returning(path, current, previous);
        ASSERT_TRUE(read) << read.error().text;
        ASSERT_EQ(read->size(), 3u);
        for (std::size_t i = 0; i < 3; ++i) {
            EXPECT_EQ((*read)[i].user, users()[i].user);
            EXPECT_EQ((*read)[i].back_unix_ms, users()[i].back_unix_ms);
        }
    }
}

TEST_F(ReturningFile, IsForItsOwnerAloneAndLeavesNoDraft) {
    ASSERT_TRUE(write_returning(path, kKey, users()));
    struct stat about {};
    ASSERT_EQ(::stat(path.c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 07777, 0600u);
    std::size_t files = 0;
    for (const auto& each : std::filesystem::directory_iterator(folder)) files += each.exists() ? 1 : 0;
    EXPECT_EQ(files, 1u);
}

TEST_F(ReturningFile, ThatIsNotThereNamesNobody) {
    const auto read = read_returning(path, kKey, {});
    ASSERT_TRUE(read);
    EXPECT_TRUE(read->empty());
}

TEST_F(ReturningFile, IsNotWrittenThroughALink) {
    const std::string elsewhere = folder + "/elsewhere";
    std::ofstream(elsewhere) << "precious";
    std::filesystem::create_symlink(elsewhere, path);
    EXPECT_EQ(write_returning(path, kKey, users()).error().code, errc::file_unwritable);
    EXPECT_NE(refusal(), errc::ok);
    std::ifstream file(elsewhere);
    std::string text;
    file >> text;
    EXPECT_EQ(text, "precious");
}

TEST_F(ReturningFile, ThatOthersMayWriteOrReadIsNotBelieved) {
    ASSERT_TRUE(write_returning(path, kKey, users()));
    ASSERT_EQ(::chmod(path.c_str(), 0644), 0);
    EXPECT_EQ(refusal(), errc::permission_denied);
}

TEST_F(ReturningFile, EveryCutAndEveryChangedByteIsRefused) {
    ASSERT_TRUE(write_returning(path, kKey, users()));
    const std::string whole = content();
    for (std::size_t size = 0; size < whole.size(); ++size) {
        put(whole.substr(0, size));
        EXPECT_EQ(refusal(), errc::invalid_config) << size;
    }
    for (std::size_t i = 0; i < whole.size(); ++i) {
        std::string changed = whole;
        changed[i] = static_cast<char>(changed[i] ^ 1);
        put(changed);
        EXPECT_EQ(refusal(), errc::invalid_config) << i;
    }
    put(whole + whole);
    EXPECT_EQ(refusal(), errc::invalid_config);
}

TEST_F(ReturningFile, OfAnotherKeyOrKindIsRefused) {
    ASSERT_TRUE(write_returning(path, kOther, users()));
    EXPECT_EQ(refusal(), errc::invalid_config);
    put(std::string(kMaxReturningBytes + 1, 'x'));
    EXPECT_EQ(refusal(), errc::invalid_config);
    put("{\"users\": []}\n");
    EXPECT_EQ(refusal(), errc::invalid_config);
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    EXPECT_NE(refusal(), errc::ok);
    std::filesystem::remove(path);
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    EXPECT_NE(refusal(), errc::ok) << "and nobody waits for its other end";
}

// A line that the key vouches for and that says nonsense all the same.
TEST_F(ReturningFile, NamesThatNobodyCanHaveAreRefused) {
    for (const Returning& odd :
         {Returning{"", 1}, Returning{std::string(257, 'x'), 1}, Returning{"\xff", 1}, Returning{"ann", UINT64_MAX}}) {
        ASSERT_TRUE(write_returning(path, kKey, {odd}));
        EXPECT_EQ(refusal(), errc::invalid_config) << odd.user;
    }
}

TEST_F(ReturningFile, IsBoundedAndSaysHowManyHadRoom) {
    std::vector<Returning> many(kMaxReturning + 7, Returning{"u", 1});
    EXPECT_EQ(write_returning(path, kKey, many).value(), kMaxReturning);
    EXPECT_EQ(read_returning(path, kKey, {})->size(), kMaxReturning);
    many.assign(kMaxReturning, Returning{std::string(256, 'n'), 1});
    const auto written = write_returning(path, kKey, many);
    ASSERT_TRUE(written);
    EXPECT_LT(*written, kMaxReturning);
    EXPECT_LE(std::filesystem::file_size(path), kMaxReturningBytes);
    EXPECT_EQ(read_returning(path, kKey, {})->size(), *written);
}

TEST_F(ReturningFile, AFolderThatIsNotThereIsAnError) {
    EXPECT_EQ(write_returning(folder + "/none/key.returning", kKey, users()).error().code, errc::file_not_found);
    std::filesystem::create_directory(path);
    std::filesystem::create_directory(path + "/something");
    EXPECT_EQ(write_returning(path, kKey, users()).error().code, errc::file_unwritable);
    EXPECT_TRUE(std::filesystem::exists(path + "/something"));
}

}  // namespace
}  // namespace flare::server::test
