// Changes that the server puts off, and messages behind them: docs/conversations.md, "Later".
#include "later.hpp"

namespace flare::session::test {
namespace {

using wire::Verb;

// ---- messages behind changes ----

TEST_F(Later, AMessageDoesNotOvertakeAChangeThatWasPutOff) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1);
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 1u);
    respond(0, errc::rate_limited, 1'000);
    answer_later(0, errc::busy, 500);
    bench.exchange();
    post(2);
    post(3, "room:soup");
    EXPECT_EQ(sent_after(900ms), Sent{"3"}) << "other conversations do not wait";
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "1"}));
    bench.exchange();
    store(2);
    bench.exchange();
    bench.live(100ms);
    EXPECT_EQ(bench.server.texts.back(), "2");
}

// Were it sent earlier, what is posted then would be stored before what the server puts off meanwhile.
TEST_F(Later, AChangeThatWasPutOffWaitsForTheAnswersToAllThatWentBehindIt) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1);
    post(2);
    bench.exchange();
    ASSERT_EQ(bench.server.handlings.size(), 2u);
    respond(0, errc::rate_limited, 100);
    bench.exchange();
    post(3);
    EXPECT_EQ(sent_after(1s), Sent{}) << "1 and 2 have no answer";
    answer_later(0, errc::busy, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "2 has no answer";
    answer_later(1, errc::busy, 100);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "1"})) << "2 and 3 wait for the answer to 1";
}

TEST_F(Later, AMessageThatWasPutOffWaitsForTheAnswersToTheChangesBehindIt) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::member_add));
    bench.exchange();
    answer_later(0, errc::rate_limited, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "two changes have no answer";
    respond(0, errc::busy, 100);
    EXPECT_EQ(sent_after(1s), Sent{}) << "one has none";
    respond(1, errc::busy, 100);
    ASSERT_EQ(bench.server.texts.size(), 2u) << "it goes with the last answer";
    store(1);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_after(200ms), (Sent{"change", "change"}));
}

TEST_F(Later, MessagesAfterAChangeWaitUntilThoseBeforeItHaveGone) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    bench.exchange();
    answer_later(0, errc::rate_limited, 1'000);
    bench.exchange();
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    post(2);
    ASSERT_TRUE(ask(2, Verb::conversation_join));
    post(3);
    EXPECT_EQ(sent_after(1'100ms), (Sent{"1", "change"})) << "2 waits for the answer to 1, and the rest for 2";
    store(1);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), (Sent{"2", "change"}));
    store(2);
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), Sent{"3"});
}

// The time that the server has named is over, and the timer has not run yet.
TEST_F(Later, AChangeGoesWithTheMessageBeforeItThatAnotherMessageSetsFree) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    EXPECT_EQ(sent_now(), Sent{"1"});
    answer_later(0, errc::busy, 1'000);
    bench.exchange();
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.pass(1'100ms);
    post(2);
    EXPECT_EQ(sent_now(), (Sent{"1", "change"})) << "2 waits for the answer to 1";
}

TEST_F(Later, AMessageWaitsForAChangeThatWaitsForItsTurn) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    for (std::uint8_t i = 1; i <= wire::kMaxOpenRequests; ++i) ASSERT_TRUE(ask(i, Verb::history, "room:soup"));
    bench.exchange();
    ASSERT_TRUE(ask(20, Verb::conversation_join));
    post(1);
    post(2, "room:soup");
    EXPECT_EQ(sent_now(), Sent{"2"});
    wire::ResponseView response;
    (void)bench.server.table.respond(bench.server.requests.at(0).pending, response, bench.now());
    bench.to_client(1, bench.from_server(1));
    EXPECT_EQ(sent_now(), (Sent{"change", "1"}));
}

TEST_F(Later, InANewSessionAllGoInTheOrderOfTheCalls) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    post(1);
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(2);
    bench.exchange();
    lose_session();
    ASSERT_TRUE(ask(2, Verb::conversation_leave));
    post(3);
    ASSERT_TRUE(ask(3, Verb::conversation_join));
    ASSERT_TRUE(ask(4, Verb::member_add));
    post(4);
    bench.client.session.check_invariants();
    bench.client.session.begin_attempt("token");
    bench.open(2);
    (void)bench.to_server(2, bench.from_client(2));
    bench.to_client(2, bench.from_server(2));
    EXPECT_EQ(sent_now(2), (Sent{"1", "change", "2", "change", "3", "change", "change", "4"}));
}

