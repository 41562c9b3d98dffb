#include "unit/server/shard_bench.hpp"

namespace flare::server::test {
namespace {

TEST(Carriers, OneWriteForWhatATurnHasCollected) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    bench.bring(line, activate());
    const std::size_t before = line->sent.size();
    wire::Forms forms(session::test::data_of(9, "push"));
    for (int i = 0; i < 10; ++i) (void)bench.shard().users().deliver("ann", kServerTarget, forms, Priority::normal);
    EXPECT_EQ(line->sent.size(), before);
    bench.settle();
    EXPECT_EQ(line->sent.size(), before + 1);
}

TEST(Carriers, WhatCannotBeWrittenWaitsUntilItCan) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    bench.bring(line, activate());
    const std::size_t before = line->sent.size();
    line->writable = false;
    wire::Forms forms(session::test::data_of(9, "push"));
    (void)bench.shard().users().deliver("ann", kServerTarget, forms, Priority::normal);
    bench.settle();
    EXPECT_EQ(line->sent.size(), before);
    line->writable = true;
    line->handler->on_writable();
    bench.settle();
    EXPECT_EQ(line->sent.size(), before + 1);
}

TEST(Carriers, WhoDoesNotReadItsLastWordsIsClosedAllTheSame) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    bench.bring(line, activate());
    line->writable = false;
    bench.shard().cut_off([](const session::ServerSession&) { return true; }, errc::kicked, "out");
    bench.settle();
    EXPECT_FALSE(line->closed);
    bench.pass(1999ms);
    EXPECT_FALSE(line->closed);
    bench.pass(1ms);
    EXPECT_EQ(line->closed, errc::kicked);
}

TEST(Carriers, WhatIsDroppedIsFreedAtTheEndOfTheTurn) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    bench.bring(line, activate());
    EXPECT_EQ(bench.shard().drop_connections("ann"), 1u);
    EXPECT_TRUE(line->open);
    bench.settle();
    EXPECT_FALSE(line->open);
    EXPECT_EQ(bench.shard().table().size(), 1u) << "the session waits for its client";
}

TEST(Carriers, CountAgainstTheLimitsUntilTheyAreFreed) {
    Config config = plain_config();
    config.max_connections = 1;
    ShardBench bench(std::move(config));
    ConnectionLimits& limits = bench.state.limits;
    ASSERT_EQ(limits.admit("192.0.2.1", Protocol::websocket), errc::ok);
    limits.begun(Protocol::websocket);
    auto line = std::make_shared<Line>();
    line->info.peer_address = "192.0.2.1";
    bench.shard().reception().accept(std::make_unique<BenchCarrier>(line), ServerCarrier::CountedAs::address);
    EXPECT_EQ(limits.admit("192.0.2.1", Protocol::websocket), errc::too_many_connections);
    line->handler->on_closed({errc::connection_lost, "gone", true});
    EXPECT_EQ(limits.open(), 1u);
    bench.settle();
    EXPECT_EQ(limits.open(), 0u);
    EXPECT_EQ(limits.memory_bytes(), 0u);
}

// Many frames in a small batch: others have their turn in between.
TEST(Intake, ABatchOfManyFramesIsTakenInPortions) {
    ShardBench bench(plain_config());
    const auto line = bench.connect();
    bench.bring(line, said(hello_of("ann")));
    bench.bring(line, activate());
    std::string batch;
    for (session::Seq i = 1; i <= 300; ++i) {
        wire::DataView view;
        Uuid id;
        id.bytes[0] = static_cast<std::uint8_t>(i >> 8);
        id.bytes[1] = static_cast<std::uint8_t>(i);
        id.bytes[2] = 1;
        view.message = session::test::message_of(1, "x");
        view.message->id = id;
        batch += session::test::numbered(0, i, wire::encode(view));
    }
    line->handler->on_batch(batch);
    EXPECT_TRUE(line->paused);
    EXPECT_EQ(bench.shard().stats().messages_received, 256u);
    bench.settle();
    EXPECT_FALSE(line->paused);
    EXPECT_EQ(bench.shard().stats().messages_received, 300u);
}

}  // namespace
}  // namespace flare::server::test
