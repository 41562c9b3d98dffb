// What a person says in a chat, as a message.
#include "apps/flare/chat_saying.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace flare::cli::test {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(ChatSaying, NamesWhomATextNames) {
    const Message message = said_in_chat("@bob, @eve: tea? (with @joe) ask @bob! a@b.org @ @,");
    EXPECT_THAT(message.mentions, ElementsAre("bob", "eve", "joe"));
    EXPECT_FALSE(message.mentions_all);
    EXPECT_EQ(message.type, "chat");
    EXPECT_EQ(message.payload.view(), "@bob, @eve: tea? (with @joe) ask @bob! a@b.org @ @,");
    EXPECT_TRUE(said_in_chat("tea for @all!").mentions_all);
    EXPECT_THAT(said_in_chat("tea for @all!").mentions, IsEmpty());
    EXPECT_THAT(said_in_chat("").mentions, IsEmpty());
}

TEST(ChatSaying, NamesNoMoreThanAMessageMay) {
    std::string text;
    for (int i = 0; i < 60; ++i) text += "@u" + std::to_string(i) + " ";
    EXPECT_EQ(said_in_chat(text).mentions.size(), 50u);
    EXPECT_THAT(said_in_chat("@" + std::string(257, 'x')).mentions, IsEmpty());
}

TEST(ChatQuotes, AreTheFirstWords) {
    EXPECT_EQ(first_words("see you"), "see you");
    EXPECT_EQ(first_words("see you\nat nine"), "see you \u2026");
    EXPECT_EQ(first_words(std::string(50, 'a') + " " + std::string(50, 'b')), std::string(50, 'a') + " \u2026");
    EXPECT_EQ(first_words(std::string(59, 'a') + "\u00e9\u00e9"), std::string(59, 'a') + " \u2026")
        << "no half character";
}

TEST(ChatQuotes, KeepTheNewest) {
    ChatQuotes quotes;
    quotes.note("room:tea", 1, "ann", "first");
    quotes.note("room:tea", 1, "ann", "better");
    EXPECT_EQ(quotes.of("room:tea", 1), "ann: better");
    EXPECT_EQ(quotes.of("bob", 1), "message 1");
    for (std::uint64_t i = 2; i <= ChatQuotes::kMost + 1; ++i) quotes.note("room:tea", i, "bob", "x");
    EXPECT_EQ(quotes.of("room:tea", 1), "message 1");
    EXPECT_EQ(quotes.of("room:tea", ChatQuotes::kMost + 1), "bob: x");
}

}  // namespace
}  // namespace flare::cli::test
