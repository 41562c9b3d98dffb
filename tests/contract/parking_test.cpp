// Clauses about taking a connection off its thread and going on with another.
#include "contract/carrier_fixture.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <atomic>
#include <mutex>
#include <thread>

namespace flare::transport::test {
namespace {

FLARE_CARRIER_SUITE(CarrierParking);

TEST_P(CarrierParking, TakesAlongTheBatchesOfTheSameRead) {
    if (!GetParam().can_park) return;
    Recorder second;
    std::unique_ptr<ParkedCarrier> parked;
    server_seen.batch_hook = [&] {
        parked = server->park();
        server.reset();
    };
    Payloads expected;
    for (int i = 0; i < 30; ++i) {
        send_client({std::to_string(i)});
        if (i != 0) expected.push_back(std::to_string(i));
    }
    ASSERT_TRUE(run_until([&] { return parked != nullptr; }));
    EXPECT_EQ(server_seen.all(), Payloads{"0"});
    server = std::move(*parked).resume(io);
    parked.reset();
    server->set_handler(&second);
    EXPECT_TRUE(second.batches.empty()) << "delivery begins in the event loop";
    ASSERT_TRUE(run_until([&] { return second.batches.size() == expected.size(); }));
    EXPECT_EQ(second.all(), expected);
    EXPECT_EQ(server->stats().batches_in, 30u);
    EXPECT_EQ(server->stats().bytes_in, client->stats().bytes_out);

    server->send(make_batch({"still alive"}));
    ASSERT_TRUE(run_until([&] { return client_seen.batches.size() == 1; }));
    client->close(errc::ok, "bye", std::chrono::seconds(2));
    EXPECT_TRUE(run_until([&] { return second.closed.has_value(); }));
    EXPECT_FALSE(server_seen.closed);
}

TEST_P(CarrierParking, TakesAlongAnUnfinishedBatch) {
    if (!GetParam().can_park) return;
    Recorder second;
    std::unique_ptr<ParkedCarrier> parked;
    server_seen.batch_hook = [&] {
        parked = server->park();
        server.reset();
    };
    const Payloads large(9, std::string(100'000, 'L'));
    send_client({"small"});
    send_client(large);
    ASSERT_TRUE(run_until([&] { return parked != nullptr; }));
    server = std::move(*parked).resume(io);
    server->set_handler(&second);
    ASSERT_TRUE(run_until([&] { return second.batches.size() == 1; }));
    EXPECT_EQ(second.all(), large);
}

TEST_P(CarrierParking, IsRefusedWhileBytesWaitToBeWritten) {
    if (!GetParam().can_park) return;
    client->pause_reading(true);
    const auto sent = fill_up(*server, server_seen);
    EXPECT_EQ(server->park(), nullptr);
    client->pause_reading(false);
    ASSERT_TRUE(run_until([&] { return client_seen.batches.size() == sent.size(); }));
    ASSERT_TRUE(run_until([&] { return server->writable(); }));
    EXPECT_NE(server->park(), nullptr);
}

TEST_P(CarrierParking, LeavesADeadObjectBehind) {
    if (!GetParam().can_park) return;
    const auto parked = server->park();
    ASSERT_NE(parked, nullptr);
    EXPECT_FALSE(server->writable());
    EXPECT_EQ(server->park(), nullptr);
    server->close(errc::ok, "nobody hears", std::chrono::seconds(1));
    server->pause_reading(false);
    send_client({"x"});
    run_for(std::chrono::milliseconds(20));
    EXPECT_TRUE(server_seen.batches.empty());
    EXPECT_FALSE(server_seen.closed);
    EXPECT_FALSE(client_seen.closed);
}

TEST_P(CarrierParking, DestroyingTheParkedDropsTheConnection) {
    if (!GetParam().can_park) return;
    auto parked = server->park();
    ASSERT_NE(parked, nullptr);
    parked.reset();
    ASSERT_TRUE(run_until([&] { return client_seen.closed.has_value(); }));
    EXPECT_EQ(client_seen.closed->code, errc::connection_lost);
}

TEST_P(CarrierParking, WorksForTheClientsEndToo) {
    if (!GetParam().can_park) return;
    auto parked = client->park();
    ASSERT_NE(parked, nullptr);
    client.reset();
    send_server({"while parked"});
    run_for(std::chrono::milliseconds(5));
    client = std::move(*parked).resume(io);
    client->set_handler(&client_seen);
    ASSERT_TRUE(run_until([&] { return client_seen.batches.size() == 1; }));
    send_client({"back"});
    EXPECT_TRUE(run_until([&] { return server_seen.batches.size() == 1; }));
}

// A worker: one thread with one event loop. It counts batches that come in the right order, echoes them, and every
// few batches hands its connection to the other worker from inside on_batch().
class Worker final : public CarrierHandler {
public:
    Worker() : thread_([this] { context.run(); }) {}
    ~Worker() { stop(); }
    void stop() {
        guard_.reset();
        boost::asio::post(context, [this] {
            stopping_ = true;
            carrier_.reset();
        });
        if (thread_.joinable()) thread_.join();
    }
    void take(std::shared_ptr<ParkedCarrier> parked) {
        boost::asio::post(context, [this, parked = std::move(parked)] {
            if (stopping_) return;  // the last batch may move the connection while the test ends
            carrier_ = std::move(*parked).resume(context);
            carrier_->set_handler(this);
        });
    }
    void on_batch(std::string_view batch) override {
        const Payloads payloads = payloads_of(batch);
        if (payloads.empty() || payloads[0] != std::to_string(received->load())) ++*wrong;
        received->fetch_add(1);
        if (carrier_->writable()) carrier_->send(make_batch(payloads));
        if (received->load() % 3 != 0) return;
        std::shared_ptr<ParkedCarrier> parked = carrier_->park();
        if (parked == nullptr) return;
        // The view stays good until the call ends, whoever owns the connection by now.
        other->take(std::move(parked));
        if (payloads_of(batch) != payloads) ++*wrong;
        carrier_.reset();
        ++moves;
    }
    void on_writable() override {}
    void on_closed(const CloseReason& /*reason*/) override { carrier_.reset(); }

    boost::asio::io_context context{1};
    Worker* other = nullptr;
    std::atomic<int>* received = nullptr;
    std::atomic<int>* wrong = nullptr;
    std::atomic<int> moves{0};

private:
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_{context.get_executor()};
    std::unique_ptr<Carrier> carrier_;
    bool stopping_ = false;
    std::thread thread_;
};

TEST_P(CarrierParking, MovesBetweenTwoThreadsInMidStream) {
    if (!GetParam().can_park) return;
    constexpr int kBatches = 1500;
    std::atomic<int> received{0};
    std::atomic<int> wrong{0};
    Worker first;
    Worker second;
    first.other = &second;
    second.other = &first;
    for (Worker* const worker : {&first, &second}) {
        worker->received = &received;
        worker->wrong = &wrong;
    }
    first.take(server->park());
    server.reset();
    for (int i = 0; i < kBatches; ++i) {
        ASSERT_TRUE(run_until([&] { return client->writable(); }));
        send_client({std::to_string(i), std::string(static_cast<std::size_t>(i % 11 == 0 ? 40'000 : i % 90), 'm')});
    }
    EXPECT_TRUE(run_until([&] { return received.load() == kBatches && !client_seen.batches.empty(); }));
    first.stop();
    second.stop();
    EXPECT_EQ(wrong.load(), 0);
    // How many batches one read brings, and so how often it moves, is the kernel's choice.
    EXPECT_GT(first.moves.load(), 5);
    EXPECT_GT(second.moves.load(), 5);
}

}  // namespace
}  // namespace flare::transport::test