TEST_F(Later, AMessageGoesWhenTheChangeBeforeItIsGivenUp) {
    bench.server.answers = false;
    bench.server.into_a_log = true;
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    respond(0, errc::rate_limited, 500'000);
    post(1);
    EXPECT_EQ(sent_now(), Sent());
    bench.live(510s, 1s);
    ASSERT_EQ(bench.server.requests.size(), 2u);
    EXPECT_EQ(bench.server.texts, Sent{"1"});
    respond(1, errc::rate_limited, 500'000);
    ASSERT_EQ(bench.client.responses.size(), 1u) << "it is given up";
    post(2);
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (Sent{"1", "2"}));
}

TEST_F(Later, AMessageGoesWhenTheServerTurnsOutToHaveNoConversations) {
    lose_session();
    bench.server.table.offer(nullptr, false);
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    post(1, "bob");
    ASSERT_TRUE(ask(2, Verb::conversation_leave, "bob"));
    post(2, "bob");
    bench.connect(2);
    EXPECT_EQ(bench.client.failed.size(), 2u);
    EXPECT_EQ(bench.server.texts, (Sent{"1", "2"}));
}

// ---- changes ----

TEST_F(Later, AChangeIsSentAgainWhenTheServerSays) {
    for (const errc code : {errc::busy, errc::rate_limited, errc::storage_full, errc::storage_failed}) {
        bench.server.requests.clear();
        bench.client.responses.clear();
        ASSERT_TRUE(ask(1, Verb::conversation_join));
        bench.exchange();
        respond(0, code, 1'000);
        EXPECT_TRUE(bench.client.responses.empty()) << name(code);
        bench.live(900ms);
        EXPECT_EQ(bench.server.requests.size(), 1u) << name(code);
        bench.live(200ms);
        ASSERT_EQ(bench.server.requests.size(), 2u) << name(code);
        EXPECT_EQ(bench.server.requests[1].pending.request_id, id_of(1));
        EXPECT_EQ(bench.server.requests[1].first_sent_ms_ago, 0u) << "nobody has acted on it";
        respond(1, errc::ok);
        ASSERT_EQ(bench.client.responses.size(), 1u) << name(code);
    }
}

TEST_F(Later, AChangeThatWasExecutedWithoutAnAnswerIsAskedForAgainAsARepeat) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    respond(0, errc::recipient_busy, 1'000);
    bench.live(1'100ms);
    ASSERT_EQ(bench.server.requests.size(), 2u);
    EXPECT_GE(bench.server.requests[1].first_sent_ms_ago, 1'000u);
}

TEST_F(Later, ChangesOfAConversationKeepTheirOrderAndOthersDoNotWait) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.exchange();
    respond(0, errc::rate_limited, 1'000);
    ASSERT_TRUE(ask(2, Verb::member_remove));
    ASSERT_TRUE(ask(3, Verb::history));
    ASSERT_TRUE(ask(4, Verb::member_add, "room:soup"));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 3u);
    bench.live(1'100ms);
    ASSERT_EQ(bench.server.requests.size(), 5u);
    EXPECT_EQ(bench.server.requests[3].pending.request_id, id_of(1));
    EXPECT_EQ(bench.server.requests[4].pending.request_id, id_of(2));
}

TEST_F(Later, NoChangeGoesAgainBeforeThoseBehindItAreAnswered) {
    for (std::uint8_t i = 1; i <= 4; ++i) ASSERT_TRUE(ask(i, Verb::member_add));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 4u);
    respond(0, errc::rate_limited, 100);
    respond(1, errc::busy, 100);
    ASSERT_TRUE(ask(5, Verb::member_add));
    bench.live(1s);
    EXPECT_EQ(bench.server.requests.size(), 4u) << "the third and the fourth may be put off, too";
    respond(2, errc::busy, 100);
    bench.live(1s);
    EXPECT_EQ(bench.server.requests.size(), 4u);
    respond(3, errc::busy, 100);
    bench.live(200ms);
    ASSERT_EQ(bench.server.requests.size(), 9u);
    for (std::uint8_t i = 1; i <= 5; ++i) EXPECT_EQ(bench.server.requests[3u + i].pending.request_id, id_of(i));
}

TEST_F(Later, AChangeWaitsBehindTheMessagesThatWereSentBeforeIt) {
    RoomServer room(bench, {1, 2});
    for (std::size_t i = 0; i < 4; ++i) post(i);
    room.live(10ms);
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    post(4);
    ASSERT_TRUE(ask(2, Verb::history));
    room.live(900ms);
    ASSERT_EQ(bench.server.requests.size(), 1u) << "reading does not wait";
    EXPECT_EQ(bench.server.requests[0].pending.request_id, id_of(2));
    EXPECT_EQ(room.log, upto(2));
    room.live(2'000ms);
    ASSERT_EQ(bench.server.requests.size(), 2u) << "and what was sent behind it does not hold it up";
    respond(1, errc::busy, 10);  // it stands behind one that was put off once more
    room.live(2'000ms);
    EXPECT_EQ(room.log, upto(4));
}

TEST_F(Later, AChangeGoesWhenTheMessagesBeforeItAreCancelled) {
    RoomServer room(bench, {1, 1});
    for (std::size_t i = 0; i < 3; ++i) post(i);
    room.live(10ms);
    ASSERT_TRUE(ask(1, Verb::conversation_leave));
    bench.exchange();
    ASSERT_TRUE(bench.server.requests.empty());
    EXPECT_EQ(bench.client.session.clear_queue(bench.now()), 2u);
    bench.exchange();
    EXPECT_EQ(bench.server.requests.size(), 1u);
}

TEST_F(Later, AfterTenMinutesTheCallerHearsOfIt) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    const TimePoint began = bench.now();
    while (bench.client.responses.empty() && bench.now() < began + 1h) {
        respond(bench.server.requests.size() - 1, errc::storage_full, 60'000);
        bench.live(61s, 1s);
    }
    ASSERT_EQ(bench.client.responses.size(), 1u);
    EXPECT_EQ(bench.client.responses[0].code, errc::storage_full);
    EXPECT_LE(bench.now() - began, 12min);
    EXPECT_GE(bench.now() - began, 8min);
}

// Eight are open at a time: the time of the others runs, too.
TEST_F(Later, AfterTenMinutesTheCallersOfAllChangesThatWaitHearOfIt) {
    for (std::uint8_t i = 1; i <= 20; ++i) ASSERT_TRUE(ask(i, Verb::member_add));
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), wire::kMaxOpenRequests);
    const TimePoint began = bench.now();
    std::size_t answered = 0;
    const auto told = [&] { return bench.client.responses.size() + bench.client.failed.size(); };
    while (told() < 20 && bench.now() < began + 1h) {
        while (answered < bench.server.requests.size()) respond(answered++, errc::storage_full, 5'000);
        bench.live(5s, 1s);
    }
    EXPECT_GE(bench.now() - began, 9min + 50s);
    EXPECT_LE(bench.now() - began, 10min + 10s);
    for (const auto& each : bench.client.responses) EXPECT_EQ(each.code, errc::storage_full);
    for (const auto& each : bench.client.failed) EXPECT_EQ(each.second, errc::storage_full);
    EXPECT_EQ(bench.client.failed.size(), 12u) << "that were never sent";
}

TEST_F(Later, AChangeThatMayHaveBeenMadeIsNotToldAsRefused) {
    ASSERT_TRUE(ask(1, Verb::conversation_join));
    bench.exchange();
    const TimePoint began = bench.now();
    while (bench.client.failed.empty() && bench.now() < began + 1h) {
        respond(bench.server.requests.size() - 1, errc::recipient_busy, 60'000);
        bench.live(61s, 1s);
    }
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(1), errc::outcome_unknown}}))
        << "it was executed, and the answer found no room";
    EXPECT_TRUE(bench.client.responses.empty());
    EXPECT_LE(bench.now() - began, 12min);

    bench.client.failed.clear();
    ASSERT_TRUE(ask(2, Verb::conversation_join));
    bench.exchange();
    lose_session();
    bench.connect(2);
    respond(bench.server.requests.size() - 1, errc::rate_limited, 3'600'000);
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(2), errc::outcome_unknown}}))
        << "a server may have acted on it in the session that is lost";

    bench.client.failed.clear();
    ASSERT_TRUE(ask(3, Verb::conversation_join));
    bench.exchange();
    bench.client.session.disconnect(bench.now());
    respond(bench.server.requests.size() - 1, errc::recipient_busy, 1'000);
    EXPECT_EQ(bench.client.failed, (std::vector<std::pair<Uuid, errc>>{{id_of(3), errc::outcome_unknown}}))
        << "behind a goodbye it is not asked for again";
}

