// What a session may send and hold, and what goes when memory is used up: docs/server.md, "Limits" and "Memory".
#include "support.hpp"

namespace flare::session::test {
namespace {

Settings limited(Rate messages, Rate bytes = {}) {
    Settings settings;
    settings.message_rate = messages;
    settings.byte_rate = bytes;
    return settings;
}

TEST(Limits, AMessageOverTheRateIsRefusedWithTheTimeToWait) {
    Bench bench(limited({10, 3}));
    bench.connect(1);
    for (std::uint8_t i = 1; i <= 4; ++i) ASSERT_TRUE(bench.send(i, "x"));
    bench.exchange();
    EXPECT_EQ(bench.server.texts.size(), 3u);
    ASSERT_EQ(bench.client.outcomes.size(), 4u);
    EXPECT_EQ(bench.client.outcomes[2].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[3].error, errc::rate_limited);
    EXPECT_EQ(bench.client.outcomes[3].retry_after_ms, 100u);
    EXPECT_EQ(bench.server.refused, (std::vector<errc>{errc::rate_limited}));

    bench.pass(99ms);
    ASSERT_TRUE(bench.send(5, "too early"));
    bench.exchange();
    EXPECT_EQ(bench.client.outcomes[4].retry_after_ms, 1u);
    bench.pass(1ms);
    ASSERT_TRUE(bench.send(6, "in time"));
    bench.exchange();
    EXPECT_EQ(bench.client.outcomes[5].error, errc::ok);
}

TEST(Limits, BytesOverTheRateAreRefusedToo) {
    Bench bench(limited({}, {1000, 1000}));
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, std::string(600, 'x')));
    ASSERT_TRUE(bench.send(2, std::string(400, 'x')));
    ASSERT_TRUE(bench.send(3, "y"));
    ASSERT_TRUE(bench.send(4, ""));
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 4u);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[2].error, errc::rate_limited);
    EXPECT_EQ(bench.client.outcomes[2].retry_after_ms, 1u);
    EXPECT_EQ(bench.client.outcomes[3].error, errc::ok) << "nothing is not too much";
}

TEST(Limits, ARepeatTakesNothingOfTheRate) {
    Settings settings = limited({1, 2});
    settings.session_life = 5s;
    Bench bench(settings);
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, "x"));
    bench.to_server(1, bench.from_client(1));
    ASSERT_EQ(bench.server.texts.size(), 1u);
    bench.cut(1);  // the receipt is lost with the session
    bench.server.table.end(bench.session(), errc::kicked, "out", 0, bench.now());
    bench.connect(2);
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
    ASSERT_TRUE(bench.send(2, "the second"));
    ASSERT_TRUE(bench.send(3, "one too many, in a new session too"));
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 3u);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[2].error, errc::rate_limited);
}

