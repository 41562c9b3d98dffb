#include "unit/server/shard_bench.hpp"

namespace flare::server::test {
namespace {

using wire::FrameKind;

Config with_tokens() {
    Config config = plain_config();
    config.auth = [](const AuthRequest& request) -> Checked<Identity> {
        if (request.token == "throws") throw std::runtime_error("no directory");
        if (request.token == "claims") {
            Identity identity(request.claimed_user);
            identity.claims = "no object";
            return identity;
        }
        if (request.token != "good") return Failure(errc::unauthenticated);
        return Identity(request.claimed_user);
    };
    return config;
}

wire::Hello with_token(const std::string& token, std::uint8_t attempt = 1) {
    wire::Hello hello = hello_of("ann", attempt);
    hello.token = token;
    return hello;
}

TEST(Reception, AHelloBecomesASession) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    EXPECT_TRUE(has(*line, FrameKind::welcome));
    EXPECT_EQ(bench.shard().table().size(), 1u);
    EXPECT_EQ(bench.shard().stats().sessions_created, 1u);
}

TEST(Reception, WhatComesBehindAHelloIsHandedOn) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")) + data(1, 7, "first flight"));
    bench.bring(line, activate());
    EXPECT_EQ(receipts(*line)[message_id(7)], errc::ok);
}

TEST(Reception, WhoSaysNoHelloInTimeIsClosed) {
    Config config = plain_config();
    config.hello_timeout = 5s;
    ShardBench bench(std::move(config));
    const auto line = bench.connect();
    EXPECT_EQ(bench.shard().next_deadline(), kStart + 5s);
    bench.pass(4999ms);
    EXPECT_FALSE(line->closed);
    bench.pass(1ms);
    EXPECT_EQ(line->closed, errc::hello_timeout);
    EXPECT_EQ(bench.shard().stats().errors[errc::hello_timeout], 1u);
}

TEST(Reception, WhatIsNoHelloIsRefusedAndClosed) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, data(1, 1, "who needs a hello"));
    ASSERT_TRUE(refusal(*line));
    EXPECT_EQ(refusal(*line)->code, errc::unexpected_frame);
    EXPECT_EQ(line->closed, errc::unexpected_frame);
    EXPECT_EQ(bench.shard().table().size(), 0u);
}

TEST(Reception, ReadingWaitsForThePool) {
    ShardBench bench(with_tokens());
    const auto line = bench.connect();
    bench.bring(line, said(with_token("good")) + data(1, 7, "behind it"));
    EXPECT_TRUE(line->paused);
    EXPECT_EQ(bench.shard().table().size(), 0u);
    bench.run_pool();
    EXPECT_FALSE(line->paused);
    bench.bring(line, activate());
    EXPECT_EQ(receipts(*line)[message_id(7)], errc::ok);
}

TEST(Reception, ABadCredentialIsRefusedWithItsReason) {
    ShardBench bench(with_tokens());
    for (const auto& [token, code] : std::vector<std::pair<std::string, errc>>{
             {"bad", errc::unauthenticated}, {"throws", errc::internal}, {"claims", errc::internal}}) {
        const auto line = bench.connect();
        bench.bring(line, said(with_token(token)));
        bench.run_pool();
        ASSERT_TRUE(refusal(*line)) << token;
        EXPECT_EQ(refusal(*line)->code, code) << token;
        EXPECT_EQ(line->closed, code) << token;
    }
}

TEST(Reception, AFullPoolSaysWhenToComeBack) {
    ShardBench bench(with_tokens());
    bench.pool_full = true;
    const auto line = bench.connect();
    bench.bring(line, said(with_token("good")));
    ASSERT_TRUE(refusal(*line));
    EXPECT_EQ(refusal(*line)->code, errc::busy);
    EXPECT_GT(refusal(*line)->retry_after_ms, 0u);
}

TEST(Reception, WhoGoesWhileItIsLookedAtLeavesNothing) {
    ShardBench bench(with_tokens());
    const auto line = bench.connect();
    bench.bring(line, said(with_token("good")) + data(1, 7, "behind it"));
    line->handler->on_closed({errc::connection_lost, "gone", false});
    bench.settle();
    EXPECT_FALSE(line->open);
    bench.run_pool();
    EXPECT_EQ(bench.shard().table().size(), 0u);
    EXPECT_EQ(bench.shard().budget().used(), 0u);
}

TEST(Reception, AConnectionGoesToTheHomeOfItsUser) {
    ShardBench bench(plain_config(2));
    const std::string user = bench.user_of(1);
    const auto line = bench.connect(0);
    bench.bring(line, said(hello_of(user)) + data(1, 7, "along with it"));
    bench.bring(line, activate());
    EXPECT_EQ(bench.shard(0).table().size(), 0u);
    EXPECT_EQ(bench.shard(0).carriers().size(), 0u);
    EXPECT_EQ(bench.shard(1).table().size(), 1u);
    EXPECT_EQ(receipts(*line)[message_id(7)], errc::ok);
    EXPECT_EQ(bench.shard(0).stats().hand_overs, 1u);
}

