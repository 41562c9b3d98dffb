// flare api-key.
#include "auth/api_keys.hpp"
#include "support/folder.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace flare::test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

class ApiKeyTool : public ::testing::Test {
protected:
    Ran tool(std::vector<std::string> arguments) const {
        arguments.insert(arguments.begin(), "api-key");
        arguments.insert(arguments.end(), {"--file", file()});
        return run_tool(std::move(arguments));
    }
    // The key that a command prints.
    std::string key_of(std::vector<std::string> arguments) const {
        const Ran ran = tool(std::move(arguments));
        EXPECT_EQ(ran.code, 0) << ran.err;
        EXPECT_THAT(ran.out, StartsWith("flare_"));
        return ran.out.substr(0, ran.out.size() - 1);
    }
    static std::string id_of(const std::string& key) { return key.substr(6, 8); }
    std::string file() const { return folder.path("keys"); }
    std::string text() const {
        std::ostringstream read;
        read << std::ifstream(file()).rdbuf();
        return read.str();
    }
    bool works(const std::string& key) const {
        const auto keys = auth::read_api_keys(file());
        EXPECT_TRUE(keys) << keys.error().text;
        return keys && auth::ApiKeys(*keys).check("Bearer " + key, std::chrono::system_clock::now()).key.has_value();
    }
    Folder folder;
};

TEST_F(ApiKeyTool, MakesListsRotatesAndRevokes) {
    const std::string key = key_of({"create", "--scopes", "messages:write", "--note", "the shop"});
    EXPECT_TRUE(works(key));
    EXPECT_EQ(text().find(key.substr(15)), std::string::npos) << "the secret is not kept";
    const auto rights = std::filesystem::status(file()).permissions();
    EXPECT_EQ(rights, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(tool({"list"}).out, id_of(key) + "  messages:write  # the shop\n");
    const std::string next = key_of({"rotate", id_of(key)});
    EXPECT_TRUE(works(key) && works(next)) << "both, for a day";
    const Ran listed = tool({"list", "--json"});
    EXPECT_THAT(listed.out, HasSubstr("\"until\":\""));
    EXPECT_THAT(listed.out, HasSubstr("\"id\":\"" + id_of(next) + "\",\"scopes\":\"messages:write\""));
    EXPECT_EQ(tool({"revoke", id_of(key)}).code, 0);
    EXPECT_FALSE(works(key));
    EXPECT_TRUE(works(next));
    const std::string last = key_of({"rotate", id_of(next), "--overlap", "0"});
    EXPECT_FALSE(works(next));
    EXPECT_TRUE(works(last));
}

TEST_F(ApiKeyTool, KeepsWhatElseIsInTheFile) {
    const std::string key = key_of({"create", "--scopes", "*"});
    std::ofstream(file(), std::ios::app) << "\n# of the shop\n";
    (void)key_of({"create", "--scopes", "users:read", "--until", "2100-01-01T00:00:00Z"});
    EXPECT_THAT(text(), HasSubstr("\n\n# of the shop\n"));
    EXPECT_EQ(tool({"revoke", id_of(key)}).code, 0);
    EXPECT_THAT(text(), StartsWith("\n# of the shop\n"));
}

TEST_F(ApiKeyTool, SaysWhatIsWrong) {
    EXPECT_THAT(tool({"create", "--scopes", "everything"}).err, HasSubstr("no scope is called \"everything\""));
    EXPECT_FALSE(std::filesystem::exists(file()));
    EXPECT_THAT(tool({"create", "--scopes", "*", "--until", "tomorrow"}).err, HasSubstr("2027-01-01T00:00:00Z"));
    EXPECT_THAT(tool({"list"}).err, HasSubstr("no such file"));
    EXPECT_NE(tool({"rotate", "aaaaaaaa"}).code, 0);
    const std::string key = key_of({"create", "--scopes", "*"});
    EXPECT_EQ(tool({"revoke", "aaaaaaaa"}).code, 2);
    EXPECT_THAT(tool({"revoke", "aaaaaaaa"}).err, HasSubstr("has no key with the id aaaaaaaa"));
    std::ofstream(file(), std::ios::app) << "no key\n";
    EXPECT_THAT(tool({"rotate", id_of(key)}).err, HasSubstr("line 2: "));
    std::filesystem::permissions(file(), std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    EXPECT_THAT(tool({"list"}).err, HasSubstr("chmod 600"));
}

}  // namespace
}  // namespace flare::test
