// Every kind of frame there and back, and every limit at its edge.
#include "support.hpp"

#include "wire/writer.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace flare::wire::test {
namespace {

constexpr std::uint64_t kLargest = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint32_t kLargest32 = std::numeric_limits<std::uint32_t>::max();

LaneStates sixteen_lanes() {
    LaneStates states;
    for (LaneIndex lane = 0; lane < kMaxLanes; ++lane)
        states.push_back({lane, lane * 1'000, kLargest - lane, lane * lane * 100'000});
    return states;
}

// The only frame of `batch`.
FrameView only_frame(std::string_view batch) {
    BatchReader reader(batch);
    FrameView frame;
    EXPECT_TRUE(reader.next(frame));
    EXPECT_TRUE(reader.done());
    return frame;
}

std::string too_long(std::size_t limit) { return std::string(limit + 1, 'x'); }

TEST(Frames, HelloComesBackAsItWent) {
    Hello hello;
    hello.user = "ada";
    hello.device = "laptop";
    hello.platform = Platform::web;
    hello.token = std::string(kMaxTokenBytes, 't');
    hello.attempt_id = Uuid::v7();
    hello.epoch = kLargest;
    hello.resume = Resume{std::string(kMaxTicketBytes, '\0'), counting(kNonceBytes, 0xf0), counting(kMacBytes)};
    hello.received = sixteen_lanes();
    hello.capabilities = 5;
    hello.lanes = kLargest32;
    hello.max_message_bytes = 1;
    hello.ticket_proof = counting(kMacBytes);
    const std::string batch = frame_of(encode(hello));
    const FrameView frame = only_frame(batch);
    ASSERT_EQ(frame.kind, FrameKind::hello);
    const Hello back = decode_hello(frame.body).value();
    EXPECT_EQ(back.version, kVersion);
    EXPECT_EQ(back.user, hello.user);
    EXPECT_EQ(back.device, hello.device);
    EXPECT_EQ(back.platform, hello.platform);
    EXPECT_EQ(back.token, hello.token);
    EXPECT_EQ(back.attempt_id, hello.attempt_id);
    EXPECT_EQ(back.epoch, hello.epoch);
    ASSERT_TRUE(back.resume);
    EXPECT_EQ(back.resume->ticket, hello.resume->ticket);
    EXPECT_EQ(back.resume->nonce, hello.resume->nonce);
    EXPECT_EQ(back.resume->mac, hello.resume->mac);
    EXPECT_EQ(back.ticket_proof, hello.ticket_proof);
    EXPECT_EQ(back.received, hello.received);
    EXPECT_EQ(back.capabilities, hello.capabilities);
    EXPECT_EQ(back.lanes, hello.lanes);
    EXPECT_EQ(back.max_message_bytes, hello.max_message_bytes);
}

TEST(Frames, AHelloOfALaterVersionIsKnownByItsNumberWhateverElseItHolds) {
    // Version 2, and a user of which this version cannot make sense.
    const auto hello = decode_hello(from_hex("0802 1001"));
    ASSERT_TRUE(hello);
    EXPECT_EQ(hello->version, 2u);
    EXPECT_TRUE(hello->user.empty());
    EXPECT_EQ(decode_hello(from_hex("0801 1001")).error(), errc::malformed_frame);
}

TEST(Frames, WelcomeComesBackAsItWent) {
    Welcome welcome;
    welcome.session_id = Uuid::v7();
    welcome.home_worker = 255;
    welcome.ticket = counting(34);
    welcome.secret = std::string(kMaxSecretBytes, 's');
    welcome.capabilities = kLargest;
    welcome.lanes = 16;
    welcome.heartbeat_interval_ms = 30'000;
    welcome.heartbeat_timeout_ms = 90'000;
    welcome.max_ack_delay_ms = 200;
    welcome.limits = Limits{1, 2, 3, 4, 5, 6, 7, 8, 9};
    welcome.received = sixteen_lanes();
    welcome.outcome = Outcome::resumed;
    welcome.session_life_ms = kLargest32;
    welcome.user = std::string(kMaxNameBytes, 'u');
    const std::string batch = frame_of(encode(welcome));
    const Welcome back = decode_welcome(only_frame(batch).body).value();
    EXPECT_EQ(back.session_id, welcome.session_id);
    EXPECT_EQ(back.home_worker, welcome.home_worker);
    EXPECT_EQ(back.ticket, welcome.ticket);
    EXPECT_EQ(back.secret, welcome.secret);
    EXPECT_EQ(back.capabilities, welcome.capabilities);
    EXPECT_EQ(back.lanes, welcome.lanes);
    EXPECT_EQ(back.heartbeat_interval_ms, welcome.heartbeat_interval_ms);
    EXPECT_EQ(back.heartbeat_timeout_ms, welcome.heartbeat_timeout_ms);
    EXPECT_EQ(back.max_ack_delay_ms, welcome.max_ack_delay_ms);
    EXPECT_EQ(back.limits, welcome.limits);
    EXPECT_EQ(back.received, welcome.received);
    EXPECT_EQ(back.outcome, welcome.outcome);
    EXPECT_EQ(back.session_life_ms, welcome.session_life_ms);
    EXPECT_EQ(back.user, welcome.user);
}

TEST(Frames, LimitsThatAWelcomeDoesNotNameAreTheDefaults) {
    EXPECT_EQ(decode_welcome("").value().limits, Limits{});
    // limits { max_frame_bytes: 5, max_batch_bytes: 0 }
    Limits expected;
    expected.max_frame_bytes = 5;
    EXPECT_EQ(decode_welcome(from_hex("5204 10051800")).value().limits, expected);
    EXPECT_EQ(decode_welcome("").value().lanes, 0u);  // the session refuses a Welcome without lanes
}

TEST(Frames, AProofOrAChallengeOfAnotherLengthIsMalformed) {
    for (const std::size_t size : {1u, 31u, 33u, 64u}) {
        Hello hello;
        hello.user = "ada";
        hello.attempt_id = Uuid::v7();
        hello.ticket_proof = std::string(size, 'p');
        EXPECT_FALSE(decode_hello(only_frame(frame_of(encode(hello))).body)) << size;
        Refused refused;
        refused.challenge = std::string(size, 'c');
        EXPECT_FALSE(decode_refused(only_frame(frame_of(encode(refused))).body)) << size;
    }
}

TEST(Frames, RefusedComesBackAsItWent) {
    Refused refused;
    refused.code = errc::session_expired;
    refused.text = "gone";
    refused.retry_after_ms = 7;
    refused.gap.emplace().push_back({0, 0, 0});
    refused.gap->push_back({15, kLargest, 1});
    refused.challenge = counting(kChallengeBytes);
    const std::string batch = frame_of(encode(refused));
    const Refused back = decode_refused(only_frame(batch).body).value();
    EXPECT_EQ(back.code, refused.code);
    EXPECT_EQ(back.text, refused.text);
    EXPECT_EQ(back.retry_after_ms, refused.retry_after_ms);
    EXPECT_EQ(back.gap, refused.gap);
    EXPECT_EQ(back.challenge, refused.challenge);

    refused.gap = LaneGaps{};  // known, and nothing to tell
    EXPECT_EQ(decode_refused(only_frame(frame_of(encode(refused))).body).value().gap, LaneGaps{});
    EXPECT_FALSE(decode_refused("").value().gap);
    EXPECT_EQ(decode_refused("").value().code, errc::ok);
}

TEST(Frames, CodesOfALaterVersionAreKeptAndImpossibleOnesBecomeInternal) {
    EXPECT_EQ(static_cast<unsigned>(decode_refused(from_hex("08e707")).value().code), 999u);
    EXPECT_EQ(decode_refused(from_hex("08808004")).value().code, errc::internal);  // 65,536
}

TEST(Frames, ActivateGoodbyeAndPingComeBackAsTheyWent) {
    EXPECT_EQ(decode_activate(encode(Activate{kLargest}).content()).value().epoch, kLargest);

    Goodbye goodbye;
    goodbye.code = errc::kicked;
    goodbye.text = "out";
    goodbye.final = sixteen_lanes();
    goodbye.retry_after_ms = 3;
    goodbye.session_ends = true;
    const Body body = encode(goodbye);
    const Goodbye back = decode_goodbye(body.content()).value();
    EXPECT_EQ(back.code, goodbye.code);
    EXPECT_EQ(back.text, goodbye.text);
    EXPECT_EQ(back.retry_after_ms, goodbye.retry_after_ms);
    EXPECT_TRUE(back.session_ends);
    ASSERT_EQ(back.final.size(), kMaxLanes);
    EXPECT_EQ(back.final[9], (LaneState{9, 9'000, 0, 0}));  // credit makes no sense there

    const std::string padding(1'200, 'p');
    const Body pong = encode_pong({kLargest, padding});
    EXPECT_EQ(pong.kind, FrameKind::pong);
    const Ping ping = decode_ping(pong.content()).value();
    EXPECT_EQ(ping.id, kLargest);
    EXPECT_EQ(ping.padding, padding);
}

TEST(Frames, CredentialsComeBackAsTheyWentAndWithinTheirLimits) {
    const std::string token(kMaxTokenBytes, 't');
    EXPECT_EQ(decode_credential(encode(CredentialView{token}).content()).value().token, token);
    EXPECT_EQ(decode_credential(encode(CredentialView{token + "t"}).content()).error(), errc::malformed_frame);

    const CredentialState state{errc::token_expired, "too late", kLargest, true};
    const CredentialState back = decode_credential_state(encode(state).content()).value();
    EXPECT_EQ(back.code, state.code);
    EXPECT_EQ(back.text, state.text);
    EXPECT_EQ(back.expires_in_ms, state.expires_in_ms);
    EXPECT_TRUE(back.answer);
}

TEST(Frames, DataComesBackAsItWentWithoutACopy) {
    const std::string payload(100'000, '\xff');
    DataView data;
    data.from = "grace";
    data.message = MessageView{Uuid::v7(), "type", payload, std::numeric_limits<std::int64_t>::min(), "ada"};
    data.receipt = ReceiptView{Uuid::v7(), ReceiptStatus::refused, errc::too_old, "why", 9};
    data.first_sent_ms_ago = kLargest;
    data.server_time_ms = std::numeric_limits<std::int64_t>::min();
    const Body body = encode(data);
    EXPECT_EQ(body.cost, payload.size());
    FrameHeader header = numbered(kLargest, 15);
    header.acks = sixteen_lanes();
    const std::string batch = frame_of(body, header);
    const FrameView frame = only_frame(batch);
    EXPECT_EQ(frame.kind, FrameKind::data);
    EXPECT_EQ(frame.lane, 15u);
    EXPECT_EQ(frame.seq, kLargest);
    EXPECT_EQ(frame.acks, header.acks);
    EXPECT_EQ(frame.body, body.content());
    const DataView back = decode_data(frame.body).value();
    EXPECT_EQ(back.from, data.from);
    EXPECT_EQ(back.first_sent_ms_ago, data.first_sent_ms_ago);
    EXPECT_EQ(back.server_time_ms, data.server_time_ms);
    ASSERT_TRUE(back.message && back.receipt);
    EXPECT_EQ(back.message->id, data.message->id);
    EXPECT_EQ(back.message->type, data.message->type);
    EXPECT_EQ(back.message->payload, payload);
    EXPECT_GE(back.message->payload.data(), batch.data());
    EXPECT_LE(back.message->payload.data() + payload.size(), batch.data() + batch.size());
    EXPECT_EQ(back.message->timestamp_ms, data.message->timestamp_ms);
    EXPECT_EQ(back.message->to, data.message->to);
    EXPECT_EQ(back.message_raw, encode_message(*data.message));
    EXPECT_EQ(back.receipt->message_id, data.receipt->message_id);
    EXPECT_EQ(back.receipt->status, data.receipt->status);
    EXPECT_EQ(back.receipt->code, data.receipt->code);
    EXPECT_EQ(back.receipt->text, data.receipt->text);
    EXPECT_EQ(back.receipt->retry_after_ms, data.receipt->retry_after_ms);
}

TEST(Frames, AForwardedMessageKeepsItsBytesWhateverTheyAre) {
    // A message with a field of a later version, which the server must hand on.
    const std::string raw = from_hex("0a10000102030405060708090a0b0c0d0e0f 1a0161 b201 03 78797a");
    DataView data;
    data.from = "ada";
    data.message_raw = raw;
    const Body body = encode(data);
    EXPECT_EQ(body.cost, 1u);
    EXPECT_EQ(decode_data(body.content()).value().message_raw, raw);
}

TEST(Frames, TextInPlaceOfThePayloadIsThePayload) {
    EXPECT_EQ(decode_data(from_hex("1204 32026869")).value().message->payload, "hi");
    // payload "no" and text "hi": the payload counts
    EXPECT_EQ(decode_data(from_hex("1208 32026869 1a026e6f")).value().message->payload, "no");
    EXPECT_EQ(decode_data(from_hex("1203 3201ff")).error(), errc::invalid_utf8);
}

TEST(Frames, AFieldThatComesTwiceCountsAsItsLast) {
    EXPECT_EQ(decode_activate(from_hex("0801 0802")).value().epoch, 2u);
    // message { type: "a" } message { to: "b" }: not merged
    const std::string body = from_hex("1203 120161 1203 2a0162");
    const auto data = decode_data(body).value();
    EXPECT_EQ(data.message->type, "");
    EXPECT_EQ(data.message->to, "b");
}

TEST(Frames, ReceiptsAndChunksComeBackAsTheyWent) {
    const ReceiptView receipt{Uuid::v7(), ReceiptStatus::buffered, errc::ok, {}, 0};
    const ReceiptView back = decode_receipt(encode(receipt).content()).value();
    EXPECT_EQ(back.message_id, receipt.message_id);
    EXPECT_EQ(back.status, receipt.status);
    EXPECT_EQ(decode_receipt(from_hex("1006")).value().status, ReceiptStatus::unspecified);

    for (const std::size_t size :
         {std::size_t{0}, std::size_t{1}, Batch::kCopyUpTo, Batch::kCopyUpTo + 1, kChunkBytes}) {
        Batch batch;
        const std::string part = std::string(size, 'c');
        batch.add_chunk(numbered(1), size == 1 ? 0 : kLargest, Bytes(part));
        const std::string bytes = batch.str();
        EXPECT_EQ(bytes.size(), batch.bytes());
        const ChunkView chunk = decode_chunk(only_frame(bytes).body).value();
        EXPECT_EQ(chunk.total, size == 1 ? 0 : kLargest);
        EXPECT_EQ(chunk.part, part);
    }
}

TEST(Frames, NamesAndTextsMayBeAsLongAsTheirLimitAndNoLonger) {
    const auto refusal_of_user = [](std::size_t length) {
        Hello hello;
        hello.user.assign(length, 'u');
        return error_of(decode_hello(encode(hello).content()));
    };
    EXPECT_EQ(refusal_of_user(kMaxNameBytes), boost::system::error_code());
    EXPECT_EQ(refusal_of_user(kMaxNameBytes + 1), errc::malformed_frame);

    Hello hello;
    hello.token = too_long(kMaxTokenBytes);
    EXPECT_EQ(decode_hello(encode(hello).content()).error(), errc::malformed_frame);
    hello = {};
    hello.device = too_long(kMaxNameBytes);
    EXPECT_EQ(decode_hello(encode(hello).content()).error(), errc::malformed_frame);
    hello = {};
    hello.resume = Resume{too_long(kMaxTicketBytes), counting(kNonceBytes), counting(kMacBytes)};
    EXPECT_EQ(decode_hello(encode(hello).content()).error(), errc::malformed_frame);
    hello.resume = Resume{"t", counting(kNonceBytes - 1), counting(kMacBytes)};
    EXPECT_EQ(decode_hello(encode(hello).content()).error(), errc::malformed_frame);
    hello.resume = Resume{"t", counting(kNonceBytes), ""};
    EXPECT_EQ(decode_hello(encode(hello).content()).error(), errc::malformed_frame);

    DataView data;
    const std::string name = too_long(kMaxNameBytes);
    data.message.emplace().type = name;
    EXPECT_EQ(decode_data(encode(data).content()).error(), errc::malformed_frame);
    data.message.emplace().to = name;
    EXPECT_EQ(decode_data(encode(data).content()).error(), errc::malformed_frame);
    data = {};
    data.from = name;
    EXPECT_EQ(decode_data(encode(data).content()).error(), errc::malformed_frame);
}

TEST(Frames, TextsForPeopleAreCutAtTheirLimitButNotInsideACharacter) {
    Refused refused;
    refused.text = std::string(kMaxTextBytes - 1, 'a') + "\xe2\x98\x80 and more";
    EXPECT_EQ(decode_refused(encode(refused).content()).value().text, std::string(kMaxTextBytes - 1, 'a'));
    refused.text = std::string(kMaxTextBytes, 'a');
    EXPECT_EQ(decode_refused(encode(refused).content()).value().text, refused.text);

    const std::string text = too_long(kMaxTextBytes);
    const ReceiptView receipt{{}, ReceiptStatus::refused, errc::busy, text, 0};
    EXPECT_EQ(decode_receipt(encode(receipt).content()).value().text.size(), kMaxTextBytes);
    Goodbye goodbye;
    goodbye.text = text;
    EXPECT_EQ(decode_goodbye(encode(goodbye).content()).value().text.size(), kMaxTextBytes);
}

TEST(Frames, SeventeenLanesAreOneTooMany) {
    std::string acks;
    for (unsigned i = 0; i < kMaxLanes; ++i) acks += from_hex("1a00");
    FrameView frame;
    EXPECT_TRUE(decode_frame(acks, frame));
    EXPECT_EQ(frame.acks.size(), kMaxLanes);
    EXPECT_EQ(decode_frame(acks + from_hex("1a00"), frame).error(), errc::malformed_frame);
    EXPECT_EQ(decode_frame(from_hex("1a020810"), frame).error(), errc::malformed_frame);  // lane 16
    EXPECT_EQ(decode_refused(from_hex("2204 0a020810")).error(), errc::malformed_frame);
}

TEST(Frames, TheFrameViewIsUsedAgainWithoutTraces) {
    FrameView frame;
    FrameHeader header = numbered(7, 3);
    header.acks = sixteen_lanes();
    header.feed_id = 9;
    const std::string first = frame_of(encode(ReceiptView{}), header);
    BatchReader(first).next(frame).value();
    const std::string second = frame_of(encode(Activate{1}));
    BatchReader(second).next(frame).value();
    EXPECT_EQ(frame.lane, 0u);
    EXPECT_EQ(frame.seq, 0u);
    EXPECT_TRUE(frame.acks.empty());
    EXPECT_EQ(frame.feed_id, 0u);
    EXPECT_EQ(frame.kind, FrameKind::activate);
}

TEST(Frames, AKindOfALaterVersionIsToldApartFromAnUnknownFieldOfTheHeader) {
    FrameView frame;
    ASSERT_TRUE(decode_frame(from_hex("da0100"), frame));  // field 27
    EXPECT_TRUE(frame.unknown_kind);
    EXPECT_EQ(frame.kind, FrameKind::none);
    ASSERT_TRUE(decode_frame(from_hex("1005 9a0600"), frame));  // field 99, numbered for all we know
    EXPECT_TRUE(frame.unknown_kind);
    ASSERT_TRUE(decode_frame(from_hex("2a00 aa0600"), frame));  // fields 5 and 101
    EXPECT_FALSE(frame.unknown_kind);
    ASSERT_TRUE(decode_frame(from_hex("ca0100 7a00"), frame));  // field 25 and a ping
    EXPECT_FALSE(frame.unknown_kind);
    EXPECT_EQ(frame.kind, FrameKind::ping);
    ASSERT_TRUE(decode_frame("", frame));
    EXPECT_EQ(frame.kind, FrameKind::none);
}

TEST(Frames, AHintOfALaterVersionIsPassedOverUnlessItIsNumbered) {
    FrameView frame;
    for (const char* const hint : {"aa0600", "ba0c00", "aa06 04 0a026869"}) {  // fields 101, 199, 101
        ASSERT_TRUE(decode_frame(from_hex(hint), frame)) << hint;
        EXPECT_FALSE(frame.unknown_kind);
        EXPECT_EQ(frame.kind, FrameKind::none);
        EXPECT_EQ(decode_frame(from_hex("1005" + std::string(hint)), frame).error(), errc::malformed_frame);
    }
    // What rides on it counts, and it disturbs no body.
    ASSERT_TRUE(decode_frame(from_hex("1a021007 aa0600"), frame));
    EXPECT_EQ(frame.acks.size(), 1u);
    ASSERT_TRUE(decode_frame(from_hex("a20600 7a020801"), frame));
    EXPECT_EQ(frame.kind, FrameKind::ping);
    // It is as long as any frame may be, and no longer.
    const std::string_view prefix("\xa2\x06\xfb\xff\x07", 5);
    const std::string longest = std::string(prefix) + std::string(kMaxFrameBytes - prefix.size(), 'x');
    char length[10];
    const std::string largest(length, put_varint(length, longest.size()));
    EXPECT_TRUE(BatchReader(largest + longest).next(frame));
    const std::string larger(length, put_varint(length, longest.size() + 1));
    EXPECT_EQ(BatchReader(larger + longest + "x").next(frame).error(), errc::frame_too_large);
}

TEST(Frames, TheNumberOfAFeedStandsInTheHeader) {
    FrameHeader header = numbered(3, 1);
    header.feed_id = kLargest32;
    header.acks.push_back({1, 2, 3, 4});
    const Body body = raw_body(FrameKind::feed, "");
    const std::string batch = frame_of(body, header);
    const FrameView frame = only_frame(batch);
    EXPECT_EQ(frame.kind, FrameKind::feed);
    EXPECT_EQ(frame.feed_id, kLargest32);
    EXPECT_EQ(frame.acks, header.acks);
    EXPECT_TRUE(frame.body.empty());
    EXPECT_EQ(to_hex(frame_of(body, numbered(3, 1))), "0708011003d20100") << "none is left out";
    FrameView wrong;
    EXPECT_EQ(decode_frame(from_hex("2101000000000000001001d20100"), wrong).error(), errc::malformed_frame);
    EXPECT_EQ(decode_frame(from_hex("20ffffffff1f1001d20100"), wrong).error(), errc::malformed_frame) << "33 bits";
    EXPECT_EQ(decode_frame(from_hex("1001d00101"), wrong).error(), errc::malformed_frame) << "a feed that is a number";
}

TEST(Frames, OnlyWhatTravelsInLanesIsNumbered) {
    FrameView frame;
    for (const FrameKind kind :
         {FrameKind::hello, FrameKind::welcome, FrameKind::refused, FrameKind::activate, FrameKind::goodbye,
          FrameKind::ping, FrameKind::pong, FrameKind::data, FrameKind::chunk, FrameKind::receipt,
          FrameKind::credential, FrameKind::credential_state, FrameKind::request, FrameKind::response, FrameKind::feed,
          FrameKind::notice}) {
        char bytes[4];
        const std::string field(bytes, put_body_tag(bytes, kind, 0));
        const std::string seq = from_hex("1001");
        EXPECT_EQ(decode_frame(field, frame).has_value(), !is_numbered(kind)) << static_cast<int>(kind);
        EXPECT_EQ(decode_frame(seq + field, frame).has_value(), is_numbered(kind)) << static_cast<int>(kind);
    }
    EXPECT_EQ(decode_frame(from_hex("1001"), frame).error(), errc::malformed_frame);  // a number for nothing
}

}  // namespace
}  // namespace flare::wire::test
