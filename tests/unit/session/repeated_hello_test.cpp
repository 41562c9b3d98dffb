// Somebody says again, byte for byte, what a client has said: docs/protocol.md, "Tickets".
#include "session/lasting_ticket.hpp"
#include "session/ticket.hpp"
#include "session/used_epochs.hpp"

#include "support.hpp"

#include <limits>

namespace flare::session::test {
namespace {

errc answer_of(const std::optional<wire::Refused>& refused) { return refused ? refused->code : errc::ok; }

wire::Hello hello_read(const std::string& batch) {
    std::string_view rest;
    auto hello = read_hello(batch, rest);
    EXPECT_TRUE(hello);
    return hello ? *hello : wire::Hello();
}

// ---- the window ----

TEST(UsedEpochs, KnowsEachOfAWindowByItself) {
    UsedEpochs used;
    for (const std::uint64_t epoch : {7u, 3u, 9u, 5u}) {
        EXPECT_FALSE(used.has(epoch)) << epoch;
        used.add(epoch);
        EXPECT_TRUE(used.has(epoch)) << epoch;
    }
    for (const std::uint64_t epoch : {0u, 1u, 2u, 4u, 6u, 8u, 10u, 1000u}) EXPECT_FALSE(used.has(epoch)) << epoch;
}

TEST(UsedEpochs, TakesWhatIsBelowTheWindowForUsedAndNeverWhatIsAboveTheHighest) {
    UsedEpochs used;
    used.add(100);
    EXPECT_FALSE(used.has(100 - UsedEpochs::kWindow + 1));
    EXPECT_TRUE(used.has(100 - UsedEpochs::kWindow));
    EXPECT_TRUE(used.has(0));
    used.add(100 + UsedEpochs::kWindow - 1);
    EXPECT_TRUE(used.has(100)) << "at the very edge it is known still";
    EXPECT_FALSE(used.has(101));
    used.add(1'000'000);
    EXPECT_TRUE(used.has(101));
    EXPECT_FALSE(used.has(999'999));
    EXPECT_FALSE(used.has(1'000'001));
}

TEST(UsedEpochs, HasNoEdgeAtTheEndsOfItsNumbers) {
    constexpr std::uint64_t kLast = std::numeric_limits<std::uint64_t>::max();
    UsedEpochs used;
    EXPECT_FALSE(used.has(0));
    used.add(0);
    EXPECT_TRUE(used.has(0));
    EXPECT_FALSE(used.has(1));
    used.add(kLast);
    EXPECT_TRUE(used.has(kLast));
    EXPECT_TRUE(used.has(0));
    EXPECT_FALSE(used.has(kLast - 1));
}

TEST(UsedEpochs, AgreesWithASetWhateverComes) {
    Chance chance(5);
    UsedEpochs used;
    std::vector<std::uint64_t> added;
    std::uint64_t highest = 0;
    for (int i = 0; i < 5'000; ++i) {
        const std::uint64_t around = highest > 80 ? highest - 80 : 0;
        const std::uint64_t epoch = around + chance.next_u64() % 100;
        const bool below = !added.empty() && epoch + UsedEpochs::kWindow <= highest;
        const bool known = std::find(added.begin(), added.end(), epoch) != added.end();
        ASSERT_EQ(used.has(epoch), known || below) << epoch << " of " << highest;
        if (used.has(epoch)) continue;
        used.add(epoch);
        added.push_back(epoch);
        highest = std::max(highest, epoch);
    }
}

// ---- a session that lives ----

struct RepeatedHello : ::testing::Test {
    RepeatedHello() {
        bench.connect(1);
        EXPECT_EQ(code_of(bench.send(1, "before")), errc::ok);
        bench.exchange();
    }
    // Loses carrier `lost`, and resumes on `key`; what the client said there first.
    std::string resume(CarrierKey lost, CarrierKey key) {
        bench.cut(lost);
        bench.client.session.begin_attempt("token");
        bench.open(key);
        std::string said = bench.from_client(key);
        EXPECT_EQ(answer_of(bench.to_server(key, said)), errc::ok);
        bench.exchange();
        return said;
    }

    Bench bench;
};

TEST_F(RepeatedHello, AttachesNothingWhileItsCarrierLives) {
    const std::string said = resume(1, 2);
    EXPECT_EQ(answer_of(bench.to_server(9, said)), errc::stale_carrier);
    EXPECT_EQ(bench.session().carriers().size(), 1u);
    EXPECT_EQ(bench.session().active(), 2u);
}

TEST_F(RepeatedHello, AttachesNothingWhenItsCarrierHasGone) {
    const std::string said = resume(1, 2);
    bench.cut(2);
    EXPECT_EQ(answer_of(bench.to_server(9, said)), errc::stale_carrier);
    EXPECT_EQ(bench.session().presence(), Presence::detached);
    const std::string next = resume(2, 3);  // and its client comes back as ever
    EXPECT_EQ(bench.session().active(), 3u);
    for (const std::string& old : {said, next}) EXPECT_NE(answer_of(bench.to_server(9, old)), errc::ok);
}

TEST_F(RepeatedHello, AttachesNothingAfterTheTicketsSuccessorWasUsed) {
    std::vector<std::string> all;
    for (CarrierKey key = 2; key < 12; ++key) all.push_back(resume(key - 1, key));
    for (const std::string& said : all) EXPECT_NE(answer_of(bench.to_server(99, said)), errc::ok);
    EXPECT_EQ(bench.session().carriers().size(), 1u);
}

TEST_F(RepeatedHello, OfALongConnectAttachesNothing) {
    std::vector<std::string> all{resume(1, 2)};
    for (CarrierKey key = 3; key < 200; ++key) {  // one connect, carrier after carrier
        bench.open(key);
        all.push_back(bench.from_client(key));
        ASSERT_EQ(answer_of(bench.to_server(key, all.back())), errc::ok) << key;
        bench.exchange();
        bench.cut(key - 1);
    }
    for (const std::string& said : all) EXPECT_NE(answer_of(bench.to_server(999, said)), errc::ok);
    EXPECT_EQ(bench.session().active(), 199u);
}

TEST_F(RepeatedHello, RacingCarriersOfOneConnectAttachInAnyOrder) {
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    std::map<CarrierKey, std::string> said;
    for (CarrierKey key = 2; key < 10; ++key) {
        bench.open(key);
        said[key] = bench.from_client(key);
    }
    for (const CarrierKey key : {5u, 9u, 2u, 8u, 3u, 7u, 4u, 6u}) {
        EXPECT_EQ(answer_of(bench.to_server(key, said[key])), errc::ok) << key;
    }
    for (const auto& [key, batch] : said) EXPECT_EQ(answer_of(bench.to_server(99, batch)), errc::stale_carrier) << key;
    bench.exchange();
    EXPECT_EQ(bench.client.ready.back().second, true);
}

TEST_F(RepeatedHello, ALostWelcomeIsAnsweredByTheNextHello) {
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    EXPECT_EQ(answer_of(bench.to_server(2, bench.from_client(2))), errc::ok);
    EXPECT_NE(bench.from_server(2), "");  // and it is lost
    bench.cut(2);
    bench.open(3);  // of the same connect
    bench.exchange();
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{3, true}));
}

TEST_F(RepeatedHello, InEarlyDataUsesNothingUpAndBringsNothingNewAfterwards) {
    bench.cut(1);
    ASSERT_EQ(code_of(bench.send(2, "waited")), errc::ok);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    const std::string said = bench.from_client(2);
    std::string_view rest;
    const auto hello = read_hello(said, rest);
    ASSERT_TRUE(hello);
    for (int i = 0; i < 10; ++i) bench.server.table.take_early(*hello, rest, bench.now());
    EXPECT_EQ(answer_of(bench.to_server(2, said)), errc::ok) << "the handshake is complete, the same connection";
    bench.exchange();

    // Somebody with a connection of his own puts messages of his own behind it.
    for (LaneIndex lane = 0; lane < bench.session().lanes(); ++lane) {
        for (Seq seq = 1; seq < 4; ++seq) {
            bench.server.table.take_early(*hello, numbered(lane, seq, data_of(9, "invented")), bench.now());
        }
    }
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"before", "waited"}));
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST_F(RepeatedHello, WithATokenGetsNeitherACarrierNorTheSecret) {
    bench.client.session.disconnect(bench.now());
    bench.live(1s);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    const std::string said = bench.from_client(2);
    bench.open(3);
    const std::string racing = bench.from_client(3);
    ASSERT_EQ(answer_of(bench.to_server(2, said)), errc::ok);
    EXPECT_EQ(answer_of(bench.to_server(9, said)), errc::stale_carrier);
    EXPECT_EQ(bench.from_server(9), "");
    EXPECT_EQ(answer_of(bench.to_server(3, racing)), errc::ok) << "another carrier of the same connect";
    EXPECT_EQ(answer_of(bench.to_server(9, racing)), errc::stale_carrier);
    EXPECT_EQ(bench.server.table.by_carrier(2)->carriers().size(), 2u);
}

