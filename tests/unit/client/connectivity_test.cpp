#include "unit/client/connecting_world.hpp"

#include <gmock/gmock.h>

namespace flare::client::test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

// ---- one attempt ----

TEST(Connectivity, DialsEveryAddressEachWithAHeadStart) {
    ConnectingWorld world(both_protocols());
    world.failed_here = {Protocol::quic};
    world.connectivity.connect(world.now);
    EXPECT_THAT(world.take(), ElementsAre("dial first 1+0 0+250"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::connecting);
}

TEST(Connectivity, TheFirstConnectionSaysHelloAndTheNextWaitsInReserve) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.take();
    world.made(Protocol::quic, 20ms);
    world.made(Protocol::websocket, 20ms);
    EXPECT_THAT(world.take(), ElementsAre("hello 1"));
    EXPECT_EQ(world.sleep(), 20ms + Attempt::kHedgeSlack);  // no Welcome
    EXPECT_THAT(world.take(), ElementsAre("hello 2"));
}

TEST(Connectivity, AReserveOfASlowPathWaitsLonger) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.made(Protocol::quic, 20ms);
    world.made(Protocol::websocket, 300ms);
    EXPECT_EQ(world.sleep(), 320ms);
}

TEST(Connectivity, ALaterConnectionSaysHelloIfItsWelcomeWillBeThereFirst) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.take();
    world.made(Protocol::websocket, 300ms);
    world.pass(10ms);
    world.made(Protocol::quic, 20ms);
    EXPECT_THAT(world.take(), ElementsAre("hello 1", "hello 2"));
}

TEST(Connectivity, AReserveSaysHelloAtOnceWhenTheOtherConnectionEnds) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    const auto first = world.made(Protocol::quic);
    world.made(Protocol::websocket);
    world.take();
    world.connectivity.gone(first, Failure(errc::connection_lost), world.now);
    EXPECT_THAT(world.take(), ElementsAre("hello 2"));
}

TEST(Connectivity, EarlyDataIsAHelloAlready) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.take();
    world.made(Protocol::quic, 20ms, true);
    EXPECT_THAT(world.take(), IsEmpty());
    world.made(Protocol::websocket, 20ms);
    EXPECT_THAT(world.take(), IsEmpty());  // in reserve
}

TEST(Connectivity, TheWelcomedConnectionIsUsedAndTheOthersAreClosed) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    const auto used = world.made(Protocol::quic);
    world.made(Protocol::websocket);
    world.take();
    world.welcome(used);
    EXPECT_THAT(world.take(), ElementsAre("leave 2", "connected quic", "answer quic"));
    EXPECT_EQ(world.connectivity.in_use(), Protocol::quic);
    EXPECT_EQ(world.connectivity.next_deadline(), session::kNever);
}

TEST(Connectivity, AProtocolThatFailedWhileAnotherWonIsRemembered) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.dialled().failed_ = {Protocol::quic};
    world.welcome(world.made(Protocol::websocket));
    EXPECT_THAT(world.failed_here, ElementsAre(Protocol::quic));
}

TEST(Connectivity, TheFirstConnectIsToldOfEveryErrorAtOnce) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.take();
    world.nothing_answers();
    EXPECT_THAT(world.take(),
                ElementsAre("drop", "fail all: no answer", "gave up: no answer", "answer connection_refused"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::failed);
}

TEST(Connectivity, ExhaustedAddressesAreNoFailureWhileAWelcomeIsAwaited) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.made(Protocol::quic);
    world.take();
    world.nothing_answers();
    EXPECT_THAT(world.take(), IsEmpty());
}

TEST(Connectivity, AnAttemptWithoutAWelcomeEndsInTime) {
    ConnectingWorld world(both_protocols());
    world.connectivity.connect(world.now);
    world.made(Protocol::quic);
    world.take();
    EXPECT_EQ(world.sleep(), 5s);
    const auto lines = world.take();
    EXPECT_THAT(lines, Contains(HasSubstr("no session within 5000 ms: connected, but the server did not")));
    EXPECT_THAT(lines, Contains("answer connect_timeout"));
}

