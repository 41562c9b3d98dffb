#include "flight/story.hpp"

#include "flight/causes.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace flare::flight::test {
namespace {

const std::string kBegin =
    R"({"t_ms":0,"event":"client","version":1,"began":"2026-01-31T12:00:00.000Z","user":"alice","addresses":["quic://h:1","wss://h:2"]}
{"t_ms":1,"event":"connecting","why":"first","plan":[{"address":"quic://h:1","protocol":"quic","after_ms":0},{"address":"wss://h:2","protocol":"websocket","after_ms":250}]}
{"t_ms":53,"event":"connected","address":"quic://h:1","protocol":"quic","took_ms":52,"secure_ms":52}
{"t_ms":105,"event":"session","session":"0192f0c4-0000-7000-8000-000000000001"}
{"t_ms":105,"event":"in_use","carrier":1,"protocol":"quic","why":"first","again":false,"resumed":false,"encrypted":true,"took_ms":104}
)";
const std::string kToWebsocket =
    R"({"t_ms":3900,"event":"in_use","carrier":2,"protocol":"websocket","from":"quic","why":"fallback","resumed":true,"took_ms":200}
{"t_ms":3950,"event":"flows","carrier":2,"still_ms":490}
)";
const std::string kSilent =
    R"({"t_ms":3700,"event":"suspected","protocol":"quic","silent":true,"silent_ms":240,"limit_ms":225,"round_trip_ms":51}
)";

std::string cause_of(const std::string& after_begin) { return tell(kBegin + after_begin).cause; }

bool says(const Story& story, const std::string& text) {
    return std::any_of(story.sentences.begin(), story.sentences.end(),
                       [&](const Sentence& each) { return each.text.find(text) != std::string::npos; });
}

TEST(FlightStory, OfAGoodSessionTellsWhereTheConnectTimeWent) {
    const Story story = tell(kBegin);
    EXPECT_EQ(story.cause, "none");
    EXPECT_EQ(story.user, "alice");
    EXPECT_EQ(story.session, "0192f0c4-0000-7000-8000-000000000001");
    EXPECT_EQ(story.protocol, "QUIC");
    ASSERT_EQ(story.connect.size(), 2u);
    EXPECT_EQ(story.connect[0].name, "QUIC handshake");
    EXPECT_DOUBLE_EQ(story.connect[0].ms, 52);
    EXPECT_EQ(story.connect[1].name, "hello and welcome");
    EXPECT_DOUBLE_EQ(story.connect[1].ms, 52);
    EXPECT_TRUE(story.problems.empty());
    EXPECT_TRUE(story.moves.empty());
}

TEST(FlightStory, SilenceOfQuicWhileWebSocketWorksIsUdpsFault) {
    const Story story = tell(kBegin + kSilent + kToWebsocket);
    EXPECT_EQ(story.cause, "udp_silent");
    ASSERT_EQ(story.moves.size(), 1u);
    EXPECT_EQ(story.moves[0].from, "QUIC");
    EXPECT_EQ(story.moves[0].to, "WebSocket");
    EXPECT_EQ(story.moves[0].cause, "udp_silent");
    EXPECT_DOUBLE_EQ(story.moves[0].still_ms, 490);
    EXPECT_DOUBLE_EQ(story.still_ms, 490);
    EXPECT_DOUBLE_EQ(story.used_ms.at("QUIC"), 3795);
    EXPECT_TRUE(says(story, "QUIC fell silent: no data for 240 ms"));
    EXPECT_TRUE(
        says(story,
             "Moved to WebSocket 200 ms after the first sign, 440 ms after the last data arrived; nothing was lost."));
}

// The same suspicion without silence: told apart by round trips and packet sizes.
TEST(FlightStory, MissingAcknowledgementsHaveThreeCauses) {
    const auto suspected = [](const std::string& path) {
        return R"({"t_ms":3700,"event":"suspected","protocol":"quic","silent":false,"silent_ms":10,"unacked_ms":520,)" +
               path + "}\n";
    };
    EXPECT_EQ(cause_of(suspected(R"("latest_rtt_ms":900,"min_rtt_ms":50,"largest_packet":1452)") + kToWebsocket),
              "path_slow");
    EXPECT_EQ(cause_of(suspected(R"("latest_rtt_ms":52,"min_rtt_ms":50,"largest_packet":1452)") + kToWebsocket),
              "large_packets_lost");
    EXPECT_EQ(cause_of(suspected(R"("latest_rtt_ms":52,"min_rtt_ms":50,"largest_packet":1200)") + kToWebsocket),
              "acks_missing");
}