TEST_F(RepeatedHello, OfAnEndedSessionHearsOfItsEndAndNothingElse) {
    const std::string said = resume(1, 2);
    bench.server.table.cut_off(bench.session(), errc::credential_revoked, "out", bench.now());
    EXPECT_EQ(answer_of(bench.to_server(9, said)), errc::credential_revoked);
    EXPECT_EQ(bench.from_server(9), "");
    EXPECT_EQ(bench.server.table.size(), 0u);
}

TEST_F(RepeatedHello, ThatWasRefusedMayComeAgain) {
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    const std::string said = bench.from_client(2);
    wire::Hello wrong = hello_read(said);
    wrong.received.push_back({1, 500, 0, 0});  // it acknowledges what was never sent
    EXPECT_EQ(answer_of(bench.server.table.attach_resumed(8, wrong, bench.now())), errc::bad_ack);
    EXPECT_EQ(answer_of(bench.to_server(2, said)), errc::ok) << "only a carrier that is attached uses it up";
}

// ---- after a restart ----

struct LastingTicket : ::testing::Test {
    LastingTicket() { bench.connect(1); }
    // What the client says first and, after the challenge, next to a server that was started again.
    wire::Hello first(CarrierKey key) {
        bench.client.session.begin_attempt("token");
        bench.client.session.open(key, bench.now());
        return hello_read(bench.from_client(key));
    }
    wire::Hello second(CarrierKey key, const TicketChallenge* challenge) {
        wire::Refused refused;
        refused.code = errc::session_unknown;
        if (challenge != nullptr) refused.challenge = challenge->bytes;
        wire::Batch batch;
        write_refusal(batch, refused);
        bench.to_client(key, batch.str());
        return hello_read(bench.from_client(key));
    }

