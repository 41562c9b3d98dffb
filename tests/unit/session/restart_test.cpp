// A server that goes down in order and comes back as another process: docs/protocol.md, "Goodbye", "Tickets".
#include "support.hpp"

namespace flare::session::test {
namespace {

// A client whose server has the key of `process`, and the Hello that it says on carrier `key`.
struct Restart : ::testing::Test {
    Restart() { bench.connect(1); }
    void drain() {
        bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
        bench.live(1s);
        ASSERT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));
    }
    wire::Hello hello_on(CarrierKey key) {
        bench.client.session.begin_attempt("token");
        bench.client.session.open(key, bench.now());
        return next_hello(key);
    }
    wire::Hello next_hello(CarrierKey key) {
        batch = bench.from_client(key);
        std::string_view rest;
        auto hello = read_hello(batch, rest);
        EXPECT_TRUE(hello);
        early = !rest.empty();
        return hello ? *hello : wire::Hello();
    }
    void refuse(CarrierKey key, errc code, std::uint32_t retry_after_ms = 0) {
        wire::Refused refused;
        refused.code = code;
        refused.retry_after_ms = retry_after_ms;
        wire::Batch answer;
        write_refusal(answer, refused);
        bench.to_client(key, answer.str());
    }

    TicketKeys keys{std::string(32, 'k'), {}, "process1"};
    Bench bench{{}, Bench::client_settings(), 64u << 20, &keys};
    std::string batch;
    bool early = false;  // something came behind the last Hello
};

TEST_F(Restart, ATicketComesBackInPlaceOfTheTokenAfterAnOrderlyEnd) {
    drain();
    const wire::Hello first = hello_on(2);
    ASSERT_TRUE(first.resume);
    EXPECT_TRUE(first.token.empty());
    EXPECT_FALSE(early) << "nothing goes early without a session";
    const TicketKeys next(std::string(32, 'k'), {}, "process2");
    const auto identity = next.open(first.resume->ticket);
    ASSERT_TRUE(identity);
    EXPECT_EQ(identity->user, "ann");
    EXPECT_EQ(first.resume->mac,
              resume_mac(identity->secret, first.resume->ticket, first.epoch, first.resume->nonce, first.attempt_id));

    refuse(2, errc::session_unknown);
    EXPECT_TRUE(bench.client.gaps.empty()) << "nothing was missing, and the end was told";
    const wire::Hello second = next_hello(2);
    EXPECT_FALSE(second.resume);
    EXPECT_EQ(second.token, "token");
}

TEST_F(Restart, AServerThatHasNoTimeSeesTheSameTicketLater) {
    drain();
    const std::string ticket = hello_on(2).resume->ticket;
    refuse(2, errc::rate_limited, 500);
    ASSERT_EQ(bench.client.refused.size(), 1u);
    ASSERT_TRUE(hello_on(3).resume);
    EXPECT_TRUE(bench.client.gaps.empty());
    refuse(3, errc::session_unknown);
    (void)next_hello(3);
    bench.client.session.carrier_gone(3, errc::connection_lost, "cut", bench.now());
    const wire::Hello again = hello_on(4);  // no session has come of it yet
    ASSERT_TRUE(again.resume);
    EXPECT_EQ(again.resume->ticket, ticket);
}

TEST_F(Restart, ATicketThatIsRefusedForGoodIsNotShownAgain) {
    drain();
    (void)hello_on(2);
    refuse(2, errc::session_unknown);
    (void)next_hello(2);
    refuse(2, errc::unauthenticated);
    EXPECT_FALSE(hello_on(3).resume);
}

TEST_F(Restart, ANewSessionForgetsTheTicketOfTheOneBefore) {
    drain();
    bench.server.table.on_time(bench.now());
    bench.connect(2);
    ASSERT_EQ(bench.server.created.size(), 2u);
    bench.client.session.disconnect(bench.now());
    bench.live(1s);
    EXPECT_FALSE(hello_on(3).resume);
}

TEST_F(Restart, ASessionLostToARestartKeepsItsTicketUntilTheNextStands) {
    bench.cut(1);
    (void)hello_on(2);
    refuse(2, errc::session_unknown);
    EXPECT_EQ(bench.client.gaps.size(), 1u);
    bench.client.session.carrier_gone(2, errc::connection_lost, "cut", bench.now());
    ASSERT_TRUE(hello_on(3).resume);
    refuse(3, errc::session_unknown);
    EXPECT_EQ(bench.client.gaps.size(), 1u) << "it was told once";
}

