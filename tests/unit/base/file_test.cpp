// Files: the rule for secrets, and writing that leaves a whole file or none.
#include "base/file.hpp"

#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare::base::test {
namespace {

namespace fs = std::filesystem;
using flare::test::Folder;

errc code_of(const auto& result) { return result ? errc::ok : result.error().code; }

unsigned mode_of(const std::string& path) {
    struct stat found {};
    EXPECT_EQ(::lstat(path.c_str(), &found), 0) << path;
    return found.st_mode & 07777u;
}

std::size_t entries_of(const Folder& folder) {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder.path("")), {}));
}

TEST(SecretFile, IsRefusedForEachRightOfOthersAndForWritingByItsGroup) {
    Folder folder;
    const std::string path = folder.write("key", "secret");
    for (unsigned mode = 0; mode <= 0777; ++mode) {
        if ((mode & 0400) == 0) continue;
        ASSERT_EQ(::chmod(path.c_str(), mode), 0);
        const auto read = read_file(path, "key_file", 100, Access::secret);
        EXPECT_EQ(code_of(read), (mode & 027) == 0 ? errc::ok : errc::permission_denied) << std::oct << mode;
        EXPECT_TRUE(read_file(path, "key_file", 100)) << "what is no secret may be read by all";
        EXPECT_EQ(code_of(read_file(path, "key_file", 100, Access::kept)),
                  (mode & 07) == 0 ? errc::ok : errc::permission_denied)
            << std::oct << mode;
    }
}

TEST(SecretFile, TheErrorNamesPathModeAndWhatToDo) {
    Folder folder;
    const std::string path = folder.write("key", "secret");
    fs::permissions(path, fs::perms(0644));
    const std::string text = read_file(path, "key_file", 100, Access::secret).error().text;
    EXPECT_TRUE(text.starts_with("key_file " + path + ": ")) << text;
    EXPECT_NE(text.find("mode 0644"), std::string::npos) << text;
    EXPECT_NE(text.find("chmod 600 " + path), std::string::npos) << text;
    EXPECT_EQ(text.find("secret\n"), std::string::npos) << "and not what is in it";
}

// Kubernetes: tls.key -> ..data/tls.key, ..data -> ..2026_01_01.
TEST(SecretFile, IsReadThroughLinksAndJudgedByTheFileBehindThem) {
    Folder folder;
    fs::create_directory(folder.path("..2026"));
    const std::string file = folder.write("..2026/tls.key", "secret");
    fs::create_symlink("..2026", folder.path("..data"));
    fs::create_symlink("..data/tls.key", folder.path("tls.key"));
    fs::permissions(file, fs::perms(0440));
    EXPECT_TRUE(read_file(folder.path("tls.key"), "key", 100, Access::secret));
    fs::permissions(file, fs::perms(0644));
    EXPECT_EQ(code_of(read_file(folder.path("tls.key"), "key", 100, Access::secret)), errc::permission_denied);
}

TEST(SecretFile, ThatWeKeepMustBelongToRootOrToUs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
    Folder folder;
    const std::string path = folder.write("key", "secret");
    ASSERT_EQ(::chown(path.c_str(), 12345, 12345), 0);
    EXPECT_EQ(code_of(read_file(path, "key", 100, Access::kept)), errc::permission_denied);
    EXPECT_EQ(code_of(open_kept_file(path, "key")), errc::permission_denied);
    EXPECT_TRUE(read_file(path, "key", 100, Access::secret)) << "whoever names it trusts its owner";
}

TEST(ReadFile, WhatIsNoFileIsRefusedWithoutWaiting) {
    Folder folder;
    const std::string pipe = folder.path("pipe");
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    for (const std::string& path : {pipe, folder.path(""), std::string("/dev/zero"), std::string("/dev/tty")}) {
        const auto read = read_file(path, "key", 100);
        EXPECT_EQ(code_of(read), errc::file_unreadable) << path;
        EXPECT_TRUE(read.error().text.starts_with("key " + path + ": ")) << read.error().text;
    }
    EXPECT_EQ(code_of(read_file(folder.path("missing"), "key", 100)), errc::file_not_found);
    fs::create_symlink("nowhere", folder.path("dangling"));
    EXPECT_NE(read_file(folder.path("dangling"), "key", 100).error().text.find("symbolic link"), std::string::npos);
}

