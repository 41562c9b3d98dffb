// The capability `conversations` and the positions that receipts carry with it: docs/protocol.md, "Positions".
#include "support.hpp"

namespace flare::session::test {
namespace {

constexpr wire::StoredAt kPlace{{0x8f3a5c17d2e94b60, 12}, 1'722'470'400'131};

Receipt stored_at(const wire::StoredAt& place) { return {wire::ReceiptStatus::stored, errc::ok, {}, 0, place}; }

// A client that asks for conversations, and a server that has a store or none.
class Conversations : public ::testing::Test {
protected:
    static ClientSettings asks() {
        ClientSettings settings = Bench::client_settings();
        settings.conversations = true;
        return settings;
    }
    static Bench& connected(Bench& bench, bool has_store) {
        bench.server.answers = false;
        bench.server.table.offer(nullptr, has_store);
        bench.connect(1);
        return bench;
    }
    static void answer(Bench& bench, std::size_t which, const Receipt& receipt, const Reply* reply = nullptr) {
        bench.server.table.finish(bench.server.handlings.at(which), receipt, reply, bench.now());
        bench.exchange();
    }
    // What the server says of its receipts, byte for byte: the first of what it writes now.
    static std::optional<wire::ReceiptView> receipt_in(std::string_view batch) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (frame.kind == wire::FrameKind::receipt) return wire::decode_receipt(frame.body).value();
        }
        return std::nullopt;
    }
};

TEST_F(Conversations, AreAgreedOnlyIfTheClientAsksAndTheServerHasAStore) {
    for (const bool client : {false, true}) {
        for (const bool server : {false, true}) {
            Bench bench({}, client ? asks() : Bench::client_settings());
            connected(bench, server);
            EXPECT_EQ(bench.session().agreed().conversations, client && server) << client << server;
        }
    }
}

TEST_F(Conversations, AWelcomeThatOffersThemUnaskedChangesNothing) {
    Bench bench;
    bench.server.answers = false;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    EXPECT_FALSE(bench.to_server(1, bench.from_client(1)));
    auto welcome = wire::decode_welcome(frames_of(bench.from_server(1)).at(0).body).value();
    welcome.capabilities |= wire::kCapabilityConversations;
    bench.to_client(1, batch_of({}, wire::encode(welcome)));
    bench.exchange();
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    wire::ReceiptView receipt{id_of(1), wire::ReceiptStatus::stored, errc::ok, {}, 0, kPlace};
    bench.to_client(1, numbered(lane_of("bob", 4), 1, wire::encode(receipt)));
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].status, wire::ReceiptStatus::stored);
    EXPECT_FALSE(bench.client.outcomes[0].stored.said());
}

TEST_F(Conversations, AStoredMessageTellsItsPlace) {
    Bench bench({}, asks());
    connected(bench, true);
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(bench, 0, stored_at(kPlace));
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[0].status, wire::ReceiptStatus::stored);
    EXPECT_EQ(bench.client.outcomes[0].stored, kPlace);
}

TEST_F(Conversations, AReplyThatCarriesTheReceiptTellsThePlace) {
    Bench bench({}, asks());
    connected(bench, true);
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    const Reply reply{kServerTarget, message_of(2, "noted", "ann")};
    answer(bench, 0, stored_at(kPlace), &reply);
    EXPECT_EQ(bench.client.texts, std::vector<std::string>{"noted"});
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].stored, kPlace);
}

TEST_F(Conversations, AnOldClientNeverGetsAPlace) {
    Bench bench;
    connected(bench, true);
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    bench.server.table.finish(bench.server.handlings.at(0), stored_at(kPlace), nullptr, bench.now());
    const std::string batch = bench.from_server(1);
    const auto receipt = receipt_in(batch);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->status, wire::ReceiptStatus::stored);
    EXPECT_EQ(receipt->stored, wire::StoredAt());
}

