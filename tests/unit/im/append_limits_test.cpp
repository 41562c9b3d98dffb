// Messages on their way into the log: docs/conversations.md, "Once, and in one order", "Later".
#include "support.hpp"

namespace flare::im::test {
namespace {

using model::Role;
using Tokens = std::vector<Token>;

TEST(Append, HoldsAsManyAsItMayAndMoreRepeats) {
    Limits limits;
    limits.waiting = 3;
    limits.more_repeats = 2;
    Home home(limits);
    home.load({a_member(1)});
    for (std::uint64_t i = 1; i <= 4; ++i) EXPECT_EQ(home.send(1, i), i <= 3) << i;
    EXPECT_EQ(home.answers(), "4:busy");
    for (std::uint64_t i = 5; i <= 7; ++i) EXPECT_EQ(home.repeat(1, i), i <= 6) << i;
    EXPECT_EQ(home.answers(), "7:busy");
    home.append.check_invariants();
}

TEST(Append, HoldsAsManyBytesAsItMay) {
    Limits limits;
    limits.waiting_bytes = 1000;
    Home home(limits);
    home.load({a_member(1)});
    Send send = home.message(1, 1);
    send.size = 5000;
    EXPECT_TRUE(home.append.send(send, home.now, home.out)) << "a large one alone always fits";
    EXPECT_FALSE(home.send(1, 2));
    home.turn();
    home.commit();
    home.append.session_gone(10);
    for (std::uint64_t i = 3; i <= 102; ++i) EXPECT_TRUE(home.send(1, i));
    EXPECT_FALSE(home.send(1, 103));
}

TEST(Append, LimitsADeviceAndAConversation) {
    Limits limits;
    limits.device = {10, 2};
    limits.conversation = {10, 3};
    Home home(limits);
    home.load({a_member(1), a_member(2), a_member(3)});
    home.send(1, 1);
    home.send(1, 2);
    home.send(1, 3);
    home.send(2, 4);
    home.send(3, 5);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2, 4}));
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].code, errc::rate_limited);
    EXPECT_EQ(answers[0].retry_after_ms, 100u);
    EXPECT_NE(answers[0].text.find("device"), std::string_view::npos);
    EXPECT_EQ(answers[1].code, errc::rate_limited);
    EXPECT_NE(answers[1].text.find("conversation"), std::string_view::npos);
}

TEST(Append, AMessageCostsALargeRoomMore) {
    Limits limits;
    limits.deliveries = {30, 60};
    Home home(limits);
    std::vector<model::Member> members;
    for (Row user = 1; user <= 30; ++user) members.push_back(a_member(user));
    home.load(members);
    for (Row user = 1; user <= 3; ++user) home.send(user, static_cast<std::uint8_t>(user));
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::rate_limited);
    EXPECT_EQ(answers[0].retry_after_ms, 1000u);
    EXPECT_NE(answers[0].text.find("so many members"), std::string_view::npos);
}

TEST(Append, ARoomWithMoreMembersThanMayBeReachedAtOnceWaitsForAll) {
    Limits limits;
    limits.deliveries = {10, 20};
    Home home(limits);
    std::vector<model::Member> members;
    for (Row user = 1; user <= 30; ++user) members.push_back(a_member(user));
    home.load(members);
    home.send(1, 1);
    home.send(2, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    EXPECT_EQ(home.take<effect::Answer>().at(0).retry_after_ms, 2000u);
}

TEST(Append, WhatIsRefusedCountsForItsDevice) {
    Limits limits;
    limits.device = {10, 2};
    Home home(limits);
    home.load({a_member(1), a_member(2, Role::reader)});
    home.send(2, 1);
    home.send(2, 2);
    home.send(2, 3);
    home.turn();
    EXPECT_EQ(home.answers(), "1:forbidden 2:forbidden 3:rate_limited");
    home.pass(100ms);
    home.send(2, 3);
    home.turn();
    EXPECT_EQ(home.answers(), "3:forbidden");
}

TEST(Append, WhatIsRefusedWhereThereIsNoConversationCountsToo) {
    Limits limits;
    limits.device = {10, 2};
    Home home(limits);
    home.append.absent();
    for (std::uint64_t number = 1; number <= 3; ++number) home.send(1, number);
    home.turn();
    EXPECT_EQ(home.answers(), "1:unknown_conversation 2:unknown_conversation 3:rate_limited");
}

// Before that it costs a read and memory, whatever becomes of it.
TEST(Append, WhatComesBeforeTheConversationIsReadCountsWhenItComes) {
    Limits limits;
    limits.device = {10, 2};
    Home home(limits);
    EXPECT_TRUE(home.send(1, 1));
    EXPECT_TRUE(home.send(1, 2));
    EXPECT_FALSE(home.send(1, 3));
    EXPECT_EQ(home.answers(), "3:rate_limited");
    EXPECT_TRUE(home.send(2, 4)) << "of another device";
    home.load({a_member(1), a_member(2)});
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2, 4})) << "once";
}

