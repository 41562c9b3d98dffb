// The parts of a client's session, each alone.
#include "session/client_attaching.hpp"
#include "session/client_watch.hpp"
#include "unit/session/support.hpp"

#include <gtest/gtest.h>

namespace flare::session::test {
namespace {

TEST(ClientTickets, WhatASlowerWelcomeOffersOnceMoreIsNotTheNewest) {
    ClientTickets tickets;
    tickets.take("one", false, false);
    tickets.take("two", false, true);
    tickets.take("one", false, false);
    EXPECT_EQ(tickets.ticket(), "two");
}

TEST(ClientTickets, OnlyALastingOneIsKeptBeyondItsSession) {
    ClientTickets tickets;
    tickets.keep_secret("secret");
    tickets.take("one", false, false);
    tickets.keep();
    EXPECT_EQ(tickets.kept_ticket(), "");
    tickets.take("two", true, false);
    tickets.keep();
    tickets.forget();
    EXPECT_FALSE(tickets.can_resume());
    EXPECT_EQ(tickets.kept_ticket(), "two");
    EXPECT_EQ(tickets.kept_secret(), "secret");
}

TEST(ClientGoodbye, TheApplicationsWishOutlivesALostSession) {
    ClientGoodbye goodbye;
    EXPECT_TRUE(goodbye.begin(kStart + 5s));
    EXPECT_FALSE(goodbye.begin(kStart + 9s)) << "once";
    goodbye.note_sent();
    goodbye.hear({}, kStart + 9s);
    goodbye.lose_session();
    EXPECT_TRUE(goodbye.disconnecting());
    EXPECT_FALSE(goodbye.heard());
    EXPECT_EQ(goodbye.deadline(), kStart + 5s);
}

TEST(ClientGoodbye, TheServersEndsWithItsSession) {
    ClientGoodbye goodbye;
    wire::Goodbye theirs;
    theirs.code = errc::kicked;
    goodbye.hear(theirs, kStart + 5s);
    EXPECT_FALSE(goodbye.is_over(kStart + 4s));
    EXPECT_TRUE(goodbye.is_over(kStart + 5s));
    EXPECT_EQ(goodbye.complete()->code, errc::kicked);
    EXPECT_EQ(goodbye.deadline(), kNever);
}

TEST(SendHealth, TheRoundTripIsThatOfTheCarrierInUse) {
    ClientSettings settings;
    ClientAgreement agreed(settings);
    SendHealth health(settings, agreed);
    CarrierHealth used;
    CarrierHealth standby;
    health.note_round_trip(used, 80ms, true);
    health.note_round_trip(standby, 8ms, false);
    EXPECT_EQ(health.round_trip(), 80ms);
    health.note_round_trip(used, 160ms, true);
    EXPECT_EQ(health.round_trip(), 90ms) << "an eighth of what is new";
    health.use(standby);
    EXPECT_EQ(health.round_trip(), 8ms);
}

TEST(SendHealth, ACarrierThatMissesItsPingsIsDead) {
    ClientSettings settings;
    settings.heartbeat_interval = 1s;
    settings.heartbeat_timeout = 60s;
    settings.max_missed_heartbeats = 2;
    ClientAgreement agreed(settings);
    SendHealth health(settings, agreed);
    CarrierHealth carrier;
    carrier.heard_at = kStart;
    carrier.next_ping_at = kStart + 1s;
    TimePoint now = kStart;
    const auto ping = [&] {
        now += 1s;
        const bool dead = health.is_dead(carrier, now);
        carrier.ping_due = false;
        carrier.ping_id = 7;
        carrier.ping_sent_at = now;
        return dead;
    };
    EXPECT_FALSE(ping());
    EXPECT_FALSE(ping()) << "one is missing";
    carrier.heard(now + 1ms);
    EXPECT_FALSE(ping());
    EXPECT_FALSE(ping());
    EXPECT_TRUE(ping());
}

TEST(SendHealth, WhoSleptHoldsNothingAgainstACarrier) {
    ClientSettings settings;
    settings.retry_delay = 1s;
    ClientAgreement agreed(settings);
    SendHealth health(settings, agreed);
    CarrierHealth carrier;
    carrier.heard_at = kStart;
    carrier.on_trial_since = kStart;
    EXPECT_TRUE(health.is_condemned(carrier, kStart + 10s));
    health.wake(kStart + 10s, kStart + 1s, true);
    EXPECT_FALSE(health.is_condemned(carrier, kStart + 10s));
    carrier.heard(kStart + 11s);
    EXPECT_FALSE(health.is_condemned(carrier, kStart + 99s)) << "it has answered";
}

struct Heard final : ClientSessionListener {
    void on_ready(CarrierKey key, bool) override { ready.push_back(key); }
    void on_standby(CarrierKey) override {}
    void on_detached(errc reason, const std::string&) override { lost.push_back(reason); }
    void on_refused(CarrierKey, errc, const std::string&, std::uint32_t) override {}
    void on_ended(errc, const std::string&, std::uint32_t) override {}
    void on_gap(const GapReport& report) override { gaps.push_back(report); }
    void on_message(LaneIndex, const wire::DataView& data, const Bytes&, std::uint64_t) override {
        senders.emplace_back(data.from);
    }
    void on_outcome(const Outcome& outcome) override { outcomes.push_back(outcome); }
    void on_heartbeat(CarrierKey, Duration) override {}
    void on_suspect(CarrierKey) override {}
    void close_carrier(CarrierKey key, errc code, const std::string&) override { closed.push_back({key, code}); }
    void output_ready(CarrierKey) override {}
    void on_disconnected(bool drained) override { disconnected.push_back(drained); }