// ---- a server that does not answer ----

TEST_F(Later, TheTimeForAnAnswerBeginsWhenTheRequestIsSent) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.pass(15s);  // the connection takes nothing
    bench.client.session.on_time(bench.now());
    bench.exchange();
    ASSERT_EQ(bench.server.requests.size(), 1u);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(6s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

TEST_F(Later, WhatIsNeverAnsweredIsGivenUp) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    ASSERT_TRUE(ask(2, Verb::history));
    bench.exchange();
    bench.live(19s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(2s, 1s);
    EXPECT_EQ(bench.client.failed,
              (std::vector<std::pair<Uuid, errc>>{{id_of(1), errc::outcome_unknown}, {id_of(2), errc::busy}}));
    EXPECT_TRUE(bench.client.lost.empty()) << "the session goes on";
    respond(0, errc::ok);
    respond(1, errc::ok);
    EXPECT_TRUE(bench.client.responses.empty()) << "nobody waits any more";
}

TEST_F(Later, ASeriesThatGoesOnIsWaitedFor) {
    ASSERT_TRUE(ask(1, Verb::history));
    bench.exchange();
    for (int i = 0; i < 4; ++i) {
        bench.live(15s, 1s);
        wire::ResponseView piece;
        piece.more = true;
        ASSERT_TRUE(bench.server.table.respond(bench.server.requests.at(0).pending, piece, bench.now()));
        bench.exchange();
    }
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(21s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

TEST_F(Later, TheTimeWithoutAConnectionDoesNotCount) {
    ASSERT_TRUE(ask(1, Verb::member_add));
    bench.exchange();
    bench.live(15s, 1s);
    bench.cut(1);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty()) << "15 s without an answer, and 15 s without a connection";
    bench.connect(2);
    bench.live(15s, 1s);
    EXPECT_TRUE(bench.client.failed.empty());
    bench.live(6s, 1s);
    EXPECT_EQ(bench.client.failed.size(), 1u);
}

}  // namespace
}  // namespace flare::session::test