TEST(Append, ARepeatThatIsInTheLogCostsNothing) {
    Limits limits;
    limits.device = {10, 2};
    Home home(limits);
    for (std::uint64_t number = 1; number <= 4; ++number) EXPECT_TRUE(home.repeat(1, number));
    EXPECT_FALSE(home.repeat(1, 5)) << "twice a burst, before anybody has looked";
    EXPECT_EQ(home.answers(), "5:rate_limited");
    home.load({a_member(1)}, {}, 4);
    for (const auto& each : home.take<effect::LookUp>())
        home.append.looked_up(each.ticket, Append::Found{{Home::kEpoch, each.ticket}, 123, each.id.bytes[15]},
                              home.out);
    EXPECT_EQ(home.answers(), "1:ok 2:ok 3:ok 4:ok");
    home.repeat(1, 5);
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, {}, home.out);
    home.send(1, 6);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{5, 6}));
}

TEST(Append, PutsOffWhatIsToBePutOffForItsReason) {
    Home home;
    home.load({a_member(1)});
    Send send = home.message(1, 1);
    send.put_off = errc::storage_full;
    EXPECT_FALSE(home.append.send(send, home.now, home.out));
    send = home.message(2, 2);
    send.put_off = errc::rate_limited;
    send.retry_after_ms = 1234;
    EXPECT_FALSE(home.append.send(send, home.now, home.out));
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].code, errc::storage_full);
    EXPECT_EQ(answers[0].retry_after_ms, 2000u);
    EXPECT_EQ(answers[1].code, errc::rate_limited);
    EXPECT_EQ(answers[1].retry_after_ms, 1234u);
    home.send(1, 3);
    EXPECT_EQ(home.answers(), "3:busy") << "behind it";
    EXPECT_TRUE(home.send(1, 1));
}

TEST(Append, ARepeatThatIsPutOffBeforeItIsLookedUpIsFoundWhenItComesAgain) {
    Home home;
    home.load({a_member(1)});
    Send send = home.message(1, 1);
    send.first_sent_ms_ago = 1000;
    send.put_off = errc::busy;
    EXPECT_FALSE(home.append.send(send, home.now, home.out));
    home.send(1, 2);
    EXPECT_EQ(home.answers(), "1:busy 2:busy") << "what is new is held behind it";
    EXPECT_TRUE(home.take<effect::LookUp>().empty());
    home.repeat(1, 1);
    home.send(1, 2);
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, Append::Found{{Home::kEpoch, 5}, 123, 1}, home.out);
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::ok);
    EXPECT_EQ(answers[0].position.offset, 5u);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, SaysWhyItIsBusy) {
    Limits limits;
    limits.waiting = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.send(2, 2);
    EXPECT_NE(home.take<effect::Answer>().at(0).text.find("for this conversation"), std::string_view::npos);
    home.turn();
    home.put_off(errc::busy);
    EXPECT_NE(home.take<effect::Answer>().at(0).text.find("the server"), std::string_view::npos);
}

TEST(Append, TheServerIsNotLimited) {
    Limits limits;
    limits.device = {10, 1};
    limits.conversation = {10, 1};
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 9);
    for (std::uint64_t i = 1; i <= 5; ++i) {
        Send send = home.message(0, i);
        send.session = 5;
        home.append.send(send, home.now, home.out);
    }
    home.turn();
    EXPECT_EQ(home.given().size(), 6u);
}

TEST(Append, RefusesWhatIsTooLargeOrMentionsTooMany) {
    Home home;
    home.load({a_member(1)}, {.max_payload_bytes = 100}, 9);
    Send send = home.message(1, 1);
    send.size = 101;
    home.append.send(send, home.now, home.out);
    send = home.message(1, 2);
    send.mentions = 51;
    home.append.send(send, home.now, home.out);
    send = home.message(1, 3);
    send.size = 100;
    send.mentions = 50;
    home.append.send(send, home.now, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "1:message_too_large 2:message_too_large");
    EXPECT_EQ(home.given(), Tokens{3});
}

TEST(Append, LooksAtTheMessageThatAReplyIsTo) {
    Home home;
    home.load({a_member(1)}, {}, 9);
    for (std::uint64_t number = 1; number <= 4; ++number) {
        Send send = home.message(1, number);
        send.ref = number == 1 ? 0 : 5;
        home.append.send(send, home.now, home.out);
    }
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1}) << "what is behind it waits for its turn";
    home.commit();
    const auto reads = home.take<effect::ReadRef>();
    ASSERT_EQ(reads.size(), 3u);
    home.append.ref_read(reads[0].ticket, About{.sender = 2});
    home.append.ref_read(reads[1].ticket, std::nullopt);
    home.append.not_looked_up(reads[2].ticket, errc::busy, home.now, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "1:ok 4:busy 3:unknown_entry");
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, SlowModeLetsAMemberWriteAfterAWhile) {
    Home home;
    home.load({a_member(1), a_member(2, Role::moderator)}, {.slow_mode_ms = 10'000});
    home.send(1, 1);
    home.send(2, 2);
    home.send(2, 3);
    home.send(1, 4);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2, 3}));
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::rate_limited);
    EXPECT_EQ(answers[0].retry_after_ms, 10'000u);
    home.commit();
    home.pass(9'999ms);
    home.send(1, 4);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    home.pass(1ms);
    home.send(1, 4);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{4});
}

TEST(Append, WhatWasPutOffDoesNotCountInSlowMode) {
    Home home;
    home.load({a_member(1)}, {.slow_mode_ms = 10'000});
    home.send_in_vain(1, 1);
    home.send(1, 1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
}

}  // namespace
}  // namespace flare::im::test
