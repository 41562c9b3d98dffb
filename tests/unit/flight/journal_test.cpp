#include "flight/journal.hpp"

#include "support/folder.hpp"

#include <flare/uuid.hpp>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace flare::flight::test {
namespace {

namespace fs = std::filesystem;

const auto kNothing = [] { return std::string(); };

std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

class FlightJournal : public ::testing::Test {
protected:
    fs::path file(const std::string& name) const { return fs::path(folder_.path("")) / (name + ".jsonl"); }
    flare::test::Folder folder_;
    const std::string name_ = Uuid::v7().str();
};

TEST_F(FlightJournal, BeginsWithWhatIsKnownAndGoesOnLineByLine) {
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    ASSERT_TRUE(journal.add("two", kNothing));
    EXPECT_EQ(read(file(name_)), "one\ntwo\n");
}

TEST_F(FlightJournal, OnlyItsUserReadsIt) {
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    struct stat status {};
    ASSERT_EQ(::stat(file(name_).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
}

TEST_F(FlightJournal, AFolderThatIsMissingIsToldOnceAndHarmsNothing) {
    Journal journal(std::string(folder_.path("")) + "/none");
    const auto begun = journal.begin(name_, "one\n");
    ASSERT_FALSE(begun);
    EXPECT_EQ(begun.error().code, errc::file_not_found);
    EXPECT_NE(begun.error().text.find("none"), std::string::npos);
    EXPECT_TRUE(journal.add("two", kNothing));  // nothing to say any more
}

TEST_F(FlightJournal, AFileThatHasGrownIsWrittenAnewFromMemory) {
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    const std::string line(Journal::kMaxFileBytes / 4, 'x');
    for (int i = 0; i < 4; ++i) ASSERT_TRUE(journal.add(line, [] { return std::string("the last lines\n"); }));
    EXPECT_EQ(read(file(name_)), "the last lines\n");
    ASSERT_TRUE(journal.add("next", kNothing));
    EXPECT_EQ(read(file(name_)), "the last lines\nnext\n");
}

TEST_F(FlightJournal, ADiskThatIsFullIsToldOnce) {
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    ASSERT_EQ(std::signal(SIGXFSZ, SIG_DFL), SIG_DFL);  // it would end this process
    rlimit before{};
    ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
    rlimit small = before;
    small.rlim_cur = 10;
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
    const auto first = journal.add(std::string(100, 'x'), kNothing);
    const auto second = journal.add(std::string(100, 'x'), kNothing);
    ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &before), 0);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, errc::file_unwritable);
    EXPECT_TRUE(second);
}

TEST_F(FlightJournal, RemovesTheOldestRecordsAndNothingElse) {
    const fs::path folder(folder_.path(""));
    std::ofstream(folder / "notes.jsonl") << "mine";
    std::ofstream(folder / "connect-me.jsonl") << "mine";
    std::vector<std::string> names;
    for (std::size_t i = 0; i < Journal::kMaxFiles + 3; ++i) {
        names.push_back(i % 2 == 0 ? Uuid::v7().str() : std::string(Journal::kNoSession) + Uuid::v7().str());
        std::ofstream(file(names.back())) << "old";
        fs::last_write_time(file(names.back()), fs::file_time_type::clock::now() - std::chrono::hours(1000 - i));
    }
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    for (std::size_t i = 0; i < names.size(); ++i) EXPECT_EQ(fs::exists(file(names[i])), i >= 4) << i;
    EXPECT_TRUE(fs::exists(folder / "notes.jsonl"));
    EXPECT_TRUE(fs::exists(folder / "connect-me.jsonl"));
    EXPECT_TRUE(fs::exists(file(name_)));
}

TEST_F(FlightJournal, DoesNotFollowALinkThatSomebodyHasPutThere) {
    const fs::path victim = fs::path(folder_.path("")) / "victim";
    std::ofstream(victim) << "precious";
    fs::create_symlink(victim, file(name_));
    Journal journal(folder_.path(""));
    ASSERT_TRUE(journal.begin(name_, "one\n"));
    EXPECT_EQ(read(victim), "precious");
    EXPECT_FALSE(fs::is_symlink(file(name_)));
}

}  // namespace
}  // namespace flare::flight::test
