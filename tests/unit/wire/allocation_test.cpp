// The way of a message through the codec allocates nothing.
#include "allocations.hpp"
#include "support.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

template <typename Work>
std::size_t allocations_of(Work&& work) {
    const std::size_t before = allocations();
    work();
    return allocations() - before;
}

struct Sample {
    std::string payload = std::string(256, 'x');
    FrameHeader header = numbered(1'000, 2);
    DataView data;
    Sample() {
        header.acks.push_back({2, 900, 3'000, 1'048'576});
        data.from = "grace";
        data.message = MessageView{Uuid::v7(), "chat", payload, 1'722'470'400'000, "ada"};
        data.receipt = ReceiptView{Uuid::v7(), ReceiptStatus::handled, errc::ok, "fine", 1};
    }
};

TEST(Allocations, AreNoneOnTheWayOfAMessage) {
    const Sample sample;
    const Body body = encode(sample.data);
    const Bytes part(std::string(8'000, 'c'));
    Batch batch;
    FrameView frame;
    const auto trip = [&] {
        batch.clear();
        for (int i = 0; i < 10; ++i) {
            batch.add_data(sample.header, sample.data);
            batch.add(sample.header, body);
            batch.add_chunk(sample.header, 0, part);
        }
        batch.add(FrameHeader{});
        BatchReader reader(batch.head().substr(0, batch.segments().front().head_bytes));
        ASSERT_TRUE(reader.next(frame));
        const auto data = decode_data(frame.body);
        ASSERT_TRUE(data && data->message && data->receipt);
    };
    trip();  // the batch grows
    EXPECT_EQ(allocations_of(trip), 0u);
}

TEST(Allocations, AreAtMostOneForABody) {
    const Sample sample;
    // None where the thread still has a block of that size.
    EXPECT_LE(allocations_of([&] { (void)encode(sample.data); }), 1u);
    EXPECT_LE(allocations_of([&] { (void)encode(*sample.data.receipt); }), 1u);
    EXPECT_LE(allocations_of([&] { (void)encode_message(*sample.data.message); }), 1u);
    EXPECT_LE(allocations_of([&] { (void)encode_ping({1, sample.payload}); }), 1u);
}

TEST(Allocations, AreNoneWhenBytesAreRefused) {
    const std::string short_id = from_hex("12040a0201 02");
    const std::string bad_text = from_hex("0a02c328");
    FrameView frame;
    bool refused = true;
    EXPECT_EQ(allocations_of([&] {
                  refused = refused && !BatchReader(bad_text).next(frame);
                  refused = refused && !decode_data(short_id);
                  refused = refused && !decode_data(bad_text);
                  refused = refused && !decode_receipt(short_id);
                  refused = refused && !decode_chunk("\xff");
                  refused = refused && !decode_ping("\x0a");
              }),
              0u);
    EXPECT_TRUE(refused);
}

}  // namespace
}  // namespace flare::wire::test
