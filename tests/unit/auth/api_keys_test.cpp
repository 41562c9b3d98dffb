#include "auth/api_keys.hpp"

#include "support/folder.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace flare::auth {
namespace {

using namespace std::chrono_literals;
using Group = Scopes::Group;
const auto kNow = std::chrono::system_clock::time_point(std::chrono::hours(500'000));

NewApiKey make(std::string_view scopes = "*") { return make_api_key(*Scopes::parse(scopes), base::system_random()); }

std::string wrong_with(std::string_view line) {
    const auto key = api_key_from_line(line);
    return key ? "nothing" : key.error().text;
}

TEST(ApiScopes, AreReadAndWrittenByName) {
    const auto some = Scopes::parse("users:read,messages:write");
    ASSERT_TRUE(some);
    EXPECT_EQ(some->text(), "messages:write,users:read");
    EXPECT_TRUE(some->has(Group::messages, true));
    EXPECT_FALSE(some->has(Group::messages, false)) << "writing does not read";
    EXPECT_EQ(Scopes::parse("users:read+messages:write")->text(), some->text());
    EXPECT_EQ(Scopes::parse("*")->text(), "*");
    for (const char* const text : {"", "messages", "messages:", "messages:delete", "messages:write,", "*,users:read"}) {
        const auto scopes = Scopes::parse(text);
        ASSERT_FALSE(scopes) << text;
        EXPECT_EQ(scopes.error().code, errc::invalid_config);
    }
    EXPECT_NE(Scopes::parse("users:write,mesages:read").error().text.find("\"mesages:read\""), std::string::npos);
}

TEST(ApiKeyLines, SayEverythingButTheSecret) {
    NewApiKey made = make("users:read");
    made.key.until = kNow + 1h;
    made.key.note = "the shop";
    const std::string line = to_line(made.key);
    EXPECT_EQ(line.find(made.secret.substr(15)), std::string::npos);
    const auto read = api_key_from_line(line);
    ASSERT_TRUE(read) << read.error().text;
    EXPECT_EQ(to_line(*read), line);
    EXPECT_EQ(read->note, "the shop");
    EXPECT_TRUE(read->is_over(kNow + 1h));
    EXPECT_FALSE(read->is_over(kNow));
}

TEST(ApiKeyLines, SayWhatIsWrongWithThem) {
    const std::string hash(64, 'a');
    EXPECT_EQ(wrong_with("abcdefgh " + hash + " *"), "nothing");
    EXPECT_NE(wrong_with(""), "nothing");
    EXPECT_NE(wrong_with("ABCDEFGH " + hash + " *"), "nothing");
    EXPECT_NE(wrong_with("abcdefg " + hash + " *"), "nothing");
    EXPECT_NE(wrong_with("abcdefgh " + hash.substr(1) + " *"), "nothing");
    EXPECT_NE(wrong_with("abcdefgh " + hash.substr(1) + "G *"), "nothing");
    EXPECT_NE(wrong_with("abcdefgh " + hash + " all"), "nothing");
    EXPECT_NE(wrong_with("abcdefgh " + hash + " * until=soon"), "nothing");
    EXPECT_NE(wrong_with("abcdefgh " + hash + " * more"), "nothing");
    const auto two = parse_api_keys("# keys\n\nabcdefgh " + hash + " *\r\nabcdefgh " + hash + " *\n");
    ASSERT_FALSE(two);
    EXPECT_TRUE(two.error().text.starts_with("line 4: the id abcdefgh")) << two.error().text;
    std::string many;
    for (int i = 0; i <= 1000; ++i) many += std::to_string(10'000'000 + i) + " " + hash + " *\n";
    EXPECT_TRUE(parse_api_keys(many).error().text.starts_with("line 1001: ")) << parse_api_keys(many).error().text;
}

TEST(ApiKeyFile, IsForItsOwnerAlone) {
    const test::Folder folder;
    const std::string path = folder.path("keys");
    std::ofstream(path) << to_line(make().key) << "\n";
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    ASSERT_TRUE(read_api_keys(path));
    std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    EXPECT_EQ(read_api_keys(path).error().code, errc::permission_denied);
    EXPECT_EQ(read_api_keys(folder.path("none")).error().code, errc::file_not_found);
}

TEST(ApiKeysOfAServer, KnowWhoeverHoldsOne) {
    const auto missing = ApiKeys::Wrong::missing, malformed = ApiKeys::Wrong::malformed,
               unknown = ApiKeys::Wrong::unknown;
    const NewApiKey one = make();
    NewApiKey over = make("users:read");
    over.key.until = kNow;
    ApiKeys keys({one.key, over.key});
    const auto wrong = [&](const std::string& header) { return keys.check(header, kNow).wrong; };
    const auto known = keys.check("Bearer " + one.secret, kNow);
    ASSERT_TRUE(known.key);
    EXPECT_EQ(known.key->id, one.key.id);
    EXPECT_TRUE(keys.check("bearer   " + one.secret, kNow).key) << "RFC 9110 section 11.1: any case";
    EXPECT_TRUE(keys.check("Bearer " + over.secret, kNow - 1ms).key);
    EXPECT_EQ(wrong("Bearer " + over.secret), ApiKeys::Wrong::over);
    EXPECT_EQ(wrong(""), missing);
    EXPECT_EQ(wrong("Basic YTpi"), malformed);
    EXPECT_EQ(wrong("Bearer"), malformed);
    EXPECT_EQ(wrong("Bearer flare_short"), malformed);
    EXPECT_EQ(wrong("Bearer flare_aaaaaaaa_x"), unknown);
    EXPECT_EQ(wrong("Bearer " + one.secret + "x"), unknown);
    EXPECT_EQ(wrong("Bearer flare_" + one.key.id + "_" + over.secret.substr(15)), unknown);
    keys.replace({over.key});
    EXPECT_EQ(wrong("Bearer " + one.secret), unknown);
    EXPECT_EQ(keys.size(), 1u);
}

}  // namespace
}  // namespace flare::auth