// ---- reconnecting ----

TEST(Connectivity, ALossIsFollowedByAttemptsThatComeLaterEachTime) {
    ConnectingWorld world(websocket_only());
    const auto key = world.connect(Protocol::websocket);
    world.lose(key);
    EXPECT_THAT(world.take(), ElementsAre("lost: lost", "attempt 1 in 62"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::reconnecting);
    EXPECT_EQ(world.sleep(), 62ms);
    EXPECT_THAT(world.take(), ElementsAre("dial again 0+0"));
    world.nothing_answers();
    EXPECT_THAT(world.take(), ElementsAre("drop", "attempt 2 in 1000", "answer connection_refused"));
    world.sleep();
    world.nothing_answers();
    EXPECT_THAT(world.take(), Contains("attempt 3 in 2000"));
    world.sleep();
    world.take();
    world.welcome(world.made(Protocol::websocket), true);
    EXPECT_THAT(world.take(), ElementsAre("hello 2", "reconnected websocket", "answer websocket"));
    world.lose(2);
    EXPECT_THAT(world.take(), Contains("attempt 1 in 62"));  // it begins anew
}

TEST(Connectivity, GivesUpAfterAsManyAttemptsAsItMayMake) {
    Connectivity::Settings settings = websocket_only();
    settings.max_reconnect_attempts = 2;
    ConnectingWorld world(settings);
    world.lose(world.connect(Protocol::websocket));
    for (int i = 0; i < 2; ++i) {
        world.sleep();
        world.nothing_answers();
    }
    EXPECT_THAT(world.take(), Contains("gave up: 2 attempts, the last: no answer"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::failed);
    EXPECT_EQ(world.connectivity.next_deadline(), session::kNever);
}

TEST(Connectivity, WithoutAnyAttemptALossIsTheEnd) {
    Connectivity::Settings settings = websocket_only();
    settings.auto_reconnect = false;
    ConnectingWorld world(settings);
    world.lose(world.connect(Protocol::websocket));
    EXPECT_THAT(world.take(), ElementsAre("lost: lost, for good", "fail all: lost", "answer connection_lost"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::disconnected);
}

TEST(Connectivity, WhatNoAttemptCanHealEndsReconnecting) {
    ConnectingWorld world(websocket_only());
    world.lose(world.connect(Protocol::websocket));
    world.sleep();
    world.nothing_answers(errc::certificate_rejected);
    EXPECT_THAT(world.take(), Contains("answer certificate_rejected"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::failed);
}

TEST(Connectivity, AServersSlotIsKeptWhateverHappens) {
    ConnectingWorld world(websocket_only());
    world.connect(Protocol::websocket);
    world.connectivity.ended(Failure(errc::shutting_down, "bye"), 7s, world.now);
    EXPECT_THAT(world.take(), ElementsAre("lost: bye", "attempt 1 in 7000 slot"));
    world.connectivity.network_changed(session::kNoCarrier, world.now);
    world.connectivity.reconnect(world.now);
    EXPECT_EQ(world.sleep(), 7s);
    EXPECT_THAT(world.take(), ElementsAre("dial again 0+0"));
}

TEST(Connectivity, AServerThatAsksForTimeIsNoFailureOfTheAttempt) {
    ConnectingWorld world(websocket_only());
    world.lose(world.connect(Protocol::websocket));
    world.sleep();
    const auto key = world.made(Protocol::websocket);
    world.take();
    world.connectivity.closing(key);
    world.connectivity.refused(key, Failure(errc::busy, "later"), 3s, world.now);
    EXPECT_THAT(world.take(), ElementsAre("drop", "attempt 1 in 3000 slot"));  // and reconnect() still waits
}

TEST(Connectivity, AChangeOfTheNetworkHurriesTheNextAttemptWithoutHaste) {
    ConnectingWorld world(websocket_only());
    world.lose(world.connect(Protocol::websocket));
    world.sleep();
    for (int i = 0; i < 3; ++i) {
        world.nothing_answers();
        if (i < 2) world.sleep();
    }
    world.take();
    world.connectivity.network_changed(session::kNoCarrier, world.now);
    EXPECT_EQ(world.sleep(), 1s);  // after the last one began
    EXPECT_THAT(world.take(), ElementsAre("dial again 0+0"));
}

TEST(Connectivity, ReconnectDropsEverythingAndConnectsAtOnce) {
    ConnectingWorld world(websocket_only());
    world.connect(Protocol::websocket);
    world.connectivity.reconnect(world.now);
    EXPECT_THAT(world.take(), ElementsAre("lost: reconnect() was called", "drop", "attempt 1 in 0", "dial again 0+0"));
    world.nothing_answers();
    EXPECT_THAT(world.take(), ElementsAre("drop", "attempt 2 in 1000", "answer connection_refused"));
}

TEST(Connectivity, AfterDisconnectNothingBeginsAnyMore) {
    ConnectingWorld world(both_protocols());
    const auto key = world.connect(Protocol::quic);
    world.connectivity.disconnect(world.now);
    world.lose(key);
    EXPECT_THAT(world.take(), IsEmpty());
    EXPECT_EQ(world.connectivity.next_deadline(), session::kNever);
    world.connectivity.disconnected();
    EXPECT_EQ(world.connectivity.status(), ClientStatus::disconnected);
}

// ---- tokens ----

TEST(Connectivity, ATokenThatIsRefusedASecondTimeEndsReconnecting) {
    ConnectingWorld world(websocket_only(), [] { return std::string("old"); });
    world.lose(world.connect(Protocol::websocket));
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(world.connectivity.status(), ClientStatus::reconnecting);
        world.sleep();
        const auto key = world.made(Protocol::websocket);
        world.connectivity.refused(key, Failure(errc::token_expired, "old"), {}, world.now);
    }
    EXPECT_EQ(world.connectivity.status(), ClientStatus::failed);
}

TEST(Connectivity, AnotherTokenIsTriedAfterARefusal) {
    int asked = 0;
    ConnectingWorld world(websocket_only(), [&] { return "token" + std::to_string(++asked); });
    world.lose(world.connect(Protocol::websocket));
    for (int i = 0; i < 5; ++i) {
        world.sleep();
        const auto key = world.made(Protocol::websocket);
        world.connectivity.refused(key, Failure(errc::token_expired, "old"), {}, world.now);
    }
    EXPECT_EQ(world.connectivity.status(), ClientStatus::reconnecting);
}

TEST(Connectivity, AProviderThatThrowsIsAFailedAttempt) {
    bool works = true;
    ConnectingWorld world(websocket_only(),
                          [&] { return works ? std::string("t") : throw std::runtime_error("down"); });
    world.lose(world.connect(Protocol::websocket));
    works = false;
    world.take();
    world.sleep();
    EXPECT_THAT(world.take(), ElementsAre("drop", "attempt 2 in 1000", "answer unauthenticated"));
    works = true;
    world.sleep();
    EXPECT_THAT(world.take(), ElementsAre("token t", "dial again 0+0"));
}

// ---- another connection takes over ----

TEST(Connectivity, ABrokenConnectionIsReplacedOverAnyProtocolBeforeALossIsTold) {
    ConnectingWorld world(both_protocols());
    world.lose(world.connect(Protocol::quic));
    EXPECT_THAT(world.take(), ElementsAre("dial fallback 1+0 0+250"));  // the one that failed comes last
    EXPECT_EQ(world.connectivity.status(), ClientStatus::connected);
    EXPECT_FALSE(world.connectivity.uses(Protocol::quic));
    world.welcome(world.made(Protocol::websocket), true);
    EXPECT_THAT(world.take(), ElementsAre("hello 2", "moved websocket, fallback"));
    EXPECT_THAT(world.failed_here, ElementsAre(Protocol::quic));
}

TEST(Connectivity, AFallbackThatFailsTellsBothReasons) {
    ConnectingWorld world(both_protocols());
    world.lose(world.connect(Protocol::quic));
    world.take();
    world.nothing_answers();
    EXPECT_THAT(world.take(), ElementsAre("drop", "lost: lost; no answer", "attempt 1 in 62"));
    EXPECT_EQ(world.connectivity.in_use(), std::nullopt);
}

TEST(Connectivity, WithoutFallbackALossIsToldAtOnce) {
    Connectivity::Settings settings = both_protocols();
    settings.auto_fallback = false;
    ConnectingWorld world(settings);
    world.lose(world.connect(Protocol::quic));
    EXPECT_THAT(world.take(), ElementsAre("lost: lost", "attempt 1 in 62"));
}

TEST(Connectivity, ASuspectedCarrierStaysUntilAnotherTakesItsPlace) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    EXPECT_THAT(world.take(), ElementsAre("suspected 1", "dial replace 1+0 0+250"));
    world.welcome(world.made(Protocol::websocket), true);
    EXPECT_THAT(world.take(), ElementsAre("hello 2", "moved websocket, fallback"));
    world.sleep();
    EXPECT_THAT(world.take(), ElementsAre("leave 1"));  // what was under way on it has arrived
}

TEST(Connectivity, ASuspectThatAnswersKeepsTheSession) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    world.connectivity.recovered(suspect, world.now);
    world.take();
    EXPECT_FALSE(world.connectivity.is_moving());
    EXPECT_EQ(world.sleep(), session::Duration::max());
}

TEST(Connectivity, ASuspectThatAnswersLosesToAConnectionThatAwaitsItsWelcome) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    const auto other = world.made(Protocol::websocket);
    world.connectivity.recovered(suspect, world.now);
    EXPECT_TRUE(world.connectivity.is_moving());
    world.welcome(other, true);
    EXPECT_EQ(world.connectivity.in_use(), Protocol::websocket);
}

