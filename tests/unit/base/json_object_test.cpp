#include "base/json/object.hpp"

#include <gtest/gtest.h>

namespace flare::base {
namespace {

std::string why(std::string_view text) {
    std::string_view problem = "taken";
    (void)JsonObject::parse(text, problem);
    return std::string(problem);
}

TEST(JsonObject, KeepsStringsNumbersAndListsOfStrings) {
    std::string_view problem;
    const auto object = JsonObject::parse(
        R"( {"s":"a\u00e9\n","n":-1.5e3,"i":18446744073709551615,"l":["x","y"],"e":[],"m":["x",1],"d":[["x"],"y"],)"
        R"("o":{"s":"no"},"t":true,"z":null} )",
        problem);
    ASSERT_TRUE(object) << problem;
    EXPECT_EQ(object->string("s"), "a\u00e9\n");
    EXPECT_EQ(object->find("n")->number, -1500);
    EXPECT_GT(object->find("i")->number, 1.8e19);
    EXPECT_EQ(object->find("l")->strings, (std::vector<std::string>{"x", "y"}));
    EXPECT_EQ(object->find("e")->kind, JsonValue::Kind::strings);
    for (const char* other : {"m", "d", "o", "t"})
        EXPECT_EQ(object->find(other)->kind, JsonValue::Kind::other) << other;
    EXPECT_EQ(object->find("no"), nullptr);
    EXPECT_EQ(object->find("z"), nullptr) << "null is as if it were not there";
    EXPECT_FALSE(object->string("n"));
}

TEST(JsonObject, IsStrict) {
    EXPECT_EQ(why("{}"), "taken");
    for (const char* text :
         {"", " ", "{", "{}{}", "{} x", "{'a':1}", "{\"a\":1,}", "{\"a\":01}", "{\"a\"}", "{\"a\":\"\xff\"}", "{/**/}",
          "{\"a\":\"\n\"}", "\xef\xbb\xbf{}", "{\"a\":[[[[[[[[[1]]]]]]]]]}"})
        EXPECT_EQ(why(text), "is not JSON") << text;
    for (const char* text : {"[]", "1", "\"{}\"", "null"}) EXPECT_EQ(why(text), "is not a JSON object") << text;
    EXPECT_EQ(why(R"({"a":1,"b":2,"a":1})"), "has a duplicate name");
    EXPECT_EQ(why(R"({"a":null,"a":1})"), "has a duplicate name");
    EXPECT_EQ(why(R"({"a":{"b":1,"b":2}})"), "taken");
}

TEST(JsonObject, WritesWhatItReads) {
    const std::string text = to_json({{"token", "a\"b\\\n\x01"}, {"user", "用户"}});
    std::string_view problem;
    const auto object = JsonObject::parse(text, problem);
    ASSERT_TRUE(object) << text;
    EXPECT_EQ(object->string("token"), "a\"b\\\n\x01");
    EXPECT_EQ(object->string("user"), "用户");
}

}  // namespace
}  // namespace flare::base