TEST(ReadFile, TheNullDeviceIsAnEmptyFileAndNeverReplaced) {
    EXPECT_EQ(read_file("/dev/null", "configuration", 100).value(), "");
    EXPECT_EQ(code_of(put_file("/dev/null", "racing memory", "x", {})), errc::file_unwritable);
    EXPECT_TRUE(fs::is_character_file("/dev/null"));
}

TEST(ReadFile, OneByteTooManyIsRefused) {
    Folder folder;
    const std::string path = folder.write("file", std::string(100'000, 'x'));
    EXPECT_EQ(read_file(path, "key", 100'000).value().size(), 100'000u);
    EXPECT_EQ(code_of(read_file(path, "key", 99'999)), errc::invalid_config);
}

TEST(PutFile, GivesSecretsToTheirOwnerAloneWhateverTheUmask) {
    Folder folder;
    const mode_t before = ::umask(0);
    Writing writing;
    EXPECT_TRUE(put_file(folder.path("secret"), "file", "x", writing));
    writing.access = Access::open;
    EXPECT_TRUE(put_file(folder.path("open"), "file", "x", writing));
    EXPECT_TRUE(make_folders(folder.path("a/b"), "folder", Access::secret));
    EXPECT_TRUE(make_folders(folder.path("c/d"), "folder", Access::open));
    ::umask(before);
    EXPECT_EQ(mode_of(folder.path("secret")), 0600u);
    EXPECT_EQ(mode_of(folder.path("open")), 0644u);
    EXPECT_EQ(mode_of(folder.path("a")), 0700u);
    EXPECT_EQ(mode_of(folder.path("a/b")), 0700u);
    EXPECT_EQ(mode_of(folder.path("c/d")), 0755u);
}

TEST(PutFile, NeverWritesThroughALinkADeviceOrAPipe) {
    Folder folder;
    folder.write("victim", "precious");
    fs::create_symlink(folder.path("victim"), folder.path("link"));
    fs::create_symlink(folder.path("made"), folder.path("dangling"));
    ASSERT_EQ(::mkfifo(folder.path("pipe").c_str(), 0600), 0);
    fs::create_directory(folder.path("folder"));
    for (const bool replace : {true, false}) {
        Writing writing;
        writing.replace = replace;
        for (const char* name : {"link", "dangling", "pipe", "folder"}) {
            const auto put = put_file(folder.path(name), "file", "x", writing);
            EXPECT_EQ(code_of(put), errc::file_unwritable) << name;
            EXPECT_NE(put.error().text.find(folder.path(name)), std::string::npos) << put.error().text;
        }
    }
    for (const char* name : {"link", "dangling", "pipe", "folder"})
        EXPECT_EQ(code_of(open_kept_file(folder.path(name), "file")), errc::file_unwritable) << name;
    EXPECT_EQ(folder.read("victim"), "precious");
    EXPECT_FALSE(fs::exists(folder.path("made")));
    EXPECT_TRUE(fs::is_symlink(folder.path("link")));
    EXPECT_EQ(entries_of(folder), 5u) << "no draft is left";
}

TEST(PutFile, DraftsOfOthersAreInNobodysWayAndNotFollowed) {
    Folder folder;
    const std::string path = folder.path("file");
    folder.write("victim", "precious");
    for (const std::string& name : {std::string(".new"), std::string(".tmp"), "." + std::to_string(::getpid())})
        fs::create_symlink(folder.path("victim"), path + name);
    EXPECT_TRUE(put_file(path, "file", "content", {}));
    EXPECT_EQ(folder.read("file"), "content");
    EXPECT_EQ(folder.read("victim"), "precious");
}

TEST(PutFile, ADiskThatIsFullLeavesWhatWasThere) {
    Folder folder;
    const std::string path = folder.write("file", "of before");
    rlimit before{};
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit small{10, before.rlim_max};
    ASSERT_EQ(std::signal(SIGXFSZ, SIG_DFL), SIG_DFL);  // it would end this process
    ::setrlimit(RLIMIT_FSIZE, &small);
    const auto put = put_file(path, "file", std::string(100, 'x'), {});
    ::setrlimit(RLIMIT_FSIZE, &before);
    EXPECT_EQ(code_of(put), errc::file_unwritable);
    EXPECT_EQ(folder.read("file"), "of before");
    EXPECT_EQ(entries_of(folder), 1u) << "no draft is left";
}

TEST(PutFile, OfManyThatMakeItAtOnceOneIsWholeAndTheOthersAreToldSo) {
    Folder folder;
    const std::string path = folder.path("file");
    std::vector<std::thread> threads;
    std::atomic<int> made{0};
    for (int i = 0; i < 8; ++i) {
        threads.emplace_back([&, i] {
            Writing writing;
            writing.replace = false;
            if (put_file(path, "file", std::string(1000, static_cast<char>('a' + i)), writing)) ++made;
        });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(made, 1);
    const std::string content = folder.read("file");
    EXPECT_EQ(content, std::string(1000, content.front()));
    EXPECT_EQ(entries_of(folder), 1u);
}

// A file beside the place of another, which `write` fills by its name.
template <typename Write>
Checked<> put_by_name(const std::string& path, bool replace, const Write& write) {
    auto draft = Draft::make(path, "copy", replace);
    if (!draft) return draft.error();
    write(draft->name());
    return draft->put();
}

TEST(FileDraft, TakesItsPlaceWhenItIsCompleteAndIsForItsOwnerAlone) {
    const Folder folder;
    const std::string path = folder.path("copy");
    const auto put = put_by_name(path, false, [&](const std::string& name) {
        EXPECT_FALSE(std::filesystem::exists(path));
        EXPECT_EQ(std::filesystem::status(name).permissions(), std::filesystem::perms(0600));
        std::ofstream(name) << "whole";
    });
    ASSERT_TRUE(put) << put.error().text;
    EXPECT_EQ(folder.read("copy"), "whole");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("")), {}), 1);
}

TEST(FileDraft, IsSyncedWithoutBeingPut) {
    const Folder folder;
    folder.write("copy", "mine");
    const auto draft = Draft::make(folder.path("copy"), "copy", true);
    ASSERT_TRUE(draft);
    EXPECT_TRUE(draft->sync());
    EXPECT_EQ(folder.read("copy"), "mine");
    std::filesystem::remove(draft->name());
    EXPECT_FALSE(draft->sync());
}

TEST(FileDraft, ThatIsGivenUpLeavesNothing) {
    const Folder folder;
    folder.write("copy", "mine");
    {
        const auto draft = Draft::make(folder.path("copy"), "copy", true);
        ASSERT_TRUE(draft);
        std::ofstream(draft->name()) << "half";
    }
    EXPECT_EQ(folder.read("copy"), "mine");
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder.path("")), {}), 1);
}

TEST(FileDraft, ReplacesOnlyWhenItIsTold) {
    const Folder folder;
    const auto nothing = [](const std::string&) {};
    folder.write("copy", "mine");
    EXPECT_EQ(put_by_name(folder.path("copy"), false, nothing).error().code, errc::file_unwritable);
    EXPECT_EQ(folder.read("copy"), "mine");
    // Somebody makes one of that name meanwhile.
    const auto late =
        put_by_name(folder.path("other"), false, [&](const std::string&) { folder.write("other", "theirs"); });
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().code, errc::file_unwritable);
    EXPECT_EQ(folder.read("other"), "theirs");
    EXPECT_TRUE(put_by_name(folder.path("copy"), true, nothing));
    EXPECT_EQ(folder.read("copy"), "");
    std::filesystem::create_symlink(folder.path("other"), folder.path("link"));
    EXPECT_EQ(put_by_name(folder.path("link"), true, nothing).error().code, errc::file_unwritable);
    EXPECT_EQ(put_by_name(folder.path("missing/copy"), true, nothing).error().code, errc::file_not_found);
}

TEST(PutFile, AFolderThatIsMissingIsNamed) {
    Folder folder;
    EXPECT_EQ(code_of(put_file(folder.path("no/file"), "file", "x", {})), errc::file_not_found);
    EXPECT_EQ(code_of(open_kept_file(folder.path("no/file"), "file")), errc::file_not_found);
    folder.write("plain", "");
    EXPECT_EQ(code_of(make_folders(folder.path("plain/below"), "folder", Access::open)), errc::file_unwritable);
    EXPECT_EQ(code_of(make_folders(folder.path("plain"), "folder", Access::open)), errc::file_unwritable);
}

TEST(PutFile, WhatFollowsIsAppended) {
    Folder folder;
    const auto file = put_file(folder.path("file"), "file", "one ", {});
    ASSERT_TRUE(file);
    EXPECT_EQ(write_all(file->get(), "two"), 0);
    EXPECT_EQ(folder.read("file"), "one two");
}

}  // namespace
}  // namespace flare::base::test
