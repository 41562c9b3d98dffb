// Hello, Welcome, Refused: docs/protocol.md, "Attaching a carrier".
#include "support.hpp"

namespace flare::session::test {
namespace {

wire::Hello hello_of(std::uint8_t attempt, std::uint64_t epoch = 1) {
    wire::Hello hello;
    hello.user = "ann";
    hello.device = "phone";
    hello.token = "token";
    hello.attempt_id = id_of(attempt);
    hello.epoch = epoch;
    return hello;
}

errc refusal(const std::optional<wire::Refused>& refused) { return refused ? refused->code : errc::ok; }

wire::Welcome welcome_in(const std::string& batch) {
    const auto frames = frames_of(batch);
    if (frames.empty() || frames.front().kind != wire::FrameKind::welcome) {
        ADD_FAILURE() << "no welcome";
        return {};
    }
    return *wire::decode_welcome(frames.front().body);
}

// ---- the first frame ----

std::string hello_batch(const wire::Hello& hello) { return batch_of({}, wire::encode(hello)); }

errc read_error(std::string_view batch) {
    std::string_view rest;
    return code_of(read_hello(batch, rest));
}

TEST(Hello, LeavesTheRestOfItsBatchUnread) {
    const std::string after = numbered(0, 1, data_of(1, "x"));
    const std::string batch = hello_batch(hello_of(1)) + after;
    std::string_view rest;
    ASSERT_TRUE(read_hello(batch, rest));
    EXPECT_EQ(rest, after);
}

TEST(Hello, MustComeFirst) {
    EXPECT_EQ(read_error(numbered(0, 1, data_of(1, "x"))), errc::unexpected_frame);
    EXPECT_EQ(read_error(""), errc::malformed_frame);
    EXPECT_EQ(read_error("\x05\x01"), errc::malformed_frame);
}

TEST(Hello, NeedsVersionUserAndAttempt) {
    wire::Hello hello = hello_of(1);
    hello.version = 2;
    EXPECT_EQ(read_error(hello_batch(hello)), errc::unsupported_version);
    hello = hello_of(1);
    hello.user.clear();
    EXPECT_EQ(read_error(hello_batch(hello)), errc::malformed_frame);
    hello = hello_of(1);
    hello.attempt_id = {};
    EXPECT_EQ(read_error(hello_batch(hello)), errc::malformed_frame);
}

TEST(Hello, MayNotUseAReservedName) {
    wire::Hello hello = hello_of(1);
    hello.user = "server";
    EXPECT_EQ(read_error(hello_batch(hello)), errc::reserved_name);
    hello.user = "room:tea";
    EXPECT_EQ(read_error(hello_batch(hello)), errc::reserved_name);
}

TEST(Hello, WithTokenAndProofIsMalformed) {
    wire::Hello hello = hello_of(1);
    hello.resume = wire::Resume{std::string(kTicketBytes, 't'), std::string(16, 'n'), std::string(32, 'm')};
    EXPECT_EQ(read_error(hello_batch(hello)), errc::malformed_frame);
}

// ---- a new session ----

TEST(Attach, MakesASessionAndWelcomesBothSidesToIt) {
    Bench bench;
    bench.connect(1);

    ASSERT_EQ(bench.server.created.size(), 1u);
    EXPECT_EQ(bench.client.session.id(), bench.server.created[0]);
    EXPECT_EQ(bench.client.ready, (std::vector<std::pair<CarrierKey, bool>>{{1, false}}));
    EXPECT_TRUE(bench.client.session.can_resume());
    EXPECT_EQ(bench.session().active(), 1u);
    EXPECT_EQ(bench.session().presence(), Presence::attached);
    EXPECT_TRUE(bench.client.gaps.empty());
}

TEST(Attach, RefusesACredentialOfAnotherUser) {
    Bench bench;
    const auto refused = bench.server.table.attach_new(1, hello_of(1), SessionCredential{"bob"}, kStart);
    EXPECT_EQ(refusal(refused), errc::user_mismatch);
    EXPECT_TRUE(bench.server.created.empty());
    EXPECT_EQ(bench.server.table.size(), 0u);
}

TEST(Attach, ParallelCarriersOfOneConnectMakeOneSession) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    bench.open(2);
    bench.exchange();

