// Clauses about the end: closing in good order, losing the peer, destruction at
// any moment.
#include "contract/carrier_fixture.hpp"

#include <random>

namespace flare::transport::test {
namespace {

using namespace std::chrono_literals;

FLARE_CARRIER_SUITE(CarrierClosing);

TEST_P(CarrierClosing, CarriesCodeAndTextToThePeer) {
    for (const errc code : {errc::ok, errc::shutting_down, errc::busy, errc::kicked, errc::malformed_frame}) {
        for (const bool upwards : {true, false}) {
            auto [first, second] = factory->make();
            Carrier& closing = upwards ? *first : *second;
            Carrier& other = upwards ? *second : *first;
            Recorder closing_seen;
            Recorder other_seen;
            closing.set_handler(&closing_seen);
            other.set_handler(&other_seen);
            closing_seen.inside_call = true;
            closing.close(code, "because of \xC3\xA9 reason", 2s);
            closing_seen.inside_call = false;
            EXPECT_FALSE(closing.writable());
            ASSERT_TRUE(run_until([&] { return closing_seen.closed && other_seen.closed; }));
            const bool believed = GetParam().trusts_close || (code != errc::kicked && code != errc::malformed_frame);
            EXPECT_EQ(other_seen.closed->code, believed ? code : errc::closed_by_peer);
            EXPECT_EQ(other_seen.closed->text,
                      (believed ? "" : std::string(name(code)) + ": ") + "because of \xC3\xA9 reason");
            EXPECT_TRUE(other_seen.closed->by_peer);
            EXPECT_EQ(closing_seen.closed->code, code);
            EXPECT_FALSE(closing_seen.closed->by_peer);
            EXPECT_FALSE(other.writable());
        }
    }
}

TEST_P(CarrierClosing, SendsFirstWhatItHasTaken) {
    server->pause_reading(true);
    const std::vector<Payloads> sent = fill_up(*client, client_seen);
    client->close(errc::ok, "done", 10s);
    server->pause_reading(false);
    ASSERT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    EXPECT_EQ(server_seen.batches, sent);
    EXPECT_EQ(server_seen.closed->code, errc::ok);
    EXPECT_TRUE(run_until([&] { return client_seen.closed.has_value(); }));
    EXPECT_EQ(client_seen.writable, 0);
}

TEST_P(CarrierClosing, GivesNoBatchAfterClose) {
    server_seen.batch_hook = [&] { server->close(errc::busy, "enough", 2s); };
    for (int i = 0; i < 10; ++i) send_client({std::to_string(i)});
    ASSERT_TRUE(run_until([&] { return server_seen.closed && client_seen.closed; }));
    EXPECT_EQ(server_seen.batches.size(), 1u);
    EXPECT_EQ(client_seen.closed->code, errc::busy);
}

TEST_P(CarrierClosing, EndsWithinItsLimitWhenThePeerDoesNotAnswer) {
    if (!GetParam().waits_for_peer) return;
    server->pause_reading(true);
    const auto start = std::chrono::steady_clock::now();
    client->close(errc::ok, "bye", 100ms);
    ASSERT_TRUE(run_until([&] { return client_seen.closed.has_value(); }));
    const auto took = std::chrono::steady_clock::now() - start;
    EXPECT_GE(took, 95ms);
    EXPECT_LT(took, 1500ms);
    EXPECT_FALSE(client_seen.closed->by_peer);
    server->pause_reading(false);
    EXPECT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    EXPECT_EQ(server_seen.closed->text, "bye");
}

TEST_P(CarrierClosing, EndsWithinItsLimitWhenItsBytesAreStuck) {
    if (!GetParam().waits_for_peer) return;
    server->pause_reading(true);
    fill_up(*client, client_seen);
    client->close(errc::ok, "bye", 100ms);
    EXPECT_TRUE(run_until([&] { return client_seen.closed.has_value(); }, 3s));
}

TEST_P(CarrierClosing, WorksWhilePaused) {
    server->pause_reading(true);
    server->close(errc::busy, "later", 2s);
    ASSERT_TRUE(run_until([&] { return server_seen.closed && client_seen.closed; }));
    EXPECT_EQ(client_seen.closed->code, errc::busy);
    EXPECT_EQ(server_seen.closed->code, errc::busy);
}

TEST_P(CarrierClosing, IsToldBehindTheRestHoweverLateItReadsOn) {
    server->pause_reading(true);
    send_client({"first"});
    run_for(20ms);
    client->close(errc::busy, "later", 100ms);
    ASSERT_TRUE(run_until([&] { return client_seen.closed.has_value(); }));
    run_for(600ms);  // long after a transport forgets connections that have ended
    server->pause_reading(false);
    ASSERT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    EXPECT_EQ(server_seen.batches, (std::vector<Payloads>{{"first"}}));
}

TEST_P(CarrierClosing, BothAtOnce) {
    client->close(errc::ok, "from the client", 2s);
    server->close(errc::shutting_down, "from the server", 2s);
    ASSERT_TRUE(run_until([&] { return server_seen.closed && client_seen.closed; }));
    EXPECT_EQ(client_seen.closed->code, errc::ok);
    EXPECT_EQ(server_seen.closed->code, errc::shutting_down);
}

TEST_P(CarrierClosing, IsToldOnceEvenWhenCalledTwice) {
    client->close(errc::ok, "one", 2s);
    client->close(errc::busy, "two", 2s);
    ASSERT_TRUE(run_until([&] { return server_seen.closed && client_seen.closed; }));
    EXPECT_EQ(server_seen.closed->code, errc::ok);
    client->close(errc::busy, "three", 2s);
    client->pause_reading(true);
    client->pause_reading(false);
    run_for(20ms);  // a second on_closed() would fail in the recorder
}

TEST_P(CarrierClosing, ALostPeerIsConnectionLost) {
    client.reset();
    ASSERT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    EXPECT_EQ(server_seen.closed->code, errc::connection_lost);
    EXPECT_TRUE(server_seen.closed->by_peer);
    EXPECT_FALSE(server_seen.closed->text.empty());
    EXPECT_FALSE(client_seen.closed) << "the owner of a destroyed carrier hears nothing";
}

TEST_P(CarrierClosing, ALostPeerIsNoticedWhileSending) {
    client.reset();
    for (int i = 0; i < 2000 && !server_seen.closed; ++i) {
        if (server->writable()) send_server({std::string(10'000, 'x')});
        run_for(1ms);
    }
    EXPECT_TRUE(server_seen.closed.has_value());
}

TEST_P(CarrierClosing, WhatALostPeerSentBeforeArrives) {
    send_client({"last words"});
    client.reset();
    ASSERT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    EXPECT_EQ(server_seen.all(), Payloads{"last words"});
}

TEST_P(CarrierClosing, MayBeDestroyedWhileItsBytesAreStuck) {
    server->pause_reading(true);
    fill_up(*client, client_seen);
    client.reset();
    server->pause_reading(false);
    EXPECT_TRUE(run_until([&] { return server_seen.closed.has_value(); }));
    run_for(10ms);
}

FLARE_CARRIER_SUITE(CarrierDestruction);

TEST_P(CarrierDestruction, InsideOnBatch) {
    server_seen.batch_hook = [&] { server.reset(); };
    for (int i = 0; i < 10; ++i) send_client({std::to_string(i)});
    ASSERT_TRUE(run_until([&] { return server == nullptr && client_seen.closed; }));
    EXPECT_EQ(server_seen.batches.size(), 1u);
}

TEST_P(CarrierDestruction, InsideOnBatchOfALargeBatch) {
    server_seen.batch_hook = [&] {
        server.reset();
        EXPECT_EQ(server_seen.batches.back(), Payloads(4, std::string(100'000, 'x')));
    };
    send_client(Payloads(4, std::string(100'000, 'x')));
    EXPECT_TRUE(run_until([&] { return server == nullptr && client_seen.closed; }));
}

TEST_P(CarrierDestruction, InsideOnWritable) {
    server->pause_reading(true);
    fill_up(*client, client_seen);
    client_seen.writable_hook = [&] { client.reset(); };
    server->pause_reading(false);
    EXPECT_TRUE(run_until([&] { return client == nullptr && server_seen.closed; }));
}

TEST_P(CarrierDestruction, InsideOnClosed) {
    client_seen.closed_hook = [&] { client.reset(); };
    server_seen.closed_hook = [&] { server.reset(); };
    client->close(errc::ok, "bye", 2s);
    EXPECT_TRUE(run_until([&] { return client == nullptr && server == nullptr; }));
}

TEST_P(CarrierDestruction, InsideOnClosedAfterALostPeer) {
    server_seen.closed_hook = [&] { server.reset(); };
    client.reset();
    EXPECT_TRUE(run_until([&] { return server == nullptr; }));
}

TEST_P(CarrierDestruction, AfterEachStepOfAClose) {
    for (int steps = 0; steps < 12; ++steps) {
        auto [first, second] = factory->make();
        Recorder first_seen;
        Recorder second_seen;
        first->set_handler(&first_seen);
        second->set_handler(&second_seen);
        first->send(make_batch({"x"}));
        first->close(errc::ok, "bye", 2s);
        io.restart();
        for (int i = 0; i < steps; ++i) io.poll_one();
        first.reset();
        io.restart();
        for (int i = 0; i < steps / 2; ++i) io.poll_one();
        second.reset();
        const bool told = first_seen.closed.has_value();
        io.restart();
        io.poll();
        EXPECT_EQ(first_seen.closed.has_value(), told) << "told after destruction";
    }
}

TEST_P(CarrierDestruction, OfBothWithTheLoopGoneAfterwards) {
    send_client({"x"});
    send_server({"y"});
    client.reset();
    server.reset();
    factory.reset();
    io.restart();
    io.poll();
    EXPECT_TRUE(client_seen.batches.empty());
    EXPECT_TRUE(server_seen.batches.empty());
}

// Everything at random for a while: what arrives is always a prefix of what was sent.
TEST_P(CarrierDestruction, NeverMixesAnythingUp) {
    const auto seed = static_cast<unsigned>(std::random_device{}());
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    const auto up_to = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
    for (int life = 0; life < 15; ++life) {
        auto [first, second] = factory->make();
        std::unique_ptr<Carrier> ends[2] = {std::move(first), std::move(second)};
        Recorder seen[2];
        Payloads sent[2];
        for (int i = 0; i < 2; ++i) ends[i]->set_handler(&seen[i]);
        for (int step = 0; step < 200; ++step) {
            const unsigned side = up_to(2);
            Carrier* const end = ends[side].get();
            if (end == nullptr) break;
            switch (up_to(40)) {
                case 0: end->pause_reading(true); break;
                case 1: end->close(errc::ok, "random", 50ms); break;
                case 2: ends[side].reset(); break;
                case 3:
                case 4: end->pause_reading(false); break;
                case 5:
                case 6:
                case 7: run_for(std::chrono::milliseconds(up_to(3))); break;
                default: {
                    if (!end->writable()) break;
                    Payloads batch;
                    for (unsigned i = 0; i <= up_to(4); ++i) {
                        batch.push_back(std::to_string(sent[side].size()) +
                                        std::string(up_to(20) == 0 ? 50'000 : up_to(100), 'r'));
                        sent[side].push_back(batch.back());
                    }
                    end->send(make_batch(batch));
                }
            }
        }
        run_for(5ms);
        for (int i = 0; i < 2; ++i) {
            const Payloads got = seen[1 - i].all();
            ASSERT_LE(got.size(), sent[i].size());
            EXPECT_TRUE(std::equal(got.begin(), got.end(), sent[i].begin()));
        }
    }
}

}  // namespace
}  // namespace flare::transport::test
