#include "flight/line.hpp"

#include "base/utf8.hpp"
#include "flight/ring.hpp"

#include <gtest/gtest.h>

namespace flare::flight::test {
namespace {

using namespace std::chrono_literals;

TEST(FlightLine, IsOneJsonObjectWithTimeAndEvent) {
    const std::string text =
        Line("lost", 12'345us).add("code", "ok").add("in_use", true).add("times", 3u).ms("silent_ms", 250ms).text();
    EXPECT_EQ(text, R"({"t_ms":12.345,"event":"lost","code":"ok","in_use":true,"times":3,"silent_ms":250.000})");
}

TEST(FlightLine, HoldsListsAndObjects) {
    const std::string part = Part().add("protocol", "quic").text();
    EXPECT_EQ(part, R"({"protocol":"quic"})");
    const std::string text =
        Line("race", 0ns).add("of", std::vector<std::string>{"a", "b"}).raw("results", base::json_list({part})).text();
    EXPECT_EQ(text, R"({"t_ms":0.000,"event":"race","of":["a","b"],"results":[{"protocol":"quic"}]})");
}

TEST(FlightLine, WhatAPeerSaidStaysOneLineOfText) {
    const std::string text = Line("lost", 0ns).add("text", "a\nb\"\x1b[31m\xff").text();
    EXPECT_EQ(text.find('\n'), std::string::npos);
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_TRUE(base::is_utf8(text));
}

TEST(FlightLine, CutsALongTextAndNoCharacterInTwo) {
    std::string long_text;
    while (long_text.size() < 3 * Line::kMaxTextBytes) long_text += "\xe2\x82\xac";  // the sign of the euro
    const std::string text = Line("lost", 0ns).add("text", long_text).text();
    EXPECT_LT(text.size(), Line::kMaxTextBytes + 60);
    EXPECT_TRUE(base::is_utf8(text));
}

TEST(FlightLine, ANumberThatIsNoneIsNull) { EXPECT_EQ(Part().add("score", 1.0 / 0.0).text(), R"({"score":null})"); }

TEST(FlightLine, TellsTheTimeInUtc) {
    EXPECT_EQ(utc(std::chrono::system_clock::time_point(1'700'000'000'123ms)), "2023-11-14T22:13:20.123Z");
}

TEST(FlightRing, KeepsItsHeadAndTheLastLines) {
    Ring ring;
    ring.head("head");
    for (int i = 0; i < 600; ++i) ring.add(std::to_string(i));
    EXPECT_EQ(ring.lines(), 512u);
    const std::string text = ring.text();
    EXPECT_TRUE(text.starts_with("head\n88\n89\n")) << text.substr(0, 20);
    EXPECT_TRUE(text.ends_with("\n599\n"));
}

TEST(FlightRing, IsBoundedInBytesToo) {
    Ring ring;
    constexpr std::size_t kMost = Ring::bounds(Ring::Of::connections).bytes;
    for (int i = 0; i < 100; ++i) ring.add(std::string(kMost / 10, 'x'));
    EXPECT_LE(ring.text().size(), kMost + 20);
    EXPECT_EQ(ring.lines(), 10u);
}

TEST(FlightRing, ConversationsDoNotPushOutWhatHappenedToConnections) {
    Ring ring;
    ring.add("connected");
    for (int i = 0; i < 2000; ++i) ring.add("room", Ring::Of::conversations);
    ring.add("lost");
    ring.add("room:tea", Ring::Of::conversations);
    const std::string text = ring.text();
    EXPECT_TRUE(text.starts_with("connected\nroom\n")) << text.substr(0, 30);
    EXPECT_TRUE(text.ends_with("room\nlost\nroom:tea\n")) << "in the order in which it happened";
    EXPECT_EQ(ring.lines(), 2u + 256u);
    constexpr std::size_t kMost = Ring::bounds(Ring::Of::conversations).bytes;
    for (int i = 0; i < 100; ++i) ring.add(std::string(kMost / 10, 'x'), Ring::Of::conversations);
    EXPECT_EQ(ring.lines(), 2u + 10u);
}

}  // namespace
}  // namespace flare::flight::test