TEST(Limits, AreToldInWelcome) {
    Settings settings = limited({10, 20}, {30, 40});
    settings.max_batch_bytes = 200'000;
    settings.max_unacked_frames = 100;
    settings.max_unacked_bytes = 70'000;
    Bench bench(settings);
    bench.connect(1);
    const wire::Limits& told = bench.client.session.limits();
    EXPECT_EQ(told.max_messages_per_second, 10u);
    EXPECT_EQ(told.message_burst, 20u);
    EXPECT_EQ(told.max_bytes_per_second, 30u);
    EXPECT_EQ(told.byte_burst, 40u);
    EXPECT_EQ(told.max_batch_bytes, 200'000u);
    EXPECT_EQ(told.max_unacked_frames, 100u);
    EXPECT_EQ(told.max_unacked_bytes, 70'000u);
}

TEST(Limits, AClientFillsNoBatchBeyondWhatTheServerTakes) {
    Settings settings;
    settings.max_batch_bytes = 135'168;
    Bench bench(settings);
    bench.connect(1);
    const std::string payload(60'000, 'x');
    for (std::uint8_t i = 1; i <= 8; ++i) ASSERT_TRUE(bench.send(i, payload, "user" + std::to_string(i)));
    std::size_t batches = 0;
    for (std::string batch; !(batch = bench.from_client(1)).empty(); ++batches) {
        EXPECT_LE(batch.size(), settings.max_batch_bytes);
        bench.to_server(1, batch);
        bench.to_client(1, bench.from_server(1));
    }
    EXPECT_GE(batches, 4u);
}

// ---- who takes nothing ----

TEST(SlowConsumer, IsWhoAcknowledgesNothingWhileSomethingWaits) {
    Settings settings;
    settings.slow_consumer_after = 10s;
    settings.heartbeat_timeout = 1h;
    settings.max_unacked_frames = 64;  // far below the client's credit
    Bench bench(settings);
    bench.connect(1);
    for (std::uint8_t i = 0; i < 64; ++i) ASSERT_TRUE(bench.push(i, "x"));
    EXPECT_NE(bench.from_server(1), "");
    bench.pass(20s);
    bench.server.table.on_time(bench.now());
    EXPECT_TRUE(bench.server.ended.empty()) << "nothing waits";

    ASSERT_TRUE(bench.push(100, "one more"));
    EXPECT_EQ(bench.from_server(1), "");
    bench.pass(9s);
    bench.server.table.on_time(bench.now());
    EXPECT_TRUE(bench.server.ended.empty());
    bench.pass(2s);
    bench.server.table.on_time(bench.now());
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::slow_consumer);
}

TEST(SlowConsumer, IsNobodyWhoGoesOnAcknowledging) {
    Settings settings;
    settings.slow_consumer_after = 10s;
    settings.heartbeat_timeout = 1h;
    settings.max_unacked_frames = 64;
    Bench bench(settings);
    bench.connect(1);
    std::uint8_t number = 0;
    const auto refill = [&] {
        while (bench.session().totals().queued_frames < 100) ASSERT_TRUE(bench.push(number++, "x"));
    };
    for (int i = 0; i < 10; ++i) {
        refill();
        bench.pass(5s);
        bench.to_client(1, bench.from_server(1));
        bench.client.session.on_time(bench.now() + 1s);
        bench.pass(1s);
        bench.to_server(1, bench.from_client(1));
        bench.server.table.on_time(bench.now());
        ASSERT_TRUE(bench.server.ended.empty()) << i;
    }
}

TEST(SlowConsumer, FreesItsMemoryAtOnceAndItsClientLearnsOfAllItMissed) {
    Settings settings;
    settings.slow_consumer_after = 10s;
    settings.heartbeat_timeout = 1h;
    settings.max_unacked_frames = 64;
    Bench bench(settings);
    bench.connect(1);
    for (std::uint8_t i = 0; i < 100; ++i) ASSERT_TRUE(bench.push(i, "x"));
    const std::string arrives = bench.from_server(1, 500);
    const std::size_t arrived = frames_of(arrives).size();
    EXPECT_GT(bench.server.budget.used(), 0u);
    bench.pass(11s);
    bench.server.table.on_time(bench.now());
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_LT(bench.server.budget.used(), 2000u) << "its carrier has not closed yet";

    bench.to_client(1, arrives);
    bench.cut(1);
    bench.connect(2);
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    EXPECT_EQ(bench.client.gaps[0].text.find("slow_consumer: "), 0u) << bench.client.gaps[0].text;
    Seq sent = 0;
    Seq received = 0;
    for (const auto& lane : bench.client.gaps[0].lanes) {
        EXPECT_TRUE(lane.exact);
        sent += lane.server_sent;
        received += lane.received;
    }
    EXPECT_EQ(received, arrived);
    EXPECT_EQ(sent, 100u) << "what had no number yet is missed as well";
}

TEST(SlowConsumer, ABigMessageIsCountedByItsPieces) {
    Settings settings;
    settings.session_life = 10s;
    Bench bench(settings);
    bench.connect(1);
    bench.cut(1);
    ASSERT_TRUE(bench.push(1, std::string(100'000, 'x')));
    const SessionId id = bench.session().id();
    wire::Body body = data_of(1, std::string(100'000, 'x'));
    const std::size_t pieces = (body.content().size() + wire::kChunkBytes - 1) / wire::kChunkBytes;
    bench.server.table.on_time(bench.now() + 11s);
    ASSERT_EQ(bench.server.table.find(id), nullptr);
    bench.connect(2);
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    Seq sent = 0;
    for (const auto& lane : bench.client.gaps[0].lanes) sent += lane.server_sent;
    EXPECT_EQ(sent, pieces);
}

// ---- memory ----

// Several clients on one server with little memory.
class Crowd : public ::testing::Test {
protected:
    struct Member {
        Member(const std::string& user, std::uint64_t seed) : client(Bench::client_settings(user), seed) {}
        ClientBench client;
        CarrierKey key = 0;
    };
    static Settings settings() {
        Settings settings;
        settings.heartbeat_timeout = 1h;
        settings.max_unacked_frames = 64;
        return settings;
    }
    void move_time(Duration by) {
        now += by;
        server.now = now;
    }
    Member& join(const std::string& user) {
        auto& member = *members.emplace_back(std::make_unique<Member>(user, members.size() + 7));
        member.key = members.size();
        member.client.session.begin_attempt("token");
        member.client.session.open(member.key, now);
        wire::Batch batch;
        member.client.session.write(member.key, batch, now);
        std::string_view rest;
        const std::string bytes = batch.str();
        const auto hello = read_hello(bytes, rest);
        refused = server.table.attach_new(member.key, *hello, SessionCredential{user}, now);
        if (!refused) exchange(member);
        return member;
    }
    void exchange(Member& member) {
        member.client.now = now;
        for (bool moved = true; moved;) {
            wire::Batch down;
            server.table.write(member.key, down, now);
            if (!down.empty()) member.client.session.on_batch(member.key, down.str(), now);
            wire::Batch up;
            member.client.session.write(member.key, up, now + 1s);  // its acknowledgement is due
            if (!up.empty()) server.table.on_batch(member.key, up.str(), now);
            moved = !down.empty() || !up.empty();
        }
    }
    void leave(Member& member) { server.table.carrier_gone(member.key, now); }
    errc push(const std::string& user, std::size_t bytes) {
        const auto body = data_of(number++, std::string(bytes, 'x'));
        return server.table.send_to_user(user, "server", body, Priority::normal, now).code;
    }
    std::string ended() const {
        std::string text;
        for (const auto& [id, reason] : server.ended) {
            text += (text.empty() ? "" : " ") + users.at(id) + ":" + std::string(name(reason));
        }
        return text;
    }
    void remember() {
        server.table.for_each([&](ServerSession& session) { users[session.id()] = session.user(); });
    }

    TimePoint now = kStart;
    ServerBench server{settings(), 1u << 20};
    std::vector<std::unique_ptr<Member>> members;
    std::map<SessionId, std::string> users;
    std::optional<wire::Refused> refused;
    std::uint8_t number = 1;
};

TEST_F(Crowd, GoesInTheOrderThatIsWritten) {
    Member& healthy = join("healthy");
    Member& small = join("small");
    Member& large = join("large");
    Member& late = join("late");
    join("early");
    remember();
    leave(small);
    leave(large);
    ASSERT_EQ(push("small", 50'000), errc::ok);
    for (int i = 0; i < 6; ++i) ASSERT_EQ(push("large", 50'000), errc::ok);
    ASSERT_EQ(push("early", 130'000), errc::ok);
    wire::Batch unread;
    server.table.write(5, unread, now);
    move_time(1s);
    ASSERT_EQ(push("late", 50'000), errc::ok);
    server.table.write(late.key, unread, now);
    move_time(3s);
    // Somebody who drains gets more than there is room for.
    while (push("healthy", 50'000) == errc::ok) {
    }
    EXPECT_EQ(server.memory_shorts, 1);
    join("newcomer");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::busy);
    EXPECT_GT(refused->retry_after_ms, 0u);

    // The largest one is enough at first.
    EXPECT_EQ(server.table.shed(Shed::detached, now), 1u);
    EXPECT_EQ(ended(), "large:busy");
    EXPECT_EQ(server.table.shed(Shed::stalled, now), 0u) << "there is room again";
    while (push("healthy", 50'000) == errc::ok) {
    }
    EXPECT_EQ(server.table.shed(Shed::detached, now), 1u);
    EXPECT_EQ(ended(), "large:busy small:busy");
    EXPECT_EQ(server.table.shed(Shed::stalled, now), 1u);
    EXPECT_EQ(ended(), "large:busy small:busy early:slow_consumer");
    while (push("healthy", 50'000) == errc::ok) {
    }
    EXPECT_EQ(server.table.shed(Shed::detached, now), 0u);
    EXPECT_EQ(server.table.shed(Shed::stalled, now), 1u);
    EXPECT_EQ(ended(), "large:busy small:busy early:slow_consumer late:slow_consumer");
    // Only one who drains is left, with all the memory.
    while (push("healthy", 50'000) == errc::ok) {
    }
    EXPECT_EQ(server.table.shed(Shed::detached, now) + server.table.shed(Shed::stalled, now), 0u);
    exchange(healthy);
    EXPECT_LT(server.budget.used(), 16'000u) << "a session, and what is left of four";
    EXPECT_EQ(push("healthy", 50'000), errc::ok);
}

TEST_F(Crowd, LeavesNothingBehindInTheBudget) {
    for (const char* user : {"a", "b", "c"}) join(user);
    remember();
    for (const char* user : {"a", "b", "c"}) ASSERT_EQ(push(user, 100'000), errc::ok);
    wire::Batch partly;
    server.table.write(1, partly, now, 20'000);
    leave(*members[1]);
    EXPECT_GT(server.budget.used(), 300'000u);
    server.table.for_each([&](ServerSession& session) { server.table.end(session, errc::kicked, "out", 0, now); });
    move_time(10s);
    server.table.on_time(now);
    EXPECT_EQ(server.table.size(), 0u);
    EXPECT_LT(server.budget.used(), 3u * 1200u) << "what the next sessions of the devices have to know";
    EXPECT_GT(server.budget.used(), 0u);
    for (int i = 0; i < 3; ++i) {
        move_time(10min);
        server.table.on_time(now);
    }
    EXPECT_EQ(server.budget.used(), 0u);
    EXPECT_LE(server.shared.leased(), 3u * 4096u);
}

TEST_F(Crowd, CannotGrowByItsSessionsAlone) {
    Member& healthy = join("healthy");
    exchange(healthy);
    int came = 0;
    for (int i = 0; i < 1000 && !refused; ++i) {
        Member& member = join("user" + std::to_string(i));
        came += refused ? 0 : 1;
        if (!refused) leave(member);
    }
    ASSERT_TRUE(refused) << "a thousand sessions are in 1 MiB";
    EXPECT_EQ(refused->code, errc::busy);
    EXPECT_GT(came, 100);
    EXPECT_EQ(server.memory_shorts, 1);
    // Whoever is refused leaves nothing behind either.
    const std::size_t used = server.budget.used();
    for (int i = 0; i < 100; ++i) join("refused" + std::to_string(i));
    EXPECT_EQ(server.budget.used(), used);
    EXPECT_GT(server.table.shed(Shed::detached, now), 0u);
    join("newcomer");
    EXPECT_FALSE(refused);
    EXPECT_NE(server.table.by_carrier(healthy.key), nullptr);
}

TEST_F(Crowd, WithManySessionsOfOneUserLosesThoseFirst) {
    Member& quiet = join("quiet");
    leave(quiet);
    ASSERT_EQ(push("quiet", 20'000), errc::ok);
    int number_of_devices = 0;
    while (!refused) {
        auto& member = *members.emplace_back(std::make_unique<Member>("many", members.size() + 7));
        member.key = members.size();
        wire::Hello hello;
        hello.user = "many";
        hello.device = std::to_string(++number_of_devices);
        hello.attempt_id = Uuid::v7();
        hello.epoch = 1;
        refused = server.table.attach_new(member.key, hello, SessionCredential{"many"}, now);
        if (!refused) leave(member);
    }
    remember();
    EXPECT_GT(server.table.shed(Shed::detached, now), 10u);
    EXPECT_EQ(ended().find("quiet"), std::string::npos) << "it holds more than any of the others";
}

TEST_F(Crowd, LosesWhatIsLeftOfEndedSessionsBeforeAnySession) {
    Member& away = join("away");
    leave(away);
    for (int i = 0; i < 20; ++i) {
        join("gone" + std::to_string(i));
        server.table.for_each([&](ServerSession& session) {
            if (session.user() != "away") server.table.cut_off(session, errc::kicked, "out", now);
        });
    }
    Member& healthy = join("healthy");
    EXPECT_GT(server.table.tombstones(), 10u);
    while (push("healthy", 50'000) == errc::ok) {
    }
    exchange(healthy);
    while (push("healthy", 20'000) == errc::ok) {
    }
    (void)server.table.shed(Shed::detached, now);
    EXPECT_LT(server.table.tombstones(), 10u);
}

TEST_F(Crowd, IsKnownWithItsConnectsUntilItIsDropped) {
    wire::Hello hello;
    hello.user = "gone";
    hello.device = "phone";
    hello.attempt_id = Uuid::v7();
    hello.epoch = 1;
    ASSERT_FALSE(server.table.attach_new(1000, hello, SessionCredential{"gone"}, now));
    server.table.cut_off(*server.table.by_carrier(1000), errc::kicked, "out", now);
    const auto copy = server.table.attach_new(1001, hello, SessionCredential{"gone"}, now);
    ASSERT_TRUE(copy);
    EXPECT_EQ(copy->code, errc::stale_carrier);

    Member& healthy = join("healthy");
    exchange(healthy);
    while (push("healthy", 50'000) == errc::ok) {
    }
    (void)server.table.shed(Shed::detached, now);
    exchange(healthy);
    EXPECT_FALSE(server.table.attach_new(1002, hello, SessionCredential{"gone"}, now)) << "nobody remembers it";
}

}  // namespace
}  // namespace flare::session::test
