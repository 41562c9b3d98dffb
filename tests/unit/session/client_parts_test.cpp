// The parts of a client's session, each alone.
#include "session/client_goodbye.hpp"
#include "session/client_tickets.hpp"
#include "session/outgoing.hpp"
#include "session/send_health.hpp"
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
    void on_ready(CarrierKey, bool) override {}
    void on_standby(CarrierKey) override {}
    void on_detached(errc, const std::string&) override {}
    void on_refused(CarrierKey, errc, const std::string&, std::uint32_t) override {}
    void on_ended(errc, const std::string&, std::uint32_t) override {}
    void on_gap(const GapReport&) override {}
    void on_message(LaneIndex, const wire::DataView&, const Bytes&, std::uint64_t) override {}
    void on_outcome(const Outcome& outcome) override { outcomes.push_back(outcome); }
    void on_heartbeat(CarrierKey, Duration) override {}
    void on_suspect(CarrierKey) override {}
    void close_carrier(CarrierKey, errc, const std::string&) override {}
    void output_ready(CarrierKey) override {}
    void on_disconnected(bool) override {}

    std::vector<Outcome> outcomes;
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
    outgoing.go_online();
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
    outgoing.fail_all(errc::cancelled, "the end");
    ASSERT_EQ(heard.outcomes.size(), 1u);
    EXPECT_EQ(heard.outcomes[0].error, errc::outcome_unknown);
}

}  // namespace
}  // namespace flare::session::test