    EXPECT_EQ(bench.server.created.size(), 1u);
    EXPECT_EQ(bench.session().carriers().size(), 2u);
    EXPECT_EQ(bench.client.session.active(), bench.session().active());
}

TEST(Attach, ALostWelcomeCostsNothing) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    bench.to_server(1, bench.from_client(1));
    EXPECT_NE(bench.from_server(1), "");  // and it is lost
    bench.cut(1);

    bench.open(2);
    bench.exchange();
    EXPECT_EQ(bench.server.created.size(), 1u);
    EXPECT_EQ(bench.client.session.id(), bench.server.created[0]);
    EXPECT_TRUE(bench.send(1, "hi"));
    bench.exchange();
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"hi"}));
}

// Its Welcome was written when the ticket in it was the newest.
TEST(Attach, ASlowerCarriersWelcomeBringsNoTicketBackThatWasUsed) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    for (const CarrierKey key : {1u, 2u}) {
        bench.open(key);
        ASSERT_EQ(refusal(bench.to_server(key, bench.from_client(key))), errc::ok);
    }
    const std::string slow = bench.from_server(2);
    bench.to_client(1, bench.from_server(1));
    bench.open(3);  // resumes with the ticket that both offered
    ASSERT_EQ(refusal(bench.to_server(3, bench.from_client(3))), errc::ok);
    bench.to_client(3, bench.from_server(3));
    bench.to_server(3, bench.from_client(3));
    bench.to_client(2, slow);
    bench.exchange();
    EXPECT_EQ(bench.session().active(), 2u);

    for (const CarrierKey key : {1u, 2u, 3u}) bench.cut(key);
    bench.connect(4);
    EXPECT_TRUE(bench.client.gaps.empty());
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{4, true}));
}

TEST(Attach, ASlowerCarriersWelcomeBringsNoTicketBackThatWasActivated) {
    Bench bench;
    bench.connect(1);
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    std::map<CarrierKey, std::string> said;
    for (const CarrierKey key : {2u, 3u, 4u}) {
        bench.open(key);
        said[key] = bench.from_client(key);
    }
    for (const CarrierKey key : {2u, 3u}) ASSERT_EQ(refusal(bench.to_server(key, said[key])), errc::ok);
    const std::string slow = bench.from_server(3);
    for (const CarrierKey key : {2u, 4u}) {
        if (key == 4) {
            ASSERT_EQ(refusal(bench.to_server(key, said[key])), errc::ok);
        }
        const std::string welcome = bench.from_server(key);
        EXPECT_EQ(welcome_in(welcome).ticket == welcome_in(slow).ticket, key == 2);
        bench.to_client(key, welcome);
        bench.to_server(key, bench.from_client(key));
    }
    bench.to_client(3, slow);
    bench.exchange();

    for (const CarrierKey key : {2u, 3u, 4u}) bench.cut(key);
    bench.connect(5);
    EXPECT_TRUE(bench.client.gaps.empty());
    EXPECT_EQ(bench.client.ready.back(), (std::pair<CarrierKey, bool>{5, true}));
}

TEST(Attach, SessionsOfTwoDevicesLiveSideBySide) {
    Bench bench;
    wire::Hello other = hello_of(9);
    other.device = "desk";
    bench.connect(1);
    ASSERT_FALSE(bench.server.table.attach_new(7, other, SessionCredential{"ann"}, kStart));

    EXPECT_EQ(bench.server.table.of_user("ann").size(), 2u);
    EXPECT_TRUE(bench.server.ended.empty());
}

TEST(Attach, AnotherConnectOfTheSameDeviceReplacesTheSession) {
    Bench bench;
    bench.connect(1);
    const SessionId first = *bench.client.session.id();

    ClientBench again(Bench::client_settings(), 3);
    again.session.begin_attempt("token");
    again.session.open(2, kStart);
    wire::Batch batch;
    again.session.write(2, batch, kStart);
    ASSERT_FALSE(bench.to_server(2, batch.str()));
    again.session.on_batch(2, bench.from_server(2), kStart);
    batch.clear();
    again.session.write(2, batch, kStart);
    EXPECT_TRUE(bench.server.ended.empty());  // not before the new client is heard
    bench.to_server(2, batch.str());
    bench.exchange();

    EXPECT_EQ(bench.server.created.size(), 2u);
    EXPECT_EQ(bench.server.table.size(), 1u);
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0], (std::pair{first, errc::session_replaced}));
    EXPECT_EQ(bench.client.ended, (std::vector<errc>{errc::session_replaced}));
}

