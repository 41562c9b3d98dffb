// Calls that wait for the server's answer, and servers that answer too much, too often or nothing.
#include "client/loop/requests.hpp"

#include "unit/session/support.hpp"

namespace flare::client {
namespace {

using session::test::Bench;
using wire::Verb;

class Asking : public ::testing::Test {
protected:
    static session::ClientSettings settings() {
        session::ClientSettings asks = Bench::client_settings();
        asks.conversations = true;
        return asks;
    }
    explicit Asking(bool store = true) : bench({}, settings()) {
        bench.server.table.offer(nullptr, store);
        bench.connect(1);
    }
    void ask(Verb verb = Verb::history) {
        requests.send(
            {verb, "room:tea", "body"}, [this](Answer answer) { answers.push_back(std::move(answer)); }, errc::ok);
        bench.exchange();
        carry();
    }
    void respond(std::string_view body, bool more = false, errc code = errc::ok, std::string_view text = {},
                 std::uint32_t retry_after_ms = 0) {
        wire::ResponseView response;
        response.code = code;
        response.text = text;
        response.retry_after_ms = retry_after_ms;
        response.body = body;
        response.more = more;
        (void)bench.server.table.respond(bench.server.requests.back().pending, response, bench.now());
        bench.exchange();
        carry();
    }
    // What the session says of requests.
    void carry() {
        for (const auto& each : std::exchange(bench.client.responses, {}))
            requests.on_response({each.id, each.code, each.text, each.retry_after_ms, each.body, each.more}, {});
        for (const auto& [id, code] : std::exchange(bench.client.failed, {})) requests.on_failed(id, code, "");
    }
    Bench bench;
    Requests requests{bench.client.session};
    std::vector<Answer> answers;
};

struct AskingWithoutAStore : Asking {
    AskingWithoutAStore() : Asking(false) {}
};

TEST_F(Asking, AnAnswerHasAllBodiesOfTheSeries) {
    ask();
    respond("one", true);
    EXPECT_TRUE(answers.empty());
    respond("two");
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::ok);
    ASSERT_EQ(answers[0].bodies.size(), 2u);
    EXPECT_EQ(answers[0].bodies[0], "one");
    EXPECT_EQ(answers[0].bodies[1], "two");
}

TEST_F(Asking, ARefusalTellsWhyAndWhen) {
    ask();
    respond({}, false, errc::busy, "the reader is busy\x1b", 1'500);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::busy);
    EXPECT_EQ(answers[0].text, "the reader is busy\\x1b; ask again in 1500 ms");
    EXPECT_EQ(answers[0].retry_after_ms, 1'500u);
    ask();
    respond({}, false, errc::unknown_conversation);
    EXPECT_EQ(answers[1].text, explain(errc::unknown_conversation));
}

TEST_F(Asking, AnAnswerWithoutEndFailsTheCallAndNoOther) {
    ask();
    for (std::size_t i = 0; i < Requests::kMostResponses; ++i) respond("x", true);
    EXPECT_TRUE(answers.empty());
    respond("x", true);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::message_too_large);
    for (int i = 0; i < 10; ++i) respond("x", true);
    respond("the end");
    EXPECT_EQ(answers.size(), 1u) << "it is told once";
    ask();
    respond("fine");
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[1].code, errc::ok);
}

TEST_F(Asking, AnAnswerThatIsTooLongFailsTheCall) {
    ask();
    const std::string page(wire::kMaxResponseBytes, 'p');
    for (int i = 0; i < 2; ++i) {
        respond(page, true);
        bench.live(std::chrono::milliseconds(500));
        carry();
    }
    EXPECT_TRUE(answers.empty());
    respond("x", true);
    ASSERT_EQ(answers.size(), 1u);
    EXPECT_EQ(answers[0].code, errc::message_too_large);
}

TEST_F(Asking, ResponsesThatNobodyHasAskedForAreIgnored) {
    ask();
    const Uuid id = bench.server.requests.back().pending.request_id;
    respond("answer");
    wire::ResponseView again;
    again.id = id;
    again.body = "once more";
    requests.on_response(again, {});
    again.id = session::test::id_of(77);
    requests.on_response(again, {});
    requests.on_failed(session::test::id_of(77), errc::busy, "");
    EXPECT_EQ(answers.size(), 1u);
}

TEST_F(Asking, WhatCannotBeSentIsToldAtOnce) {
    requests.send(
        {Verb::history, "room:tea", ""}, [this](Answer answer) { answers.push_back(std::move(answer)); },
        errc::not_connected);
    requests.send(
        {Verb::history, "room:tea", std::string(wire::kMaxRequestBytes + 1, 'x')},
        [this](Answer answer) { answers.push_back(std::move(answer)); }, errc::ok);
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[0].code, errc::not_connected);
    EXPECT_EQ(answers[1].code, errc::message_too_large);
}

TEST_F(AskingWithoutAStore, IsNotSupportedAndTheTextSaysWhy) {
    ask();
    ask(Verb::conversation_join);
    ASSERT_EQ(answers.size(), 2u);
    for (const Answer& answer : answers) {
        EXPECT_EQ(answer.code, errc::not_supported);
        EXPECT_NE(answer.text.find("a server with a store"), std::string::npos) << answer.text;
    }
}

TEST_F(Asking, ClosingAnswersEveryCall) {
    ask();
    ask();
    requests.close();
    ASSERT_EQ(answers.size(), 2u);
    EXPECT_EQ(answers[1].code, errc::client_closed);
    carry();
    EXPECT_EQ(answers.size(), 2u);
}

}  // namespace
}  // namespace flare::client
