#include "server/ticket_key_file.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare::server {
namespace {

struct TicketKeyFileTest : ::testing::Test {
    TicketKeyFileTest() {
        std::string pattern = (std::filesystem::temp_directory_path() / "flare-keys-XXXXXX").string();
        folder = ::mkdtemp(pattern.data());
        path = folder + "/tickets.key";
    }
    ~TicketKeyFileTest() override { std::filesystem::remove_all(folder); }
    void write(const std::string& text) const {
        std::ofstream(path) << text;
        ::chmod(path.c_str(), 0600);
    }
    void expect_failure(errc code) const {
        const auto keys = load_ticket_keys(path);
        ASSERT_FALSE(keys);
        EXPECT_EQ(keys.error().code, code) << keys.error().text;
        EXPECT_NE(keys.error().text.find(path), std::string::npos) << keys.error().text;
        EXPECT_NE(keys.error().text.find("ticket_key_file"), std::string::npos) << keys.error().text;
    }
    std::string folder;
    std::string path;
};

const std::string kHex = "000102030405060708090a0b0c0d0e0f101112131415161718191A1B1C1D1E1F";
const std::string kBase64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

TEST_F(TicketKeyFileTest, IsMadeForItsOwnerAloneAndReadAgain) {
    const auto made = load_ticket_keys(path);
    ASSERT_TRUE(made) << made.error().text;
    EXPECT_EQ(made->current.size(), 32u);
    EXPECT_TRUE(made->previous.empty());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777u, 0600u);
    EXPECT_EQ(load_ticket_keys(path)->current, made->current);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder), {}), 1) << "nothing else is left there";
}

TEST_F(TicketKeyFileTest, TakesHexAndBase64AndTheKeyOfBefore) {
    write(kHex + "\n");
    const std::string key = load_ticket_keys(path)->current;
    EXPECT_EQ(key.substr(0, 3), std::string("\0\1\2", 3));
    EXPECT_EQ(key[31], '\x1f');
    write(kBase64);
    EXPECT_EQ(load_ticket_keys(path)->current, key);
    write(std::string(64, 'a') + "\r\n\n" + kBase64 + "\n");
    EXPECT_EQ(load_ticket_keys(path)->current, std::string(32, '\xaa'));
    EXPECT_EQ(load_ticket_keys(path)->previous, key);
}

TEST_F(TicketKeyFileTest, SaysWhatIsWrongWithIt) {
    write("");
    expect_failure(errc::invalid_config);
    write(kHex.substr(2) + "\n");
    expect_failure(errc::invalid_config);
    write("zz" + kHex.substr(2) + "\n");
    expect_failure(errc::invalid_config);
    write(kHex + "\nshort\n");
    expect_failure(errc::invalid_config);
    write(kHex + "\n" + kHex + "\n" + kHex + "\n");
    expect_failure(errc::invalid_config);
    std::filesystem::remove(path);
    std::filesystem::create_directory(path);
    expect_failure(errc::file_unreadable);
}

TEST_F(TicketKeyFileTest, IsRefusedWhenOthersMayUseIt) {
    write(kHex);
    ::chmod(path.c_str(), 0644);
    expect_failure(errc::permission_denied);
    EXPECT_NE(load_ticket_keys(path).error().text.find("chmod 600 " + path), std::string::npos);
    ::chmod(path.c_str(), 0640);
    EXPECT_TRUE(load_ticket_keys(path));
}

TEST_F(TicketKeyFileTest, IsRefusedWhenAnotherUserHasPutItThere) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    write(kHex);
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    expect_failure(errc::permission_denied);
}

TEST_F(TicketKeyFileTest, IsReadThroughALinkAndNeverMadeThroughOne) {
    const std::string target = folder + "/mounted";
    std::filesystem::create_symlink(target, path);
    expect_failure(errc::file_not_found);
    EXPECT_FALSE(std::filesystem::exists(target));
    std::ofstream(target) << kHex;
    ::chmod(target.c_str(), 0600);
    EXPECT_TRUE(load_ticket_keys(path));
}

TEST_F(TicketKeyFileTest, ADraftThatACrashHasLeftIsInNobodysWay) {
    std::ofstream(path + "." + std::to_string(::getpid())) << "half";
    std::ofstream(path + ".new") << "half";
    EXPECT_TRUE(load_ticket_keys(path));
}

TEST_F(TicketKeyFileTest, APipeIsRefusedAndNotWaitedFor) {
    ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
    expect_failure(errc::file_unreadable);
}

TEST_F(TicketKeyFileTest, NamesTheSettingThatItIsReadFor) {
    std::ofstream(path) << "short\n";
    ::chmod(path.c_str(), 0600);
    const auto loaded = load_ticket_keys(path, "quic_secret_file");
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().text.find("quic_secret_file " + path), 0u) << loaded.error().text;
}

TEST_F(TicketKeyFileTest, IsNotMadeWhereThereIsNoFolder) {
    path = folder + "/nowhere/tickets.key";
    expect_failure(errc::file_not_found);
}

}  // namespace
}  // namespace flare::server
