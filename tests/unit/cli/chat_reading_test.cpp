// The ticks behind own messages.
#include "apps/flare/chat_reading.hpp"

#include <gtest/gtest.h>

namespace flare::cli::test {
namespace {

ListedConversation with(std::vector<UserMark> others) {
    ListedConversation made;
    made.others = std::move(others);
    return made;
}
Entry said_by(std::uint64_t offset, const std::string& user) {
    Entry entry;
    entry.offset = offset;
    entry.kind = EntryKind::message;
    entry.from = user;
    return entry;
}

TEST(ChatTicks, SayWhatHasBecomeOfAMessage) {
    EXPECT_EQ(ticks_of(with({}), 5), "\u2713") << "it is stored";
    EXPECT_EQ(ticks_of(with({{"bob", 0, 4}}), 5), "\u2713");
    EXPECT_EQ(ticks_of(with({{"bob", 0, 5}}), 5), "\u2713\u2713");
    EXPECT_EQ(ticks_of(with({{"bob", 5, 5}}), 5), "\u2713\u2713 read");
    EXPECT_EQ(ticks_of(with({{"bob", 0, 3}, {"eve", 9, 9}}), 5), "\u2713\u2713 read") << "by one is enough in a room";
}

TEST(ChatTicks, AreOfTheNewestOwnMessage) {
    ListedConversation conversation = with({{"bob", 2, 3}});
    EXPECT_EQ(newest_ticks(conversation, "ann"), "");
    conversation.entries = {said_by(2, "ann"), said_by(3, "ann"), said_by(4, "bob")};
    EXPECT_EQ(newest_ticks(conversation, "ann"), "\u2713\u2713");
}

}  // namespace
}  // namespace flare::cli::test
