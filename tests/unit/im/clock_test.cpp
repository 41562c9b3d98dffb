// The server's clock is an hour off, or was: rights and times by Unix time. Rates and waiting go by a clock that never
// jumps.
#include "support.hpp"

namespace flare::im::test {
namespace {

using model::Role;
using Tokens = std::vector<Token>;

constexpr std::uint64_t kHourMs = 60 * 60 * 1000;

// Somebody sets it.
void set_ahead(Home& home) { home.now.unix_ms += kHourMs; }
void set_back(Home& home) { home.now.unix_ms -= kHourMs; }

TEST(ClockOfTheServer, SetAheadEndsMutesAndBansEarlyAndSetBackProlongsThem) {
    Home home;
    model::Member muted = a_member(1);
    muted.muted_until = kUnixNow + kHourMs / 2;
    model::Member banned = a_member(2, Role::none);
    banned.banned_until = kUnixNow + kHourMs / 2;
    home.load({muted, banned, a_member(3, Role::owner)});
    home.send(1, 1);
    home.turn();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::muted);
    EXPECT_EQ(answers[0].retry_after_ms, kHourMs / 2);

    set_ahead(home);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
    home.commit();
    home.answers();

    set_back(home);
    set_back(home);
    home.send(1, 3);
    home.turn();
    const auto longer = home.take<effect::Answer>();
    ASSERT_EQ(longer.size(), 1u);
    EXPECT_EQ(longer[0].code, errc::muted);
    EXPECT_EQ(longer[0].retry_after_ms, kHourMs / 2 + kHourMs);

    home.ask(3, 4, command::Add{.users = {{2}}});
    home.turn();
    EXPECT_EQ(home.answers(), "4:banned");
}

TEST(ClockOfTheServer, SetBackDoesNotCloseTheWindowOfEdits) {
    Home home;
    home.load({a_member(1)}, {}, 1);
    const auto edit = [&](std::uint64_t number, std::uint64_t sent_ms) {
        Send send = home.message(1, number);
        send.kind = model::EntryKind::edit;
        send.ref = 1;
        home.append.send(send, home.now, home.out);
        home.append.ref_read(home.take<effect::ReadRef>().at(0).ticket, About{.sender = 1, .time_ms = sent_ms});
        home.turn();
        const Tokens given = home.given();
        home.commit();
        return given.empty() ? home.answers() : (home.answers(), "goes");
    };
    EXPECT_EQ(edit(1, kUnixNow), "goes");
    set_back(home);
    EXPECT_EQ(edit(2, kUnixNow), "goes") << "it was sent in what is now the future";
    EXPECT_EQ(edit(3, kUnixNow - kEditFor), "goes") << "an hour longer";
    set_ahead(home);
    EXPECT_EQ(edit(4, kUnixNow - kEditFor), "goes");
    set_ahead(home);
    EXPECT_EQ(edit(5, kUnixNow - kEditFor), "5:forbidden");
}

TEST(ClockOfTheServer, MakesNobodyWaitForLongerThanSlowModeDoes) {
    Home home;
    home.load({a_member(1)}, {.slow_mode_ms = 10'000});
    home.send(1, 1);
    home.turn();
    home.commit();
    home.answers();
    set_back(home);
    home.send(1, 2);
    home.turn();
    const auto answers = home.take<effect::Answer>();
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].retry_after_ms, 10'000u);
    home.append.tick(home.now, home.out);
    home.pass(10s);
    home.send(1, 2);
    home.turn();
    EXPECT_EQ(home.given(), Tokens{2});
}

TEST(ClockOfTheServer, DoesNotHoldWhatIsPutOffForLongerOrShorter) {
    Limits limits;
    Home home(limits);
    home.load({a_member(1)});
    home.send_in_vain(1, 1);
    home.answers();
    set_ahead(home);
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.append.held_sessions(), 1u);
    set_back(home);
    set_back(home);
    home.now.steady += limits.busy_for + limits.held_for;
    home.append.tick(home.now, home.out);
    EXPECT_EQ(home.append.held_sessions(), 0u);
}

// Its age is what its client says; since when it has been under way, what the server's clock makes of that.
TEST(ClockOfTheServer, SaysSinceWhenARepeatIsUnderWay) {
    Home home;
    home.load({a_member(1)});
    const auto first_sent = [&](std::uint64_t number, std::uint64_t ago_ms) {
        Send send = home.message(1, number);
        send.first_sent_ms_ago = ago_ms;
        home.append.send(send, home.now, home.out);
        home.append.looked_up(home.take<effect::LookUp>().at(0).ticket, {}, home.out);
        home.turn();
        const auto entries = home.take<effect::AppendEntry>();
        home.in_store.push_back(entries.at(0).ticket);
        home.commit();
        return entries.at(0).first_sent_ms;
    };
    EXPECT_EQ(first_sent(1, 1000), kUnixNow - 1000);
    set_ahead(home);
    EXPECT_EQ(first_sent(2, 1000), kUnixNow + kHourMs - 1000);
    set_back(home);
    set_back(home);
    EXPECT_EQ(first_sent(3, 1000), kUnixNow - kHourMs - 1000);
    home.now.unix_ms = 500;  // nobody has set it yet
    EXPECT_EQ(first_sent(4, 1000), 1u) << "0 would say that it comes for the first time";
}

}  // namespace
}  // namespace flare::im::test
