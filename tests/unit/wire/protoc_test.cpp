// This codec against code that protoc made from the same schema, with random frames: what one writes the other reads,
// both write the same bytes, and fields of later versions disturb nobody.
#include "random_frames.hpp"
#include "support.hpp"

#include "wire/about.hpp"
#include "wire/json.hpp"
#include "wire/reader.hpp"
#include "wire/writer.hpp"

#include <flare/v1/frame.pb.h>
#include <google/protobuf/util/json_util.h>

#include <gtest/gtest.h>

#include <random>

namespace flare::wire::test {
namespace {

// ---- equal? ----

template <typename States>
void expect_states(const States& theirs, const LaneStates& ours) {
    ASSERT_EQ(static_cast<std::size_t>(theirs.size()), ours.size());
    for (std::size_t i = 0; i < ours.size(); ++i) {
        const auto& state = theirs.Get(static_cast<int>(i));
        EXPECT_EQ((LaneState{state.lane(), state.received(), state.max_seq(), state.max_bytes()}), ours[i]);
    }
}

void expect_id(const std::string& theirs, const Uuid& ours) {
    EXPECT_EQ(theirs.empty() ? std::string(16, '\0') : theirs, ours.raw());
}

void expect_equal(const v1::Receipt& theirs, const ReceiptView& ours) {
    expect_id(theirs.message_id(), ours.message_id);
    EXPECT_EQ(theirs.status() <= 5 ? static_cast<int>(theirs.status()) : 0, static_cast<int>(ours.status));
    EXPECT_EQ(theirs.code(), static_cast<std::uint32_t>(ours.code));
    EXPECT_EQ(theirs.text(), ours.text);
    EXPECT_EQ(theirs.retry_after_ms(), ours.retry_after_ms);
    EXPECT_EQ((StoredAt{{theirs.epoch(), theirs.offset()}, theirs.time_ms()}), ours.stored);
}

void expect_equal(const v1::Data& theirs, const DataView& ours) {
    EXPECT_EQ(theirs.from(), ours.from);
    EXPECT_EQ(theirs.first_sent_ms_ago(), ours.first_sent_ms_ago);
    EXPECT_EQ(theirs.server_time_ms(), ours.server_time_ms);
    ASSERT_EQ(theirs.has_message(), ours.message.has_value());
    if (ours.message) {
        expect_id(theirs.message().id(), ours.message->id);
        EXPECT_EQ(theirs.message().type(), ours.message->type);
        EXPECT_EQ(theirs.message().payload(), ours.message->payload);
        EXPECT_EQ(theirs.message().timestamp_ms(), ours.message->timestamp_ms);
        EXPECT_EQ(theirs.message().to(), ours.message->to);
        EXPECT_EQ(static_cast<int>(theirs.message().encoding()), static_cast<int>(ours.message->encoding));
        EXPECT_EQ(theirs.message().size(), ours.message->size);
        EXPECT_EQ(theirs.message().about().reply_to(), decode_about(ours.message->about).value().reply_to);
    }
    ASSERT_EQ(theirs.has_receipt(), ours.receipt.has_value());
    if (ours.receipt) expect_equal(theirs.receipt(), *ours.receipt);
}

// Our encoding of what we understood of a control frame. Which member of ours is which field of theirs, the golden
// frames say.
Body encoded_again(const FrameView& frame) {
    switch (frame.kind) {
        case FrameKind::hello: return encode(decode_hello(frame.body).value());
        case FrameKind::welcome: return encode(decode_welcome(frame.body).value());
        case FrameKind::refused: return encode(decode_refused(frame.body).value());
        case FrameKind::activate: return encode(decode_activate(frame.body).value());
        case FrameKind::goodbye: return encode(decode_goodbye(frame.body).value());
        case FrameKind::ping: return encode_ping(decode_ping(frame.body).value());
        case FrameKind::pong: return encode_pong(decode_ping(frame.body).value());
        case FrameKind::credential: return encode(decode_credential(frame.body).value());
        case FrameKind::credential_state: return encode(decode_credential_state(frame.body).value());
        case FrameKind::seal: return encode(decode_seal(frame.body).value());
        case FrameKind::request: return encode(decode_request(frame.body).value());
        case FrameKind::response: return encode(decode_response(frame.body).value());
        default: break;
    }
    ADD_FAILURE() << "no control frame";
    return {};
}

// Compares the frame that protoc's code read or made with ours, and gives our encoding of the same.
void expect_equal(const v1::Frame& theirs, const FrameView& ours, Batch& again) {
    EXPECT_EQ(theirs.lane(), ours.lane);
    EXPECT_EQ(theirs.seq(), ours.seq);
    expect_states(theirs.acks(), ours.acks);
    EXPECT_EQ(theirs.feed_id(), ours.feed_id);
    ASSERT_EQ(static_cast<unsigned>(theirs.body_case()), static_cast<unsigned>(ours.kind));
    FrameHeader header;
    header.lane = ours.lane;
    header.seq = ours.seq;
    header.acks = ours.acks;
    header.feed_id = ours.feed_id;
    switch (ours.kind) {
        case FrameKind::data: {
            DataView data = decode_data(ours.body).value();
            expect_equal(theirs.data(), data);
            data.message_raw = {};  // encode what was understood
            return again.add(header, encode(data));
        }
        case FrameKind::chunk: {
            const ChunkView chunk = decode_chunk(ours.body).value();
            EXPECT_EQ(theirs.chunk().total(), chunk.total);
            EXPECT_EQ(theirs.chunk().part(), chunk.part);
            EXPECT_EQ(theirs.chunk().kind(), chunk.kind);
            return again.add_chunk(header, chunk.total, Bytes(chunk.part), chunk.kind);
        }
        case FrameKind::receipt: {
            const ReceiptView receipt = decode_receipt(ours.body).value();
            expect_equal(theirs.receipt(), receipt);
            return again.add(header, encode(receipt));
        }
        case FrameKind::sealed: {
            const SealedView sealed = decode_sealed(ours.body).value();
            char* const out = again.add_sealed(2, true, sealed.nonce, sealed.ciphertext.size());
            sealed.ciphertext.copy(out, sealed.ciphertext.size());
            EXPECT_EQ(again.marks().back().lane, 2u);
            EXPECT_TRUE(again.marks().back().numbered);
            return;
        }
        case FrameKind::feed:
            EXPECT_EQ(theirs.feed(), ours.body);
            return again.add(header, raw_body(ours.kind, ours.body));
        case FrameKind::notice:
            EXPECT_EQ(theirs.hint_notice(), ours.body);
            return again.add(header, raw_body(ours.kind, ours.body));
        case FrameKind::none: return again.add(header);
        default: return again.add(header, encoded_again(ours));
    }
}

unsigned a_seed() {
    const unsigned seed = std::random_device{}();
    ::testing::Test::RecordProperty("seed", std::to_string(seed));
    return seed;
}

TEST(Protoc, FramesOfItsCodeAreReadAndWrittenAgainByteForByte) {
    const unsigned seed = a_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames frames(seed);
    for (int i = 0; i < 20'000 && !::testing::Test::HasFailure(); ++i) {
        const v1::Frame theirs = frames.next();
        const std::string bytes = theirs.SerializeAsString();
        FrameView ours;
        ASSERT_TRUE(decode_frame(bytes, ours)) << theirs.DebugString();
        Batch again;
        expect_equal(theirs, ours, again);

        // What we wrote, read by protoc's code, is what it wrote. It is the same to the byte except where we have a
        // value of our own: an enum of a later version, an absent id, limits that are always named.
        const std::string batch = again.str();
        Reader prefixed(batch);
        std::string_view frame;
        ASSERT_TRUE(prefixed.take_prefixed(frame));
        v1::Frame back;
        ASSERT_TRUE(back.ParseFromArray(frame.data(), static_cast<int>(frame.size())));
        EXPECT_EQ(back.SerializeAsString(), frame) << "not the canonical encoding";
        const bool own_values =
            (theirs.has_hello() && (theirs.hello().platform() > 5 || theirs.hello().attempt_id().empty())) ||
            (theirs.has_welcome() && (theirs.welcome().outcome() > 1 || !theirs.welcome().has_limits() ||
                                      theirs.welcome().store().durability() > 2)) ||
            (theirs.has_receipt() && theirs.receipt().status() > 5) ||
            (theirs.has_request() && theirs.request().verb() > v1::VERB_INVITE_LIST) ||
            (theirs.data().message().has_about() && theirs.data().message().about().ByteSizeLong() == 0) ||
            (theirs.data().has_receipt() && theirs.data().receipt().status() > 5);
        if (!own_values) {
            EXPECT_EQ(to_hex(frame), to_hex(bytes)) << theirs.DebugString();
        }
    }
}

TEST(Protoc, FieldsOfLaterVersionsChangeNothing) {
    const unsigned seed = a_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames frames(seed);
    for (int i = 0; i < 10'000 && !::testing::Test::HasFailure(); ++i) {
        v1::Frame theirs = frames.next();
        frames.add_unknown(theirs);
        const std::string bytes = theirs.SerializeAsString();
        FrameView ours;
        ASSERT_TRUE(decode_frame(bytes, ours)) << theirs.DebugString();
        EXPECT_FALSE(ours.unknown_kind);
        Batch again;
        expect_equal(theirs, ours, again);
    }
}

TEST(Protoc, JsonMeansTheSameToItsCode) {
    const unsigned seed = a_seed();
    SCOPED_TRACE("seed " + std::to_string(seed));
    RandomFrames frames(seed);
    for (int i = 0; i < 5'000 && !::testing::Test::HasFailure(); ++i) {
        v1::Frame theirs = frames.next();
        if (theirs.body_case() == v1::Frame::BODY_NOT_SET && theirs.acks_size() == 0) continue;
        if (theirs.has_hello() && theirs.hello().attempt_id().empty()) continue;  // we would make one
        const std::string bytes = theirs.SerializeAsString();
        char length[10];
        std::string batch(length, put_varint(length, bytes.size()));
        batch += bytes;

        // Our JSON, read by its code.
        const auto our_json = batch_to_json(batch);
        ASSERT_TRUE(our_json) << theirs.DebugString();
        v1::Frame back;
        ASSERT_TRUE(google::protobuf::util::JsonStringToMessage(*our_json, &back).ok()) << *our_json;
        if (back.has_data() && back.data().has_message() && !back.data().message().text().empty()) {
            auto* message = back.mutable_data()->mutable_message();
            message->set_payload(message->text());
            message->clear_text();
        }
        EXPECT_EQ(back.SerializeAsString(), bytes) << *our_json;

        // Its JSON, with both spellings of names, read by us.
        google::protobuf::util::JsonPrintOptions options;
        options.preserve_proto_field_names = i % 2 == 0;
        std::string their_json;
        ASSERT_TRUE(google::protobuf::util::MessageToJsonString(theirs, &their_json, options).ok());
        std::string error;
        const auto read = json_to_batch(their_json, &error);
        ASSERT_TRUE(read) << error << "\n" << their_json;
        EXPECT_EQ(to_hex(*read), to_hex(batch)) << their_json;
    }
}

}  // namespace
}  // namespace flare::wire::test
