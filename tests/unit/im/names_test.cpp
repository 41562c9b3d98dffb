#include "im/names.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::im {
namespace {

constexpr const char* kComposed = "caf\xc3\xa9";     // U+00E9
constexpr const char* kDecomposed = "cafe\xcc\x81";  // e and U+0301

void expect_refused(const Refused& refused, std::string_view said) {
    ASSERT_TRUE(refused) << said;
    EXPECT_EQ(refused->code, errc::invalid_name);
    EXPECT_NE(refused->text.find(said), std::string_view::npos) << refused->text;
    EXPECT_EQ(refused->retry_after_ms, 0u);
}

TEST(RoomName, IsOneTo128BytesLong) {
    expect_refused(check_room_name(""), "needs a name");
    EXPECT_FALSE(check_room_name("x"));
    EXPECT_FALSE(check_room_name(std::string(128, 'x')));
    expect_refused(check_room_name(std::string(129, 'x')), "longer than 128 bytes");
}

TEST(RoomName, IsUtf8InNormalizationFormC) {
    EXPECT_FALSE(check_room_name(kComposed));
    EXPECT_FALSE(check_room_name("\xe8\x81\x8a\xe5\xa4\xa9"));   // two Han characters
    EXPECT_FALSE(check_room_name("\xf0\x9f\x98\x80 \xd8\xb9"));  // an emoji, Arabic
    EXPECT_FALSE(check_room_name("x\xcc\x81"));                  // nothing composes this
    EXPECT_FALSE(check_room_name("\xea\xb0\x80"));               // Hangul, composed
    expect_refused(check_room_name(kDecomposed), "normalization form C");
    expect_refused(check_room_name("\xe1\x84\x80\xe1\x85\xa1"), "normalization form C");  // Hangul in parts
    expect_refused(check_room_name("\xe2\x84\xab"), "normalization form C");              // the sign of Angstrom
    expect_refused(check_room_name("\xc3("), "not UTF-8");
    expect_refused(check_room_name("\xed\xa0\x80"), "not UTF-8");
}

TEST(RoomName, HasNoControlCharacters) {
    for (const char* name : {"a\tb", "a\n", "\x7f", "a\xc2\x80", "\xc2\x9f", "a\xc2\x85z"})
        expect_refused(check_room_name(name), "control character");
    expect_refused(check_room_name(std::string_view("a\0b", 3)), "control character");
    EXPECT_FALSE(check_room_name("a\xc2\xa0z"));  // U+00A0 is none
}

TEST(RoomName, KeepsCaseSpacesAndMarks) {
    for (const char* name : {"Lobby", "lobby", " x ", "room:room:x", "a/b?c#d"}) EXPECT_FALSE(check_room_name(name));
}

TEST(Title, IsUpTo256BytesOfALine) {
    EXPECT_FALSE(check_title(""));
    EXPECT_FALSE(check_title(std::string(256, 'x')));
    EXPECT_FALSE(check_title(kDecomposed));
    expect_refused(check_title(std::string(257, 'x')), "longer than 256 bytes");
    expect_refused(check_title("\xff"), "not UTF-8");
    expect_refused(check_title("two\nlines"), "control character");
}

TEST(ReactionKey, IsUpTo64BytesOfALine) {
    EXPECT_FALSE(check_reaction("\xf0\x9f\x91\x8d"));  // a thumb
    EXPECT_FALSE(check_reaction(std::string(64, 'x')));
    EXPECT_FALSE(check_reaction(kDecomposed));
    expect_refused(check_reaction(""), "is empty");
    expect_refused(check_reaction(std::string(65, 'x')), "longer than 64 bytes");
    expect_refused(check_reaction("\xff"), "not UTF-8");
    expect_refused(check_reaction("two\nlines"), "control character");
}

}  // namespace
}  // namespace flare::im