// In-order data waits behind what is lost, so that the session hears nothing although packets come.
TEST(FlightStory, SilenceOverPacketsThatComeIsNoBlockedUdp) {
    std::string suspected = kSilent;
    suspected.insert(suspected.rfind('}'), R"(,"latest_rtt_ms":52,"min_rtt_ms":50,"largest_packet":1444)");
    std::string moved = kToWebsocket;
    moved.insert(moved.find('}'), R"(,"packets_came":true)");
    EXPECT_EQ(cause_of(suspected + moved), "large_packets_lost");
    EXPECT_EQ(cause_of(suspected + kToWebsocket), "udp_silent");
}

TEST(FlightStory, QuicThatComesBackWithSmallerPacketsHadLostLargeOnes) {
    std::string suspected = kSilent;
    suspected.insert(suspected.rfind('}'), R"(,"largest_packet":1444)");
    const auto measured = [](const std::string& largest) {
        return R"({"t_ms":7000,"event":"race","in_use":"websocket","challenger":"quic","decision":"not_better","times":1,"results":[{"protocol":"quic","score":3,"largest_packet":)" +
               largest + "}]}\n";
    };
    const Story lost = tell(kBegin + suspected + kToWebsocket + measured("1200"));
    EXPECT_EQ(lost.cause, "large_packets_lost");
    EXPECT_EQ(lost.moves.at(0).cause, "large_packets_lost");
    EXPECT_EQ(cause_of(suspected + kToWebsocket + measured("1444")), "udp_silent");
}

TEST(FlightStory, HowTcpEndedNamesTheCause) {
    const std::string on_websocket =
        R"({"t_ms":0,"event":"client","user":"alice","began":"x"}
{"t_ms":9,"event":"in_use","carrier":1,"protocol":"websocket","why":"first"}
)";
    const auto cause = [&](const std::string& ending) {
        return tell(
                   on_websocket +
                   R"({"t_ms":3700,"event":"lost","carrier":1,"protocol":"websocket","in_use":true,"by_us":false,"code":"connection_lost","ending":")" +
                   ending + "\"}\n" +
                   R"({"t_ms":3900,"event":"in_use","carrier":2,"protocol":"quic","from":"websocket","why":"fallback","resumed":true})")
            .cause;
    };
    EXPECT_EQ(cause("reset"), "tcp_reset");
    EXPECT_EQ(cause("finished"), "tcp_closed");
    EXPECT_EQ(cause("silent"), "tcp_silent");
    EXPECT_EQ(cause("unreachable"), "network_down");
}

TEST(FlightStory, AnAddressThatChangesIsNamedWhetherTheConnectionMovesOrNot) {
    const Story moved = tell(
        kBegin +
        R"({"t_ms":3700,"event":"address_changed","protocol":"quic","from":"10.0.0.2","to":"10.0.0.3","migrates":true}
{"t_ms":3800,"event":"flows","carrier":1,"still_ms":150})");
    EXPECT_EQ(moved.cause, "address_changed");
    ASSERT_EQ(moved.moves.size(), 1u);
    EXPECT_EQ(moved.moves[0].to, "QUIC");
    EXPECT_EQ(
        cause_of(
            R"({"t_ms":3700,"event":"address_changed","protocol":"quic","from":"10.0.0.2","to":"10.0.0.3","migrates":false}
)" + kSilent +
            kToWebsocket),
        "address_changed");
}

TEST(FlightStory, AServerThatForgotTheSessionHasCrashedAndOneThatSaidGoodbyeHasNot) {
    EXPECT_EQ(
        cause_of(R"({"t_ms":3700,"event":"gap","code":"session_unknown","text":"","exact":false,"sent_again":2})"),
        "server_crashed");
    EXPECT_EQ(
        cause_of(
            R"({"t_ms":3700,"event":"lost","carrier":1,"protocol":"quic","in_use":true,"ending":"stateless_reset","code":"connection_lost"}
)" + kToWebsocket),
        "server_crashed");
    EXPECT_EQ(
        cause_of(
            R"({"t_ms":3700,"event":"ended","code":"shutting_down","text":"the server is shutting down","retry_after_ms":1000})"),
        "server_stopped");
}

TEST(FlightStory, TheServersLastWordIsTheCause) {
    for (const auto& [code, cause] : {std::pair{"token_expired", "credential"},
                                      {"credential_revoked", "credential"},
                                      {"session_replaced", "replaced"},
                                      {"kicked", "kicked"},
                                      {"slow_consumer", "slow_consumer"}}) {
        EXPECT_EQ(cause_of(std::string(R"({"t_ms":3700,"event":"ended","code":")") + code + "\"}"), cause);
    }
    EXPECT_EQ(tell(R"({"t_ms":0,"event":"client","user":"a","began":"x"}
{"t_ms":5,"event":"refused","code":"unauthenticated","text":"no"}
{"t_ms":5,"event":"gave_up","code":"unauthenticated"})")
                  .cause,
              "credential");
}