TEST(Attach, AHelloOfAnEarlierConnectMakesNothing) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    const std::string late = bench.from_client(1);
    ASSERT_FALSE(bench.to_server(1, late));
    bench.cut(1);
    bench.connect(2);
    const SessionId session = *bench.client.session.id();

    EXPECT_EQ(refusal(bench.to_server(3, late)), errc::stale_carrier);
    EXPECT_EQ(bench.server.table.size(), 1u);
    EXPECT_NE(bench.server.table.find(session), nullptr);
}

TEST(Attach, ALateHelloThatNobodyWaitsForThrowsNobodyOut) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    const std::string late = bench.from_client(1);  // the network holds it back
    bench.client.session.carrier_gone(1, errc::connect_timeout, "too slow", kStart);
    bench.carriers.clear();
    bench.connect(2);
    const SessionId session = *bench.client.session.id();

    bench.to_server(3, late);  // its carrier has no living client behind it
    (void)bench.from_server(3);
    EXPECT_NE(bench.server.table.find(session), nullptr);
    EXPECT_TRUE(bench.client.ended.empty());
    EXPECT_EQ(bench.server.table.of_user("ann").size(), 1u);

    bench.live(5min);
    EXPECT_EQ(bench.server.table.size(), 1u);
    EXPECT_EQ(bench.server.created.size(), 1u);
    EXPECT_NE(bench.server.table.find(session), nullptr);
}

TEST(Attach, ALateResumeOfAnEarlierConnectMakesNothing) {
    Bench bench;
    bench.connect(1);
    bench.cut(1);
    bench.client.session.begin_attempt("token");
    bench.open(2);
    const std::string late = bench.from_client(2);  // the network holds it back
    bench.client.session.carrier_gone(2, errc::connect_timeout, "too slow", kStart);
    bench.carriers.clear();
    bench.client.session.begin_attempt("token");
    bench.open(3);
    EXPECT_EQ(refusal(bench.to_server(3, bench.from_client(3))),
              errc::ok);  // with the same ticket; its Welcome is slow

    EXPECT_EQ(refusal(bench.to_server(4, late)), errc::stale_carrier);
    bench.exchange();
    EXPECT_EQ(bench.session().active(), 3u);
}

