// Answers of the server API as people read them.
#include "apps/flare/api_table.hpp"

#include <boost/json/parse.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>

namespace flare::cli::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class ApiTables : public testing::Test {
protected:
    ApiTables() { std::setlocale(LC_CTYPE, "C.UTF-8"); }
    static boost::json::array page(const char* text) { return boost::json::parse(text).as_array(); }
};

TEST_F(ApiTables, HaveAColumnForEachName) {
    ApiTable table({}, 0);
    EXPECT_THAT(table.add(page(R"([{"user":"ann","role":"owner"},{"user":"日本","role":"member","muted":true}])")),
                ElementsAre("user  role    muted", "ann   owner", "日本  member  true"));
    EXPECT_THAT(table.add(page(R"([{"user":"carl","role":"x"}])")), ElementsAre("carl  x")) << "no second head";
    EXPECT_THAT(table.add(page(R"([{"user":"eve","left":1}])")),
                ElementsAre("user  role    muted  left", "eve                  1"));
    EXPECT_THAT(ApiTable({}, 0).add({}), IsEmpty());
}

TEST_F(ApiTables, ShowWhatIsChosen) {
    const auto rooms = page(R"([{"conversation":"room:a","head":{"last":"9"},"config":{"title":"A"},"x":{"y":null}}])");
    EXPECT_THAT(ApiTable({}, 0).add(rooms), ElementsAre("conversation  x.y", "room:a        -"));
    EXPECT_THAT(ApiTable({"head.last", "conversation", "none"}, 0).add(rooms),
                ElementsAre("head.last  conversation  none", "9          room:a"));
}

TEST_F(ApiTables, ShowTextsAloneAndListsInLists) {
    EXPECT_THAT(ApiTable({}, 0).add(page(R"(["bob","e\nve"])")), ElementsAre("bob", "e\\x0ave"));
    EXPECT_THAT(
        ApiTable({}, 0).add(page(R"([{"id":"1"},{"results":[{"id":"2","error":{"errc":"busy","detail":"no"}}]}])")),
        ElementsAre("id  error", "1", "2   busy: no"));
    EXPECT_THAT(ApiTable({}, 0).add(page(R"([{"users":["a","b"]}])")), ElementsAre("users", "a, b"));
}

TEST_F(ApiTables, LetNoHostileTextThrough) {
    EXPECT_THAT(ApiTable({}, 0).add(page("[{\"te\\u001bxt\":\"a\\u001b[2J\\u202e\"}]")),
                ElementsAre("te\\x1bxt", "a\\x1b[2J\\u202e"));
    EXPECT_THAT(ApiTable({}, 5).add(page(R"([{"text":"123456789"}])")), ElementsAre("text", "1234…"));
}

TEST_F(ApiTables, ShowASingleAnswerLineByLine) {
    const auto answer = boost::json::parse(R"({"conversation":"room:a","head":{"last":"9"},"next":"x","list":[1]})");
    EXPECT_THAT(api_lines(answer.as_object(), ""),
                ElementsAre("conversation  room:a", "head.last     9", "list          1"));
    EXPECT_THAT(api_lines(answer.as_object(), "list"), ElementsAre("conversation  room:a"));
}

}  // namespace
}  // namespace flare::cli::test
