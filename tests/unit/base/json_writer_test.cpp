#include "base/json/writer.hpp"

#include "base/utf8.hpp"

#include <gtest/gtest.h>

namespace flare::base {
namespace {

TEST(JsonWriter, WritesMembersInOrder) {
    JsonWriter json;
    EXPECT_EQ(json.text(), "{}");
    json.add("text", "a");
    json.add("yes", true);
    json.add("count", 18'446'744'073'709'551'615u);
    json.add("below", -1);
    json.add("score", 0.5);
    json.add("list", std::vector<std::string>{"x", "y"});
    json.add("none", std::vector<std::string>{});
    json.raw("object", R"({"a":1})");
    EXPECT_EQ(json.text(), R"({"text":"a","yes":true,"count":18446744073709551615,"below":-1,"score":0.500,)"
                           R"("list":["x","y"],"none":[],"object":{"a":1}})");
}

TEST(JsonWriter, EscapesWhatIsNoPlainText) {
    JsonWriter json;
    json.add("text", "a\"\n\x1b\xe2\x80\xae");  // turns the direction of writing
    EXPECT_EQ(json.text(), R"({"text":"a\"\n\u001b\u202e"})");
}

TEST(JsonWriter, ReplacesBytesThatAreNoText) {
    JsonWriter json;
    json.add("text", "a\xff");
    EXPECT_EQ(json.text(), R"({"text":"a?"})");
}

TEST(JsonWriter, CutsTextsWhereItIsTold) {
    JsonWriter json(4);
    json.add("text", "abcdef");
    json.add("list", std::vector<std::string>{"abcdef"});
    json.add("euro", "abc\xe2\x82\xac");
    EXPECT_EQ(json.text(), R"({"text":"abcd","list":["abcd"],"euro":"abc?"})");
}

TEST(JsonWriter, ANumberThatIsNoneIsNull) {
    JsonWriter json;
    json.add("score", 1.0 / 0.0);
    EXPECT_EQ(json.text(), R"({"score":null})");
}

}  // namespace
}  // namespace flare::base