TEST(Connectivity, ASuspectWithoutAnotherConnectionIsTriedAgainAfterTheDelay) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    world.pass(300ms);
    world.nothing_answers();
    world.take();
    EXPECT_EQ(world.sleep(), 700ms);
    EXPECT_THAT(world.take(), ElementsAre("suspected 1", "dial replace 1+0 0+250"));
    EXPECT_EQ(world.connectivity.status(), ClientStatus::connected);
}

TEST(Connectivity, ASuspectIsNotTriedAgainOnceItHasRecovered) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    world.nothing_answers();
    world.connectivity.recovered(suspect, world.now);
    EXPECT_EQ(world.sleep(), session::Duration::max());
}

TEST(Connectivity, AConnectionThatCannotMoveWithTheAddressIsReplaced) {
    ConnectingWorld world(both_protocols());
    const auto key = world.connect(Protocol::websocket);
    world.connectivity.network_changed(key, world.now);
    EXPECT_THAT(world.take(), ElementsAre("dial replace 0+0 1+0"));  // its protocol is not at fault
}

TEST(Connectivity, AConnectionOverQuicStaysInUse) {
    ConnectingWorld world(both_protocols());
    const auto key = world.connect(Protocol::quic);
    world.connectivity.network_changed(key, world.now);  // it has moved along, or its own timers decide
    EXPECT_THAT(world.take(), IsEmpty());
}