TEST(FlightStory, AProtocolThatComesAndGoesFlaps) {
    const auto beside = [](const char* event) {
        return std::string(R"({"t_ms":5000,"event":")") + event + "\",\"protocol\":\"quic\",\"times\":1}\n";
    };
    const std::string failed = kSilent + kToWebsocket;
    EXPECT_EQ(cause_of(failed + beside("unreachable") + beside("unreachable")), "udp_silent");
    EXPECT_EQ(cause_of(failed + beside("beside") + beside("unreachable") + beside("beside")), "flapping");
}

TEST(FlightStory, AMeasuredMoveIsNoFaultUnlessThePathWasSlow) {
    const std::string race =
        R"({"t_ms":3700,"event":"race","in_use":"quic","challenger":"websocket","decision":"moves","times":1,"results":[{"protocol":"quic","score":3.5,"median_ms":90,"jitter_ms":2,"sent":20,"answered":20}]SLOW}
{"t_ms":3701,"event":"in_use","carrier":2,"protocol":"websocket","from":"quic","why":"better","resumed":true}
)";
    const auto with = [&](const std::string& slow) {
        std::string text = race;
        return text.replace(text.find("SLOW"), 4, slow);
    };
    EXPECT_EQ(cause_of(with("")), "measured_better");
    EXPECT_EQ(cause_of(with(R"(,"slow_ms":800)")), "path_slow");
    EXPECT_TRUE(says(tell(kBegin + with("")), "QUIC scores 3.50"));
}

TEST(FlightStory, ASuspicionThatIsWithdrawnIsNoCause) {
    const Story story = tell(kBegin + kSilent + R"({"t_ms":3800,"event":"recovered","carrier":1,"still_ms":340})");
    EXPECT_EQ(story.cause, "none");
    EXPECT_EQ(story.protocol, "QUIC");
}

TEST(FlightStory, AConnectThatReachesNobodySaysSo) {
    const Story story = tell(R"({"t_ms":0,"event":"client","user":"a","began":"x"}
{"t_ms":1,"event":"connecting","why":"first","plan":[]}
{"t_ms":5,"event":"failed","address":"wss://h:2","protocol":"websocket","code":"connection_refused","text":"connection refused","took_ms":4}
{"t_ms":5,"event":"gave_up","code":"connection_refused"})");
    EXPECT_EQ(story.cause, "unreachable");
    EXPECT_TRUE(story.session.empty());
}

TEST(FlightStory, UdpThatNeverWorkedIsToldOnlyWhenLaterTriesFailToo) {
    const std::string websocket_won = R"({"t_ms":0,"event":"client","user":"a","began":"x"}
{"t_ms":450,"event":"in_use","carrier":1,"protocol":"websocket","why":"first"}
)";
    const std::string unanswered = R"({"t_ms":440,"event":"unanswered","protocol":"quic","tried_ms":440}
)";
    const std::string unreachable = R"({"t_ms":9000,"event":"unreachable","protocol":"quic","times":1}
)";
    EXPECT_EQ(tell(unanswered + websocket_won).cause, "none");
    EXPECT_EQ(tell(unanswered + websocket_won + unreachable).cause, "udp_silent");
}

TEST(FlightStory, LinesThatAreNoRecordsAreToldAndPassedOver) {
    const Story story = tell("garbage\n[]\n{\"t_ms\":1}\n\n" + kBegin +
                             "{\"t_ms\":9,\"event\":\"of_tomorrow\"}\n{\"t_ms\":1e999,\"event\":\"in_use\"");
    EXPECT_EQ(story.user, "alice");
    EXPECT_EQ(story.protocol, "QUIC");
    ASSERT_EQ(story.problems.size(), 5u);
    EXPECT_TRUE(story.problems[0].starts_with("line 1 is not JSON")) << story.problems[0];
    EXPECT_EQ(story.problems[1], "line 2 is not a JSON object");
    EXPECT_EQ(story.problems[2], "line 3 has no \"event\"");
    EXPECT_NE(story.problems[3].find("of_tomorrow"), std::string::npos);
}

TEST(FlightStory, ManyBadLinesAreToldInOne) {
    std::string record;
    for (int i = 0; i < 1000; ++i) record += "no\n";
    const Story story = tell(record);
    ASSERT_EQ(story.problems.size(), 21u);
    EXPECT_EQ(story.problems.back(), "and 980 lines more");
}