// The process has been killed: the old carrier leads to nobody, and only another one hears that the session is gone.
TEST_F(Restart, ASilentCarrierIsGivenUpWhenTheSessionIsNotKnownElsewhere) {
    bench.silence(1);
    ASSERT_TRUE(bench.send(1, "lost"));
    ASSERT_FALSE(bench.from_client(1).empty());
    const TimePoint sent_at = bench.now();
    bench.live(1s);
    ASSERT_EQ(bench.client.suspected, (std::vector<CarrierKey>{1}));
    ASSERT_TRUE(hello_on(2).resume);
    refuse(2, errc::session_unknown);
    EXPECT_EQ(bench.client.closed, (std::vector<Closed>{{2, errc::session_unknown}}));
    EXPECT_TRUE(bench.client.lost.empty()) << "another server may have said so, or a liar";
    EXPECT_FALSE(bench.from_client(1).empty()) << "it is asked at once";

    bench.live(1s, 10ms);
    EXPECT_EQ(bench.client.lost, (std::vector<errc>{errc::connection_lost}));
    EXPECT_TRUE(bench.client.gaps.empty()) << "the session is not given up yet";
    ASSERT_TRUE(hello_on(3).resume);
    refuse(3, errc::session_unknown);
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    EXPECT_EQ(bench.client.gaps[0].resent.size(), 1u);
    EXPECT_EQ(next_hello(3).token, "token");
    EXPECT_LT(bench.now() - sent_at, 4s) << "message_retry: three repeats, a second each";
}

// However often somebody else says that there is no such session.
TEST_F(Restart, ACarrierThatAnswersIsNotGivenUpForWhatIsSaidElsewhere) {
    for (const errc code : {errc::session_unknown, errc::session_expired, errc::session_ended, errc::ticket_invalid}) {
        for (CarrierKey key = 100; key < 110; ++key) {
            ASSERT_TRUE(hello_on(key).resume);
            refuse(key, code);
            bench.live(300ms);
        }
        bench.live(5s);
    }
    EXPECT_TRUE(bench.client.lost.empty());
    EXPECT_TRUE(bench.client.gaps.empty());
    EXPECT_EQ(bench.client.session.active(), 1u);
    ASSERT_TRUE(bench.send(1, "still here"));
    bench.live(1s);
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"still here"}));
}

// The answer counts, whatever it is and on however long a line, as long as it comes in time.
TEST_F(Restart, ACarrierOnTrialIsAcquittedByAnythingThatComes) {
    bench.silence(1);
    ASSERT_TRUE(hello_on(2).resume);
    refuse(2, errc::session_unknown);
    bench.live(900ms);
    ASSERT_TRUE(bench.push(7, "news"));
    bench.to_client(1, bench.from_server(1));
    bench.live(20s);
    EXPECT_TRUE(bench.client.lost.empty());
}

TEST_F(Restart, AStandbyThatAnswersTakesTheSessionFromASilentCarrier) {
    bench.connect(2, true);
    ASSERT_EQ(bench.client.session.active(), 1u);
    bench.silence(1);
    ASSERT_TRUE(hello_on(3).resume);
    refuse(3, errc::session_unknown);
    bench.live(3s);
    EXPECT_EQ(bench.client.session.active(), 2u);
    EXPECT_TRUE(bench.client.lost.empty());
    EXPECT_TRUE(bench.client.gaps.empty());
}

// An ICMP message that nobody listens: the server was killed, and has not come back.
TEST_F(Restart, ASilentCarrierIsGivenUpWhenTheNetworkSaysThatNobodyIsThere) {
    bench.silence(1);
    bench.client.session.on_sign(1, Sign::unreachable, bench.now());
    EXPECT_FALSE(bench.from_client(1).empty()) << "it is asked at once";
    bench.live(900ms);
    EXPECT_TRUE(bench.client.lost.empty());
    bench.live(1s, 10ms);
    EXPECT_EQ(bench.client.lost, (std::vector<errc>{errc::connection_lost}));
    EXPECT_TRUE(bench.client.gaps.empty()) << "it may be back, and know the session";
}