TEST(Connectivity, AProtocolIsNotAtFaultWhenTheServerEndedTheSession) {
    ConnectingWorld world(both_protocols());
    const auto suspect = world.connect(Protocol::quic);
    world.connectivity.suspected(suspect, world.now);
    world.connectivity.ended(Failure(errc::shutting_down, "bye"), {}, world.now);
    world.sleep();
    world.welcome(world.made(Protocol::websocket));
    EXPECT_EQ(world.connectivity.in_use(), Protocol::websocket);
    EXPECT_THAT(world.failed_here, IsEmpty());
}

TEST(Connectivity, SwitchingConnectsOverTheAskedProtocolOnly) {
    ConnectingWorld world(both_protocols());
    world.connect(Protocol::quic);
    world.connectivity.switch_to(Protocol::websocket, world.now);
    EXPECT_THAT(world.take(), ElementsAre("dial asked 1+0"));
    EXPECT_TRUE(world.connectivity.is_moving());
    world.welcome(world.made(Protocol::websocket), true);
    EXPECT_THAT(world.take(), ElementsAre("hello 2", "moved websocket, asked", "switch websocket"));
    EXPECT_FALSE(world.connectivity.is_moving());
    EXPECT_THAT(world.failed_here, IsEmpty());  // the one before did nothing wrong
}

