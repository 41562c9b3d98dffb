#include "client/im/people_bodies.hpp"

#include "wire/requests.hpp"

#include <flare/conversations.hpp>

#include <gtest/gtest.h>

namespace flare::client {
namespace {

namespace im = wire::im;
using wire::Verb;

template <typename T>
errc people_refusal(const Checked<T>& result) {
    return result ? errc::ok : result.error().code;
}

Answer answered_with(std::string body) {
    Answer answer;
    answer.bodies.emplace_back(std::move(body));
    return answer;
}

TEST(PeopleBodies, AskForBansOfARoom) {
    const auto call = bans_call("room:tea", "bob", 1000);
    ASSERT_TRUE(call) << call.error().text;
    EXPECT_EQ(call->verb, Verb::ban_list);
    EXPECT_EQ(call->conversation, "room:tea");
    const auto body = im::decode<im::MemberQuery>(call->body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->conversation, "room:tea");
    EXPECT_EQ(body->after, "bob");
    EXPECT_EQ(body->limit, im::kMaxPage) << "a page has no more";
    EXPECT_EQ(people_refusal(bans_call("bob", "", 0)), errc::invalid_name);
    EXPECT_EQ(people_refusal(bans_call("room:tea", std::string(257, 'a'), 0)), errc::invalid_name);
}

TEST(PeopleBodies, AskForBlocks) {
    const auto call = blocks_call("bob", 3);
    ASSERT_TRUE(call);
    EXPECT_EQ(call->verb, Verb::block_list);
    const auto body = im::decode<im::BlockQuery>(call->body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->after, "bob");
    EXPECT_EQ(body->limit, 3u);
    EXPECT_EQ(people_refusal(blocks_call("\xff", 0)), errc::invalid_name);
}

TEST(PeopleBodies, RegisterADevice) {
    const auto call = register_call("fcm", "token", "chat");
    ASSERT_TRUE(call);
    EXPECT_EQ(call->verb, Verb::push_register);
    const auto body = im::decode<im::PushDevice>(call->body);
    ASSERT_TRUE(body);
    EXPECT_EQ(body->service, "fcm");
    EXPECT_EQ(body->token, "token");
    EXPECT_EQ(body->app, "chat");
    EXPECT_EQ(unregister_call().verb, Verb::push_unregister);
    EXPECT_TRUE(register_call(std::string(64, 's'), std::string(4096, 't'), std::string(256, 'a')));
    EXPECT_EQ(people_refusal(register_call("", "token", "")), errc::invalid_name);
    EXPECT_EQ(people_refusal(register_call("fcm", "", "")), errc::invalid_name);
    EXPECT_EQ(people_refusal(register_call(std::string(65, 's'), "token", "")), errc::invalid_name);
    EXPECT_EQ(people_refusal(register_call("fcm", std::string(4097, 't'), "")), errc::invalid_name);
    EXPECT_EQ(people_refusal(register_call("fcm", "token", std::string(257, 'a'))), errc::invalid_name);
    EXPECT_EQ(people_refusal(register_call("fcm", "\xff", "")), errc::invalid_name);
}

TEST(PeopleBodies, ReadBans) {
    im::BanPage body;
    body.bans = {{"bob", 1'700'000'000'000}, {"eve", UINT64_MAX}};
    body.more = true;
    const auto page = read_bans(answered_with(im::encode(body)));
    ASSERT_TRUE(page);
    ASSERT_EQ(page->bans.size(), 2u);
    EXPECT_EQ(page->bans[0].user, "bob");
    EXPECT_EQ(page->bans[0].until, wire::to_time(1'700'000'000'000));
    EXPECT_EQ(page->bans[1].until, Conversations::kForever);
    EXPECT_TRUE(page->more);
    body.bans.clear();
    EXPECT_EQ(people_refusal(read_bans(answered_with(im::encode(body)))), errc::malformed_frame)
        << "more, and nobody to go on after";
    EXPECT_EQ(people_refusal(read_bans(Answer{errc::forbidden, "no"})), errc::forbidden);
}

TEST(PeopleBodies, ReadBlocks) {
    im::BlockPage body;
    body.users = {"bob", "eve"};
    const auto page = read_blocks(answered_with(im::encode(body)));
    ASSERT_TRUE(page);
    EXPECT_EQ(page->users, (std::vector<std::string>{"bob", "eve"}));
    EXPECT_FALSE(page->more);
    body.users.clear();
    body.more = true;
    EXPECT_EQ(people_refusal(read_blocks(answered_with(im::encode(body)))), errc::malformed_frame);
}

TEST(PeopleBodies, ReadThatItIsDone) {
    EXPECT_TRUE(read_registered(answered_with(im::encode(im::Done{}))));
    EXPECT_EQ(people_refusal(read_registered(Answer{errc::storage_full, "full"})), errc::storage_full);
    EXPECT_EQ(people_refusal(read_registered(Answer{})), errc::malformed_frame);
}

}  // namespace
}  // namespace flare::client
