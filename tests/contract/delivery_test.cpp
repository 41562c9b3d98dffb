// Clauses about batches on their way: order, wholeness, size, back-pressure.
#include "contract/carrier_fixture.hpp"

namespace flare::transport::test {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

FLARE_CARRIER_SUITE(CarrierDelivery);

TEST_P(CarrierDelivery, KeepsBatchesWholeAndInOrder) {
    std::vector<Payloads> up;
    std::vector<Payloads> down;
    for (int i = 0; i < 300; ++i) {
        Payloads batch;
        for (int j = 0; j <= i % 5; ++j) batch.push_back(std::to_string(i) + "." + std::to_string(j));
        if (i % 7 == 0) batch.push_back(std::string(static_cast<std::size_t>(i) * 30, 'x'));
        ASSERT_TRUE(run_until([&] { return client->writable() && server->writable(); }));
        send_client(batch);
        up.push_back(batch);
        batch.push_back("from the server");
        send_server(batch);
        down.push_back(batch);
    }
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == 300 && client_seen.batches.size() == 300; }));
    EXPECT_EQ(server_seen.batches, up);
    EXPECT_EQ(client_seen.batches, down);
    EXPECT_FALSE(client_seen.closed);
    EXPECT_FALSE(server_seen.closed);
}

TEST_P(CarrierDelivery, GivesTheBytesThatWereSent) {
    if (!GetParam().same_bytes) return;
    const wire::Batch batch = make_batch({"short", std::string(5000, 'y'), "short again", std::string(3000, 'z')});
    client->send(batch);
    server->send(batch);
    ASSERT_TRUE(run_until([&] { return !server_seen.raw.empty() && !client_seen.raw.empty(); }));
    EXPECT_EQ(server_seen.raw[0], batch.str());
    EXPECT_EQ(client_seen.raw[0], batch.str());
}

TEST_P(CarrierDelivery, TakesLargeBatches) {
    Payloads large;
    for (int i = 0; i < 7; ++i) large.emplace_back(100'000, static_cast<char>('a' + i));
    for (int round = 0; round < 4; ++round) {
        send_client(large);
        send_server(large);
        const auto count = static_cast<std::size_t>(round) + 1;
        ASSERT_TRUE(run_until([&] {
            return server_seen.batches.size() == count && client_seen.batches.size() == count && client->writable() &&
                   server->writable();
        }));
    }
    EXPECT_EQ(server_seen.batches.back(), large);
    EXPECT_EQ(client_seen.batches.back(), large);
}

TEST_P(CarrierDelivery, LetsTheSenderReuseItsBatchAtOnce) {
    wire::Batch batch;
    std::vector<Payloads> sent;
    for (int i = 0; i < 400; ++i) {
        ASSERT_TRUE(run_until([&] { return client->writable(); }));
        sent.push_back({"head " + std::to_string(i), std::string(20'000, static_cast<char>('a' + i % 26)), "tail"});
        batch.clear();
        fill(batch, sent.back());
        client->send(batch);
    }
    batch.clear();
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == sent.size(); }));
    EXPECT_EQ(server_seen.batches, sent);
}

TEST_P(CarrierDelivery, EchoesFromInsideOnBatch) {
    server_seen.batch_hook = [&] { send_server(server_seen.batches.back()); };
    int round = 0;
    client_seen.batch_hook = [&] {
        if (++round < 50) send_client({std::to_string(round)});
    };
    send_client({"0"});
    ASSERT_TRUE(run_until([&] { return round == 50; }));
    EXPECT_EQ(client_seen.batches.back(), Payloads{"49"});
}

TEST_P(CarrierDelivery, CountsWhatItCarries) {
    const std::size_t bytes = make_batch({"one", "two"}).bytes();
    send_client({"one", "two"});
    send_client({"one", "two"});
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == 2; }));
    EXPECT_EQ(client->stats().batches_out, 2u);
    EXPECT_EQ(server->stats().batches_in, 2u);
    EXPECT_EQ(client->stats().batches_in, 0u);
    EXPECT_GE(client->stats().bytes_out, 2 * bytes);
    EXPECT_EQ(server->stats().bytes_in, client->stats().bytes_out);
    EXPECT_EQ(client->stats().bytes_in, server->stats().bytes_out);
}

TEST_P(CarrierDelivery, NamesBothEnds) {
    EXPECT_FALSE(server->info().peer_address.empty());
    EXPECT_EQ(client->info().peer_address, server->info().local_address);
    EXPECT_EQ(client->info().peer_port, server->info().local_port);
    EXPECT_EQ(server->info().peer_port, client->info().local_port);
    EXPECT_EQ(client->info().encrypted, server->info().encrypted);
    EXPECT_EQ(client->info().format, server->info().format);
}

TEST_P(CarrierDelivery, TakesABatchAtTheLimitAndClosesAtOneAboveIt) {
    if (!GetParam().limits_batches) return;
    const std::size_t frame_bytes = make_batch({std::string(1'000'000, 'x')}).bytes() - 1'000'000;
    const std::string at_limit(wire::kMaxBatchBytes - frame_bytes, 'x');
    ASSERT_EQ(make_batch({at_limit}).bytes(), wire::kMaxBatchBytes);
    send_client({at_limit});
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == 1 && client->writable(); }));
    EXPECT_EQ(server_seen.batches[0][0], at_limit);

    send_client({at_limit + "x"});
    ASSERT_TRUE(run_until([&] { return client_seen.closed && server_seen.closed; }));
    EXPECT_EQ(server_seen.batches.size(), 1u);
    EXPECT_EQ(server_seen.closed->code, errc::batch_too_large);
    EXPECT_FALSE(server_seen.closed->by_peer);
    EXPECT_EQ(client_seen.closed->code, errc::batch_too_large);
    EXPECT_TRUE(client_seen.closed->by_peer);
}