TEST(Connectivity, ASwitchThatFailsLeavesTheSessionWhereItIs) {
    ConnectingWorld world(both_protocols());
    world.connect(Protocol::quic);
    world.connectivity.switch_to(Protocol::websocket, world.now);
    world.take();
    world.nothing_answers();
    EXPECT_THAT(world.take(), ElementsAre("switch connection_refused"));
    EXPECT_EQ(world.connectivity.in_use(), Protocol::quic);
    EXPECT_EQ(world.connectivity.status(), ClientStatus::connected);
}

TEST(Connectivity, ASwitchIsAnsweredWhenTheSessionEnds) {
    ConnectingWorld world(both_protocols());
    world.connect(Protocol::quic);
    world.connectivity.switch_to(Protocol::websocket, world.now);
    world.connectivity.disconnect(world.now);
    world.connectivity.disconnected();
    EXPECT_THAT(world.take(), Contains("answer cancelled"));
    EXPECT_FALSE(world.connectivity.is_moving());
}

// ---- beside the one in use ----

Connectivity::Settings racing() {
    Connectivity::Settings settings = both_protocols();
    settings.race.measures = true;
    settings.race.warm_standby = true;
    return settings;
}

session::CarrierKey with_standby(ConnectingWorld& world) {
    world.connect(Protocol::quic);
    world.pass(1min);
    EXPECT_THAT(world.take(), ElementsAre("dial beside 1+0"));
    const auto standby = world.made(Protocol::websocket);
    EXPECT_THAT(world.take(), ElementsAre("hello 2 standby"));
    world.attached.insert(standby);
    world.connectivity.standby_welcomed(standby, world.now);
    return standby;
}

TEST(Connectivity, ASuspectIsReplacedByTheStandbyAtOnce) {
    ConnectingWorld world(racing());
    const auto standby = with_standby(world);
    world.connectivity.suspected(1, world.now);
    EXPECT_THAT(world.take(), ElementsAre("suspected 1", "moved websocket, fallback"));
    EXPECT_TRUE(world.connectivity.carriers().at(standby).ready);
}

TEST(Connectivity, ASwitchTakesTheStandby) {
    ConnectingWorld world(racing());
    with_standby(world);
    world.connectivity.switch_to(Protocol::websocket, world.now);
    EXPECT_THAT(world.take(), ElementsAre("moved websocket, asked", "switch websocket"));
}

TEST(Connectivity, AStandbyThatIsRefusedHarmsNothingAndIsTriedLater) {
    ConnectingWorld world(racing());
    world.connect(Protocol::quic);
    world.pass(1min);
    const auto standby = world.made(Protocol::websocket);
    world.take();
    world.connectivity.closing(standby);
    world.connectivity.refused(standby, Failure(errc::busy), {}, world.now);
    world.connectivity.gone(standby, Failure(errc::busy), world.now);
    EXPECT_THAT(world.take(), IsEmpty());
    EXPECT_EQ(world.connectivity.status(), ClientStatus::connected);
    EXPECT_GT(world.connectivity.next_deadline(),
              world.now + racing().race.timeout);  // of an attempt that still goes on
}