    std::vector<CarrierKey> ready;
    std::vector<errc> lost;
    std::vector<GapReport> gaps;
    std::vector<std::string> senders;
    std::vector<Outcome> outcomes;
    std::vector<Closed> closed;
    std::vector<bool> disconnected;
};

class OutgoingTest : public testing::Test {
protected:
    OutgoingTest() { settings.send_timeout = 2s; }

    ClientSettings settings;
    ClientAgreement agreed{settings};
    Heard heard;
    Outgoing outgoing{settings, agreed, heard};
};

TEST_F(OutgoingTest, ACallThatWaitsOfflineIsToldInTime) {
    ASSERT_TRUE(outgoing.send(message_of(1, "hello"), Priority::normal, kStart, true));
    ASSERT_TRUE(outgoing.send(message_of(2, "hello"), Priority::normal, kStart, false));
    EXPECT_EQ(outgoing.next_deadline(), kStart + 2s);
    outgoing.give_up_waiting(kStart + 2s);
    ASSERT_EQ(heard.outcomes.size(), 1u);
    EXPECT_EQ(heard.outcomes[0].message_id, id_of(1));
    EXPECT_EQ(heard.outcomes[0].error, errc::not_connected);
    EXPECT_EQ(outgoing.next_deadline(), kNever) << "nobody waits for the other one";
    EXPECT_EQ(outgoing.size(), 1u);
}

TEST_F(OutgoingTest, TheTimeBeginsAnewWhenTheConnectionIsLost) {
    outgoing.go_online(kStart);
    ASSERT_TRUE(outgoing.send(message_of(1, "hello"), Priority::normal, kStart, true));
    EXPECT_EQ(outgoing.next_deadline(), kNever);
    outgoing.go_offline(kStart + 60s);
    outgoing.give_up_waiting(kStart + 61s);
    EXPECT_TRUE(heard.outcomes.empty());
    EXPECT_EQ(outgoing.next_deadline(), kStart + 62s);
}

TEST_F(OutgoingTest, WhatWasSentIsOpenUntilAnOrderlyEnd) {
    ASSERT_TRUE(outgoing.send(message_of(1, "hello"), Priority::normal, kStart, false));
    EXPECT_FALSE(outgoing.any_open());
    outgoing.on_numbered_first(1, kStart + 1s);
    EXPECT_EQ(outgoing.open(), (std::vector<Uuid>{id_of(1)}));
    outgoing.unsend();
    EXPECT_FALSE(outgoing.any_open());
    outgoing.on_numbered_first(1, kStart + 2s);
    outgoing.leave_open();
    outgoing.unsend();
    EXPECT_TRUE(outgoing.any_open()) << "a server may have acted on it in the session that was left";
    outgoing.fail_all(errc::cancelled, "the end", kStart + 3s);
    ASSERT_EQ(heard.outcomes.size(), 1u);
    EXPECT_EQ(heard.outcomes[0].error, errc::outcome_unknown);
}

TEST_F(OutgoingTest, WhatAnEarlierProcessHasSentIsOpenWhateverTheEndOfASession) {
    ASSERT_TRUE(outgoing.send(message_of(1, "sent"), Priority::normal, kStart, Sending::again(90'000)));
    ASSERT_TRUE(outgoing.send(message_of(2, "never sent"), Priority::normal, kStart, Sending::again(0)));
    EXPECT_EQ(outgoing.open(), (std::vector<Uuid>{id_of(1)}));
    outgoing.unsend();
    EXPECT_EQ(outgoing.open(), (std::vector<Uuid>{id_of(1)})) << "an earlier server may have acted on it";
}

// ---- ClientCarriers ----

ClientCarrier& add_welcomed(ClientCarriers& carriers, CarrierKey key) {
    ClientCarrier& carrier = carriers.add(key, kStart, true);
    carrier.state = ClientCarrier::State::attached;
    return carrier;
}

TEST(ClientCarriers, ALaterActivateOvertakesOneThatWasNotWritten) {
    ClientCarriers carriers;
    ClientCarrier& one = add_welcomed(carriers, 1);
    ClientCarrier& two = add_welcomed(carriers, 2);
    EXPECT_TRUE(carriers.send_on(one));
    EXPECT_EQ(one.activate_epoch, 1u);
    EXPECT_FALSE(one.standby);
    EXPECT_TRUE(carriers.send_on(two));
    EXPECT_EQ(carriers.active(), 2u);
    EXPECT_EQ(one.activate_epoch, 0u);
    EXPECT_EQ(two.activate_epoch, 2u);
    carriers.check_invariants(true);
}

TEST(ClientCarriers, WhatWentWithTheHelloIsNotSentAgain) {
    ClientCarriers carriers;
    ClientCarrier& one = add_welcomed(carriers, 1);
    EXPECT_FALSE(carriers.one_hurried());
    one.first_epoch = carriers.next_epoch();
    EXPECT_TRUE(carriers.one_hurried());
    EXPECT_FALSE(carriers.send_on(one)) << "it sends already";
    EXPECT_EQ(one.activate_epoch, one.first_epoch) << "said once more";
    (void)carriers.next_epoch();
    EXPECT_TRUE(carriers.send_on(one)) << "another Hello has been said since";
    EXPECT_EQ(one.activate_epoch, 3u);
}

TEST(ClientCarriers, TheNewestThatWasWelcomedIsNext) {
    ClientCarriers carriers;
    ClientCarrier& one = add_welcomed(carriers, 1);
    ClientCarrier& two = add_welcomed(carriers, 2);
    ClientCarrier& three = carriers.add(3, kStart, false);
    three.state = ClientCarrier::State::hello_sent;
    EXPECT_EQ(carriers.newest_attached(), &two);
    EXPECT_EQ(carriers.attached_one(3), nullptr);
    EXPECT_TRUE(carriers.another_waits(one));
    EXPECT_FALSE(carriers.another_waits(three));
    (void)carriers.send_on(two);
    carriers.remove(2);
    EXPECT_FALSE(carriers.sends());
    EXPECT_EQ(carriers.newest_attached(), &one);
    EXPECT_EQ(carriers.take_all().size(), 2u);
    EXPECT_FALSE(carriers.attached());
}

// ---- ClientCredential ----

TEST(ClientCredential, OnlyTheAnswerToTheLatestCounts) {
    Chance chance;
    ClientCredential credential(chance);
    credential.begin_attempt("old");
    EXPECT_FALSE(credential.answer(true)) << "nobody has asked";
    credential.renew("second");
    EXPECT_EQ(credential.take_due(), "second");
    credential.renew("third");
    EXPECT_FALSE(credential.answer(true)) << "to the second, and the third is not written yet";
    EXPECT_EQ(credential.take_due(), "third");
    EXPECT_FALSE(credential.due());
    credential.say_again();
    EXPECT_TRUE(credential.due()) << "another carrier sends, and there is no answer yet";
    EXPECT_EQ(credential.take_due(), "third");
    EXPECT_TRUE(credential.answer(true));
    EXPECT_EQ(credential.token(), "third");
    credential.say_again();
    EXPECT_FALSE(credential.due());
}

TEST(ClientCredential, OneThatIsRefusedLeavesTheOldOne) {
    Chance chance;
    ClientCredential credential(chance);
    credential.begin_attempt("old");
    const Uuid attempt = credential.attempt();
    credential.renew("new");
    (void)credential.take_due();
    EXPECT_TRUE(credential.answer(false));
    credential.leave_session();
    EXPECT_EQ(credential.token(), "old");
    EXPECT_NE(credential.attempt(), attempt);
}

// ---- what joins them ----

class ClientPartsTest : public testing::Test {
protected:
    void begin_session() {
        agreed.id = SessionId{id_of(9)};
        agreed.lanes = std::make_unique<LaneSet>(agreed.settings, 1, budget, inbound);
    }
    // What a carrier says first.
    wire::Hello hello_on(ClientCarrier& carrier) {
        wire::Batch batch;
        attaching.write_hello(carrier, batch, kStart);
        const std::string bytes = batch.str();
        const auto frames = frames_of(bytes);
        return *wire::decode_hello(frames.at(0).body);
    }

    ClientSettings settings = [] {
        ClientSettings made;
        made.goodbye_limit = 5s;
        return made;
    }();
    Chance chance;
    SharedBudget shared{64u << 20};
    Budget budget{shared, 4096};
    Heard heard;
    ClientAgreement agreed{settings};
    ClientTickets tickets;
    ClientCredential credential{chance};
    ClientGoodbye goodbye;
    ClientCarriers carriers;
    Outgoing outgoing{settings, agreed, heard};
    SendHealth health{settings, agreed};
    ClientRequests requests{settings, agreed, goodbye, outgoing, heard};
    ClientInbound inbound{settings, agreed, goodbye, outgoing, requests, heard};
    ClientLife life{{settings, heard, agreed, tickets, credential, goodbye, carriers, outgoing, requests, health}};
    ClientAttaching attaching{{settings, chance, budget, heard, agreed, tickets, credential, goodbye, carriers,
                               outgoing, requests, inbound, life}};
    ClientWatch watch{{heard, agreed, goodbye, carriers, outgoing, requests, health, life}};
};

TEST_F(ClientPartsTest, AMessageComesOnceAndTwoSendersMayUseTheSameId) {
    const auto deliver = [&](const char* from) {
        wire::DataView data;
        data.from = from;
        data.message = message_of(1, "hello", "ann");
        inbound.on_data(0, data, {}, 0);
    };
    begin_session();
    deliver("bob");
    deliver("eve");
    deliver("bob");
    agreed.lanes.reset();
    begin_session();
    deliver("bob");
    EXPECT_EQ(heard.senders, (std::vector<std::string>{"bob", "eve"}));
}

TEST_F(ClientPartsTest, AStandbyTakesOverAndTheLastOneLeavesTheSessionDetached) {
    begin_session();
    add_welcomed(carriers, 1);
    life.make_active(add_welcomed(carriers, 2), kStart);
    life.detach(2, errc::connection_lost, "", kStart);
    EXPECT_EQ(heard.ready, (std::vector<CarrierKey>{1}));
    EXPECT_TRUE(heard.lost.empty());
    life.detach(1, errc::ok, "", kStart);
    EXPECT_EQ(heard.lost, (std::vector<errc>{errc::closed_by_peer})) << "never: nothing is wrong";
}

TEST_F(ClientPartsTest, ASessionThatIsGivenUpLeavesNothingAndAGap) {
    begin_session();
    credential.begin_attempt("token");
    const Uuid attempt = credential.attempt();
    tickets.take("ticket", false, false);
    life.make_active(add_welcomed(carriers, 1), kStart);
    life.give_up(errc::bad_compression, "", kStart);
    EXPECT_EQ(heard.closed, (std::vector<Closed>{{1, errc::bad_compression}}));
    EXPECT_EQ(heard.lost, (std::vector<errc>{errc::bad_compression}));
    ASSERT_EQ(heard.gaps.size(), 1u);
    EXPECT_FALSE(heard.gaps[0].lanes.at(0).exact) << "the server has said nothing";
    EXPECT_EQ(agreed.lanes, nullptr);
    EXPECT_FALSE(tickets.can_resume());
    EXPECT_NE(credential.attempt(), attempt) << "a Hello still to come must not find what was left";
}

TEST_F(ClientPartsTest, AKeptTicketIsShownOnceOnEachCarrier) {
    tickets.take("ticket", true, false);
    tickets.keep();
    tickets.forget();
    credential.begin_attempt("token");
    ClientCarrier& carrier = carriers.add(1, kStart, false);
    const wire::Hello first = hello_on(carrier);
    ASSERT_TRUE(first.resume);
    EXPECT_EQ(first.resume->ticket, "ticket");
    EXPECT_EQ(first.token, "");
    carrier.challenge = "prove it";
    const wire::Hello second = hello_on(carrier);
    EXPECT_FALSE(second.resume);
    EXPECT_EQ(second.token, "token");
    EXPECT_NE(second.ticket_proof, "");
    EXPECT_GT(second.epoch, first.epoch);
    EXPECT_EQ(carrier.state, ClientCarrier::State::hello_sent);
}

TEST_F(ClientPartsTest, OnlyTheFirstCarrierOfASessionHurries) {
    begin_session();
    tickets.take("ticket", false, false);
    EXPECT_TRUE(attaching.may_go_early());
    ClientCarrier& first = carriers.add(1, kStart, false);
    (void)hello_on(first);
    EXPECT_NE(first.first_epoch, 0u);
    EXPECT_FALSE(attaching.may_go_early());
    ClientCarrier& second = carriers.add(2, kStart, false);
    (void)hello_on(second);
    EXPECT_EQ(second.first_epoch, 0u);
}

TEST_F(ClientPartsTest, AGoodbyeThatNobodyAnswersEndsInTime) {
    begin_session();
    ClientCarrier& carrier = add_welcomed(carriers, 1);
    carrier.health.heard_at = kStart;
    life.make_active(carrier, kStart);
    life.disconnect(kStart);
    EXPECT_TRUE(heard.disconnected.empty());
    EXPECT_LE(watch.next_deadline(), kStart + 5s);
    watch.on_time(kStart + 5s - 1ms);
    EXPECT_TRUE(heard.disconnected.empty());
    watch.on_time(kStart + 5s);
    EXPECT_EQ(heard.disconnected, (std::vector<bool>{false}));
    EXPECT_EQ(watch.next_deadline(), kNever);
}

}  // namespace
}  // namespace flare::session::test
