// Two connected carriers, handlers that record, and batches whose content is
// compared through the codec, so that a carrier may rewrite the bytes (JSON).
#pragma once

#include "contract/carrier_kind.hpp"
#include "support/event_loop.hpp"
#include "wire/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare::transport::test {

using Payloads = std::vector<std::string>;  // of the messages of one batch

inline void fill(wire::Batch& batch, const Payloads& payloads) {
    for (const std::string& payload : payloads) {
        wire::DataView data;
        data.from = "somebody";
        wire::MessageView message;
        message.id = Uuid::v7(1, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10});
        message.type = "test";
        message.payload = payload;
        data.message = message;
        wire::FrameHeader header;
        header.lane = 1;
        header.seq = 7;
        batch.add(header, wire::encode(data));
    }
}

inline wire::Batch make_batch(const Payloads& payloads) {
    wire::Batch batch;
    fill(batch, payloads);
    return batch;
}

inline Payloads payloads_of(std::string_view bytes) {
    Payloads payloads;
    wire::BatchReader reader(bytes, bytes.size());
    wire::FrameView frame;
    while (!reader.done()) {
        if (!reader.next(frame)) return {"not a batch"};
        const auto data = wire::decode_data(frame.body);
        payloads.emplace_back(data && data->message ? data->message->payload : "not a message");
    }
    return payloads;
}

// Records what a carrier tells, and checks what must never be.
class Recorder : public CarrierHandler {
public:
    std::vector<Payloads> batches;
    std::vector<std::string> raw;
    int writable = 0;
    std::optional<CloseReason> closed;
    bool inside_call = false;  // set while the test is inside a call on a carrier

    std::function<void()> batch_hook;
    std::function<void()> writable_hook;
    std::function<void()> closed_hook;

    void on_batch(std::string_view batch) override {
        check();
        raw.emplace_back(batch);
        batches.push_back(payloads_of(batch));
        run(batch_hook);
    }
    void on_writable() override {
        check();
        ++writable;
        run(writable_hook);
    }
    void on_closed(const CloseReason& reason) override {
        check();
        closed = reason;
        run(closed_hook);
    }
    // All payloads in the order of their arrival.
    Payloads all() const {
        Payloads together;
        for (const Payloads& batch : batches) together.insert(together.end(), batch.begin(), batch.end());
        return together;
    }

private:
    void check() const {
        EXPECT_FALSE(inside_call) << "a callback came from inside a call";
        EXPECT_FALSE(closed.has_value()) << "a callback came after on_closed()";
    }
    static void run(const std::function<void()>& hook) {
        const std::function<void()> copy = hook;  // a hook may replace itself
        if (copy) copy();
    }
};

class CarrierContract : public ::testing::TestWithParam<CarrierKind> {
protected:
    void SetUp() override {
        factory = GetParam().factory(io);
        auto [made_client, made_server] = factory->make();
        client = std::move(made_client);
        server = std::move(made_server);
        client->set_handler(&client_seen);
        server->set_handler(&server_seen);
    }

    template <typename Condition>
    bool run_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
        return flare::test::run_until(io, condition, limit);
    }
    void run_for(std::chrono::milliseconds time) { flare::test::run_for(io, time); }

    void send(Carrier& carrier, Recorder& recorder, const Payloads& payloads) {
        const wire::Batch batch = make_batch(payloads);
        recorder.inside_call = true;
        carrier.send(batch);
        recorder.inside_call = false;
    }
    void send_client(const Payloads& payloads) { send(*client, client_seen, payloads); }
    void send_server(const Payloads& payloads) { send(*server, server_seen, payloads); }

    // Sends batches of this size until the carrier is full; the payloads differ.
    std::vector<Payloads> fill_up(Carrier& carrier, Recorder& recorder, std::size_t payload_bytes = 60'000) {
        std::vector<Payloads> sent;
        while (carrier.writable() && sent.size() < 2000) {
            std::string payload(payload_bytes, static_cast<char>('a' + sent.size() % 26));
            payload += std::to_string(sent.size());
            sent.push_back({payload});
            send(carrier, recorder, sent.back());
        }
        EXPECT_FALSE(carrier.writable()) << "the carrier never filled up";
        return sent;
    }

    boost::asio::io_context io{1};
    std::unique_ptr<CarrierFactory> factory;
    Recorder client_seen;
    Recorder server_seen;
    std::unique_ptr<Carrier> client;
    std::unique_ptr<Carrier> server;
};

inline std::string kind_name(const ::testing::TestParamInfo<CarrierKind>& kind) { return kind.param.name; }

#define FLARE_CARRIER_SUITE(suite)           \
    class suite : public CarrierContract {}; \
    INSTANTIATE_TEST_SUITE_P(All, suite, ::testing::ValuesIn(carrier_kinds()), kind_name)

}  // namespace flare::transport::test