TEST_P(CarrierDelivery, HeldLanesWaitForABatchWithoutNumbers) {
    const auto ping = [&] {
        wire::Batch batch;
        batch.add({}, wire::encode_ping({1, {}}));
        server->send(batch);
    };
    client_seen.batch_hook = [&] {
        client->hold_lanes();
        client_seen.batch_hook = nullptr;
    };
    ping();
    ASSERT_TRUE(run_until([&] { return client_seen.batches.size() == 1; }));
    send_server({"on a lane"});
    run_for(std::chrono::milliseconds(5));  // time to do it wrong
    ping();
    ASSERT_TRUE(run_until([&] { return client_seen.batches.size() == 3; }));
    // Where nothing overtakes anything there is nothing to hold.
    EXPECT_EQ(client_seen.batches[client->lanes_apart() ? 2 : 1], Payloads{"on a lane"});
}

FLARE_CARRIER_SUITE(CarrierBackPressure);

TEST_P(CarrierBackPressure, FillsUpWhenThePeerDoesNotReadAndTellsWhenItDrains) {
    for (const bool upwards : {true, false}) {
        Carrier& sender = upwards ? *client : *server;
        Carrier& receiver = upwards ? *server : *client;
        Recorder& sender_seen = upwards ? client_seen : server_seen;
        Recorder& receiver_seen = upwards ? server_seen : client_seen;

        receiver.pause_reading(true);
        const std::vector<Payloads> sent = fill_up(sender, sender_seen);
        run_for(std::chrono::milliseconds(50));
        EXPECT_FALSE(sender.writable());
        EXPECT_EQ(sender_seen.writable, 0);
        EXPECT_TRUE(receiver_seen.batches.empty());

        receiver.pause_reading(false);
        ASSERT_TRUE(run_until([&] { return receiver_seen.batches.size() == sent.size(); }));
        ASSERT_TRUE(run_until([&] { return sender.writable() && sender_seen.writable > 0; }));
        EXPECT_EQ(receiver_seen.batches, sent);
        EXPECT_EQ(sender_seen.writable, 1);
    }
}

TEST_P(CarrierBackPressure, StreamsWhileDrivenByOnWritable) {
    constexpr std::size_t kCount = 500;
    std::size_t sent = 0;
    const auto push = [&] {
        while (client->writable() && sent < kCount) send_client({std::to_string(sent++), std::string(30'000, 'p')});
    };
    client_seen.writable_hook = push;
    server_seen.batch_hook = [&] {
        if (server_seen.batches.size() % 50 == 0) server->pause_reading(true);
    };
    push();
    ASSERT_TRUE(run_until([&] {
        if (server_seen.batches.size() % 50 == 0) server->pause_reading(false);
        return server_seen.batches.size() == kCount;
    }));
    for (std::size_t i = 0; i < kCount; ++i) ASSERT_EQ(server_seen.batches[i][0], std::to_string(i));
}

TEST_P(CarrierBackPressure, DeliversNothingWhilePaused) {
    server->pause_reading(true);
    send_client({"one"});
    send_client({"two"});
    run_for(std::chrono::milliseconds(50));
    EXPECT_TRUE(server_seen.batches.empty());
    server->pause_reading(false);
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == 2; }));
    EXPECT_THAT(server_seen.batches, ElementsAre(Payloads{"one"}, Payloads{"two"}));
}

TEST_P(CarrierBackPressure, StopsBetweenTwoBatchesOfOneRead) {
    Payloads expected;
    for (int i = 0; i < 20; ++i) {
        expected.push_back(std::to_string(i));
        send_client({std::to_string(i)});
    }
    server_seen.batch_hook = [&] { server->pause_reading(true); };
    for (std::size_t i = 1; i <= 20; ++i) {
        ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == i; }));
        run_for(std::chrono::milliseconds(2));
        ASSERT_EQ(server_seen.batches.size(), i) << "a batch came while paused";
        server->pause_reading(false);
    }
    EXPECT_THAT(server_seen.all(), ElementsAreArray(expected));
}

TEST_P(CarrierBackPressure, GoesOnWhenPausedAndResumedInsideOneCallback) {
    server_seen.batch_hook = [&] {
        server->pause_reading(true);
        server->pause_reading(false);
    };
    for (int i = 0; i < 20; ++i) send_client({std::to_string(i)});
    EXPECT_TRUE(run_until([&] { return server_seen.batches.size() == 20; }));
}

TEST_P(CarrierBackPressure, KeepsAnsweringOthersWhileOnePeerDoesNotRead) {
    auto [other_client, other_server] = factory->make();
    Recorder other_client_seen;
    Recorder other_server_seen;
    other_client->set_handler(&other_client_seen);
    other_server->set_handler(&other_server_seen);
    client->pause_reading(true);
    fill_up(*server, server_seen);
    other_client->send(make_batch({"hello"}));
    EXPECT_TRUE(run_until([&] { return other_server_seen.batches.size() == 1; }));
    other_client.reset();
    other_server.reset();
}

TEST_P(CarrierDelivery, GoesToTheHandlerThatWasSetLast) {
    Recorder second;
    send_client({"one"});
    ASSERT_TRUE(run_until([&] { return server_seen.batches.size() == 1; }));
    server->set_handler(&second);
    send_client({"two"});
    ASSERT_TRUE(run_until([&] { return second.batches.size() == 1; }));
    EXPECT_EQ(server_seen.batches.size(), 1u);
    server.reset();
}

}  // namespace
}  // namespace flare::transport::test