// However often a forger says so.
TEST_F(Restart, ACarrierThatAnswersIsNotGivenUpForWhatTheNetworkSays) {
    bench.live(1s);
    int asked = 0;
    for (int i = 0; i < 100; ++i) {
        bench.client.session.on_sign(1, Sign::unreachable, bench.now());
        const std::string batch_out = bench.from_client(1);
        asked += batch_out.empty() ? 0 : 1;
        bench.to_server(1, batch_out);
        bench.live(100ms);
    }
    EXPECT_GE(asked, 9);
    EXPECT_LE(asked, 11) << "once a second";
    EXPECT_TRUE(bench.client.lost.empty());
}

// A process that was stopped could hear no answer.
TEST_F(Restart, TimeInWhichTheClientSleptIsNotHeldAgainstACarrierOnTrial) {
    ASSERT_TRUE(hello_on(2).resume);
    refuse(2, errc::session_unknown);
    bench.pass(10s);
    bench.client.session.on_time(bench.now());
    EXPECT_TRUE(bench.client.lost.empty());
    bench.live(5s);
    EXPECT_TRUE(bench.client.lost.empty());
}

TEST_F(Restart, WithoutAKeyTheClientComesWithItsToken) {
    Bench plain;
    plain.connect(1);
    plain.server.table.end(plain.session(), errc::shutting_down, "update", 3000, plain.now());
    plain.live(1s);
    plain.client.session.begin_attempt("token");
    plain.client.session.open(2, plain.now());
    std::string_view rest;
    const std::string said = plain.from_client(2);
    EXPECT_EQ(read_hello(said, rest)->token, "token");
}

TEST_F(Restart, WhatAHandlerHasIsAnsweredBeforeTheGoodbye) {
    bench.server.answers = false;
    ASSERT_TRUE(bench.send(1, "slow"));
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 1u);
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    bench.live(1s);
    EXPECT_TRUE(bench.client.ended.empty());
    bench.server.table.finish(bench.server.handlings[0], {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr,
                              bench.now());
    bench.live(1s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
    EXPECT_TRUE(bench.client.gaps.empty());
}

TEST_F(Restart, AHandlerThatTakesTooLongDoesNotHoldUpTheEnd) {
    bench.server.answers = false;
    ASSERT_TRUE(bench.send(1, "slow"));
    bench.exchange();
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    bench.live(6s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::session_ended})) << "not everything is answered";
    EXPECT_EQ(bench.client.gaps.size(), 1u) << "its outcome is open";
    EXPECT_TRUE(hello_on(2).resume) << "the ticket is good all the same";
}

TEST_F(Restart, AClientThatDoesNotTakeItsAnswersIsNotToldThatItHasThem) {
    bench.client.consumes = false;
    for (std::uint8_t i = 0; i < 10; ++i) ASSERT_TRUE(bench.push(i, std::string(100'000, 'x')));  // all of its credit
    ASSERT_TRUE(bench.push(11, std::string(500'000, 'x')));
    ASSERT_TRUE(bench.send(1, "asks"));
    bench.exchange();
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    bench.live(6s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::session_ended}));
}

// Of two racing carriers the one with an Activate behind its Hello is lost; the other one is attached, and does not
// send yet. A handler has a message.
struct BeforeActivate : Restart {
    BeforeActivate() {
        bench.server.answers = false;
        EXPECT_TRUE(bench.send(1, "slow"));
        bench.exchange();
        bench.cut(1);
        bench.client.session.begin_attempt("token");
        bench.client.session.open(2, bench.now());
        (void)bench.from_client(2);
        bench.open(3);
        EXPECT_FALSE(bench.to_server(3, bench.from_client(3)));
        EXPECT_EQ(bench.session().active(), kNoCarrier);
        welcome = bench.from_server(3);
    }
    void finish() {
        bench.server.table.finish(bench.server.handlings[0], {wire::ReceiptStatus::handled, errc::ok, {}, 0}, nullptr,
                                  bench.now());
    }
    // While the Welcome is under way.
    void end() {
        bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
        bench.to_client(3, welcome);
    }
    void expect_a_receipt_and_the_end() {
        ASSERT_EQ(bench.client.outcomes.size(), 1u);
        EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
        EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));
        EXPECT_TRUE(bench.client.gaps.empty());
    }

    std::string welcome;
};

TEST_F(BeforeActivate, WhatAHandlerHasIsAnsweredBeforeTheGoodbye) {
    end();
    bench.exchange();
    EXPECT_TRUE(bench.client.ended.empty());
    finish();
    bench.live(1s);
    expect_a_receipt_and_the_end();
}

TEST_F(BeforeActivate, AnAnswerThatWaitsGoesOutBeforeTheGoodbye) {
    finish();
    end();
    bench.live(1s);
    expect_a_receipt_and_the_end();
}

TEST_F(BeforeActivate, AnEndWithoutAnActivateIsNotAnOrderlyOne) {
    end();
    bench.pass(6s);
    bench.server.table.on_time(bench.now());
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::session_ended);
    bench.exchange();
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::session_ended}));
    EXPECT_EQ(bench.client.gaps.size(), 1u);
}

