// Feeds and the bodies of their requests: docs/wire.md, "Feed".
#include "wire/feeds.hpp"

#include "support.hpp"

#include "wire/json.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

im::Entry entry_at(std::uint64_t offset, std::string_view payload = "hello") {
    im::Entry entry;
    entry.offset = offset;
    entry.kind = model::EntryKind::message;
    entry.id.bytes[15] = static_cast<std::uint8_t>(offset);
    entry.from = "ada";
    entry.time_ms = 1'722'470'400'131;
    entry.payload = payload;
    return entry;
}

im::Feed feed_of(std::size_t entries, std::string_view payload = "hello") {
    im::Feed feed;
    for (std::size_t i = 1; i <= entries; ++i) feed.entries.push_back(entry_at(i, payload));
    return feed;
}

template <typename T>
errc code_of_body(std::string_view body) {
    const auto decoded = im::decode<T>(body);
    return decoded ? errc::ok : static_cast<errc>(decoded.error().value());
}

TEST(Feeds, ComeBackAsTheyWent) {
    im::Feed feed = feed_of(2);
    feed.entries[1].ref = 1;
    feed.entries[1].kind = model::EntryKind::edit;
    feed.reset = im::FeedReset{im::FeedResetReason::diverged, 3, 1'205, 1'156, 0x8f3a5c17d2e94b60};
    feed.removed = 1'206;
    const Body body = im::feed_body(feed);
    EXPECT_EQ(body.kind, FrameKind::feed);
    EXPECT_EQ(body.feed_id, 0u) << "the bytes are for every subscriber";
    EXPECT_EQ(body.cost, body.content().size());
    EXPECT_EQ(body.content(), im::encode(feed));

    const im::Feed read = im::decode<im::Feed>(body.content()).value();
    ASSERT_EQ(read.entries.size(), 2u);
    EXPECT_EQ(read.entries[0].offset, 1u);
    EXPECT_EQ(read.entries[0].payload, "hello");
    EXPECT_EQ(read.entries[1].kind, model::EntryKind::edit);
    EXPECT_EQ(read.entries[1].ref, 1u);
    ASSERT_TRUE(read.reset);
    EXPECT_EQ(*read.reset, *feed.reset);
    EXPECT_EQ(read.removed, 1'206u);
    for (const im::Entry& entry : read.entries) {
        const std::string_view bytes = body.content();
        EXPECT_TRUE(entry.payload.data() >= bytes.data() && entry.payload.data() < bytes.data() + bytes.size());
    }
}

TEST(Feeds, WithNothingInThemAreStillThere) {
    const std::string batch = frame_of(im::feed_body({}), numbered(1));
    EXPECT_EQ(to_hex(batch), "051001d20100");
    FrameView frame;
    ASSERT_TRUE(BatchReader(batch).next(frame));
    EXPECT_EQ(frame.kind, FrameKind::feed);
    const im::Feed read = im::decode<im::Feed>(frame.body).value();
    EXPECT_TRUE(read.entries.empty());
    EXPECT_FALSE(read.reset);
    EXPECT_EQ(read.removed, 0u);
}

TEST(Feeds, OneBodyGoesToManyUnderTheirNumbers) {
    const Body shared = im::feed_body(feed_of(1, std::string(5'000, 'x')));
    Batch batch;
    for (const std::uint32_t feed_id : {1u, 300u}) {
        FrameHeader header = numbered(1);
        header.feed_id = feed_id;
        batch.add(header, shared);
    }
    for (const Batch::Segment& segment : batch.segments()) EXPECT_EQ(segment.shared.data(), shared.bytes.data());
    const std::string bytes = batch.str();
    BatchReader reader(bytes);
    FrameView frame;
    for (const std::uint32_t feed_id : {1u, 300u}) {
        ASSERT_TRUE(reader.next(frame));
        EXPECT_EQ(frame.feed_id, feed_id);
        EXPECT_EQ(frame.body, shared.content());
    }
}

TEST(Feeds, HaveAtMostAThousandAndTwentyFourEntries) {
    EXPECT_EQ(code_of_body<im::Feed>(im::encode(feed_of(im::kMaxFeedEntries))), errc::ok);
    EXPECT_EQ(code_of_body<im::Feed>(im::encode(feed_of(im::kMaxFeedEntries + 1))), errc::malformed_frame);
}

TEST(Feeds, ABlockOfTheSmallestEntriesIsWithinTheLimit) {
    im::Entry smallest = entry_at(1, {});
    smallest.from = "a";
    EXPECT_LT(im::kFeedBlockBytes / (im::size_of(smallest) + 2), im::kMaxFeedEntries);
}

TEST(Feeds, TheLargestEntryAndItsNamesFit) {
    const std::string payload(im::kMaxPageBytes, 'p');
    const std::string name(kMaxNameBytes, 'n');
    im::Feed feed = feed_of(1, payload);
    feed.entries[0].from = feed.entries[0].type = name;
    EXPECT_LE(im::size_of(feed), kMaxFeedBytes);
}

TEST(Feeds, AReasonOfALaterVersionIsUnspecified) {
    const auto reset = im::decode<im::FeedReset>(from_hex("08 63 20 05 90 03 01")).value();
    EXPECT_EQ(reset.reason, im::FeedResetReason::unspecified);
    EXPECT_EQ(reset.next, 5u);
}

TEST(Feeds, TheEntryBehindWhichTheyBeginMayGoUnsaid) {
    im::Subscribe subscribe;
    subscribe.conversation = "room:lunch";
    EXPECT_EQ(to_hex(im::encode(subscribe)), "0a0a" + to_hex("room:lunch")) << "no id, no zeros in its place";
    EXPECT_TRUE(im::decode<im::Subscribe>(im::encode(subscribe))->id.is_nil());
    EXPECT_TRUE(im::decode<im::Subscribe>(from_hex("2200"))->id.is_nil());

    subscribe.epoch = 0x8f3a5c17d2e94b60;
    subscribe.after = 1'204;
    subscribe.id = uuid("01910a3e-5c00-7b1a-8d5e-0123456789ab");
    subscribe.complete = true;
    const std::string body = im::encode(subscribe);
    EXPECT_EQ(body.size(), im::size_of(subscribe));
    const im::Subscribe read = im::decode<im::Subscribe>(body).value();
    EXPECT_EQ(read.conversation, "room:lunch");
    EXPECT_EQ(read.epoch, subscribe.epoch);
    EXPECT_EQ(read.after, 1'204u);
    EXPECT_EQ(read.id, subscribe.id);
    EXPECT_TRUE(read.complete);
    EXPECT_EQ(code_of_body<im::Subscribe>(from_hex("22 0f 000102030405060708090a0b0c0d0e")), errc::malformed_frame);
}

TEST(Feeds, TheAnswerSaysWhereTheyBegin) {
    im::Subscribed answer;
    answer.feed = 0xffffffff;
    answer.head = im::Head{0x8f3a5c17d2e94b60, 1, 1'205, 1'100};
    answer.visible_from = 17;
    answer.next = 1'206;
    const std::string body = im::encode(answer);
    const im::Subscribed read = im::decode<im::Subscribed>(body).value();
    EXPECT_EQ(read.feed, 0xffffffffu);
    EXPECT_EQ(read.head->last, 1'205u);
    EXPECT_EQ(read.visible_from, 17u);
    EXPECT_EQ(read.next, 1'206u);
    EXPECT_FALSE(read.reset);
    EXPECT_EQ(im::encode(im::Unsubscribed{}), "");
    EXPECT_TRUE(im::decode<im::Unsubscribed>("")) << "a message without fields";
    EXPECT_TRUE(im::decode<im::Unsubscribed>(from_hex("0801"))) << "a later version may give it one";
}

TEST(Feeds, SubscribingAndUnsubscribingChangeNothing) {
    EXPECT_FALSE(writes(Verb::subscribe));
    EXPECT_FALSE(writes(Verb::unsubscribe));
}

TEST(Feeds, AreBytesInTheJsonOfTheirFrame) {
    FrameHeader header = numbered(3, 2);
    header.feed_id = 7;
    im::Feed removed;
    removed.removed = 5;
    const std::string batch = frame_of(im::feed_body(removed), header);
    EXPECT_EQ(batch_to_json(batch).value(), R"({"lane":2,"seq":"3","feedId":7,"feed":"GAU="})");
    const std::string empty = frame_of(im::feed_body({}), numbered(3));
    EXPECT_EQ(batch_to_json(empty).value(), R"({"seq":"3","feed":""})");
    for (const std::string& each : {batch, empty})
        EXPECT_EQ(to_hex(json_to_batch(batch_to_json(each).value()).value()), to_hex(each));

    EXPECT_EQ(to_hex(json_to_batch(R"({"seq":1,"feed_id":7,"feed":"GAU"})").value()), "0910012007d201021805");
    std::string error;
    EXPECT_FALSE(json_to_batch(R"({"feed":""})", &error));
    EXPECT_EQ(error, "seq: data, chunk, receipt, request, response and feed frames need a number, from 1");
    EXPECT_FALSE(json_to_batch(R"({"seq":1,"feedId":4294967296,"feed":""})", &error));
    EXPECT_EQ(error, "feedId: expected a whole number from 0 to 4294967295");
    EXPECT_FALSE(json_to_batch(R"({"feedId":1})", &error)) << "a header alone is no frame";
    EXPECT_EQ(content_to_json(im::feed_schema(), im::feed_body(removed).content()).value(), R"({"removed":"5"})");
}

}  // namespace
}  // namespace flare::wire::test
