// The parts of a server's session and of a table, each alone.
#include "session/attachments.hpp"
#include "session/credential_term.hpp"
#include "session/deadlines.hpp"
#include "session/devices.hpp"
#include "session/farewell.hpp"
#include "session/refusal.hpp"
#include "session/session_tickets.hpp"
#include "session/tombstones.hpp"
#include "unit/session/support.hpp"

#include <gtest/gtest.h>

namespace flare::session::test {
namespace {

const Uuid kFirst = id_of(1);
const Uuid kSecond = id_of(2);

Attached carrier_of(CarrierKey key, std::uint64_t epoch) {
    Attached carrier;
    carrier.key = key;
    carrier.epoch = epoch;
    return carrier;
}

// ---- Attachments ----

TEST(Attachments, KnowsSinceWhenThereIsNone) {
    Attachments carriers;
    EXPECT_EQ(carriers.detached_at(), kNever) << "there was none yet";
    carriers.add(carrier_of(7, 1), kStart);
    carriers.add(carrier_of(8, 2), kStart + 1s);
    EXPECT_EQ(carriers.attached_at(), kStart);
    carriers.send_on(8);

    EXPECT_FALSE(carriers.remove(9, kStart + 2s));
    EXPECT_TRUE(carriers.remove(8, kStart + 2s));
    EXPECT_EQ(carriers.active(), kNoCarrier);
    EXPECT_EQ(carriers.detached_at(), kNever);
    EXPECT_TRUE(carriers.remove(7, kStart + 3s));
    EXPECT_EQ(carriers.detached_at(), kStart + 3s);
    carriers.check_invariants();
    carriers.add(carrier_of(9, 3), kStart + 4s);
    EXPECT_EQ(carriers.detached_at(), kNever);
    EXPECT_EQ(carriers.attached_at(), kStart + 4s);
}

TEST(Attachments, TheOldestThatDoesNotSendMakesRoom) {
    Attachments carriers;
    for (CarrierKey key = 1; key <= Attachments::kMost; ++key) carriers.add(carrier_of(key, key), kStart);
    EXPECT_EQ(carriers.least(), 1u);
    carriers.send_on(1);
    EXPECT_EQ(carriers.least(), 2u);
}

TEST(Attachments, SendsOnTheNewestWhoseWelcomeHasArrived) {
    Attachments carriers;
    for (CarrierKey key = 1; key <= 3; ++key) carriers.add(carrier_of(key, key), kStart);
    EXPECT_EQ(carriers.newest_confirmed(), nullptr);
    carriers.find(1)->confirmed = true;
    carriers.find(2)->confirmed = true;
    EXPECT_EQ(carriers.newest_confirmed()->key, 2u);
}

TEST(Attachments, ALaterActivateOvertakesAnEarlierOne) {
    Attachments carriers;
    carriers.add(carrier_of(1, 1), kStart);
    carriers.add(carrier_of(2, 2), kStart);
    carriers.note_activate(*carriers.find(1), 5);
    carriers.send_on(1);
    EXPECT_TRUE(carriers.find(1)->activated);
    EXPECT_TRUE(carriers.is_stale(2, 4));
    EXPECT_TRUE(carriers.is_stale(2, 5)) << "a copy of it on another carrier";
    EXPECT_FALSE(carriers.is_stale(1, 5)) << "the same once more";
    EXPECT_FALSE(carriers.is_stale(2, 6));
}

TEST(Attachments, AnEarlierConnectIsOvertaken) {
    Attachments carriers;
    carriers.belong_to(kFirst, 3);
    EXPECT_FALSE(carriers.overtaken(kFirst, 1)) << "it races with itself";
    EXPECT_TRUE(carriers.overtaken(kSecond, 2));
    EXPECT_FALSE(carriers.overtaken(kSecond, 3));
    carriers.belong_to(kSecond, 4);
    EXPECT_TRUE(carriers.overtaken(kFirst, 3));
}

// ---- SessionTickets ----

TEST(SessionTickets, TheOneBeforeIsGoodForItsConnectOnly) {
    SessionTickets tickets;
    tickets.offer("one");
    EXPECT_TRUE(tickets.accepts("one", kFirst));
    EXPECT_EQ(tickets.for_welcome(1), "one");
    tickets.confirm(kFirst);
    EXPECT_FALSE(tickets.offers());
    EXPECT_EQ(tickets.for_welcome(1), "one") << "a Welcome that is late offers what is good now";
    tickets.offer("two");
    EXPECT_TRUE(tickets.accepts("one", kSecond));
    tickets.confirm(kFirst);
    EXPECT_TRUE(tickets.accepts("two", kSecond));
    EXPECT_TRUE(tickets.accepts("one", kFirst));
    EXPECT_FALSE(tickets.accepts("one", kSecond));
    EXPECT_FALSE(tickets.is_next("two"));
}

// ---- CredentialTerm ----

TEST(CredentialTerm, WarnsOnceAndInTime) {
    CredentialTerm term;
    SessionCredential credential;
    credential.expires_at = kStart + 100s;
    term.take(credential, 60s, kStart);
    EXPECT_EQ(term.next_deadline(), kStart + 75s) << "a quarter of what is left, when the warning is longer";
    EXPECT_FALSE(term.warning_due(kStart + 74s));
    EXPECT_TRUE(term.warning_due(kStart + 75s));
    EXPECT_FALSE(term.warning_due(kStart + 76s));
    EXPECT_FALSE(term.has_expired(kStart + 99s));
    EXPECT_TRUE(term.has_expired(kStart + 100s));
    term.end();
    EXPECT_EQ(term.next_deadline(), kNever);
}

TEST(CredentialTerm, AnAnswerIsNotLostForAWarning) {
    CredentialTerm term;
    EXPECT_TRUE(term.begin_renewal());
    EXPECT_FALSE(term.begin_renewal()) << "one at a time";
    wire::CredentialState answer;
    answer.answer = true;
    term.tell(answer, kStart);
    term.tell({}, kStart);
    EXPECT_TRUE(term.take_word()->answer);
    EXPECT_EQ(term.take_word(), nullptr);
}

// ---- Farewell ----

TEST(Farewell, IsSaidAgainOnAnotherCarrier) {
    Farewell farewell;
    EXPECT_FALSE(farewell.is_coming());
    farewell.begin(errc::kicked, "thrown out", 5, kStart + 5s);
    farewell.say();
    EXPECT_TRUE(farewell.is_final());
    farewell.say_again();
    EXPECT_FALSE(farewell.said());
    EXPECT_TRUE(farewell.is_final()) << "its numbers stay the last";
}

TEST(Farewell, TheEarlierDeadlineCounts) {
    Farewell farewell;
    farewell.heard({}, kStart + 5s);
    farewell.begin(errc::kicked, "thrown out", 0, kStart + 9s);
    EXPECT_EQ(farewell.deadline(), kStart + 5s);
}

// ---- Deadlines ----

TEST(Deadlines, MoveNearerAndNeverAway) {
    Deadlines deadlines;
    SessionTimer first;
    SessionTimer second;
    deadlines.arm(first, kStart + 5s);
    deadlines.arm(first, kStart + 9s);
    EXPECT_EQ(deadlines.next(), kStart + 5s);
    deadlines.arm(second, kStart + 3s);
    deadlines.arm(second, kNever);
    EXPECT_EQ(deadlines.next(), kStart + 3s);
    deadlines.set(second, kNever);
    EXPECT_EQ(deadlines.next(), kStart + 5s);
    deadlines.take_due(kStart + 4s);
    EXPECT_TRUE(first.is_linked());
    deadlines.take_due(kStart + 5s);
    EXPECT_FALSE(first.is_linked());
}

TEST(Deadlines, ASweepIsTakenOnce) {
    Deadlines deadlines;
    EXPECT_FALSE(deadlines.sweeps());
    deadlines.sweep_some_time(kStart);
    const TimePoint at = deadlines.next();
    EXPECT_FALSE(deadlines.take_sweep(at - 1s));
    EXPECT_TRUE(deadlines.take_sweep(at));
    EXPECT_FALSE(deadlines.take_sweep(at));
    deadlines.sweep_by(kStart + 1s);
    EXPECT_EQ(deadlines.next(), kStart + 1s);
}

// ---- Tombstones, Devices ----

TEST(Tombstones, StayForTheirTimeAndAreCharged) {
    SharedBudget shared(1u << 20);
    Budget budget(shared, 4096);
    Tombstones tombstones(10s, budget);
    for (const std::uint8_t n : {std::uint8_t{1}, std::uint8_t{2}}) {
        auto grave = std::make_unique<Tombstone>();
        grave->ended_at = kStart + std::chrono::seconds(n);
        tombstones.add(SessionId{id_of(n)}, std::move(grave));
    }
    EXPECT_NE(budget.used(), 0u);
    tombstones.forget_old(kStart + 11s);
    EXPECT_EQ(tombstones.find(SessionId{id_of(1)}), nullptr);
    ASSERT_NE(tombstones.find(SessionId{id_of(2)}), nullptr);
    tombstones.forget(SessionId{id_of(2)});
    EXPECT_EQ(budget.used(), 0u);
}

TEST(KnownDevices, AreForgottenWhenTheirIdsAreOld) {
    SharedBudget shared(1u << 20);
    Budget budget(shared, 4096);
    Settings settings;
    Devices devices(settings, budget);
    EXPECT_EQ(devices.find("ann", "phone"), nullptr);
    devices.get("ann", "phone").used_at = kStart;
    EXPECT_EQ(devices.find("ann", "phone"), &devices.get("ann", "phone"));
    EXPECT_TRUE(devices.forget_old(kStart + 1s)) << "it stays, idle";
    EXPECT_FALSE(devices.forget_old(kStart + settings.dedupe_retention() + 1s));
    EXPECT_EQ(devices.find("ann", "phone"), nullptr);
    EXPECT_EQ(budget.used(), 0u);
}

TEST(KnownDevices, OneStaysUntilItsLastMessageIsAnswered) {
    Settings settings;
    SharedBudget shared(1u << 20);
    Budget budget(shared, 4096);
    Devices devices(settings, budget);
    Device& device = devices.get("ann", "phone");
    device.pending = 1;
    const TimePoint late = kStart + settings.dedupe_retention() + 1s;
    EXPECT_FALSE(device.idle());
    devices.forget_old(late);
    EXPECT_EQ(devices.find("ann", "phone"), &device);
    device.pending = 0;
    devices.forget_old(late);
    EXPECT_EQ(devices.find("ann", "phone"), nullptr);
}

TEST(KnownDevices, OneThatGoesForItsMemoryIsNotTakenForNew) {
    SharedBudget shared(1u << 20);
    Budget budget(shared, 4096);
    Settings settings;
    Devices devices(settings, budget);
    (void)devices.get("ann", "phone").acted_on.check(kFirst, 0s, kStart, kStart + 1s);
    std::string key;
    devices.for_each([&](std::string_view each, const Device&) { key = each; });
    devices.forget(key, kStart + 2s);
    const auto again = devices.get("ann", "phone").acted_on.check(kFirst, 2s, kStart, kStart + 3s);
    EXPECT_EQ(again.verdict, DedupeRing::Verdict::too_old);
}

TEST(Device, RemembersItsLatestConnects) {
    Settings settings;
    Device device(settings, TimePoint::min());
    for (std::uint8_t n = 1; n <= Device::kAttempts + 1; ++n) device.remember(id_of(n));
    EXPECT_FALSE(device.knows(id_of(1)));
    EXPECT_TRUE(device.knows(id_of(2)));
    EXPECT_EQ(device.of_attempt(id_of(2)), nullptr) << "its session has gone";
}

TEST(Device, WhatIsToComeAgainHasNotBeenActedOn) {
    Settings settings;
    Device device(settings, TimePoint::min());
    for (const Uuid& id : {kFirst, kSecond}) (void)device.acted_on.check(id, 0s, kStart, kStart);
    device.note_answer(kFirst, make_refusal(errc::busy, "later", 100));
    device.note_answer(kSecond, make_refusal(errc::busy, "no room"));
    EXPECT_EQ(device.acted_on.check(kFirst, 0s, kStart, kStart).verdict, DedupeRing::Verdict::fresh);
    EXPECT_EQ(device.acted_on.check(kSecond, 0s, kStart, kStart).verdict, DedupeRing::Verdict::finished);
}

// ---- Refusal ----

TEST(Refusal, IsOfAHelloOrOfAMessage) {
    const wire::Refused hello = make_refusal(errc::busy, "later", 7);
    EXPECT_EQ(hello.code, errc::busy);
    EXPECT_EQ(hello.retry_after_ms, 7u);
    const Receipt message = make_refusal(errc::busy, "later", 7);
    EXPECT_EQ(message.status, wire::ReceiptStatus::refused);
    EXPECT_EQ(message.text, "later");
}

}  // namespace
}  // namespace flare::session::test
