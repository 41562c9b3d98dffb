#include "session/lane_set.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

struct HeardFrames final : LaneSetListener {
    void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) override {
        texts.emplace_back(data.message->payload);
        lanes.push_back(lane);
        costs.push_back(cost);
        in_chunks.push_back(!whole.empty());
    }
    void on_refused(LaneIndex, wire::FrameKind, const Uuid& id, errc code) override { refused.emplace_back(id, code); }
    void on_receipt(LaneIndex, const wire::ReceiptView& receipt) override { receipts.push_back(receipt.message_id); }
    void on_numbered_first(std::uint64_t token) override { begun.push_back(token); }
    void on_acked(std::uint64_t token, std::uint32_t) override { acked.push_back(token); }

    std::vector<std::string> texts;
    std::vector<LaneIndex> lanes;
    std::vector<std::uint64_t> costs;
    std::vector<bool> in_chunks;
    std::vector<std::pair<Uuid, errc>> refused;
    std::vector<Uuid> receipts;
    std::vector<std::uint64_t> begun;
    std::vector<std::uint64_t> acked;
};

Settings two_lanes() {
    Settings settings;
    settings.lanes = 2;
    return settings;
}

// One side of a session, and what it hears.
struct Half {
    explicit Half(Settings settings_ = two_lanes(), std::size_t budget_bytes = 64u << 20)
        : settings(settings_), shared(budget_bytes), lane_set(settings, settings.lanes, budget, heard) {}

    errc send(LaneIndex lane, std::string_view payload, std::uint64_t token = 0, Priority priority = Priority::normal) {
        return code_of(lane_set.send(lane, data_of(1, payload), priority, token));
    }
    std::string write(TimePoint now = kStart, std::size_t max_bytes = 1u << 20) {
        wire::Batch batch;
        lane_set.write(batch, max_bytes, now);
        return batch.str();
    }
    // Errors end the reading, as they would end the carrier.
    errc read(std::string_view batch, TimePoint now = kStart) {
        for (const wire::FrameView& frame : frames_of(batch)) {
            if (!frame.acks.empty()) {
                if (const auto taken = lane_set.on_acks(frame.acks, now); !taken) return code_of(taken);
            }
            if (frame.seq == 0) continue;
            if (const auto taken = lane_set.on_numbered(frame, now); !taken) return code_of(taken);
        }
        return errc::ok;
    }
    errc read_acks(std::initializer_list<wire::LaneState> states) {
        return code_of(lane_set.on_acks(wire::LaneStates(states.begin(), states.end()), kStart));
    }

    Settings settings;
    SharedBudget shared;
    Budget budget{shared, 4096};
    HeardFrames heard;
    LaneSet lane_set;
};

using Texts = std::vector<std::string>;

TEST(LaneSet, CarriesMessagesInOrderOfTheirLane) {
    Half a;
    Half b;
    for (const char* text : {"one", "two", "three"}) ASSERT_EQ(a.send(1, text), errc::ok);

    ASSERT_EQ(b.read(a.write()), errc::ok);
    EXPECT_EQ(b.heard.texts, (Texts{"one", "two", "three"}));
    EXPECT_EQ(b.lane_set.received(1), 3u);
    EXPECT_EQ(b.lane_set.received(0), 0u);
}

TEST(LaneSet, TakesLanesInTurn) {
    Half a;
    Half b;
    for (const char* text : {"a1", "a2", "a3"}) a.send(0, text);
    for (const char* text : {"b1", "b2", "b3"}) a.send(1, text);

    b.read(a.write());
    ASSERT_EQ(b.heard.lanes.size(), 6u);
    for (std::size_t i = 0; i < 6; i += 2) EXPECT_NE(b.heard.lanes[i], b.heard.lanes[i + 1]);
}