TEST(FlightStory, OfAServerTellsWhoCameAndHowItEnded) {
    const Story story = tell(R"({"t_ms":1700000000000.000,"event":"server_made"}
{"t_ms":1700000000001.000,"event":"server_attached","carrier":5,"protocol":"websocket","peer":"192.0.2.7","port":4711}
{"t_ms":1700000000060.000,"event":"server_activated","carrier":5,"protocol":"websocket","peer":"192.0.2.7","port":4711}
{"t_ms":1700000004000.000,"event":"server_closed","carrier":5,"protocol":"websocket","peer":"192.0.2.7","port":4711,"ending":"reset","code":"connection_lost"}
{"t_ms":1700000004500.000,"event":"server_activated","carrier":6,"protocol":"quic","peer":"192.0.2.7","port":4712}
)");
    EXPECT_TRUE(story.of_server);
    EXPECT_EQ(story.began, "2023-11-14T22:13:20.000Z");
    EXPECT_EQ(story.cause, "tcp_reset");
    ASSERT_EQ(story.moves.size(), 1u);
    EXPECT_EQ(story.moves[0].to, "QUIC");
    EXPECT_DOUBLE_EQ(story.moves[0].at_ms, 4500);
    EXPECT_TRUE(says(story, "from 192.0.2.7 port 4711"));
}

TEST(FlightStory, ATimeThatNoClockHasIsPassedOver) {
    for (const char* ms : {"17000000000010", "9e12", "1e300", "-5"}) {
        const Story story = tell(std::string(R"({"t_ms":)") + ms + R"(,"event":"server_made"})");
        EXPECT_TRUE(story.of_server) << ms;
        EXPECT_EQ(story.began, "") << ms;
    }
}

TEST(FlightStory, EveryCauseIsExplainedAndTheGravestComesFirst) {
    std::size_t before = causes().size() + 1;
    for (const std::string_view cause : causes()) {
        EXPECT_FALSE(explain_cause(cause).empty()) << cause;
        EXPECT_LT(gravity(cause), before) << cause;
        before = gravity(cause);
    }
    EXPECT_EQ(causes().back(), "none");
    EXPECT_TRUE(explain_cause("of_tomorrow").empty());
}

TEST(FlightStory, OfACrashedServerContradictsItselfNowhereAndTellsTheSilenceBefore) {
    for (const char* why : {"first", "fallback", "asked"}) {
        const Story story = tell(
            kBegin +
            R"({"t_ms":9000,"event":"lost","carrier":1,"protocol":"quic","in_use":true,"ending":"stateless_reset","code":"connection_lost","silent_ms":4200}
{"t_ms":9400,"event":"gap","code":"session_unknown","text":"","exact":false,"missing":null,"sent_again":2}
{"t_ms":9500,"event":"in_use","carrier":2,"protocol":"websocket","from":"quic","why":")" +
            std::string(why) + R"(","again":true,"resumed":false,"took_ms":100}
)");
        EXPECT_EQ(story.cause, "server_crashed");
        EXPECT_TRUE(says(story, "it is unknown what the server still had queued for this client"));
        EXPECT_FALSE(says(story, "nothing was lost")) << why;
        EXPECT_TRUE(
            says(story, "500 ms after the first sign, 4700 ms after the last data arrived, with a new session."));
        EXPECT_TRUE(says(story, "is unknown to the server's host, 4200 ms after its last data"));
    }
}

// What no client writes: numbers that are none, without names, and more conversations than there are.
TEST(FlightStory, RecordsOfConversationsMayHoldAnything) {
    std::string record;
    for (int i = 0; i < 1500; ++i) {
        record += R"({"t_ms":1,"event":"history_gap","conversation":")" + std::to_string(i) +
                  "\",\"first\":-5,\"last\":1e300}\n" + R"({"t_ms":1,"event":"subscription_renewed","at":"x"})" + "\n";
    }
    const Story story = tell(kBegin + record);
    EXPECT_EQ(story.cause, "none");
    EXPECT_LE(story.conversations.size(), 1000u);
    EXPECT_EQ(tell(kBegin + R"({"t_ms":1,"event":"subscription_of_tomorrow"})").problems.size(), 1u);
}

TEST(FlightStory, NullIsAsIfAFieldWereNotThere) {
    std::string suspected = kSilent;
    suspected.replace(suspected.find(R"("round_trip_ms":51)"), 18, R"("round_trip_ms":null)");
    EXPECT_FALSE(says(tell(kBegin + suspected), "a round trip takes"));
}

}  // namespace
}  // namespace flare::flight::test
