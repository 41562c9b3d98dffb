// Hooks that are asked before something is written: docs/hooks.md, "Before-hooks".
#include "support.hpp"

#include <map>

namespace flare::im::test {
namespace {

using Tokens = std::vector<Token>;

class AskedHome : public Home {
public:
    using Home::Home;
    bool send_asked(Row sender, std::uint64_t number, std::uint64_t first_sent_ms_ago = 0) {
        Send made = message(sender, number);
        made.asks = true;
        made.first_sent_ms_ago = first_sent_ms_ago;
        return append.send(made, now, out);
    }
    bool request_asked(Row actor, std::uint64_t number, Command command) {
        Send made = message(actor, number);
        made.asks = true;
        return append.change(made, std::move(command), now, out);
    }
    // The tokens of what hooks are asked about.
    Tokens asked() {
        Tokens tokens;
        for (const auto& each : take<effect::AskHook>()) {
            tokens.push_back(each.token);
            tickets[each.token] = each.ticket;
        }
        return tokens;
    }
    void say(Token token, errc code = errc::ok, std::string_view text = {}) {
        (void)append.hook_answered(tickets.at(token), {code, text, {}});
    }
    std::map<Token, Ticket> tickets;
};

TEST(AppendHooks, AreAskedAheadAndWhatTheySayIsDoneInOrder) {
    AskedHome home;
    home.load({a_member(1), a_member(2)});
    for (std::uint64_t number = 1; number <= 3; ++number) home.send_asked(1, number);
    home.send(2, 4);
    home.turn();
    EXPECT_EQ(home.asked(), (Tokens{1, 2, 3}));
    EXPECT_EQ(home.given(), Tokens{});
    home.say(3);
    home.say(2, errc::forbidden, "no");
    home.turn();
    EXPECT_EQ(home.given(), Tokens{}) << "the first one has not been decided";
    home.say(1);
    home.turn();
    EXPECT_EQ(home.given(), (Tokens{1, 3, 4})) << "what nobody is asked about keeps its place, too";
    home.commit();
    const auto answers = home.answers();
    EXPECT_EQ(answers, "2:forbidden 1:ok 3:ok 4:ok");
}

TEST(AppendHooks, OneThatDoesNotAnswerPutsOffWhatIsBehind) {
    AskedHome home;
    home.load({a_member(1)});
    home.send_asked(1, 1);
    home.send_asked(1, 2);
    home.turn();
    home.asked();
    home.say(1, errc::busy);
    home.say(2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    EXPECT_EQ(home.answers(), "1:busy 2:busy");
}

TEST(AppendHooks, AtMostAHundredAreAskedAtOnce) {
    Limits limits;
    limits.device = {1000, 1000};
    limits.conversation = {1000, 1000};
    AskedHome home(limits);
    home.load({a_member(1)});
    for (std::uint64_t number = 1; number <= 150; ++number) home.send_asked(1, number);
    home.turn();
    EXPECT_EQ(home.asked().size(), Append::kMostAsked);
    home.say(1);
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{101});
}

TEST(AppendHooks, AreNotAskedAboutWhatIsForbiddenAnyway) {
    AskedHome home;
    home.load({a_member(1)});
    home.send_asked(5, 1);
    home.turn();
    for (const auto& each : home.take<effect::LoadMember>()) home.append.member_loaded({.user = each.user});
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{});
    EXPECT_EQ(home.answers(), "1:unknown_conversation");
}

TEST(AppendHooks, ARepeatIsLookedUpFirst) {
    AskedHome home;
    home.load({a_member(1)}, {}, 9);
    home.send_asked(1, 1, 1000);
    home.send_asked(1, 2, 1000);
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{});
    const auto lookups = home.take<effect::LookUp>();
    ASSERT_EQ(lookups.size(), 2u);
    home.append.looked_up(lookups[0].ticket, Append::Found{{Home::kEpoch, 5}, kUnixNow, 1}, home.out);
    home.append.looked_up(lookups[1].ticket, {}, home.out);
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{2});
    EXPECT_EQ(home.answers(), "1:ok");
}

TEST(AppendHooks, RightsAreCheckedAgainWhenTheyHaveAnswered) {
    AskedHome home;
    home.load({a_member(1), a_member(2, model::Role::owner)});
    home.ask(2, 9, command::Mute{1, UINT64_MAX});
    home.send_asked(1, 1);
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{1});
    home.commit();
    home.say(1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    EXPECT_EQ(home.answers(), "9:ok 1:muted");
}

TEST(AppendHooks, AreAskedBeforeADirectConversationIsMade) {
    AskedHome home({}, model::ConversationKey::direct("ann", "bob"));
    home.append.absent();
    home.send_asked(1, 1);
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{1});
    EXPECT_TRUE(home.take<effect::MakeDirect>().empty());
    home.say(1);
    home.turn();
    EXPECT_EQ(home.take<effect::MakeDirect>().size(), 1u);
}

TEST(AppendHooks, DecideWhoJoinsAndWhatIsMade) {
    AskedHome home;
    home.append.absent();
    home.request_asked(1, 1, command::Create{});
    home.turn();
    EXPECT_EQ(home.asked(), Tokens{1});
    home.say(1);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{1});
    AskedHome room;
    room.load({a_member(1, model::Role::owner)}, {.join = model::Join::open});
    room.request_asked(2, 1, command::Join{});
    room.turn();
    for (const auto& each : room.take<effect::LoadMember>()) room.append.member_loaded({.user = each.user});
    room.turn();
    EXPECT_EQ(room.asked(), Tokens{1});
    room.say(1, errc::forbidden, "members only");
    room.turn();
    const auto answers = room.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::forbidden);
    EXPECT_EQ(answers[0].text, "members only");
}

TEST(AppendHooks, WhatIsPutInItsPlaceIsMeasuredAgain) {
    AskedHome home;
    home.load({a_member(1)}, {.max_payload_bytes = 100});
    home.send_asked(1, 1);
    home.turn();
    home.asked();
    home.append.hook_answered(home.tickets.at(1), {errc::ok, {}, 101});
    home.turn();
    EXPECT_EQ(home.given(), Tokens{});
    EXPECT_EQ(home.answers(), "1:message_too_large");
}

}  // namespace
}  // namespace flare::im::test