    TicketKeys before{std::string(32, 'k'), {}, "process1"};
    TicketKeys after{std::string(32, 'k'), {}, "process2"};
    Bench bench{{}, Bench::client_settings(), 64u << 20, &before};
    Chance chance{9};
};

TEST_F(LastingTicket, IsProvenForTheConnectionThatAsked) {
    bench.cut(1);
    const wire::Hello resume = first(2);
    const auto challenge = challenge_ticket(after, resume, chance);
    ASSERT_TRUE(challenge);
    EXPECT_EQ(challenge->bytes.size(), wire::kChallengeBytes);
    EXPECT_EQ(challenge->identity.user, "ann");
    const wire::Hello answer = second(2, challenge.get());
    EXPECT_EQ(answer.token, "token") << "for a server that wants it after all";
    EXPECT_TRUE(answers(*challenge, answer));

    // The same resume on another connection, and the same answer there.
    const auto elsewhere = challenge_ticket(after, resume, chance);
    ASSERT_TRUE(elsewhere);
    EXPECT_NE(elsewhere->bytes, challenge->bytes);
    EXPECT_FALSE(answers(*elsewhere, answer));
}

TEST_F(LastingTicket, ProofIsOfThisHelloOfThisUserAndDevice) {
    bench.cut(1);
    const auto challenge = challenge_ticket(after, first(2), chance);
    ASSERT_TRUE(challenge);
    const wire::Hello good = second(2, challenge.get());
    wire::Hello bad = good;
    bad.ticket_proof.clear();
    EXPECT_FALSE(answers(*challenge, bad));
    bad = good;
    bad.ticket_proof[0] ^= 1;
    EXPECT_FALSE(answers(*challenge, bad));
    bad = good;
    ++bad.epoch;
    EXPECT_FALSE(answers(*challenge, bad));
    bad = good;
    bad.attempt_id = id_of(200);
    EXPECT_FALSE(answers(*challenge, bad));
    bad = good;
    bad.user = "bob";
    EXPECT_FALSE(answers(*challenge, bad));
    bad = good;
    bad.device = "tablet";
    EXPECT_FALSE(answers(*challenge, bad));
}

