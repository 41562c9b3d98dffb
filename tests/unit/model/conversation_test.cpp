#include "model/conversation.hpp"

#include <gtest/gtest.h>

#include <set>

namespace flare::model {
namespace {

TEST(ConversationKey, OfARoomIsItsName) {
    const ConversationKey key = ConversationKey::room("lobby");
    EXPECT_EQ(key.kind(), ConversationKind::room);
    EXPECT_EQ(key.text(), "rlobby");
    EXPECT_EQ(key.name(), "lobby");
    EXPECT_FALSE(key.empty());
}

TEST(ConversationKey, OfTwoUsersIsTheSameForBoth) {
    const ConversationKey key = ConversationKey::direct("bob", "alice");
    EXPECT_EQ(key, ConversationKey::direct("alice", "bob"));
    EXPECT_EQ(key.kind(), ConversationKind::direct);
    EXPECT_EQ(key.text(), "d5:alicebob");
    EXPECT_EQ(key.first(), "alice");
    EXPECT_EQ(key.second(), "bob");
}

TEST(ConversationKey, OfNotesToOneselfNamesTheUserTwice) {
    const ConversationKey key = ConversationKey::direct("bob", "bob");
    EXPECT_EQ(key.first(), "bob");
    EXPECT_EQ(key.second(), "bob");
}

TEST(ConversationKey, IsDifferentForPairsWhoseNamesMakeTheSameText) {
    std::set<std::string> texts;
    const char* const pairs[][2] = {{"a", "bc"}, {"ab", "c"}, {"1:a", "b"}, {"1", ":ab"}, {"d1:a", "b"}};
    for (const auto& pair : pairs) texts.emplace(ConversationKey::direct(pair[0], pair[1]).text());
    EXPECT_EQ(texts.size(), std::size(pairs));
    EXPECT_NE(ConversationKey::room("5:alicebob"), ConversationKey::direct("alice", "bob"));
}

TEST(ConversationKey, ParsesWhatItWrote) {
    for (const ConversationKey& key :
         {ConversationKey::room("lobby"), ConversationKey::room("d5:alicebob"), ConversationKey::direct("alice", "bob"),
          ConversationKey::direct("bob", "bob"), ConversationKey::direct("12:3", "4:5"),
          ConversationKey::direct(std::string(256, 'x'), std::string(256, 'y'))}) {
        EXPECT_EQ(ConversationKey::parse(key.text()), key) << key.text();
    }
}

TEST(ConversationKey, ParsesNothingElse) {
    for (const char* text :
         {"", "r", "d", "x5:alicebob", "d:alicebob", "d0:alice", "d5alicebob", "d8:alicebob", "d9:alicebob",
          "d3:bobalice", "d05:alicebob", "d+5:alicebob", "d-1:alicebob", "d99999999999999999999:ab", "5:alicebob"}) {
        EXPECT_TRUE(ConversationKey::parse(text).empty()) << text;
    }
}

TEST(ConversationKey, WithoutANameIsEmpty) { EXPECT_TRUE(ConversationKey().empty()); }

}  // namespace
}  // namespace flare::model