TEST(Attach, AgreesOnTheServersNumberOfLanes) {
    Settings server;
    server.lanes = 2;
    ClientSettings client = Bench::client_settings();
    client.lanes = 8;
    Bench bench(server, client);
    bench.connect(1);

    ASSERT_EQ(bench.server.table.size(), 1u);
    EXPECT_EQ(bench.session().lanes(), 2u);
    for (std::uint8_t i = 1; i <= 10; ++i) ASSERT_TRUE(bench.send(i, "x", "user" + std::to_string(i)));
    bench.exchange();
    EXPECT_EQ(bench.server.texts.size(), 10u);
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST(Attach, SidesNeedNotAgreeOnTheirBounds) {
    Settings server;
    server.max_unacked_frames = 16;
    ClientSettings client = Bench::client_settings();
    client.max_unacked_frames = 1'000;
    Bench bench(server, client);
    bench.client.consumes = false;
    bench.connect(1);

    for (std::uint8_t i = 1; i <= 100; ++i) ASSERT_TRUE(bench.push(i, "x"));
    for (std::uint8_t i = 1; i <= 100; ++i) ASSERT_TRUE(bench.send(i, "x"));
    bench.live(5s);
    EXPECT_EQ(bench.client.texts.size(), 100u);
    EXPECT_EQ(bench.server.texts.size(), 100u);
    EXPECT_TRUE(bench.client.closed.empty());
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST(Attach, WelcomeNamesTheLimitsOfTheServer) {
    Settings settings;
    settings.max_message_bytes = 1'000;
    settings.max_unacked_frames = 64;
    settings.heartbeat_interval = 7s;
    settings.session_life = 42s;
    Bench bench(settings);
    ASSERT_FALSE(bench.server.table.attach_new(1, hello_of(1), SessionCredential{"ann"}, kStart));
    const wire::Welcome welcome = welcome_in(bench.from_server(1));

    EXPECT_EQ(welcome.limits.max_message_bytes, 1'000u);
    EXPECT_EQ(welcome.limits.max_unacked_frames, 64u);
    EXPECT_EQ(welcome.heartbeat_interval_ms, 7'000u);
    EXPECT_EQ(welcome.session_life_ms, 42'000u);
    EXPECT_EQ(welcome.secret.size(), kSecretBytes);
    EXPECT_EQ(welcome.outcome, wire::Outcome::created);
    EXPECT_EQ(welcome.user, "ann");
}

TEST(Attach, RefusesANewSessionWithoutMemoryAndSaysWhenToComeBack) {
    Bench bench({}, Bench::client_settings(), 10'000);
    bench.server.budget.take_anyway(10'000);
    const auto refused = bench.server.table.attach_new(1, hello_of(1), SessionCredential{"ann"}, kStart);
    EXPECT_EQ(refusal(refused), errc::busy);
    EXPECT_NE(refused->retry_after_ms, 0u);
    EXPECT_TRUE(bench.server.created.empty());
}

// The server's answer to the Hello on carrier 1.
void refuse(Bench& bench, errc code) {
    bench.client.session.begin_attempt("token");
    bench.open(1);
    (void)bench.from_client(1);
    wire::Refused refused;
    refused.code = code;
    wire::Batch batch;
    write_refusal(batch, refused);
    bench.to_client(1, batch.str());
}

TEST(Attach, TheClientGivesUpACarrierThatIsRefusedForGood) {
    Bench bench;
    refuse(bench, errc::unauthenticated);
    EXPECT_EQ(bench.client.refused, (std::vector<Closed>{{1, errc::unauthenticated}}));
    EXPECT_EQ(bench.client.closed, (std::vector<Closed>{{1, errc::unauthenticated}}));
    EXPECT_EQ(bench.from_client(1), "");
}

// Code 0 says that nothing is wrong, where something is.
TEST(Attach, ARefusalWithoutAReasonIsNoSuccess) {
    Bench bench;
    refuse(bench, errc::ok);
    EXPECT_EQ(bench.client.refused, (std::vector<Closed>{{1, errc::forbidden}}));
}

TEST(Attach, AGoodbyeWithoutAReasonLosesTheConnection) {
    Bench bench;
    bench.connect(1);
    wire::Goodbye goodbye;
    goodbye.code = errc::ok;
    goodbye.session_ends = false;
    wire::Batch batch;
    batch.add({}, wire::encode(goodbye));
    bench.to_client(1, batch.str());
    EXPECT_EQ(bench.client.lost, (std::vector<errc>{errc::closed_by_peer}));
}

TEST(Attach, AReceiptThatNamesNoSuccessIsNone) {
    for (const auto status : {wire::ReceiptStatus::refused, wire::ReceiptStatus::unspecified}) {
        Bench bench;
        bench.connect(1);
        ASSERT_TRUE(bench.send(1, "x"));
        (void)bench.from_client(1);
        wire::ReceiptView receipt;
        receipt.message_id = message_of(1, "x", kServerTarget).id;
        receipt.status = status;
        bench.to_client(1, numbered(lane_of(kServerTarget, bench.session().lanes()), 1, wire::encode(receipt)));
        ASSERT_EQ(bench.client.outcomes.size(), 1u);
        EXPECT_EQ(bench.client.outcomes.front().error, errc::forbidden);
    }
}

TEST(Attach, TheClientTakesNothingBeforeWelcome) {
    Bench bench;
    bench.client.session.begin_attempt("token");
    bench.open(1);
    (void)bench.from_client(1);
    bench.to_client(1, numbered(0, 1, data_of(1, "x")));

    EXPECT_EQ(bench.client.closed, (std::vector<Closed>{{1, errc::unexpected_frame}}));
    EXPECT_TRUE(bench.client.texts.empty());
}

TEST(Attach, TheOldestIdleCarrierMakesRoomForTheNinth) {
    Bench bench;
    bench.connect(1);
    for (CarrierKey key = 2; key <= 9; ++key) bench.open(key, true);
    bench.exchange();

    EXPECT_EQ(bench.session().carriers().size(), 8u);
    EXPECT_EQ(bench.session().active(), 1u);  // the one that sends is not the one that goes
    ASSERT_EQ(bench.server.closed.size(), 1u);
    EXPECT_EQ(bench.server.closed[0].code, errc::stale_carrier);
}

TEST(Attach, ASecondHelloOnAnAttachedCarrierIsAFault) {
    Bench bench;
    bench.connect(1);
    bench.to_server(1, hello_batch(hello_of(5)));
    EXPECT_EQ(bench.server.errors, (std::vector<errc>{errc::unexpected_frame}));
    EXPECT_EQ(bench.server.table.size(), 1u);
}

}  // namespace
}  // namespace flare::session::test
