#include "support.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

Body body_of(std::size_t payload_bytes) {
    const std::string payload(payload_bytes, 'p');
    DataView data;
    data.message.emplace().payload = payload;
    return encode(data);
}

TEST(Batch, SharesLargeBodiesAndCopiesSmallOnes) {
    const Body small = body_of(100);
    const Body large = body_of(Batch::kCopyUpTo);
    Batch batch;
    batch.add(numbered(1), small);
    EXPECT_EQ(batch.segments().size(), 1u);
    batch.add(numbered(2), large);
    batch.add(numbered(3), small);
    batch.add(numbered(4), large);
    ASSERT_EQ(batch.segments().size(), 2u);
    EXPECT_EQ(batch.segments()[0].shared.data(), large.bytes.data());
    EXPECT_EQ(batch.segments()[1].shared.data(), large.bytes.data());
    batch.add(numbered(5), small);
    ASSERT_EQ(batch.segments().size(), 3u);
    EXPECT_TRUE(batch.segments()[2].shared.empty());
    EXPECT_EQ(batch.frames(), 5u);
}

TEST(Batch, ItsSegmentsAreTheWholeBatchInOrder) {
    Batch batch;
    batch.add({}, encode(Activate{1}));
    batch.add(numbered(1), body_of(5'000));
    batch.add_chunk(numbered(2), 9, Bytes(std::string(3'000, 'c')));
    batch.add_chunk(numbered(3), 0, Bytes("short"));
    FrameHeader acks;
    acks.acks.push_back({1, 2, 3, 4});
    batch.add(acks);
    std::string gathered;
    std::size_t head = 0;
    for (const Batch::Segment& segment : batch.segments()) {
        gathered.append(batch.head(), head, segment.head_bytes);
        gathered.append(segment.shared.view());
        head += segment.head_bytes;
    }
    EXPECT_EQ(head, batch.head().size());
    EXPECT_EQ(gathered, batch.str());
    EXPECT_EQ(gathered.size(), batch.bytes());

    BatchReader reader(gathered);
    FrameView frame;
    for (const FrameKind kind :
         {FrameKind::activate, FrameKind::data, FrameKind::chunk, FrameKind::chunk, FrameKind::none}) {
        ASSERT_TRUE(reader.next(frame));
        EXPECT_EQ(frame.kind, kind);
    }
    EXPECT_EQ(frame.acks, acks.acks);
    EXPECT_TRUE(reader.done());
}

TEST(Batch, AChunkThatNamesItsKindDoesSoBehindItsPartWhateverItsSize) {
    for (const std::size_t size : {std::size_t{5}, Batch::kCopyUpTo + 1, kChunkBytes}) {
        const std::string part(size, 'c');
        Batch batch;
        batch.add_chunk(numbered(1), 100'000, Bytes(part), static_cast<std::uint32_t>(FrameKind::request));
        batch.add({}, encode(Activate{1}));
        const std::string bytes = batch.str();
        EXPECT_EQ(bytes.size(), batch.bytes());
        BatchReader reader(bytes);
        FrameView frame;
        ASSERT_TRUE(reader.next(frame));
        const ChunkView chunk = decode_chunk(frame.body).value();
        EXPECT_EQ(chunk.total, 100'000u);
        EXPECT_EQ(chunk.kind, static_cast<std::uint32_t>(FrameKind::request));
        EXPECT_EQ(chunk.part, part);
        ASSERT_TRUE(reader.next(frame));
        EXPECT_EQ(frame.kind, FrameKind::activate);
    }
}

TEST(Batch, IsUsedAgainAfterClear) {
    Batch batch;
    batch.add(numbered(1), body_of(5'000));
    batch.clear();
    EXPECT_TRUE(batch.empty());
    EXPECT_EQ(batch.bytes(), 0u);
    EXPECT_TRUE(batch.head().empty());
    EXPECT_TRUE(batch.segments().empty());
    batch.add({}, encode(Activate{300}));
    EXPECT_EQ(to_hex(batch.str()), "056a0308ac02");
}

TEST(Batch, EncodesDataInPlaceAsItDoesThroughABody) {
    for (const std::size_t size : {0u, 1u, 100u, 127u, 128u, 5'000u, 70'000u}) {
        const std::string payload(size, 'x');
        DataView data;
        data.from = "someone";
        data.message = MessageView{Uuid::v7(), "t", payload, 1, "somebody else, with a longer name"};
        Batch in_place;
        in_place.add_data(numbered(128, 1), data);
        EXPECT_EQ(in_place.str(), frame_of(encode(data), numbered(128, 1)));
    }
}

TEST(BatchReader, TellsWhatItHasNotReadYet) {
    std::string batch = frame_of(encode(Activate{1}));
    batch += frame_of(encode(Activate{2}));
    BatchReader reader(batch);
    FrameView frame;
    ASSERT_TRUE(reader.next(frame));
    EXPECT_EQ(to_hex(reader.rest()), "046a020802");
}

TEST(BatchReader, RefusesAFrameAboveItsLimitBeforeItHasArrived) {
    FrameView frame;
    const std::string batch = frame_of(encode_ping({1, "12345"}));
    EXPECT_TRUE(BatchReader(batch, batch.size() - 1).next(frame));
    BatchReader strict(batch, batch.size() - 2);
    EXPECT_EQ(strict.next(frame).error(), errc::frame_too_large);
    EXPECT_TRUE(strict.done());
    const std::string only_length = from_hex("ffffffff7f");
    EXPECT_EQ(BatchReader(only_length).next(frame).error(), errc::frame_too_large);
}

TEST(BatchReader, IsDoneAfterAnError) {
    std::string batch = from_hex("0100");
    batch += frame_of(encode(Activate{1}));
    BatchReader reader(batch);
    FrameView frame;
    EXPECT_EQ(reader.next(frame).error(), errc::malformed_frame);
    EXPECT_TRUE(reader.done());
    EXPECT_TRUE(reader.rest().empty());
}

TEST(BatchFront, HasAsManyFramesAsItMayAndEndsBetweenTwo) {
    const std::string batch("\0\x02\x08\x01\0\x02\x08\x02", 8);
    const auto front = [&](std::size_t most) { return front_of(batch, most); };
    EXPECT_EQ(front(0).bytes.size(), 0u);
    EXPECT_EQ(front(1).bytes.size(), 1u);
    EXPECT_EQ(front(2).bytes.size(), 4u);
    EXPECT_EQ(front(3).bytes.size(), 5u);
    EXPECT_EQ(front(4).bytes.size(), 8u);
    EXPECT_EQ(front(100).bytes.size(), 8u);
    EXPECT_EQ(front(100).frames, 4u);
    EXPECT_EQ(front_of("", 5).frames, 0u);
}

TEST(BatchFront, OfWhatCannotBeReadIsTheWholeBatch) {
    for (const std::string& bad : {std::string("\x05\x08", 2), std::string("\0\x80", 2), std::string(11, '\xff')})
        EXPECT_EQ(front_of(bad, 5).bytes, bad);
}

}  // namespace
}  // namespace flare::wire::test