TEST(Connectivity, AStandbyThatDoesNotConnectIsGivenUp) {
    ConnectingWorld world(racing());
    world.connect(Protocol::quic);
    world.pass(1min);
    world.take();
    world.connectivity.exhausted(Plan::Why::beside, Protocol::websocket, world.now);
    EXPECT_THAT(world.take(), IsEmpty());
    EXPECT_GT(world.connectivity.next_deadline(), world.now);  // later, once more
}

// Time passes, and probes are answered after the round trip of their carrier.
void measure(ConnectingWorld& world, std::map<session::CarrierKey, session::Duration> round_trips) {
    for (int i = 0; i < 300; ++i) {
        world.pass(20ms);
        for (std::size_t p = 0; p < world.probes.size(); ++p) {
            ConnectingWorld::Probe& probe = world.probes[p];
            if (probe.answered || world.now - probe.at < round_trips[probe.key]) continue;
            probe.answered = true;
            world.connectivity.race().answered(probe.key, probe.id, world.now);
        }
    }
}

TEST(Connectivity, TheSessionMovesToAConnectionThatIsMeasuredToBeBetter) {
    ConnectingWorld world(racing());
    const auto standby = with_standby(world);
    measure(world, {{1, 400ms}, {standby, 20ms}});
    EXPECT_THAT(world.take(), Contains("moved websocket, better"));
    EXPECT_EQ(world.connectivity.in_use(), Protocol::websocket);
}

TEST(Connectivity, TheSessionStaysWhereItIsNotWorse) {
    ConnectingWorld world(racing());
    const auto standby = with_standby(world);
    measure(world, {{1, 20ms}, {standby, 20ms}});
    EXPECT_GT(world.probes.size(), 0u);
    EXPECT_THAT(world.take(), IsEmpty());
    EXPECT_EQ(world.connectivity.in_use(), Protocol::quic);
}

TEST(Connectivity, ReconnectPutsASwitchAside) {
    ConnectingWorld world(both_protocols());
    world.connect(Protocol::quic);
    world.connectivity.switch_to(Protocol::websocket, world.now);
    world.connectivity.reconnect(world.now);
    EXPECT_THAT(world.take(), Contains("dial again 0+0 1+0"));
}

// ---- the parts ----

TEST(Credential, RefusesWhatNoHelloCanCarry) {
    EXPECT_TRUE(Credential::check(std::string(8192, 'x')));
    EXPECT_FALSE(Credential::check(std::string(8193, 'x')));
    EXPECT_FALSE(Credential::check("\xff"));
}

TEST(Credential, ASessionThatStandsForgivesARefusal) {
    Credential credential([] { return std::string("t"); }, true);
    ASSERT_TRUE(credential.for_attempt());
    credential.refused(errc::token_expired);
    credential.accepted();
    credential.refused(errc::token_expired);
    EXPECT_TRUE(credential.may_heal(errc::token_expired));
    credential.refused(errc::token_expired);
    EXPECT_FALSE(credential.may_heal(errc::token_expired));
}

TEST(Outage, ALongOutageHasTheLongCeilingUntilTheNetworkChanges) {
    Outage outage(1s);
    outage.begin(kStart);
    for (int i = 0; i < 20; ++i) outage.attempt_failed();
    EXPECT_EQ(outage.plan({}, kStart, 0), 2500ms);
    const auto later = kStart + Backoff::kLongOutage;
    EXPECT_EQ(outage.plan({}, later, 0), 15s);
    outage.renew(later);
    EXPECT_EQ(outage.plan({}, later, 0), 2500ms);
}

TEST(Outage, IsDueOnce) {
    Outage outage(1s);
    outage.begin(kStart);
    const auto delay = outage.plan({}, kStart, 0);
    EXPECT_FALSE(outage.take_due(kStart));
    EXPECT_TRUE(outage.take_due(kStart + delay));
    EXPECT_FALSE(outage.take_due(kStart + delay));
}

}  // namespace
}  // namespace flare::client::test
