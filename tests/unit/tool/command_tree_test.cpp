// Completion and manual pages, made of a small tool.
#include "tree/command_tree.hpp"
#include "manual/troff.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class CommandTree : public testing::Test {
protected:
    CommandTree() {
        CLI::App* make = app_.add_subcommand("make", "Makes it: what 'they' want");
        make->add_option("-k,--kind", kind_, "of what kind")
            ->type_name("KIND")
            ->check(CLI::IsMember({"tall", "small"}));
        make->add_flag("--json", json_, "one JSON object");
        make->add_option("--hidden", kind_)->group("");
        CLI::App* deep = make->add_subcommand("deep", "Goes deeper");
        deep->add_option("file", kind_, "what to read")->required()->type_name("FILE");
    }
    CommandNode root() const { return tree_of(app_); }

    CLI::App app_{"A tool", "flare"};
    std::string kind_;
    bool json_ = false;
};

TEST_F(CommandTree, KnowsCommandsOptionsAndChoices) {
    const CommandNode tree = root();
    ASSERT_EQ(tree.commands.size(), 1u);
    const CommandNode& make = tree.commands.front();
    EXPECT_EQ(make.path, "flare make");
    ASSERT_EQ(make.options.size(), 3u) << "help, kind, json; nothing hidden";
    EXPECT_THAT(make.options[1].names, ElementsAre("-k", "--kind"));
    EXPECT_EQ(make.options[1].type, "KIND");
    EXPECT_THAT(make.options[1].choices, ElementsAre("tall", "small"));
    EXPECT_EQ(make.options[2].type, "");
    const OptionNode& file = make.commands.front().options.back();
    EXPECT_TRUE(file.positional);
    EXPECT_TRUE(file.required);
    EXPECT_EQ(file.type, "FILE");
}

TEST_F(CommandTree, CompletesInEveryShell) {
    const std::string bash = bash_completion(root());
    EXPECT_THAT(bash, HasSubstr("words='deep'\n"));
    EXPECT_THAT(bash, HasSubstr("words='-h --help -k --kind --json'\n"));
    EXPECT_THAT(bash, HasSubstr("'flare make -k'|'flare make --kind') words='tall small'"));
    EXPECT_THAT(bash, Not(HasSubstr("hidden")));
    const std::string zsh = zsh_completion(root());
    EXPECT_THAT(zsh, HasSubstr(R"('make:Makes it: what '\''they'\'' want')"));
    EXPECT_THAT(zsh, HasSubstr("('flare make -k'|'flare make --kind') compadd -- tall small"));
    const std::string fish = fish_completion(root());
    EXPECT_THAT(fish, HasSubstr("complete -c flare -n '__flare_at flare make' -s k -l kind -r -f -a 'tall small' -d"));
    EXPECT_THAT(fish, HasSubstr("complete -c flare -n '__flare_at flare make' -f -a deep -d 'Goes deeper'"));
}

TEST_F(CommandTree, WritesManualPages) {
    const CommandNode tree = root();
    const std::string page = manual_page(tree.commands.front(), tree, "1.2.3");
    EXPECT_THAT(page, testing::StartsWith(".TH \"FLARE\\-MAKE\" 1 \"\" \"flare 1.2.3\""));
    EXPECT_THAT(page, HasSubstr("flare\\-make \\- Makes it: what \\(aqthey\\(aq want"));
    EXPECT_THAT(page, HasSubstr("\\fB\\-k, \\-\\-kind KIND\\fR\nof what kind: one of tall small"));
    const std::size_t deep = page.find(".SH \"FLARE MAKE DEEP\"");
    ASSERT_NE(deep, page.npos);
    EXPECT_EQ(page.find("help", deep), page.npos) << "each command has that";
    EXPECT_THAT(manual_page(tree, tree, "1.2.3"), HasSubstr("flare\\-make(1)"));
}

TEST(Troff, GivesNoCharacterAMeaning) {
    EXPECT_EQ(Troff::escaped(".SH x"), "\\&.SH x");
    EXPECT_EQ(Troff::escaped("a\n'b"), "a\n\\&\\(aqb");
    EXPECT_EQ(Troff::escaped("a\\b-c\"d`"), "a\\eb\\-c\\(dqd\\(ga");
}

}  // namespace
}  // namespace flare::cli