TEST_F(LastingTicket, IsNotAskedForWithoutItsProofOrByItsOwnProcess) {
    bench.cut(1);
    wire::Hello resume = first(2);
    EXPECT_FALSE(challenge_ticket(before, resume, chance));
    EXPECT_FALSE(challenge_ticket(TicketKeys(std::string(32, 'x'), {}, "process2"), resume, chance));
    resume.resume->mac[0] ^= 1;
    EXPECT_FALSE(challenge_ticket(after, resume, chance));
    resume.resume.reset();
    EXPECT_FALSE(challenge_ticket(after, resume, chance));
}

TEST_F(LastingTicket, AClientThatIsNotAskedProvesNothing) {
    bench.cut(1);
    (void)first(2);
    EXPECT_TRUE(second(2, nullptr).ticket_proof.empty());
}

TEST_F(LastingTicket, MakesOneSessionForOneConnect) {
    const SessionId lost = *bench.client.session.id();
    ServerBench next({}, 64u << 20, kStart, &after);
    SessionCredential identity{"ann"};
    identity.ticket_of = lost;
    wire::Hello hello;
    hello.user = "ann";
    hello.device = "phone";
    hello.attempt_id = id_of(50);
    hello.epoch = 10;
    ASSERT_TRUE(next.table.may_honour(lost, hello));
    ASSERT_EQ(answer_of(next.table.attach_new(1, hello, identity, kStart)), errc::ok);
    hello.epoch = 11;  // another carrier of the same connect
    EXPECT_TRUE(next.table.may_honour(lost, hello));
    EXPECT_EQ(answer_of(next.table.attach_new(2, hello, identity, kStart)), errc::ok);
    EXPECT_EQ(next.created.size(), 1u);

    hello.attempt_id = id_of(51);
    EXPECT_FALSE(next.table.may_honour(lost, hello));
    EXPECT_EQ(answer_of(next.table.attach_new(3, hello, identity, kStart)), errc::unauthenticated);
    identity.ticket_of = SessionId{id_of(77)};
    EXPECT_TRUE(next.table.may_honour(*identity.ticket_of, hello)) << "another lost session";
    identity.ticket_of.reset();
    EXPECT_EQ(answer_of(next.table.attach_new(4, hello, identity, kStart)), errc::ok) << "a token is good as ever";
}