TEST_F(BeforeActivate, ASessionThatIsOwedNothingEndsAtOnce) {
    const CarrierKey standby = 4;
    finish();
    bench.to_client(3, welcome);
    bench.live(1s);
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    bench.open(standby, true);
    ASSERT_FALSE(bench.to_server(standby, bench.from_client(standby)));
    const std::string unheard = bench.from_server(standby);
    bench.server.table.carrier_gone(3, bench.now());
    ASSERT_EQ(bench.session().active(), kNoCarrier);
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    EXPECT_EQ(bench.server.ended.size(), 1u);
    bench.to_client(standby, unheard);
    bench.to_client(standby, bench.from_server(standby));
    bench.live(1s);
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));
    EXPECT_TRUE(bench.client.gaps.empty());
}

TEST_F(Restart, WhatADisconnectLeftOpenStaysARepeatThroughTheOrderlyEndOfALaterSession) {
    bench.server.answers = false;
    ASSERT_TRUE(bench.send(1, "slow"));
    bench.exchange();
    ASSERT_EQ(bench.server.texts, (std::vector<std::string>{"slow"}));
    bench.client.session.disconnect(bench.now());
    bench.live(6s);  // the handler takes longer than the client waits
    ASSERT_EQ(bench.client.disconnected, (std::vector<bool>{false}));

    bench.client.session.begin_attempt("token");
    bench.open(2);
    bench.to_server(2, bench.from_client(2));
    bench.to_client(2, bench.from_server(2));
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    bench.live(1s);
    ASSERT_EQ(bench.client.ended, (std::vector<errc>{errc::shutting_down}));

    ServerBench next({}, 64u << 20, bench.now());
    next.now = bench.now();
    (void)hello_on(3);
    refuse(3, errc::session_unknown);
    ASSERT_FALSE(next.table.attach_new(3, next_hello(3), SessionCredential{"ann"}, next.now));
    wire::Batch welcome;
    next.table.write(3, welcome, next.now);
    bench.to_client(3, welcome.str());
    const std::string sent = bench.from_client(3);
    std::vector<std::uint64_t> ages;
    for (const auto& frame : frames_of(sent)) {
        if (frame.kind == wire::FrameKind::data) ages.push_back(wire::decode_data(frame.body)->first_sent_ms_ago);
    }
    ASSERT_EQ(ages.size(), 1u);
    EXPECT_GT(ages[0], 0u) << "a server may have acted on it";
}

TEST_F(Restart, WhatComesAfterTheEndBeganIsActedOnInTheNextSessionAlone) {
    bench.server.table.end(bench.session(), errc::shutting_down, "update", 3000, bench.now());
    ASSERT_TRUE(bench.send(1, "late"));
    bench.live(1s);
    EXPECT_TRUE(bench.server.texts.empty());
    ASSERT_EQ(bench.client.ended.size(), 1u);
    EXPECT_TRUE(bench.client.gaps.empty()) << "nothing is uncertain about it";

    // A process that has just begun cannot know what the one before has acted on, and need not.
    ServerBench next({}, 64u << 20, bench.now());
    next.now = bench.now();
    (void)hello_on(2);
    refuse(2, errc::session_unknown);
    ASSERT_FALSE(next.table.attach_new(2, next_hello(2), SessionCredential{"ann"}, next.now));
    wire::Batch welcome;
    next.table.write(2, welcome, next.now);
    bench.to_client(2, welcome.str());
    next.table.on_batch(2, bench.from_client(2), next.now);
    EXPECT_EQ(next.texts, (std::vector<std::string>{"late"}));
    wire::Batch answer;
    next.table.write(2, answer, next.now);
    bench.to_client(2, answer.str());
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
}

}  // namespace
}  // namespace flare::session::test