TEST_F(Conversations, OtherReceiptsTellNone) {
    for (const auto status : {wire::ReceiptStatus::handled, wire::ReceiptStatus::delivered,
                              wire::ReceiptStatus::buffered, wire::ReceiptStatus::refused}) {
        Bench bench({}, asks());
        connected(bench, true);
        ASSERT_TRUE(bench.send(1, "hello", "bob"));
        bench.exchange();
        bench.server.table.finish(bench.server.handlings.at(0), {status, errc::ok, {}, 0, kPlace}, nullptr,
                                  bench.now());
        const std::string batch = bench.from_server(1);
        EXPECT_EQ(receipt_in(batch).value().stored, wire::StoredAt());
        // A server that says one all the same is not believed.
        wire::ReceiptView liar{id_of(1), status, errc::forbidden, {}, 0, kPlace};
        bench.to_client(1, numbered(lane_of("bob", 4), 1, wire::encode(liar)));
        ASSERT_EQ(bench.client.outcomes.size(), 1u);
        EXPECT_FALSE(bench.client.outcomes[0].stored.said());
    }
}

TEST_F(Conversations, ARepeatIsToldTheSamePlace) {
    Settings short_lived;
    short_lived.session_life = 10s;
    Bench bench(short_lived, asks());
    connected(bench, true);
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    // The receipt is lost with its session: the client asks again in the next one.
    bench.server.table.finish(bench.server.handlings.at(0), stored_at(kPlace), nullptr, bench.now());
    bench.cut(1);
    bench.pass(11s);
    bench.server.table.on_time(bench.now());
    bench.connect(2);  // a resume, which is refused, and a new session
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].stored, kPlace);
    EXPECT_EQ(bench.server.texts.size(), 1u) << "acted on once";
}

TEST_F(Conversations, AResumeThatOffersLessIsRefused) {
    Bench bench({}, asks());
    connected(bench, true);
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    const std::string batch = bench.from_client(2);
    const auto hello = wire::decode_hello(frames_of(batch).at(0).body).value();
    EXPECT_EQ(hello.capabilities & wire::kCapabilityConversations, wire::kCapabilityConversations);
    wire::Hello less = hello;
    less.capabilities = 0;
    const auto refused = bench.server.table.attach_resumed(2, less, bench.now());
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::ticket_invalid);
    EXPECT_FALSE(bench.server.table.attach_resumed(2, hello, bench.now()));
}

// ---- messages that go into a log ----

TEST_F(Conversations, AMessageThatGoesIntoALogIsHandedUpAgainWhenItComesAgain) {
    Bench bench({}, asks());
    connected(bench, true);
    bench.server.into_a_log = true;
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    answer(bench, 0, {wire::ReceiptStatus::refused, errc::storage_failed, "no", 0});
    ASSERT_TRUE(bench.send(1, "hello", "bob"));
    bench.exchange();
    EXPECT_EQ(bench.server.texts.size(), 2u) << "no answer is remembered: the log knows";
    answer(bench, 1, stored_at(kPlace));
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[1].stored, kPlace);
}

TEST_F(Conversations, ARateAndADiskAreWaitedFor) {
    for (const errc code : {errc::busy, errc::rate_limited, errc::storage_full, errc::storage_failed}) {
        Bench bench({}, asks());
        connected(bench, true);
        bench.server.into_a_log = true;
        ASSERT_TRUE(bench.send(1, "one", "bob"));
        bench.exchange();
        answer(bench, 0, {wire::ReceiptStatus::refused, code, "later", 1'000});
        EXPECT_TRUE(bench.client.outcomes.empty()) << name(code);
        ASSERT_TRUE(bench.send(2, "two", "bob"));
        bench.live(900ms);
        EXPECT_EQ(bench.server.texts.size(), 1u) << name(code);
        bench.live(300ms);
        ASSERT_EQ(bench.server.texts.size(), 2u) << name(code);
        answer(bench, 1, stored_at(kPlace));
        EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"one", "one", "two"})) << name(code);
    }
}

TEST_F(Conversations, WhatTheServerItselfRefusesIsNotWaitedFor) {
    Bench bench({}, asks());
    connected(bench, true);
    ASSERT_TRUE(bench.send(1, "one", "server"));
    bench.exchange();
    answer(bench, 0, {wire::ReceiptStatus::refused, errc::rate_limited, "no", 1'000});
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::rate_limited);
}

}  // namespace
}  // namespace flare::session::test
