// What a message says beside its payload: there and back, its limits, and that a Data keeps it as it is.
#include "support.hpp"

#include "model/entry.hpp"
#include "wire/about.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

TEST(About, IsReadAsItWasWritten) {
    const std::string bytes = encode(About{1'204, model::kSilent, {"bob", "eve"}});
    const auto about = decode_about(bytes);
    ASSERT_TRUE(about);
    EXPECT_EQ(about->reply_to, 1'204u);
    EXPECT_EQ(about->flags, model::kSilent);
    EXPECT_EQ(about->mentions, (std::vector<std::string_view>{"bob", "eve"}));
    EXPECT_EQ(encode(About{}), "") << "which says nothing, and takes no byte";
}

TEST(About, NamesAtMostFifty) {
    About about;
    about.mentions.assign(kMaxMentions, "bob");
    EXPECT_TRUE(decode_about(encode(about)));
    about.mentions.emplace_back("eve");
    EXPECT_EQ(decode_about(encode(about)).error(), errc::malformed_frame);
    EXPECT_EQ(decode_about(from_hex("1a 00")).error(), errc::malformed_frame) << "a user without a name";
    EXPECT_EQ(decode_about(from_hex("1a 02 c3 28")).error(), errc::invalid_utf8);
}

TEST(About, TravelsWithTheMessageUnread) {
    const std::string said = encode(About{7, 0, {"bob"}});
    DataView data;
    data.message = MessageView{Uuid::v7(), "chat", "hello", 0, "room:lunch"};
    data.message->about = said;
    const Body body = encode(data);
    const auto back = decode_data(body.content());
    ASSERT_TRUE(back);
    EXPECT_EQ(back->message->about, said);

    const std::string smaller = with_payload(back->message_raw, "hi", Encoding::none, 0);
    EXPECT_EQ(decode_message(smaller)->about, said) << "also when the payload is replaced";
}

}  // namespace
}  // namespace flare::wire::test
