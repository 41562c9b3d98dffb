#include "client/im/signal_state.hpp"
#include "unit/client/written_down.hpp"

namespace flare::client::test {
namespace {

using State = wire::im::Presence;

class SignalsOfAClient : public WrittenDown<Feeds::Owner> {
protected:
    bool has_seen(std::string_view, const Uuid&) const override { return false; }
    bool settle(const Uuid&, std::string_view, const StoredAt&) override { return false; }

    // "follow ann bob", "typing room:tea", "away" ...
    std::string said() const {
        using wire::Verb;
        std::string all;
        for (const Request& each : requests) {
            all += all.empty() ? "" : ", ";
            if (each.call.verb == Verb::typing) {
                const auto body = wire::im::decode<wire::im::Typing>(each.call.body).value();
                all += (body.on ? "typing " : "stopped ") + std::string(body.conversation);
            } else if (each.call.verb == Verb::presence_set) {
                const auto body = wire::im::decode<wire::im::PresenceSet>(each.call.body).value();
                all += body.state == State::away ? "away" : "back";
            } else {
                all += each.call.verb == Verb::presence_subscribe ? "follow" : "unfollow";
                const auto body = wire::im::decode<wire::im::PresenceUsers>(each.call.body).value();
                for (const auto user : body.users) all += " " + std::string(user);
            }
        }
        return all;
    }
    static wire::im::PresenceState of(std::string_view user, State state) { return {user, state, 5'000}; }
    void snapshot(std::vector<wire::im::PresenceState> states, std::uint32_t lease_ms = 600'000) {
        answer(wire::im::PresenceSnapshot{std::move(states), lease_ms});
    }
    void notice(std::vector<wire::im::PresenceState> states, std::vector<wire::im::Typing> typing = {}) {
        const wire::im::Notice told{std::move(typing), std::move(states)};
        signals.on_notice(wire::im::encode(told));
    }
    void follow(const std::vector<std::string>& users) {
        signals.presence().subscribe(users, [this](const Checked<std::vector<Presence>>& result) {
            if (!result) {
                results += std::string(name(result.error().code)) + "; ";
                return;
            }
            for (const Presence& each : *result) results += each.user + " " + std::string(name(each.state)) + "; ";
        });
    }
    void followed(const std::vector<std::string>& users, State state) {
        follow(users);
        std::vector<wire::im::PresenceState> states;
        for (const std::string& user : users) states.push_back(of(user, state));
        snapshot(std::move(states));
        results.clear();
    }
    void pass(session::Duration by) {
        for (const session::TimePoint until = time + by; time < until;) {
            time = std::min(until, std::max(time + 1ms, signals.next_deadline()));
            if (signals.next_deadline() <= time) signals.on_time();
        }
    }
    std::string heard() {
        std::string all;
        while (!queue.empty()) {
            const auto event = handle_next();
            if (const auto* changed = std::get_if<event::PresenceChanged>(&*event))
                all += changed->user + " " + std::string(name(changed->state)) + "; ";
            if (const auto* types = std::get_if<event::TypingChanged>(&*event))
                all += types->user + (types->on ? " types in " : " stops in ") + types->conversation + "; ";
        }
        return all;
    }

    SignalState signals{*this};
};

TEST_F(SignalsOfAClient, ChangesAreToldAndTheSameAgainIsNot) {
    follow({"ann", "bob"});
    snapshot({of("ann", State::online), of("bob", State::offline)});
    EXPECT_EQ(results, "ann online; bob offline; ");
    notice({of("bob", State::online), of("ann", State::online), of("eve", State::online)});
    notice({of("ann", State::away)});
    EXPECT_EQ(heard(), "bob online; ann away; ") << "nobody has asked for eve";
    signals.presence().unsubscribe({"ann"}, [](const Checked<>&) {});
    EXPECT_EQ(said(), "unfollow ann");
    notice({of("ann", State::online), of("bob", State::away)});
    EXPECT_EQ(heard(), "bob away; ");
}

TEST_F(SignalsOfAClient, WhatIsRefusedIsNotFollowed) {
    follow({"ann"});
    refuse(errc::too_many_subscriptions);
    EXPECT_EQ(results, "too_many_subscriptions; ");
    notice({of("ann", State::online)});
    signals.begin_session();
    EXPECT_EQ(said(), "");
    EXPECT_EQ(heard(), "");
    follow(std::vector<std::string>(1001, "x"));
    follow({""});
    EXPECT_EQ(results, "too_many_subscriptions; too_many_subscriptions; invalid_name; ");
}

TEST_F(SignalsOfAClient, SubscriptionsAreRenewedBeforeTheLeaseEndsAndInEachSession) {
    followed({"ann", "bob"}, State::online);
    pass(299s);
    EXPECT_EQ(said(), "");
    pass(1s);
    EXPECT_EQ(said(), "follow ann bob");
    snapshot({of("ann", State::online), of("bob", State::away)});
    EXPECT_EQ(heard(), "bob away; ");
    lose_session();
    pass(400s);
    EXPECT_EQ(said(), "");
    session = true;
    signals.begin_session();
    EXPECT_EQ(said(), "follow ann bob");
    refuse(errc::busy);
    pass(1s);
    EXPECT_EQ(said(), "follow ann bob") << "again";
    snapshot({of("ann", State::offline), of("bob", State::away)});
    EXPECT_EQ(heard(), "ann offline; ");
    signals.go_on();  // resumed: a notice may have been lost
    EXPECT_EQ(said(), "follow ann bob");
}

TEST_F(SignalsOfAClient, AMoveToAnotherConnectionAsksOnceMore) {
    signals.sends_on(1);
    followed({"ann"}, State::online);
    signals.sends_on(1);
    pass(10s);
    EXPECT_EQ(said(), "");
    signals.sends_on(2);
    pass(1s);
    EXPECT_EQ(said(), "");
    pass(1s);
    EXPECT_EQ(said(), "follow ann");
}

TEST_F(SignalsOfAClient, AServerThatWasStartedAgainChangesNothingByNotKnowing) {
    followed({"ann", "bob"}, State::online);
    lose_session();
    session = true;
    signals.begin_session();
    snapshot({of("ann", State::unknown), of("bob", State::unknown)});
    EXPECT_EQ(heard(), "");
    notice({of("ann", State::online)});
    pass(29s);
    EXPECT_EQ(heard(), "");
    pass(1s);
    EXPECT_EQ(heard(), "bob unknown; ") << "it does not tell any more";
    notice({of("bob", State::online)});
    notice({of("bob", State::unknown)});
    EXPECT_EQ(heard(), "bob online; bob unknown; ") << "what it says by itself counts at once";
}

TEST_F(SignalsOfAClient, ANoticeThatOvertakesAnAnswerIsNewer) {
    follow({"ann"});
    notice({of("ann", State::online)});
    snapshot({of("ann", State::offline)});
    EXPECT_EQ(results, "ann online; ");
    notice({of("ann", State::offline)});
    EXPECT_EQ(heard(), "ann offline; ");
}

TEST_F(SignalsOfAClient, TypingIsSaidOnceInThreeSeconds) {
    for (int i = 0; i < 40; ++i) {
        signals.typing().say("room:tea", true);
        pass(100ms);
    }
    signals.typing().say("room:tea", false);
    signals.typing().say("room:tea", false);
    signals.typing().say("bob", false);
    EXPECT_EQ(said(), "typing room:tea, typing room:tea, stopped room:tea");
    lose_session();
    signals.typing().say("bob", true);
    EXPECT_EQ(said(), "");
}

TEST_F(SignalsOfAClient, TypingEndsByItself) {
    notice({}, {{"room:tea", "ann", true}, {"bob", "bob", true}});
    pass(5s);
    notice({}, {{"room:tea", "ann", true}});
    notice({}, {{"room:tea", "eve", false}});
    EXPECT_EQ(heard(), "ann types in room:tea; bob types in bob; ");
    pass(1s);
    EXPECT_EQ(heard(), "bob stops in bob; ");
    pass(4s);
    EXPECT_EQ(heard(), "");
    pass(1s);
    EXPECT_EQ(heard(), "ann stops in room:tea; ");
    notice({}, {{"room:tea", "ann", true}});
    notice({}, {{"room:tea", "ann", false}});
    EXPECT_EQ(heard(), "ann types in room:tea; ann stops in room:tea; ");
    pass(6s);
    EXPECT_EQ(heard(), "");
    EXPECT_EQ(signals.next_deadline(), session::kNever);
}

TEST_F(SignalsOfAClient, AwayIsSaidAgainInEachSession) {
    bool done = false;
    signals.set_away(true, [&](const Checked<>& result) { done = result.has_value(); });
    EXPECT_EQ(said(), "away");
    answer(wire::im::Done());
    EXPECT_TRUE(done);
    lose_session();
    session = true;
    signals.begin_session();
    EXPECT_EQ(said(), "away");
    answer(wire::im::Done());
    session = false;
    done = false;
    signals.set_away(false, [&](const Checked<>& result) { done = result.has_value(); });
    EXPECT_TRUE(done) << "a new session begins so";
    session = true;
    signals.begin_session();
    EXPECT_EQ(said(), "");
}

TEST_F(SignalsOfAClient, ANoticeThatCannotBeReadIsCountedAndPassedOver) {
    followed({"ann"}, State::offline);
    signals.on_notice("\x0a\xff");
    notice({of("ann", State::online)});
    EXPECT_EQ(heard(), "ann online; ");
    EXPECT_EQ(signals.unreadable(), 1u);
}

TEST_F(SignalsOfAClient, ASlowApplicationIsToldTheNewestAndNotEverything) {
    std::vector<std::string> users;
    for (int i = 0; i < 1000; ++i) users.push_back("user" + std::to_string(i));
    followed(users, State::offline);
    for (const State state : {State::online, State::away, State::online}) {
        std::vector<wire::im::PresenceState> all;
        for (const std::string& user : users) {
            all.push_back(of(user, state));
            if (all.size() == wire::im::kMaxNoticed) notice(std::exchange(all, {}));
        }
        notice(all, {{"room:tea", "ann", true}});
    }
    EXPECT_EQ(queue.size(), SignalEvents::kMost);
    queue.clear();
    pass(1s);
    std::string text = heard();
    EXPECT_NE(text.find("user999 online; "), std::string::npos);
    EXPECT_EQ(text.find("away"), std::string::npos);
}

}  // namespace
}  // namespace flare::client::test