TEST(LaneSet, ABigMessageLetsOtherLanesPass) {
    Half a;
    Half b;
    a.send(0, std::string(500'000, 'x'));
    a.send(1, "small");

    b.read(a.write(kStart, 100'000));
    EXPECT_EQ(b.heard.texts, (Texts{"small"}));
    b.read(a.write());
    ASSERT_EQ(b.heard.texts.size(), 2u);
    EXPECT_EQ(b.heard.texts[1], std::string(500'000, 'x'));
    EXPECT_TRUE(b.heard.in_chunks[1]);
}

TEST(LaneSet, RefusesALaneThatItDoesNotHave) {
    Half a;
    Half b;
    EXPECT_EQ(a.send(2, "x"), errc::unknown_lane);
    EXPECT_EQ(b.read(numbered(2, 1, data_of(1, "x"))), errc::unknown_lane);
    EXPECT_EQ(b.read_acks({{2, 0, 1, 1}}), errc::unknown_lane);
}

TEST(LaneSet, RefusesWhatWouldExceedTheQueue) {
    Settings settings = two_lanes();
    settings.max_queued_frames = 2;
    Half a(settings);

    EXPECT_EQ(a.send(0, "1"), errc::ok);
    EXPECT_EQ(a.send(1, "2"), errc::ok);
    EXPECT_EQ(a.send(0, "3"), errc::outbox_full);
    EXPECT_TRUE(a.lane_set.send_anyway(0, data_of(1, "a receipt")));
    a.write();
    EXPECT_EQ(a.send(0, "3"), errc::ok);
}

TEST(LaneSet, RefusesWhatWouldExceedTheBudgetAndKeepsNothingOfIt) {
    Half a(two_lanes(), 1'000);
    EXPECT_EQ(a.send(0, std::string(2'000, 'x')), errc::busy);
    EXPECT_EQ(a.budget.used(), 0u);
    EXPECT_TRUE(a.lane_set.drained());
}

// ---- acknowledgement ----

TEST(LaneSet, AnAckWaitsForCompany) {
    Half a;
    Half b;
    a.send(0, "x");
    b.read(a.write());

    EXPECT_EQ(b.write(), "");
    EXPECT_EQ(b.lane_set.next_deadline(), kStart + b.settings.min_ack_delay);
    b.send(1, "y");
    const std::string batch = b.write();
    EXPECT_EQ(frames_of(batch).front().acks.size(), 1u);
    EXPECT_EQ(b.lane_set.next_deadline(), kNever);
}

TEST(LaneSet, AnAckGoesAloneWhenItsTimeHasCome) {
    Half a;
    Half b;
    a.send(0, "x", 7);
    b.read(a.write());

    const std::string batch = b.write(kStart + b.settings.min_ack_delay);
    ASSERT_NE(batch, "");
    EXPECT_EQ(a.read(batch), errc::ok);
    EXPECT_EQ(a.heard.acked, (std::vector<std::uint64_t>{7}));
    EXPECT_TRUE(a.lane_set.drained());
}

TEST(LaneSet, LonelyAcksComeLaterAndLaterUpToALimit) {
    Half a;
    Half b;
    TimePoint now = kStart;
    std::vector<Duration> delays;
    for (int i = 0; i < 6; ++i) {
        a.send(0, "x");
        b.read(a.write(now), now);
        delays.push_back(b.lane_set.next_deadline() - now);
        now = b.lane_set.next_deadline();
        a.read(b.write(now), now);
    }
    EXPECT_EQ(delays, (std::vector<Duration>{25ms, 50ms, 100ms, 200ms, 200ms, 200ms}));
}

TEST(LaneSet, ManyFramesAreAcknowledgedAtOnce) {
    Half a;
    Half b;
    for (int i = 0; i < 64; ++i) a.send(0, "x");
    b.read(a.write());
    EXPECT_NE(b.write(), "");
}

TEST(LaneSet, RefusesAnAckForWhatWasNeverSent) {
    Half a;
    a.send(0, "x");
    a.write();
    EXPECT_EQ(a.read_acks({{0, 2, 100, 100'000}}), errc::bad_ack);
    EXPECT_EQ(a.read_acks({{1, 1, 100, 100'000}}), errc::bad_ack);
    EXPECT_EQ(a.read_acks({{0, 1, 100, 100'000}}), errc::ok);
}

TEST(LaneSet, SaysSinceWhenNoAckHasMoved) {
    Half a;
    EXPECT_EQ(a.lane_set.unacked_since(), kNever);
    a.send(0, "1");
    a.send(0, "2");
    a.write(kStart);
    EXPECT_EQ(a.lane_set.unacked_since(), kStart);

    (void)a.lane_set.on_acks({{0, 1, 100, 100'000}}, kStart + 5s);
    EXPECT_EQ(a.lane_set.unacked_since(), kStart + 5s);
    (void)a.lane_set.on_acks({{0, 2, 100, 100'000}}, kStart + 6s);
    EXPECT_EQ(a.lane_set.unacked_since(), kNever);
}

// ---- replay ----

TEST(LaneSet, RepeatsWhatIsUnacknowledgedAndTheReceiverDropsIt) {
    Half a;
    Half b;
    a.send(0, "1");
    a.send(0, "2");
    const std::string lost = a.write();
    b.read(std::string_view(lost).substr(0, lost.size() / 2));  // the first frame
    a.lane_set.rewind(kStart);

    EXPECT_EQ(b.read(a.write()), errc::ok);
    EXPECT_EQ(b.heard.texts, (Texts{"1", "2"}));
}

TEST(LaneSet, SaysAgainWhatItReceivedWhenAnotherCarrierSends) {
    Half a;
    Half b;
    a.send(0, "x");
    b.read(a.write());
    const std::string lost = b.write(kStart + 1s);
    ASSERT_FALSE(lost.empty());
    EXPECT_TRUE(b.write(kStart + 2s).empty());

    b.lane_set.rewind(kStart + 3s);
    a.read(b.write(kStart + 3s));
    EXPECT_TRUE(a.lane_set.drained());
}

TEST(LaneSet, NamesAMessageThatGetsItsFirstNumberOnce) {
    Half a;
    a.send(0, "x", 7);
    a.write();
    a.lane_set.rewind(kStart);
    a.write();
    EXPECT_EQ(a.heard.begun, (std::vector<std::uint64_t>{7}));
}

TEST(LaneSet, TreatsAMissingNumberAsAFault) {
    Half b;
    EXPECT_EQ(b.read(numbered(0, 2, data_of(1, "x"))), errc::sequence_gap);
    EXPECT_TRUE(b.heard.texts.empty());
}
// A Hello or a Welcome on a carrier that loses its race is read by nobody.
TEST(LaneSet, TellsAgainOnItsCarrierWhatItHasSaidOnAnother) {
    Settings settings = two_lanes();
    settings.max_unacked_frames = 16;  // 8 a lane
    Half a(settings);
    Half b(settings);
    ASSERT_EQ(code_of(a.lane_set.on_acks(b.lane_set.receive_states(kStart), kStart)), errc::ok);
    for (int i = 0; i < 8; ++i) a.send(0, "x");
    b.read(a.write());
    a.read(b.write(kStart));
    for (int i = 0; i < 3; ++i) b.lane_set.consumed(0, 1, kStart);  // too little to be told at once

    (void)b.lane_set.receive_states(kStart);
    for (int i = 0; i < 3; ++i) b.lane_set.consumed(0, 1, kStart);
    for (int i = 0; i < 4; ++i) a.send(0, "y");
    a.read(b.write(kStart + 1s));
    b.read(a.write(kStart + 1s));
    EXPECT_EQ(b.heard.texts.size(), 12u);
}

TEST(LaneSet, SaysNothingTwiceWithoutNews) {
    Half a;
    Half b;
    a.send(0, "x");
    b.read(a.write());
    b.lane_set.consumed(0, 1, kStart);
    ASSERT_FALSE(b.write(kStart + 1s).empty());
    (void)b.lane_set.receive_states(kStart + 2s);
    EXPECT_TRUE(b.write(kStart + 3s).empty());
}

// ---- credit ----

TEST(LaneSet, SendsAsMuchAsThePeerConsumes) {
    Settings settings = two_lanes();
    settings.max_unacked_frames = 8;  // 4 a lane
    Half a(settings);
    Half b(settings);
    ASSERT_EQ(code_of(a.lane_set.on_acks(b.lane_set.receive_states(kStart), kStart)), errc::ok);
    for (int i = 0; i < 6; ++i) a.send(0, std::to_string(i));

    ASSERT_EQ(b.read(a.write()), errc::ok);
    EXPECT_EQ(b.heard.texts.size(), 4u);
    EXPECT_EQ(a.write(), "");
    EXPECT_EQ(a.lane_set.starved_since(), kStart);

    for (int i = 0; i < 4; ++i) b.lane_set.consumed(0, 1, kStart);
    ASSERT_EQ(a.read(b.write()), errc::ok);
    EXPECT_EQ(a.lane_set.starved_since(), kNever);
    ASSERT_EQ(b.read(a.write()), errc::ok);
    EXPECT_EQ(b.heard.texts.size(), 6u);
}

TEST(LaneSet, RefusesMoreThanItHasPromised) {
    Settings settings = two_lanes();
    settings.max_unacked_frames = 4;
    Half b(settings);
    for (Seq seq = 1; seq <= 2; ++seq) ASSERT_EQ(b.read(numbered(0, seq, data_of(1, "x"))), errc::ok);
    EXPECT_EQ(b.read(numbered(0, 3, data_of(1, "x"))), errc::credit_exceeded);
}

TEST(LaneSet, ReceiptsReturnTheirCreditAtOnce) {
    Settings settings = two_lanes();
    settings.max_unacked_frames = 4;
    Half a(settings);
    Half b(settings);
    wire::ReceiptView receipt;
    receipt.message_id = id_of(9);
    receipt.status = wire::ReceiptStatus::handled;
    for (int i = 0; i < 20; ++i) ASSERT_TRUE(a.lane_set.send_anyway(0, wire::encode(receipt)));
    ASSERT_EQ(code_of(a.lane_set.on_acks(b.lane_set.receive_states(kStart), kStart)), errc::ok);

    for (int i = 0; i < 20; ++i) {
        ASSERT_EQ(b.read(a.write()), errc::ok);
        ASSERT_EQ(a.read(b.write(kStart + 1s)), errc::ok);
    }
    EXPECT_EQ(b.heard.receipts.size(), 20u);
    EXPECT_TRUE(a.lane_set.drained());
}

TEST(LaneSet, AMessageLargerThanTheWindowGetsThrough) {
    Settings settings = two_lanes();
    settings.max_unacked_frames = 16;
    settings.max_unacked_bytes = 64 * 1024;
    Half a(settings);
    Half b(settings);
    ASSERT_EQ(code_of(a.lane_set.on_acks(b.lane_set.receive_states(kStart), kStart)), errc::ok);
    const std::string payload(300'000, 'x');
    a.send(0, payload);

    TimePoint now = kStart;
    for (int turn = 0; turn < 200 && b.heard.texts.empty(); ++turn, now += 1s) {
        ASSERT_EQ(b.read(a.write(now), now), errc::ok);
        ASSERT_LE(a.lane_set.totals().unacked_bytes, settings.max_unacked_bytes);
        ASSERT_EQ(a.read(b.write(now), now), errc::ok);
    }
    EXPECT_EQ(b.heard.texts, (Texts{payload}));
}

// A message needs no more round trips than half windows, and one to begin and to end: what is read is acknowledged at
// once, however slow the clock of acknowledgements is.
class RoundTrips : public ::testing::TestWithParam<std::tuple<std::size_t, std::uint32_t>> {};

TEST_P(RoundTrips, OfALargeMessageAreBoundedByTheWindow) {
    const auto [bytes, lanes] = GetParam();
    Settings settings;
    settings.lanes = lanes;
    settings.max_queued_bytes = 64u << 20;
    Half a(settings, 256u << 20);
    Half b(settings, 256u << 20);
    ASSERT_EQ(code_of(a.lane_set.on_acks(b.lane_set.receive_states(kStart), kStart)), errc::ok);
    const std::string payload(bytes, 'x');
    ASSERT_EQ(a.send(lanes - 1, payload), errc::ok);

    const std::size_t half_window = static_cast<std::size_t>(settings.lane_bytes(settings.lanes) / 2);
    const std::size_t most = (bytes + half_window - 1) / half_window + 2;
    std::size_t round_trips = 0;
    TimePoint now = kStart;
    while (b.heard.texts.empty() && round_trips <= most) {
        ++round_trips;
        std::vector<std::string> under_way;  // as much as a carrier takes that is never full
        while (a.lane_set.has_output(now)) under_way.push_back(a.write(now, 128 * 1024));
        std::vector<std::string> back;
        for (const std::string& batch : under_way) {
            ASSERT_EQ(b.read(batch, now), errc::ok);
            if (b.lane_set.has_output(now)) back.push_back(b.write(now));
        }
        now += 1ms;
        for (const std::string& batch : back) ASSERT_EQ(a.read(batch, now), errc::ok);
    }
    EXPECT_EQ(b.heard.texts, (Texts{payload}));
    EXPECT_LE(round_trips, most);
}

INSTANTIATE_TEST_SUITE_P(All, RoundTrips,
                         ::testing::Combine(::testing::Values(300u << 10, 1u << 20, 4u << 20, 8u << 20, 16'000'000u),
                                            ::testing::Values(1u, 4u, 16u)));

// ---- bad content ----

TEST(LaneSet, RefusesAMessageOverTheAgreedSize) {
    Settings settings = two_lanes();
    settings.max_message_bytes = 100;
    Half b(settings);
    EXPECT_EQ(b.read(numbered(0, 1, data_of(1, std::string(101, 'x')))), errc::message_too_large);
    EXPECT_TRUE(b.heard.texts.empty());
}

TEST(LaneSet, SkipsABigMessageWithoutMemoryAndSaysWhichOne) {
    Half a;
    Half b(two_lanes(), 50'000);
    a.send(0, std::string(100'000, 'x'));
    a.send(0, "after");

    ASSERT_EQ(b.read(a.write()), errc::ok);
    ASSERT_EQ(b.heard.refused.size(), 1u);
    EXPECT_EQ(b.heard.refused[0].first, id_of(1));
    EXPECT_EQ(b.heard.refused[0].second, errc::busy);
    EXPECT_EQ(b.heard.texts, (Texts{"after"}));
    EXPECT_EQ(b.budget.used(), 0u);
}

TEST(LaneSet, FindsTheIdOfASkippedMessageBehindALongSender) {
    wire::DataView data;
    data.from = std::string_view("a user whose name is rather long, as names go in the world of machines");
    const std::string payload(100'000, 'x');
    data.message = message_of(5, payload);
    Half a;
    Half b(two_lanes(), 50'000);
    ASSERT_TRUE(a.lane_set.send(0, wire::encode(data)));

    ASSERT_EQ(b.read(a.write()), errc::ok);
    ASSERT_EQ(b.heard.refused.size(), 1u);
    EXPECT_EQ(b.heard.refused[0].first, id_of(5));
}

TEST(LaneSet, AReplyBringsItsReceiptAlong) {
    wire::DataView data;
    data.from = kServerTarget;
    data.message = message_of(2, "reply");
    data.receipt.emplace();
    data.receipt->message_id = id_of(1);
    data.receipt->status = wire::ReceiptStatus::handled;
    Half b;
    ASSERT_EQ(b.read(numbered(0, 1, wire::encode(data))), errc::ok);
    EXPECT_EQ(b.heard.texts, (Texts{"reply"}));
    EXPECT_EQ(b.heard.receipts, (std::vector<Uuid>{id_of(1)}));
}

// ---- the end ----

TEST(LaneSet, FinalNumbersAreWhatTheOtherSideMustHave) {
    Half a;
    Half b;
    a.send(0, "1");
    a.send(0, "2");
    a.send(1, "3");
    const std::string batch = a.write();
    const wire::LaneStates final = a.lane_set.final_states();

    EXPECT_FALSE(b.lane_set.received_all(final));
    b.read(batch);
    EXPECT_TRUE(b.lane_set.received_all(final));
}

TEST(LaneSet, ReturnsEverythingToTheBudget) {
    SharedBudget shared(64u << 20);
    Budget budget(shared, 4096);
    HeardFrames heard;
    const Settings settings = two_lanes();
    {
        LaneSet lane_set(settings, 2, budget, heard);
        ASSERT_TRUE(lane_set.send(0, data_of(1, std::string(200'000, 'x'))));
        ASSERT_TRUE(lane_set.send(1, data_of(2, "y")));
        wire::Batch batch;
        lane_set.write(batch, 50'000, kStart);
        ASSERT_TRUE(lane_set.send(1, data_of(3, "z")));
        const std::string piece = [] {
            wire::Batch one;
            wire::FrameHeader header;
            header.seq = 1;
            one.add_chunk(header, 5'000, Bytes(std::string(1'000, 'c')));
            return one.str();
        }();
        ASSERT_TRUE(lane_set.on_numbered(frames_of(piece).front(), kStart));
        EXPECT_NE(budget.used(), 0u);
    }
    EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace flare::session::test