TEST_F(LastingTicket, ThatWasRefusedIsNotUsedUp) {
    const SessionId lost = *bench.client.session.id();
    ServerBench next({}, 10'000, kStart, &after);
    next.budget.take_anyway(10'000);
    SessionCredential identity{"ann"};
    identity.ticket_of = lost;
    wire::Hello hello;
    hello.user = "ann";
    hello.device = "phone";
    hello.attempt_id = id_of(50);
    EXPECT_EQ(answer_of(next.table.attach_new(1, hello, identity, kStart)), errc::busy);
    hello.attempt_id = id_of(51);
    EXPECT_TRUE(next.table.may_honour(lost, hello));
}

// A slower carrier of the connect for which the ticket was honoured: no word against the credential, which would keep
// its client from coming back.
TEST_F(LastingTicket, OfAConnectWhoseSessionIsOverIsNoReasonToAskForACredential) {
    const SessionId lost = *bench.client.session.id();
    ServerBench next({}, 64u << 20, kStart, &after);
    SessionCredential identity{"ann"};
    identity.ticket_of = lost;
    wire::Hello hello;
    hello.user = "ann";
    hello.device = "phone";
    hello.attempt_id = id_of(50);
    hello.epoch = 10;
    ASSERT_EQ(answer_of(next.table.attach_new(1, hello, identity, kStart)), errc::ok);
    next.table.end(*next.table.find(next.created[0]), errc::shutting_down, "update", 0, kStart);
    ASSERT_EQ(next.ended.size(), 1u);

    hello.epoch = 11;
    EXPECT_TRUE(next.table.may_honour(lost, hello));
    EXPECT_EQ(answer_of(next.table.attach_new(2, hello, identity, kStart)), errc::stale_carrier);
    EXPECT_EQ(next.created.size(), 1u);
    for (std::uint8_t other = 51; other < 80; ++other) {
        hello.attempt_id = id_of(other);
        EXPECT_FALSE(next.table.may_honour(lost, hello)) << "a later connect";
        ASSERT_EQ(answer_of(next.table.attach_new(other, hello, SessionCredential{"ann"}, kStart)), errc::ok);
        next.table.cut_off(*next.table.by_carrier(other), errc::kicked, "out", kStart);
    }
    hello.attempt_id = id_of(50);
    EXPECT_FALSE(next.table.may_honour(lost, hello)) << "nobody remembers that connect: the credential decides";
    identity.ticket_of.reset();
    EXPECT_EQ(answer_of(next.table.attach_new(90, hello, identity, kStart)), errc::ok);
}

TEST(HonouredTickets, PastItsBoundHonoursNothingNewAndForgetsNothing) {
    HonouredTickets honoured(3);
    for (std::uint8_t i = 1; i <= 3; ++i) {
        EXPECT_TRUE(honoured.may_make_one(SessionId{id_of(i)}));
        honoured.note(SessionId{id_of(i)}, id_of(100));
    }
    EXPECT_FALSE(honoured.may_make_one(SessionId{id_of(4)}));
    EXPECT_FALSE(honoured.may_attach(SessionId{id_of(4)}, id_of(100)));
    EXPECT_TRUE(honoured.may_attach(SessionId{id_of(1)}, id_of(100))) << "its own connect still joins";
    EXPECT_FALSE(honoured.may_attach(SessionId{id_of(1)}, id_of(101)));
}

// The bytes that docs/protocol.md names, put together by printf and signed by `openssl dgst -sha256 -mac HMAC`.
TEST(LastingTicketProof, IsTheOneThatTheProtocolDescribes) {
    const std::string proof =
        ticket_proof("key", std::string(kTicketBytes, 't'), std::string(wire::kChallengeBytes, 'c'), 258, id_of(1));
    std::string hex;
    for (const char c : proof) {
        constexpr const char* kDigits = "0123456789abcdef";
        hex.push_back(kDigits[static_cast<unsigned char>(c) >> 4]);
        hex.push_back(kDigits[static_cast<unsigned char>(c) & 15]);
    }
    EXPECT_EQ(hex, "68892f448e6fe2ab340f747646577cc10a63f752993d253a41b52f6e25808e92");
}

}  // namespace
}  // namespace flare::session::test
