// What is put off, what waits behind it, and what lets it go: docs/conversations.md, "Later".
#include "support.hpp"

namespace flare::im::test {
namespace {

using model::Role;
using Tokens = std::vector<Token>;

TEST(Append, PutsOffWhatTheSessionSendsBehindWhatWasPutOff) {
    Home home;
    home.load({a_member(1), a_member(2)});
    home.send_in_vain(1, 1, errc::storage_full);
    EXPECT_EQ(home.answers(), "1:storage_full");
    home.send(1, 2);
    home.send(2, 3);
    home.turn();
    EXPECT_EQ(home.answers(), "2:busy");
    EXPECT_EQ(home.given(), Tokens{3}) << "of another session";
    home.commit();
    home.send(1, 1);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    EXPECT_EQ(home.append.held_sessions(), 0u);
}

TEST(Append, PutsOffWhatWaitsAlreadyBehindWhatIsPutOff) {
    Limits limits;
    limits.group = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.send_in_vain(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
}

TEST(Append, TheFirstThatIsPutOffCountsWhateverWasPutOffBefore) {
    Limits limits;
    limits.waiting = 2;
    limits.conversation = {1, 1};
    Home home(limits);
    home.load({a_member(1), a_member(2)});
    home.send(2, 9);
    home.send(1, 1);
    home.send(1, 2);  // there is no room
    EXPECT_EQ(home.answers(), "2:busy");
    home.turn();  // 1 is over the rate: what holds the session is 1, and no longer 2
    EXPECT_EQ(home.answers(), "1:rate_limited");
    home.commit();
    home.pass(1s);
    home.answers();
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "2:busy");
    home.send(1, 1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
}

TEST(Append, TheFirstBehindCountsWhenItComesAgainWhoeverWasToldFirst) {
    Limits limits;
    limits.group = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.repeat(1, 2);
    home.turn();
    home.put_off(errc::busy);
    home.send(1, 3);
    EXPECT_EQ(home.answers(), "1:busy 3:busy");
    home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.answers(), "2:busy");
    // Its client has given 1 up.
    EXPECT_TRUE(home.send(1, 2));
    EXPECT_TRUE(home.send(1, 3));
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, LetsGoWhenWhatWasPutOffIsRefusedForGood) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    Send again = home.message(1, 1);
    again.session = 11;
    home.append.send(again, home.now, home.out);
    EXPECT_FALSE(home.send(1, 1)) << "it joins the other session's";
    home.turn();
    home.append.rejected(home.take<effect::AppendEntry>().at(0).ticket, errc::too_old, home.now, home.out);
    EXPECT_EQ(home.answers(), "1:busy 1:too_old 1:too_old");
    EXPECT_EQ(home.append.held_sessions(), 0u);
    EXPECT_TRUE(home.send(1, 2));
}

TEST(Append, WhatWasPutOffFirstShowsWhenItComesTwiceThatTheOneBeforeItWasGivenUp) {
    Limits limits;
    limits.waiting = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.send(1, 2);  // there is no room
    home.turn();
    home.put_off(errc::busy);
    EXPECT_EQ(home.answers(), "2:busy 1:busy");
    home.send(1, 2);  // perhaps on its way before its client heard of 1
    EXPECT_EQ(home.answers(), "2:busy");
    EXPECT_TRUE(home.send(1, 2));
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, WhatHasToComeTwiceIsNotOvertakenByWhatFollowsIt) {
    Limits limits;
    limits.conversation = {1, 1};
    Home home(limits);
    home.load({a_member(1)});
    for (std::uint64_t number = 1; number <= 3; ++number) home.send(1, number);
    home.turn();  // 2 is over the rate
    home.put_off(errc::busy);
    home.send(1, 4);
    EXPECT_EQ(home.answers(), "2:rate_limited 3:busy 1:busy 4:busy");
    home.pass(10s);
    // Its client has given up 1.
    for (std::uint64_t number = 2; number <= 4; ++number) EXPECT_FALSE(home.send(1, number));
    EXPECT_EQ(home.answers(), "2:busy 3:busy 4:busy");
    for (std::uint64_t number = 2; number <= 4; ++number) EXPECT_TRUE(home.send(1, number));
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, WhatCameBeforeAMessageThatFoundNoRoomIsNotHeld) {
    Limits limits;
    limits.waiting = 1;
    Home home(limits);
    home.load({a_member(1)});
    home.send(1, 1);
    home.send(1, 2);
    EXPECT_EQ(home.answers(), "2:busy");
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
}

// It had to wait elsewhere, while what was sent behind it did not.
TEST(Append, WhatWasSentBeforeAMessageThatWasPutOffIsNotHeldBehindIt) {
    Home home;
    home.load({a_member(1)});
    Send first = home.message(1, 1);
    first.first_sent_ms_ago = 1000;
    Send second = home.message(1, 2);
    second.first_sent_ms_ago = 1000;
    home.send_in_vain(1, 3);
    home.send(1, 4);
    EXPECT_EQ(home.answers(), "3:busy 4:busy");
    EXPECT_TRUE(home.append.send(first, home.now, home.out));
    EXPECT_TRUE(home.append.send(second, home.now, home.out));
    for (const auto& wanted : home.take<effect::LookUp>()) home.append.looked_up(wanted.ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2}));
    home.put_off(errc::busy);
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
    EXPECT_FALSE(home.send(1, 3)) << "the first holds what was sent behind it, now";
    EXPECT_TRUE(home.send(1, 1));
    EXPECT_TRUE(home.send(1, 2));
    EXPECT_TRUE(home.send(1, 3));
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 2, 3}));
}

