// What was revoked is remembered until its time, within bounds, and over a restart.
#include "auth/revocations.hpp"
#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <csignal>

namespace flare::auth::test {
namespace {

using flare::test::Folder;
using namespace std::chrono_literals;
using Kind = Revocation::Kind;

constexpr std::chrono::system_clock::time_point kNow{std::chrono::seconds(1'800'000'000)};

TEST(Revocations, HoldUntilTheirTime) {
    Revocations revocations(10);
    EXPECT_FALSE(revocations.revoked("ann", "t", kNow));
    ASSERT_TRUE(revocations.revoke(Kind::user, "ann", kNow + 1h, kNow));
    ASSERT_TRUE(revocations.revoke(Kind::token, "t", kNow + 2h, kNow));
    EXPECT_TRUE(revocations.revoked("ann", "", kNow));
    EXPECT_TRUE(revocations.revoked("bob", "t", kNow));
    EXPECT_FALSE(revocations.revoked("bob", "", kNow));
    EXPECT_FALSE(revocations.revoked("t", "ann", kNow)) << "users are no tokens";
    EXPECT_FALSE(revocations.revoked("ann", "", kNow + 1h));
    EXPECT_TRUE(revocations.revoked("ann", "t", kNow + 1h));
    ASSERT_TRUE(revocations.revoke(Kind::token, "t", kNow, kNow)) << "lifted";
    EXPECT_FALSE(revocations.revoked("bob", "t", kNow));
}

TEST(Revocations, NeedAName) {
    Revocations revocations(10);
    EXPECT_EQ(revocations.revoke(Kind::token, "", kNow + 1h, kNow).error().code, errc::invalid_config);
    EXPECT_EQ(revocations.revoke(Kind::user, std::string(257, 'x'), kNow + 1h, kNow).error().code,
              errc::invalid_config);
    EXPECT_EQ(revocations.size(), 0u);
}

TEST(Revocations, AreBounded) {
    Revocations revocations(3);
    for (const char* name : {"a", "b", "c"}) ASSERT_TRUE(revocations.revoke(Kind::user, name, kNow + 1h, kNow));
    EXPECT_EQ(revocations.revoke(Kind::user, "d", kNow + 1h, kNow).error().code, errc::busy);
    EXPECT_FALSE(revocations.revoked("d", "", kNow));
    EXPECT_TRUE(revocations.revoke(Kind::user, "c", kNow + 2h, kNow)) << "it has a place already";
    EXPECT_TRUE(revocations.revoke(Kind::user, "d", kNow + 2h, kNow + 1h)) << "those that are over make room";
    EXPECT_EQ(revocations.size(), 2u);
}

TEST(Revocations, LinesGoBothWays) {
    for (const std::string& name : {std::string("alice"), std::string("a b"), std::string("100%"),
                                    std::string("\n\0x", 3), std::string("用户"), std::string("\x7f\xff")}) {
        const Revocation revocation{Kind::token, name, kNow};
        const std::string line = to_line(revocation);
        EXPECT_EQ(line.find('\n'), std::string::npos);
        const auto read = from_line(line);
        ASSERT_TRUE(read) << line;
        EXPECT_EQ(read->name, name);
        EXPECT_EQ(read->until, kNow);
        EXPECT_EQ(read->kind, Kind::token);
    }
    EXPECT_EQ(to_line({Kind::user, "a b", kNow}), "user 1800000000000 a%20b");
    for (const char* line : {"", "user", "user 1", "user 1 ", "user x a", "user -1 a", "user 1 a b", "user 1 %",
                             "user 1 %2", "user 1 %zz", "User 1 a", "user 99999999999999999999 a",
                             "user 9999999999999999 a", " user 1 a", "user  1 a", "user 1 a\r"}) {
        EXPECT_FALSE(from_line(line)) << line;
    }
}

TEST(Revocations, SurviveARestart) {
    Folder folder;
    const std::string path = folder.path("revoked");
    {
        Revocations revocations(10);
        ASSERT_TRUE(revocations.open(path, kNow));
        ASSERT_TRUE(revocations.revoke(Kind::user, "ann", kNow + 1h, kNow));
        ASSERT_TRUE(revocations.revoke(Kind::user, "bob", kNow + 1h, kNow));
        ASSERT_TRUE(revocations.revoke(Kind::token, "t 1", kNow + 2h, kNow));
        ASSERT_TRUE(revocations.revoke(Kind::user, "bob", kNow, kNow)) << "lifted";
    }
    Revocations revocations(10);
    ASSERT_TRUE(revocations.open(path, kNow));
    EXPECT_TRUE(revocations.revoked("ann", "", kNow));
    EXPECT_FALSE(revocations.revoked("bob", "", kNow));
    EXPECT_TRUE(revocations.revoked("", "t 1", kNow));
    EXPECT_EQ(revocations.size(), 2u);
    Revocations small(1);
    EXPECT_EQ(small.open(path, kNow).error().code, errc::invalid_config);
    EXPECT_TRUE(small.open(path, kNow + 90min)) << "one of them is over";
}

TEST(Revocations, ALineThatIsWrongIsNamed) {
    Folder folder;
    const auto why = [&](const std::string& content) {
        Revocations revocations(10);
        const auto opened = revocations.open(folder.write("revoked", content), kNow);
        return opened ? "opened" : std::string(name(opened.error().code)) + " " + opened.error().text;
    };
    EXPECT_NE(why("flare revocations 1\nuser 1 ann\nusr 1 bob\n").find("line 3"), std::string::npos);
    EXPECT_TRUE(why("flare revocations 1\nuser 1 ann\n\n").starts_with("invalid_config"));
    EXPECT_NE(why("flare revocations 2\n").find("line 1"), std::string::npos);
    EXPECT_NE(why("something else\n").find(folder.path("revoked")), std::string::npos);
    EXPECT_EQ(why(""), "opened");
    Revocations revocations(10);
    EXPECT_EQ(revocations.open(folder.path("missing/revoked"), kNow).error().code, errc::file_not_found);
    EXPECT_EQ(revocations.open(folder.path(""), kNow).error().code, errc::file_unwritable) << "a folder";
}

TEST(Revocations, AFileThatOthersMayUseOrThatIsALinkIsRefused) {
    Folder folder;
    const auto why = [&] {
        Revocations revocations(10);
        const auto opened = revocations.open(folder.path("revoked"), kNow);
        return opened ? Failure(errc::ok, "opened") : opened.error();
    };
    folder.write("revoked", "flare revocations 1\n");
    std::filesystem::permissions(folder.path("revoked"), std::filesystem::perms(0644));
    EXPECT_EQ(why().code, errc::permission_denied);
    EXPECT_NE(why().text.find("chmod 600 " + folder.path("revoked")), std::string::npos) << why().text;
    std::filesystem::remove(folder.path("revoked"));
    std::filesystem::create_symlink(folder.path("elsewhere"), folder.path("revoked"));
    EXPECT_EQ(why().code, errc::file_unwritable);
    EXPECT_FALSE(std::filesystem::exists(folder.path("elsewhere")));
}

TEST(Revocations, ALineThatWasCutOffIsPassedOverAndTheNextIsWhole) {
    Folder folder;
    const std::string path = folder.write("revoked", "flare revocations 1\nuser 1900000000000 ann\nuser 19000000");
    {
        Revocations revocations(10);
        ASSERT_TRUE(revocations.open(path, kNow));
        EXPECT_EQ(revocations.size(), 1u);
        ASSERT_TRUE(revocations.revoke(Kind::user, "bob", kNow + 1h, kNow));
    }
    EXPECT_EQ(folder.read("revoked"), "flare revocations 1\nuser 1900000000000 ann\nuser 1800003600000 bob\n");
}

TEST(Revocations, TheFileIsRewrittenWhenMostOfItIsOver) {
    Folder folder;
    Revocations revocations(10'000);
    ASSERT_TRUE(revocations.open(folder.path("revoked"), kNow));
    ASSERT_TRUE(revocations.revoke(Kind::user, "ann", kNow + 1h, kNow));
    // A draft of a process that was killed, and a trap for one: neither is touched.
    folder.write("victim", "precious");
    std::filesystem::create_symlink(folder.path("victim"), folder.path("revoked.new"));
    for (int i = 0; i < 1100; ++i) ASSERT_TRUE(revocations.revoke(Kind::token, "t", kNow + 1min * i, kNow));
    EXPECT_EQ(folder.read("victim"), "precious");
    const std::string text = folder.read("revoked");
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 200);
    Revocations again(10);
    ASSERT_TRUE(again.open(folder.path("revoked"), kNow));
    EXPECT_EQ(again.size(), 2u);
}

TEST(Revocations, WhatTheFileCannotTakeHoldsInMemory) {
    Folder folder;
    Revocations revocations(10);
    ASSERT_TRUE(revocations.open(folder.path("revoked"), kNow));
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit none{30, before.rlim_max};
    ASSERT_EQ(std::signal(SIGXFSZ, SIG_DFL), SIG_DFL);  // it would end this process
    ::setrlimit(RLIMIT_FSIZE, &none);
    const auto written = revocations.revoke(Kind::user, "ann", kNow + 1h, kNow);
    ::setrlimit(RLIMIT_FSIZE, &before);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, errc::file_unwritable);
    EXPECT_NE(written.error().text.find(folder.path("revoked")), std::string::npos);
    EXPECT_TRUE(revocations.revoked("ann", "", kNow));
    // The next one does not stand behind half a line.
    ASSERT_TRUE(revocations.revoke(Kind::user, "bob", kNow + 1h, kNow));
    Revocations again(10);
    const auto opened = again.open(folder.path("revoked"), kNow);
    ASSERT_TRUE(opened) << opened.error().text;
    EXPECT_TRUE(again.revoked("bob", "", kNow));
}

}  // namespace
}  // namespace flare::auth::test
