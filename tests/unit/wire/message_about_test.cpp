#include "wire/message_about.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace flare::wire {
namespace {

TEST(MessageAbout, ComesBackAsItWasSaid) {
    Message message;
    EXPECT_EQ(about_of(message), "");
    message.reply_to = 300;
    message.silent = message.mentions_all = true;
    message.mentions = {"ann", "bob"};
    Message read;
    read_about(about_of(message), read);
    EXPECT_EQ(read.reply_to, 300u);
    EXPECT_TRUE(read.silent && read.mentions_all);
    EXPECT_EQ(read.mentions, message.mentions);
}

TEST(MessageAbout, SaysNothingIfItCannotBeRead) {
    Message read;
    read_about("", read);
    read_about("\x08\x05\x1a\x7f", read);
    EXPECT_EQ(read.reply_to, 0u);
    EXPECT_TRUE(read.mentions.empty());
}

TEST(MessageAbout, NamesFiftyUsersAtMost) {
    Message message;
    message.mentions = std::vector<std::string>(kMaxMentions, "ann");
    EXPECT_EQ(check_mentions(message), errc::ok);
    message.mentions.emplace_back("bob");
    EXPECT_EQ(check_mentions(message), errc::message_too_large);
    for (const std::string& name : {std::string(), std::string(257, 'x'), std::string("\xff")}) {
        message.mentions = {"ann", name};
        EXPECT_EQ(check_mentions(message), errc::invalid_name);
    }
}

}  // namespace
}  // namespace flare::wire
