// What is said of command lines that cannot be understood.
#include "tree/usage.hpp"
#include "tree/spelling.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::cli {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string problem_of(std::vector<std::string> words) {
    CLI::App app{"A tool", "flare"};
    app.require_subcommand(1);
    std::string text;
    CLI::App* send = app.add_subcommand("send", "Sends");
    send->add_option("target", text, "whom to")->required();
    send->add_option("--token,-t", text, "credential");
    app.add_subcommand("version", "Print the version");
    CLI::App* token = app.add_subcommand("token", "Makes tokens");
    token->require_subcommand(1);
    token->add_subcommand("make", "Makes one");
    token->add_subcommand("show", "Shows one");
    std::reverse(words.begin(), words.end());
    try {
        app.parse(words);
    } catch (const CLI::ParseError& error) {
        return usage_problem(&app, error);
    }
    return "good";
}

TEST(Usage, SaysWhichCommandWasMeant) {
    EXPECT_THAT(problem_of({"versoin"}), HasSubstr("flare: unknown command 'versoin'; did you mean version?\n"));
    EXPECT_THAT(problem_of({"sned", "bob"}), HasSubstr("unknown command 'sned'; did you mean send?"));
    EXPECT_THAT(problem_of({"token", "mak", "--key", "x"}), HasSubstr("flare token: unknown command 'mak'; did you"));
    EXPECT_THAT(problem_of({"token", "mkae"}), HasSubstr("flare token: unknown command 'mkae'; did you mean make?"));
    EXPECT_THAT(problem_of({"xyzzy"}), HasSubstr("flare: unknown command 'xyzzy'\n`flare --help` lists"));
    EXPECT_THAT(problem_of({}), HasSubstr("flare: a command is required"));
    EXPECT_THAT(problem_of({"token"}), HasSubstr("flare token: a command is required"));
}

TEST(Usage, SaysWhichOptionWasMeant) {
    EXPECT_THAT(problem_of({"send", "bob", "--tokn", "x"}),
                HasSubstr("flare send: unknown option '--tokn'; did you mean --token?"));
    EXPECT_THAT(problem_of({"send", "bob", "--tokn=secret"}), Not(HasSubstr("secret")));
    EXPECT_THAT(problem_of({"--versoin"}), HasSubstr("unknown option '--versoin'"));
}

TEST(Usage, ListsWhatIsUnexpectedInTheOrderInWhichItWasTyped) {
    EXPECT_THAT(problem_of({"version", "a", "b", "c"}), HasSubstr("flare version: unexpected arguments: a b c\n"));
    EXPECT_THAT(problem_of({"send", "bob", "x\x1b[2J"}), HasSubstr("unexpected argument: x\\x1b[2J"));
}

TEST(Spelling, TakesSlipsOfTheFingerAndNoChance) {
    EXPECT_EQ(distance("versoin", "version"), 1u);
    EXPECT_EQ(distance("", "abc"), 3u);
    EXPECT_EQ(nearest("listn", {"send", "listen"}), "listen");
    EXPECT_EQ(nearest("abp", {"top"}), "");
    EXPECT_EQ(nearest(std::string(10'000, 'x'), {"top"}), "");
}

}  // namespace
}  // namespace flare::cli
