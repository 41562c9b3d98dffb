// What one side announces in Hello or Welcome, the other keeps: docs/protocol.md, "Limits".
#include "support.hpp"

#include "session/ticket.hpp"

namespace flare::session::test {
namespace {

constexpr std::uint64_t kSmall = 100'000;

ClientSettings taking(std::uint64_t max_message_bytes) {
    ClientSettings settings = Bench::client_settings();
    settings.max_message_bytes = max_message_bytes;
    return settings;
}

wire::Hello hello_taking(std::uint64_t max_message_bytes, const std::string& device) {
    wire::Hello hello;
    hello.user = "ann";
    hello.device = device;
    hello.attempt_id = id_of(static_cast<std::uint8_t>(device.size()));
    hello.epoch = 1;
    hello.max_message_bytes = max_message_bytes;
    return hello;
}

const Receipt kHandled{wire::ReceiptStatus::handled, errc::ok, {}, 0};

// ---- the largest message: server to client ----

TEST(WithinLimits, AMessageThatTheClientDoesNotTakeIsRefusedAndHarmsNothing) {
    Bench bench({}, taking(kSmall));
    bench.connect(1);
    ASSERT_EQ(bench.session().agreed().max_message_bytes, kSmall);
    EXPECT_EQ(code_of(bench.push(1, std::string(150'000, 'x'))), errc::message_too_large);
    EXPECT_EQ(code_of(bench.push(2, std::string(kSmall + 1, 'x'))), errc::message_too_large);
    EXPECT_EQ(code_of(bench.push(3, std::string(kSmall, 'y'))), errc::ok);
    EXPECT_EQ(code_of(bench.push(4, "after")), errc::ok);
    bench.live(5s);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{std::string(kSmall, 'y'), "after"}));
    EXPECT_TRUE(bench.client.closed.empty());
    EXPECT_TRUE(bench.server.ended.empty());
}

TEST(WithinLimits, AHelloWithoutALimitTakesSixteenMebibytes) {
    ServerBench server{Settings{}};
    ASSERT_FALSE(server.table.attach_new(1, hello_taking(0, "a"), SessionCredential{"ann"}, kStart));
    EXPECT_EQ(server.table.by_carrier(1)->agreed().max_message_bytes, wire::kDefaultMaxMessageBytes);
}

struct OfDifferentDevices : ::testing::Test {
    OfDifferentDevices() {
        EXPECT_FALSE(server.table.attach_new(1, hello_taking(1'000, "a"), SessionCredential{"ann"}, kStart));
        EXPECT_FALSE(server.table.attach_new(2, hello_taking(5'000, "bb"), SessionCredential{"ann"}, kStart));
    }
    Receipt send(wire::Forms forms) {
        return server.table.send_to_user("ann", "bob", forms, Priority::normal, kStart, &too_large);
    }
    ServerBench server{Settings{}};
    std::size_t too_large = 77;
};

TEST_F(OfDifferentDevices, TheSenderHearsWhatSomeTookAndOthersCouldNot) {
    const Receipt both = send(wire::Forms(data_of(1, std::string(1'000, 'x'), "bob")));
    EXPECT_EQ(both.status, wire::ReceiptStatus::delivered);
    EXPECT_EQ(both.code, errc::ok);
    EXPECT_EQ(too_large, 0u);

    const Receipt one = send(wire::Forms(data_of(2, std::string(1'001, 'x'), "bob")));
    EXPECT_EQ(one.status, wire::ReceiptStatus::delivered);
    EXPECT_EQ(one.code, errc::message_too_large);
    EXPECT_NE(one.text.find("1 of"), std::string::npos) << one.text;
    EXPECT_EQ(too_large, 1u);

    const Receipt none = send(wire::Forms(data_of(3, std::string(5'001, 'x'), "bob")));
    EXPECT_EQ(none.status, wire::ReceiptStatus::refused);
    EXPECT_EQ(none.code, errc::message_too_large);
    EXPECT_NE(none.text.find("5000"), std::string::npos) << none.text;
    EXPECT_EQ(too_large, 2u);
}

TEST_F(OfDifferentDevices, WhatAReceiptSaysOfSomeDevicesReachesTheSender) {
    Bench bench;
    bench.connect(1);
    bench.server.answers = false;
    ASSERT_TRUE(bench.send(1, "x", "bob"));
    bench.exchange();
    bench.server.table.finish(bench.server.handlings.at(0),
                              {wire::ReceiptStatus::delivered, errc::message_too_large, "too large for 1", 0}, nullptr,
                              bench.now());
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::ok);
    EXPECT_EQ(bench.client.outcomes[0].partly, errc::message_too_large);
}

TEST_F(OfDifferentDevices, TheSizeCountsBeforeCompression) {
    const wire::Compression compression(wire::Compression::Options{});
    const std::string large(1'001, 'x');  // a few bytes when compressed
    const auto packed = compression.pack(large, wire::set_of(wire::Encoding::zstd));
    ASSERT_TRUE(packed);
    wire::DataView data;
    data.from = "bob";
    data.message = message_of(1, packed->bytes, "ann");
    data.message->encoding = packed->encoding;
    data.message->size = large.size();
    EXPECT_EQ(send(wire::Forms(wire::encode(data), *data.message, &compression, true)).code, errc::message_too_large);
    EXPECT_EQ(too_large, 1u);
}

// Nothing stops a sender from making the compressed bytes longer than what they stand for.
TEST_F(OfDifferentDevices, WhatTravelsCountsTooWhenItIsLongerThanItSays) {
    const std::string bytes(5'001, 'z');
    wire::DataView data;
    data.from = "bob";
    data.message = message_of(1, bytes, "ann");
    data.message->encoding = wire::Encoding::zstd;
    data.message->size = 10;
    wire::Body body = wire::encode(data);
    for (const CarrierKey key : {CarrierKey{1}, CarrierKey{2}}) {
        EXPECT_EQ(code_of(server.table.send(*server.table.by_carrier(key), 0, body, Priority::normal, kStart)),
                  errc::message_too_large);
    }
}

// What a client adds to a message that this version does not know is handed on, too; the receiver counts it.
TEST(WithinLimits, FieldsOfLaterVersionsDoNotBreakTheReceiver) {
    Bench bench({}, taking(kSmall));
    bench.connect(1);
    std::string raw(wire::encode_message(message_of(1, "small", "ann")).view());
    const std::string extra(150'000, 'e');
    raw += "\xa2\x06";  // field 100, bytes
    for (std::size_t length = extra.size(); length != 0; length >>= 7)
        raw.push_back(static_cast<char>((length & 0x7f) | (length > 0x7f ? 0x80 : 0)));
    raw += extra;
    wire::DataView data;
    data.from = "bob";
    data.message_raw = raw;
    const wire::Body body = wire::encode(data);
    ASSERT_EQ(wire::decode_data(body.content())->message->payload, "small");
    EXPECT_EQ(code_of(bench.server.table.send(bench.session(), 0, body, Priority::normal, bench.now())),
              errc::message_too_large);
    ASSERT_TRUE(bench.push(2, "after"));
    bench.exchange();
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{"after"}));
}

TEST(WithinLimits, AReplyThatTheClientDoesNotTakeIsARefusalAndHarmsNothing) {
    Bench bench({}, taking(kSmall));
    bench.connect(1);
    bench.server.answers = false;
    for (std::uint8_t i = 1; i <= 2; ++i) ASSERT_TRUE(bench.send(i, "ask"));
    bench.exchange();
    const std::string large(kSmall + 1, 'r');
    const std::string fits(kSmall, 'r');
    const Reply too_large{kServerTarget, message_of(11, large, "ann")};
    const Reply right{kServerTarget, message_of(12, fits, "ann")};
    bench.server.table.finish(bench.server.handlings.at(0), kHandled, &too_large, bench.now());
    bench.server.table.finish(bench.server.handlings.at(1), kHandled, &right, bench.now());
    bench.live(5s);
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::message_too_large);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::ok);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{fits}));
    EXPECT_TRUE(bench.client.closed.empty());
}

TEST(WithinLimits, ACompressedReplyCountsBeforeCompression) {
    Bench bench({}, taking(kSmall));
    bench.connect(1);
    bench.server.answers = false;
    ASSERT_TRUE(bench.send(1, "ask"));
    bench.exchange();
    Reply reply{kServerTarget, message_of(11, "packed", "ann"), true};
    reply.message.encoding = wire::Encoding::zstd;
    reply.message.size = kSmall + 1;
    bench.server.table.finish(bench.server.handlings.at(0), kHandled, &reply, bench.now());
    bench.exchange();
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::message_too_large);
}

// ---- a resume with another limit ----

struct Resuming : ::testing::Test {
    Resuming() : bench({}, taking(200'000)) {
        bench.connect(1);
        EXPECT_TRUE(bench.push(1, std::string(150'000, 'x')));
        (void)bench.from_server(1);  // under way, and never there
        old = *bench.client.session.id();
        bench.silence(1);
        bench.client.session.carrier_gone(1, errc::connection_lost, "cut", bench.now());
        bench.client.session.begin_attempt("token");
        bench.client.session.open(2, bench.now());
    }
    // The client's next Hello on carrier 2, as if it took something else.
    std::optional<wire::Refused> say_hello(std::uint64_t max_message_bytes) {
        const std::string batch = bench.from_client(2);
        std::string_view rest;
        auto hello = read_hello(batch, rest);
        EXPECT_TRUE(hello);
        hello->max_message_bytes = max_message_bytes;
        return hello->resume ? bench.server.table.attach_resumed(2, *hello, bench.now())
                             : bench.server.table.attach_new(2, *hello, SessionCredential{"ann"}, bench.now());
    }
    void go_on() {
        bench.greeted.push_back(2);
        bench.carriers.push_back(2);
        bench.live(5s);
    }
    Bench bench;
    SessionId old;
};

TEST_F(Resuming, WithASmallerLimitTheSessionIsANewOneAndTheGapIsTold) {
    const auto refused = say_hello(149'999);
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->code, errc::ticket_invalid);
    wire::Batch batch;
    write_refusal(batch, *refused);
    bench.to_client(2, batch.str());
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    EXPECT_EQ(bench.client.gaps[0].reason, errc::ticket_invalid);

    ASSERT_FALSE(say_hello(149'999)) << "the next hello comes with the token";
    go_on();
    ASSERT_NE(*bench.client.session.id(), old);
    EXPECT_EQ(bench.session().agreed().max_message_bytes, 149'999u);
    EXPECT_TRUE(bench.client.texts.empty()) << "what was under way is in the gap";
    EXPECT_EQ(code_of(bench.push(2, std::string(150'000, 'x'))), errc::message_too_large);
    ASSERT_TRUE(bench.push(3, "after"));
    bench.live(1s);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{"after"}));
}

TEST_F(Resuming, WithTheSameOrALargerLimitTheSessionGoesOn) {
    ASSERT_FALSE(say_hello(300'000));
    go_on();
    EXPECT_EQ(*bench.client.session.id(), old);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{std::string(150'000, 'x')}));
    EXPECT_EQ(bench.session().agreed().max_message_bytes, 200'000u) << "the limit is the session's";
}

TEST_F(Resuming, EarlyDataOfAHelloThatTakesLessIsNotActedOn) {
    ASSERT_TRUE(bench.send(9, "early"));
    const std::string batch = bench.from_client(2);
    std::string_view rest;
    auto hello = read_hello(batch, rest);
    ASSERT_TRUE(hello && hello->resume && !rest.empty());
    hello->max_message_bytes = 10;
    bench.server.table.take_early(*hello, rest, bench.now());
    EXPECT_TRUE(bench.server.texts.empty());
}

// ---- client to server ----

TEST(WithinLimits, WhatTheNextServerDoesNotTakeHasAnOutcomeAndHarmsNothing) {
    Settings settings;
    settings.max_message_bytes = 1'000;
    Bench bench(settings);
    ASSERT_TRUE(bench.send(1, std::string(1'001, 'x'))) << "the limit is not known before the welcome";
    ASSERT_TRUE(bench.send(2, std::string(1'000, 'y')));
    bench.connect(1);
    bench.live(1s);
    ASSERT_EQ(bench.client.outcomes.size(), 2u);
    EXPECT_EQ(bench.client.outcomes[0].message_id, id_of(1));
    EXPECT_EQ(bench.client.outcomes[0].error, errc::message_too_large);
    EXPECT_EQ(bench.client.outcomes[1].error, errc::ok);
    EXPECT_EQ(code_of(bench.send(3, std::string(1'001, 'x'))), errc::message_too_large);
    EXPECT_TRUE(bench.server.ended.empty());
    EXPECT_TRUE(bench.server.errors.empty());
}

TEST(WithinLimits, WhatALostSessionMayHaveBroughtAndTheNextDoesNotTakeIsUnknown) {
    Bench bench;
    bench.connect(1);
    ASSERT_TRUE(bench.send(1, std::string(1'001, 'x')));
    (void)bench.from_client(1);  // lost on its way
    bench.cut(1);

    Settings smaller;
    smaller.max_message_bytes = 1'000;
    ServerBench next(smaller);
    bench.client.session.begin_attempt("token");
    bench.client.session.open(2, bench.now());
    for (int hellos = 0; hellos < 2; ++hellos) {
        const std::string batch = bench.from_client(2);
        std::string_view rest;
        const auto hello = read_hello(batch, rest);
        ASSERT_TRUE(hello);
        const auto refused = hello->resume ? next.table.attach_resumed(2, *hello, bench.now())
                                           : next.table.attach_new(2, *hello, SessionCredential{"ann"}, bench.now());
        wire::Batch answer;
        if (refused) {
            write_refusal(answer, *refused);
        } else {
            next.table.write(2, answer, bench.now());
        }
        bench.to_client(2, answer.str());
    }
    ASSERT_EQ(bench.client.outcomes.size(), 1u);
    EXPECT_EQ(bench.client.outcomes[0].error, errc::outcome_unknown);
}

// ---- the other limits of Welcome, and what a client makes of them ----

struct OneHalf {
    struct Deaf final : LaneSetListener {
        void on_data(LaneIndex, const wire::DataView&, const Bytes&, std::uint64_t) override {}
        void on_refused(LaneIndex, wire::FrameKind, const Uuid&, errc) override {}
        void on_receipt(LaneIndex, const wire::ReceiptView&) override {}
        void on_numbered_first(std::uint64_t) override {}
        void on_acked(std::uint64_t, std::uint32_t) override {}
    };
    explicit OneHalf(const wire::Limits& limits) { lane_set.keep_to(limits); }
    std::string write(std::size_t max_bytes = 1u << 20) {
        wire::Batch batch;
        lane_set.write(batch, max_bytes, kStart);
        return batch.str();
    }
    Settings settings;
    SharedBudget shared{64u << 20};
    Budget budget{shared, 4096};
    Deaf deaf;
    LaneSet lane_set{settings, settings.lanes, budget, deaf};
};

TEST(WithinLimits, NoMoreIsUnderWayThanThePeerSays) {
    wire::Limits limits;
    limits.max_unacked_frames = 3;
    OneHalf few(limits);
    for (LaneIndex lane = 0; lane < 4; ++lane) {
        for (int i = 0; i < 3; ++i) ASSERT_TRUE(few.lane_set.send(lane, data_of(1, "x")));
    }
    EXPECT_EQ(frames_of(few.write()).size(), 3u) << "over all lanes";

    limits.max_unacked_frames = 10'000;
    limits.max_unacked_bytes = 5'000;
    OneHalf little(limits);
    ASSERT_TRUE(little.lane_set.send(0, data_of(1, std::string(20'000, 'x'))));
    const std::string written = little.write();
    EXPECT_FALSE(frames_of(written).empty()) << "a message that is larger comes in pieces";
    EXPECT_LE(little.lane_set.totals().unacked_bytes, 5'000u);
}

TEST(WithinLimits, NoFrameIsLargerThanThePeerSays) {
    wire::Limits limits;
    limits.max_frame_bytes = 8'192;
    OneHalf half(limits);
    ASSERT_TRUE(half.lane_set.send(0, data_of(1, std::string(20'000, 'x'))));
    ASSERT_TRUE(half.lane_set.send(1, data_of(2, std::string(8'192, 'x'))));
    const std::string written = half.write();
    wire::BatchReader reader(written, limits.max_frame_bytes);
    wire::FrameView frame;
    std::size_t frames = 0;
    for (; !reader.done(); ++frames) ASSERT_TRUE(reader.next(frame));
    EXPECT_GE(frames, 4u);
}

TEST(WithinLimits, AClientAcknowledgesWithinTheDelayThatTheServerNames) {
    Settings settings;
    settings.min_ack_delay = 5ms;
    settings.max_ack_delay = 10ms;
    Bench bench(settings);
    bench.connect(1);
    bench.live(1s);
    for (std::uint8_t i = 1; i <= 5; ++i) {
        ASSERT_TRUE(bench.push(i, "x"));
        bench.to_client(1, bench.from_server(1));
        EXPECT_LE(bench.client.session.next_deadline(), bench.now() + 10ms) << int{i};
        bench.live(100ms, 10ms);
    }
}

TEST(WithinLimits, AClientPingsBeforeTheSilenceThatTheServerGivesACarrierUpAfter) {
    Settings settings;
    settings.heartbeat_interval = 1h;
    settings.heartbeat_timeout = 4s;
    ClientSettings client = Bench::client_settings();
    client.heartbeat_interval = 1h;
    client.heartbeat_timeout = 1h;
    Bench bench(settings, client);
    bench.connect(1);
    bench.live(60s, 500ms);
    EXPECT_TRUE(bench.server.closed.empty());
    EXPECT_TRUE(bench.client.lost.empty());
}

// ---- chunks: those of one message follow each other in their lane ----

std::string chunk_frame(Seq seq, std::uint64_t total, std::string_view part) {
    wire::FrameHeader header;
    header.seq = seq;
    wire::Batch batch;
    batch.add_chunk(header, total, Bytes(part));
    return batch.str();
}

std::string encoded_data(std::size_t payload) { return std::string(data_of(1, std::string(payload, 'x')).content()); }

wire::Body receipt_body() {
    wire::ReceiptView receipt;
    receipt.message_id = id_of(7);
    receipt.status = wire::ReceiptStatus::handled;
    return wire::encode(receipt);
}

TEST(WithinLimits, ADataFrameBetweenTwoChunksEndsTheSessionOnTheServer) {
    Bench bench;
    bench.connect(1);
    const std::string whole = encoded_data(100);
    bench.server.table.on_batch(1, chunk_frame(1, whole.size(), whole.substr(0, 50)), bench.now());
    bench.server.table.on_batch(1, numbered(0, 2, data_of(2, "between")), bench.now());
    ASSERT_EQ(bench.server.ended.size(), 1u);
    EXPECT_EQ(bench.server.ended[0].second, errc::bad_chunk);
    EXPECT_TRUE(bench.server.texts.empty());
}

TEST(WithinLimits, ADataFrameOnAnotherLaneMayComeBetweenTwoChunks) {
    Bench bench;
    bench.connect(1);
    const std::string whole = encoded_data(100);
    bench.server.table.on_batch(1, chunk_frame(1, whole.size(), whole.substr(0, 50)), bench.now());
    bench.server.table.on_batch(1, numbered(1, 1, data_of(2, "beside")), bench.now());
    bench.server.table.on_batch(1, chunk_frame(2, 0, whole.substr(50)), bench.now());
    EXPECT_TRUE(bench.server.ended.empty());
    EXPECT_EQ(bench.server.texts, (std::vector<std::string>{"beside", std::string(100, 'x')}));
}

TEST(WithinLimits, NeitherDataNorReceiptMayComeBetweenTwoChunksToAClient) {
    for (const bool receipt : {false, true}) {
        Bench bench;
        bench.connect(1);
        const std::string whole = encoded_data(100);
        bench.to_client(1, chunk_frame(1, whole.size(), whole.substr(0, 50)));
        bench.to_client(1, numbered(0, 2, receipt ? receipt_body() : data_of(2, "between")));
        ASSERT_EQ(bench.client.closed.size(), 1u);
        EXPECT_EQ(bench.client.closed[0].code, errc::bad_chunk);
        EXPECT_TRUE(bench.client.texts.empty());
        ASSERT_EQ(bench.client.gaps.size(), 1u) << "resuming would pass over it in silence";
        EXPECT_EQ(bench.client.gaps[0].reason, errc::bad_chunk);
    }
}

TEST(WithinLimits, WhatAServerShouldNotHaveSentIsAGapAndTheNextSessionGoesOn) {
    Bench bench({}, taking(kSmall));
    bench.connect(1);
    ASSERT_TRUE(bench.push(1, "before"));
    bench.exchange();
    bench.open(2, true);
    bench.exchange();
    const LaneIndex lane = lane_of(kServerTarget, 4);
    const std::string whole = encoded_data(150'000);
    bench.to_client(1, [&] {
        wire::FrameHeader header;
        header.lane = lane;
        header.seq = 2;
        wire::Batch batch;
        batch.add_chunk(header, whole.size(), Bytes(std::string_view(whole).substr(0, 100)));
        return batch.str();
    }());
    ASSERT_EQ(bench.client.gaps.size(), 1u);
    EXPECT_EQ(bench.client.gaps[0].reason, errc::message_too_large);
    EXPECT_EQ(bench.client.closed.size(), 2u) << "the standby, too";
    EXPECT_FALSE(bench.client.lost.empty());
    bench.exchange();
    bench.connect(3);
    ASSERT_TRUE(bench.push(3, "after"));
    bench.live(1s);
    EXPECT_EQ(bench.client.texts, (std::vector<std::string>{"before", "after"}));
}

TEST(WithinLimits, ASenderPutsNothingBetweenTheChunksOfAMessage) {
    OneHalf half{wire::Limits{}};
    ASSERT_TRUE(half.lane_set.send(0, data_of(1, std::string(200'000, 'x'))));
    (void)half.write(50'000);
    const Seq begun = half.lane_set.send_lane(0)->last_numbered();
    ASSERT_GT(begun, 1u);
    ASSERT_LT(begun, 10u) << "some chunks have numbers, some have not";
    ASSERT_TRUE(half.lane_set.send(0, data_of(2, "urgent"), Priority::urgent));
    ASSERT_TRUE(half.lane_set.send_anyway(0, receipt_body(), Priority::urgent));
    half.lane_set.clear_queue([](std::uint64_t) {});
    ASSERT_TRUE(half.lane_set.send_anyway(0, receipt_body(), Priority::urgent));
    half.lane_set.rewind(kStart);
    std::size_t left = 0;  // of the message
    std::string written = half.write();
    for (const wire::FrameView& frame : frames_of(written)) {
        if (frame.kind == wire::FrameKind::chunk) {
            const auto chunk = wire::decode_chunk(frame.body);
            left = (chunk->total != 0 ? chunk->total : left) - chunk->part.size();
        } else {
            EXPECT_EQ(left, 0u) << "between chunks";
        }
    }
    EXPECT_EQ(left, 0u);
}

}  // namespace
}  // namespace flare::session::test