TEST(Append, LetsGoWhenTheClientHasGivenUpAlsoWhatWasPutOffBehind) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
    home.pass(1s);
    // It has given up 1 and 2: these are the first of those that are left.
    home.send(1, 3);
    home.send(1, 4);
    EXPECT_EQ(home.answers(), "3:busy 4:busy");
    home.pass(20ms);
    EXPECT_TRUE(home.send(1, 3));
    EXPECT_TRUE(home.send(1, 4));
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{3, 4}));
    EXPECT_EQ(home.append.held_sessions(), 0u);
}

TEST(Append, RemembersThirtyTwoThatArePutOffBehindAnother) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    for (std::uint64_t number = 2; number <= 34; ++number) home.send(1, number);
    home.answers();
    EXPECT_FALSE(home.send(1, 34)) << "nobody knows that it was here before: 2 to 33 may come first";
    EXPECT_FALSE(home.send(1, 34));
    home.append.check_invariants();
    EXPECT_TRUE(home.send(1, 33));
    EXPECT_TRUE(home.send(1, 34));
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{33, 34}));
}

TEST(Append, LetsGoWhenTheClientHasGivenUpWhatWasPutOff) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
    // A client sends all again in order: 1 would have come before.
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, LetsGoAfterATime) {
    Limits limits;
    Home home(limits);
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.pass(limits.busy_for + limits.held_for - 1ms);
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.append.held_sessions(), 1u);
    home.pass(1ms);
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.append.held_sessions(), 0u);
    EXPECT_TRUE(home.append.idle(home.now));
}

TEST(Append, ForgetsTheHoldOfASessionThatIsGone) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.append.session_gone(10);
    EXPECT_EQ(home.append.held_sessions(), 0u);
}

TEST(Append, LetsGoWhenAnotherSessionHasStoredIt) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.answers();
    Send again = home.message(1, 1);
    again.session = 11;
    home.append.send(again, home.now, home.out);
    home.turn();
    home.append.send(home.message(1, 1), home.now, home.out);
    home.commit();
    EXPECT_EQ(home.answers(), "1:ok 1:ok");
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(Append, SaysHowLongToWait) {
    Home home;
    home.load({a_member(1)});
    home.send_in_vain(1, 1, errc::storage_failed);
    EXPECT_EQ(home.take<effect::Answer>().at(0).retry_after_ms, 2000u);
    home.pass(500ms);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.take<effect::Answer>().at(0).retry_after_ms, 1500u);
    home.pass(1h);
    home.send(1, 3);
    home.turn();
    EXPECT_EQ(home.take<effect::Answer>().at(0).retry_after_ms, 1u);
}

TEST(Append, ARefusalThatIsFinalHoldsNothing) {
    Home home;
    home.load({a_member(1)});
    Send large = home.message(1, 1);
    large.size = 64 * 1024 + 1;
    home.append.send(large, home.now, home.out);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.answers(), "1:message_too_large");
    EXPECT_EQ(home.given(), Tokens{2});
    EXPECT_EQ(home.append.held_sessions(), 0u);
}

}  // namespace
}  // namespace flare::im::test