TEST(Reception, WhatCannotMoveIsToldToTryAgain) {
    ShardBench bench(plain_config(2));
    const auto line = bench.connect(0, false, Protocol::quic);
    bench.bring(line, said(hello_of(bench.user_of(1))));
    ASSERT_TRUE(refusal(*line));
    EXPECT_EQ(refusal(*line)->code, errc::busy);
    EXPECT_GT(refusal(*line)->retry_after_ms, 0u);
}

TEST(Reception, AHelloInEarlyDataWaitsForTheHandshake) {
    ShardBench bench(plain_config());
    const auto line = bench.connect(0, true, Protocol::quic);
    bench.bring(line, said(hello_of("ann")));
    EXPECT_EQ(bench.shard().table().size(), 0u);
    EXPECT_TRUE(line->paused);
    line->info.early = false;
    line->handler->on_confirmed();
    bench.settle();
    EXPECT_EQ(bench.shard().table().size(), 1u);
    EXPECT_TRUE(has(*line, FrameKind::welcome));
}

TEST(Reception, TheAdmissionRateTellsWhomItCannotLetIn) {
    Config config = plain_config();
    config.admission_rate = 1;
    ShardBench bench(std::move(config));
    int refused = 0;
    for (std::uint8_t i = 1; i <= 5; ++i) {
        const auto line = bench.connect();
        bench.bring(line, said(hello_of("user" + std::to_string(i), i)));
        const auto answer = refusal(*line);
        if (!answer) continue;
        ++refused;
        EXPECT_EQ(answer->code, errc::rate_limited);
        EXPECT_GE(answer->retry_after_ms, 1000u);
    }
    EXPECT_GE(refused, 3);
    EXPECT_EQ(bench.shard().stats().admissions_refused, static_cast<std::uint64_t>(refused));
}

TEST(Reception, ARevokedUserIsRefusedWhateverTheTokenSays) {
    ShardBench bench(with_tokens());
    const auto now = bench.loops.front()->wall_clock();
    ASSERT_TRUE(bench.revocations.revoke(auth::Revocations::Kind::user, "ann", now + 1h, now));
    const auto line = bench.connect();
    bench.bring(line, said(with_token("good")));
    bench.run_pool();
    ASSERT_TRUE(refusal(*line));
    EXPECT_EQ(refusal(*line)->code, errc::credential_revoked);
}

TEST(Reception, ATicketOfAProcessBeforeTakesThePlaceOfTheToken) {
    const auto keys = [](const char* process) {
        return std::make_unique<const session::TicketKeys>(std::string(32, 'k'), std::string(), process);
    };
    std::string ticket;
    std::string secret;
    {
        ShardBench before(with_tokens(), keys("process1"));
        const auto line = before.connect();
        before.bring(line, said(with_token("good")));
        before.run_pool();
        for (const std::string& batch : line->sent) {
            for (const wire::FrameView& frame : frames_of(batch)) {
                if (frame.kind != FrameKind::welcome) continue;
                const auto welcome = wire::decode_welcome(frame.body);
                ticket = welcome->ticket;
                secret = welcome->secret;
            }
        }
        ASSERT_FALSE(ticket.empty());
    }
    ShardBench next(with_tokens(), keys("process2"));
    const auto line = next.connect();
    wire::Hello hello = hello_of("ann", 2);
    hello.resume.emplace();
    hello.resume->ticket = ticket;
    hello.resume->nonce = std::string(16, 'n');
    hello.resume->mac = session::resume_mac(secret, ticket, hello.epoch, hello.resume->nonce, hello.attempt_id);
    next.bring(line, said(hello));
    ASSERT_TRUE(refusal(*line));
    EXPECT_EQ(refusal(*line)->code, errc::session_unknown);
    ASSERT_FALSE(refusal(*line)->challenge.empty());
    const std::string challenge(refusal(*line)->challenge);
    wire::Hello again = hello_of("ann", 2);
    again.ticket_proof = session::ticket_proof(secret, ticket, challenge, again.epoch, again.attempt_id);
    next.bring(line, said(again));
    EXPECT_TRUE(next.pool.empty()) << "nobody is asked about a token";
    EXPECT_TRUE(has(*line, FrameKind::welcome));
    EXPECT_EQ(next.shard().stats().tickets_honoured, 1u);
}

TEST(Reception, StoppingSaysGoodbyeAndGivesThePassBackWhenNothingIsLeft) {
    ShardBench bench(plain_config());
    const auto attached = bench.connect();
    bench.bring(attached, said(hello_of("ann")));
    bench.bring(attached, activate());
    const auto stranger = bench.connect();
    base::Gate gate;
    bench.shard().begin_stop(*gate.enter());
    bench.settle();
    EXPECT_EQ(stranger->closed, errc::shutting_down);
    EXPECT_TRUE(has(*attached, FrameKind::goodbye));
    EXPECT_FALSE(gate.wait_until(std::chrono::steady_clock::now()));
    for (const auto& line : {attached, stranger}) line->handler->on_closed({errc::ok, {}, true});
    bench.settle();
    bench.pass(bench.state.config.session.goodbye_limit + 1s);
    EXPECT_TRUE(gate.wait_until(std::chrono::steady_clock::now()));
}

}  // namespace
}  // namespace flare::server::test
