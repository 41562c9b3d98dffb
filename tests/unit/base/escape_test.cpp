#include "base/escape.hpp"

#include <flare/printable.hpp>

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace flare::base {
namespace {

std::string utf8(char32_t code) {
    std::string text;
    if (code < 0x80) return {static_cast<char>(code)};
    const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    text += static_cast<char>((0xF00 >> more) | (code >> (6 * more)));
    for (int i = more - 1; i >= 0; --i) text += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3F));
    return text;
}

// What must never reach a terminal or a log, by the rules of the terminal and not by those of the code.
bool has_effect(std::string_view text) {
    while (!text.empty()) {
        const Character next = first_character(text);
        const char32_t c = next.code;
        if (!next.valid || c < 0x20 || (c >= 0x7F && c <= 0x9F) || c == 0x061C || c == 0x200E || c == 0x200F ||
            (c >= 0x2028 && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069) || c == 0xFEFF)
            return true;
        text.remove_prefix(next.size);
    }
    return false;
}

TEST(Printable, OrdinaryTextStaysAsItIs) {
    for (const char* text : {"", "hello", "it's \"quoted\" \\ back", "中文消息", "日本語",
                             "👩‍👩‍👧 🏳️‍🌈", "שלום", "مرحبا", "naïve"})
        EXPECT_EQ(printable(text), text);
}

TEST(Printable, WhatATerminalObeysBecomesAnEscape) {
    EXPECT_EQ(printable("a\x1b[2Jb"), "a\\x1b[2Jb");
    EXPECT_EQ(printable("a\r\nb\t"), "a\\x0d\\x0ab\\x09");
    EXPECT_EQ(printable("\x7f"), "\\x7f");
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\x9b31m");  // CSI in one character
    EXPECT_EQ(printable(std::string_view("a\0b", 3)), "a\\x00b");
    EXPECT_EQ(printable("\u202egpj.exe"), "\\u202egpj.exe");
    EXPECT_EQ(printable("\u2066x\u2069\u200f\u061c"), "\\u2066x\\u2069\\u200f\\u061c");
    EXPECT_EQ(printable("a\u2028b\u2029c\ufeff"), "a\\u2028b\\u2029c\\ufeff");
    EXPECT_EQ(printable("\U000e0001"), "\\U000e0001");
}

TEST(Printable, BytesThatAreNoUtf8BecomeEscapes) {
    EXPECT_EQ(printable("\x9b"
                        "2J"),
              "\\x9b2J");
    EXPECT_EQ(printable("\xc0\x9b"), "\\xc0\\x9b");  // a longer form of U+001B
    EXPECT_EQ(printable("\xe0\x80\x9b"), "\\xe0\\x80\\x9b");
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");  // half of a surrogate pair
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
    EXPECT_EQ(printable("\xe4\xb8"), "\\xe4\\xb8");  // halved
    EXPECT_EQ(printable("\xff\xfe"), "\\xff\\xfe");
    EXPECT_EQ(printable("\xe2\x80\x1b"), "\\xe2\\x80\\x1b");  // ESC in place of a last byte
}

TEST(Printable, NoCharacterOfUnicodeGetsThroughWithAnEffect) {
    for (char32_t code = 0; code <= 0x10FFFF; ++code) {
        if (code >= 0xD800 && code <= 0xDFFF) continue;
        const std::string shown = printable(utf8(code));
        ASSERT_FALSE(has_effect(shown)) << std::hex << static_cast<std::uint32_t>(code);
        ASSERT_EQ(printable(shown), shown);
    }
}

TEST(Printable, NoBytesGetThroughWithAnEffect) {
    std::mt19937 random(7);
    for (int round = 0; round < 20'000; ++round) {
        std::string bytes(random() % 24, '\0');
        for (char& each : bytes) each = static_cast<char>(random() % 3 == 0 ? 0x80 + random() % 0x80 : random() % 256);
        const std::size_t most = random() % 40;
        const std::string shown = printable(bytes, most);
        ASSERT_FALSE(has_effect(shown));
        ASSERT_LE(shown.size(), most);
        ASSERT_FALSE(has_effect(harmless_json(bytes)));
    }
}

TEST(Printable, ALongTextIsCutBetweenCharacters) {
    EXPECT_EQ(printable("0123456789", 10), "0123456789");
    EXPECT_EQ(printable("0123456789a", 10), "0123456...");
    EXPECT_EQ(printable("中文中文", 11), "中文...");
    EXPECT_EQ(printable("abcd\x1b\x1b", 10), "abcd...");
    EXPECT_EQ(printable("abcdef", 2), "..");
}

TEST(AppendPrintable, AQuoteCannotBeEndedFromWithin) {
    std::string text;
    append_printable(text, "a' refused: 'b\\", 100, '\'');
    EXPECT_EQ(text, "a\\' refused: \\'b\\\\");
}

TEST(HarmlessJson, IsTheSameJsonWithoutEffects) {
    EXPECT_EQ(harmless_json(R"({"a":"中文 \u001b \\"})"), R"({"a":"中文 \u001b \\"})");
    EXPECT_EQ(harmless_json("\"\x7f\u202e\xc2\x9b\u2028\""), R"("\u007f\u202e\u009b\u2028")");
    EXPECT_EQ(harmless_json("\"\U000e0001\""), R"("\udb40\udc01")");
    EXPECT_EQ(harmless_json("\"\xff\""), R"("\ufffd")");
}

}  // namespace
}  // namespace flare::base
