#include "server/message_rules.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

TEST(MessageRules, WithoutAnyEverythingIsAllowed) { EXPECT_TRUE(MessageRules().allow("ann", "bob", "text")); }

TEST(MessageRules, WhatNoneFitsIsNotAllowed) {
    const MessageRules rules({{{"ann"}, {"bob"}, {}, true}});
    EXPECT_TRUE(rules.allow("ann", "bob", "text"));
    EXPECT_FALSE(rules.allow("ann", "bobby", "text"));
    EXPECT_FALSE(rules.allow("annabel", "bob", "text"));
}

TEST(MessageRules, TheFirstThatFitsDecides) {
    const MessageRules rules({{{"*"}, {"*"}, {"secret"}, false}, {{"*"}, {"*"}, {}, true}});
    EXPECT_FALSE(rules.allow("a", "b", "secret"));
    EXPECT_TRUE(rules.allow("a", "b", "text"));
    EXPECT_TRUE(rules.allow("a", "server", ""));
}

TEST(MessageRules, AStarStandsAtAnEnd) {
    const MessageRules rules({{{"app-*", "*@x.org"}, {"*"}, {"chat*"}, true}});
    EXPECT_TRUE(rules.allow("app-", "b", "chat"));
    EXPECT_TRUE(rules.allow("app-1", "", "chat_now"));
    EXPECT_TRUE(rules.allow("ann@x.org", "b", "chat"));
    EXPECT_FALSE(rules.allow("ann@x.orga", "b", "chat"));
    EXPECT_FALSE(rules.allow("App-1", "b", "chat"));
    EXPECT_FALSE(rules.allow("app-1", "b", "cha"));
}

TEST(MessageRules, MistakesAreNamed) {
    EXPECT_EQ(fault_of_patterns({"app-*", "*"}), "");
    EXPECT_EQ(fault_of_patterns({"app-*", "a*b"}), "\"a*b\" has a * that is neither its first nor its last character");
    const auto fault = [](PolicyRule rule) { return MessageRules::fault_of(std::vector<PolicyRule>{std::move(rule)}); };
    EXPECT_EQ(fault({{"a"}, {"b"}, {}, true}), "");
    EXPECT_EQ(fault({{}, {"b"}, {}, true}), "rule 1: from: names nobody: write [\"*\"] for anybody");
    EXPECT_EQ(fault({{"a"}, {}, {}, true}), "rule 1: to: names nobody: write [\"*\"] for anybody");
    EXPECT_EQ(fault({{"a"}, {""}, {}, true}), "rule 1: to: \"\" is empty: write \"*\" for anything");
    EXPECT_EQ(fault({{"a*b"}, {"b"}, {}, true}),
              "rule 1: from: \"a*b\" has a * that is neither its first nor its last character");
    EXPECT_NE(fault({{"*b*"}, {"b"}, {}, true}), "");
    EXPECT_NE(fault({{"**"}, {"b"}, {}, true}), "");
    EXPECT_NE(fault({{"a"}, {"b"}, {std::string(257, 'x')}, true}), "");
    EXPECT_NE(fault({{"a"}, {"\xff"}, {}, true}), "");
    EXPECT_EQ(MessageRules::fault_of(std::vector<PolicyRule>(1001, {{"a"}, {"b"}, {}, true})),
              "there are more than 1000 rules");
}

}  // namespace
}  // namespace flare::server::test
