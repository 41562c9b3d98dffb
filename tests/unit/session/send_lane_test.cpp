#include "session/send_lane.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

class SendLaneTest : public ::testing::Test {
protected:
    SendLaneTest() {
        settings.lanes = 1;
        settings.max_unacked_frames = 100;
    }

    SendLane& lane() {
        if (!lane_) lane_.emplace(settings, settings.lanes, budget, totals);
        return *lane_;
    }
    void push(std::uint8_t number, std::size_t payload = 10, Priority priority = Priority::normal) {
        wire::Body body = data_of(number, std::string(payload, 'p'));
        ASSERT_TRUE(budget.take(SendLane::charge_of(body)));
        lane().push(std::move(body), priority, number);
    }
    static wire::Body feed_of(std::size_t payload, std::uint32_t feed_id) {
        const std::string bytes(payload, 'f');
        wire::im::Feed feed;
        feed.entries.emplace_back().payload = bytes;
        wire::Body body = wire::im::feed_body(feed);
        body.feed_id = feed_id;
        return body;
    }
    void push_feed(std::size_t payload, std::uint32_t feed_id, std::uint64_t token = 0) {
        wire::Body body = feed_of(payload, feed_id);
        ASSERT_TRUE(budget.take(SendLane::charge_of(body)));
        lane().push(std::move(body), Priority::normal, token);
    }
    struct Written {
        Seq seq = 0;
        wire::FrameKind kind = wire::FrameKind::none;
        std::uint64_t begun = 0;  // token of the message that this frame began
        std::uint32_t feed_id = 0;
        std::string body;
    };
    Written write() {
        EXPECT_TRUE(lane().ready());
        wire::Batch batch;
        wire::FrameHeader header;
        Written written;
        written.begun = lane().write_next(batch, header);
        const std::string bytes = batch.str();
        const auto frames = frames_of(bytes);
        EXPECT_EQ(frames.size(), 1u);
        written.seq = frames.front().seq;
        written.kind = frames.front().kind;
        written.feed_id = frames.front().feed_id;
        written.body = std::string(frames.front().body);
        return written;
    }
    // With the number of a feed in the upper half.
    static constexpr std::uint64_t kFeed = std::uint64_t{1} << 32;
    std::vector<std::uint64_t> ack(Seq received) {
        std::vector<std::uint64_t> tokens;
        EXPECT_TRUE(lane().ack(received, [&](std::uint64_t token, std::uint32_t feed) {
            tokens.push_back(token + std::uint64_t{feed} * kFeed);
        }));
        return tokens;
    }
    std::vector<std::uint64_t> begun_in_order() {
        std::vector<std::uint64_t> order;
        while (lane().ready()) order.push_back(write().begun);
        return order;
    }

    Settings settings;
    SharedBudget shared{64u << 20};
    Budget budget{shared, 4096};
    SendTotals totals;

private:
    std::optional<SendLane> lane_;
};

using Tokens = std::vector<std::uint64_t>;

// ---- feeds ----

TEST_F(SendLaneTest, AnAcknowledgedFrameSaysOfWhichFeedItWas) {
    lane().credit(100, 1'000'000);
    push_feed(10, 7, 3);
    push_feed(200'000, 8, 4);  // in chunks
    push_feed(10, 9);
    push(5);
    std::size_t frames = 0;
    for (; lane().ready(); ++frames) write();
    EXPECT_EQ(ack(1), (Tokens{7 * kFeed + 3}));
    EXPECT_EQ(ack(2), Tokens{}) << "the first of several chunks";
    EXPECT_EQ(ack(frames), (Tokens{8 * kFeed + 4, 5}));
}

TEST_F(SendLaneTest, FeedsLeaveAQuarterOfTheCreditToEverythingElse) {
    lane().credit(100, 100'000);
    for (std::uint32_t i = 0; i < 9; ++i) push_feed(10'000, 1);
    push(1);
    push(2);
    std::size_t feeds = 0;
    while (write().kind == wire::FrameKind::feed) ++feeds;
    EXPECT_EQ(feeds, 7u) << "then the first message passes the others";
    EXPECT_EQ(write().begun, 2u);
    EXPECT_FALSE(lane().ready());
    EXPECT_FALSE(lane().blocked_by_credit()) << "only feeds wait";
    push(3);
    EXPECT_EQ(write().begun, 3u);
    lane().credit(150, 150'000);
    EXPECT_EQ(write().kind, wire::FrameKind::feed);
    EXPECT_EQ(write().kind, wire::FrameKind::feed);
    EXPECT_TRUE(lane().idle() || !lane().ready());
}

TEST_F(SendLaneTest, FeedsLeaveAQuarterOfTheFrames) {
    lane().credit(20, 1'000'000);
    for (std::uint32_t i = 0; i < 30; ++i) push_feed(10, 1);
    push(1);
    std::size_t feeds = 0;
    while (write().kind == wire::FrameKind::feed) ++feeds;
    EXPECT_EQ(feeds, 15u);
    EXPECT_FALSE(lane().ready());
}

TEST_F(SendLaneTest, NumbersFromOneInOrderOfArrival) {
    push(1);
    push(2);
    EXPECT_EQ(write().seq, 1u);
    EXPECT_EQ(write().seq, 2u);
    EXPECT_FALSE(lane().ready());
    EXPECT_EQ(lane().last_numbered(), 2u);
}

TEST_F(SendLaneTest, LetsHigherPrioritiesOvertakeWhatHasNoNumber) {
    push(1, 10, Priority::low);
    push(2, 10, Priority::normal);
    push(3, 10, Priority::urgent);
    push(4, 10, Priority::normal);
    push(5, 10, Priority::high);

    EXPECT_EQ(begun_in_order(), (Tokens{3, 5, 2, 4, 1}));
}

TEST_F(SendLaneTest, NeverReordersWhatHasANumber) {
    push(1);
    write();
    push(2, 10, Priority::urgent);
    lane().rewind();

    EXPECT_EQ(write().seq, 1u);
    EXPECT_EQ(write().begun, 2u);
}

TEST_F(SendLaneTest, ForgetsWhatIsAcknowledgedAndTellsWhoseItWas) {
    push(1);
    push(2);
    push(3);
    begun_in_order();

    EXPECT_EQ(ack(2), (Tokens{1, 2}));
    EXPECT_EQ(lane().acked(), 2u);
    EXPECT_EQ(totals.unacked_frames, 1u);
    EXPECT_EQ(ack(3), (Tokens{3}));
    EXPECT_TRUE(lane().idle());
    EXPECT_EQ(budget.used(), 0u);
    EXPECT_EQ(totals.unacked_bytes, 0u);
}

TEST_F(SendLaneTest, TakesLateAndRepeatedAcksSilently) {
    push(1);
    push(2);
    begun_in_order();
    ack(2);

    EXPECT_TRUE(ack(1).empty());
    EXPECT_TRUE(ack(2).empty());
    EXPECT_EQ(lane().acked(), 2u);
}

TEST_F(SendLaneTest, RefusesAnAckForWhatWasNeverNumbered) {
    push(1);
    push(2);
    write();

    EXPECT_EQ(code_of(lane().ack(2, [](std::uint64_t, std::uint32_t) {})), errc::bad_ack);
    EXPECT_EQ(lane().acked(), 0u);
}

TEST_F(SendLaneTest, WritesEverythingUnacknowledgedAgainAfterARewind) {
    for (std::uint8_t i = 1; i <= 4; ++i) push(i);
    std::vector<std::string> first;
    while (lane().ready()) first.push_back(write().body);
    ack(1);
    lane().rewind();

    for (Seq seq = 2; seq <= 4; ++seq) {
        const Written again = write();
        EXPECT_EQ(again.seq, seq);
        EXPECT_EQ(again.begun, 0u);  // a number is given once
        EXPECT_EQ(again.body, first[static_cast<std::size_t>(seq - 1)]);
    }
    EXPECT_FALSE(lane().ready());
}

TEST_F(SendLaneTest, SkipsInAReplayWhatIsAcknowledgedMeanwhile) {
    for (std::uint8_t i = 1; i <= 3; ++i) push(i);
    begun_in_order();
    lane().rewind();
    ack(2);

    EXPECT_EQ(write().seq, 3u);
}

TEST_F(SendLaneTest, GivesNoNumberBeyondTheCredit) {
    lane().credit(2, 1 << 20);
    for (std::uint8_t i = 1; i <= 3; ++i) push(i);

    EXPECT_EQ(begun_in_order(), (Tokens{1, 2}));
    EXPECT_TRUE(lane().blocked_by_credit());
    lane().credit(3, 1 << 20);
    EXPECT_TRUE(lane().ready() || lane().unnumbered() == 0);
    EXPECT_EQ(write().seq, 3u);
}

TEST_F(SendLaneTest, CountsPayloadAgainstTheCreditInBytes) {
    lane().credit(100, 2'500);
    for (std::uint8_t i = 1; i <= 3; ++i) push(i, 1'000);

    EXPECT_EQ(begun_in_order(), (Tokens{1, 2}));
    EXPECT_TRUE(lane().blocked_by_credit());
    lane().credit(100, 3'000);
    EXPECT_TRUE(lane().ready());
}

TEST_F(SendLaneTest, TakesLowerCreditAsLateNews) {
    lane().credit(1, 1 << 20);
    push(1);
    push(2);
    write();
    lane().credit(5, 1 << 20);
    lane().credit(2, 10);

    push(3);
    EXPECT_EQ(begun_in_order(), (Tokens{2, 3}));
}

TEST_F(SendLaneTest, FirstWordOfThePeerCountsEvenWhenItIsLessThanTheDefault) {
    lane().credit(1, 1 << 20);
    push(1);
    push(2);
    EXPECT_EQ(begun_in_order(), (Tokens{1}));
}

TEST_F(SendLaneTest, GivesNoNumberBeyondTheBoundOfAllLanes) {
    settings.max_unacked_frames = 3;
    totals.unacked_frames = 1;  // another lane's
    for (std::uint8_t i = 1; i <= 3; ++i) push(i);

    EXPECT_EQ(begun_in_order(), (Tokens{1, 2}));
    EXPECT_FALSE(lane().ready());
    EXPECT_FALSE(lane().blocked_by_credit());
    totals.unacked_frames -= 1;
    EXPECT_TRUE(lane().ready());
}

TEST_F(SendLaneTest, GivesNoNumberBeyondTheBoundInBytes) {
    settings.max_unacked_bytes = 2'500;
    for (std::uint8_t i = 1; i <= 3; ++i) push(i, 1'000);

    EXPECT_EQ(begun_in_order(), (Tokens{1, 2}));
    ack(1);
    EXPECT_EQ(begun_in_order(), (Tokens{3}));
}

// ---- chunks ----

TEST_F(SendLaneTest, CutsAMessageOverTheThresholdIntoPieces) {
    push(1, 100'000);
    const std::size_t charged = budget.used();

    const std::string content(data_of(1, std::string(100'000, 'p')).content());
    std::string joined;
    for (Seq seq = 1; lane().ready(); ++seq) {
        const Written piece = write();
        EXPECT_EQ(piece.seq, seq);
        EXPECT_EQ(piece.kind, wire::FrameKind::chunk);
        EXPECT_EQ(piece.begun, seq == 1 ? 1u : 0u);
        const auto chunk = wire::decode_chunk(piece.body);
        ASSERT_TRUE(chunk);
        EXPECT_EQ(chunk->total, seq == 1 ? content.size() : 0u);
        EXPECT_LE(chunk->part.size(), wire::kChunkBytes);
        joined += chunk->part;
    }
    EXPECT_EQ(joined, content);
    EXPECT_EQ(totals.queued_frames, 0u);
    EXPECT_EQ(totals.queued_bytes, 0u);
    EXPECT_EQ(budget.used(), charged);

    EXPECT_TRUE(ack(6).empty());  // not yet whole
    EXPECT_EQ(ack(7), (Tokens{1}));
    EXPECT_EQ(budget.used(), 0u);
    EXPECT_EQ(totals.unacked_bytes, 0u);
}

TEST_F(SendLaneTest, SendsAMessageAtTheThresholdWhole) {
    const std::size_t around = data_of(1, std::string(1000, 'p')).content().size() - 1000 + 2;  // longer lengths
    push(1, wire::kChunkThreshold - around);
    EXPECT_EQ(write().kind, wire::FrameKind::data);
}

TEST_F(SendLaneTest, LetsNothingOvertakeTheRestOfAMessageThatHasBegun) {
    push(1, 100'000);
    EXPECT_EQ(write().begun, 1u);
    push(2, 10, Priority::urgent);

    Tokens begun = begun_in_order();
    EXPECT_EQ(begun.back(), 2u);
    EXPECT_EQ(begun.size(), 7u);
}

TEST_F(SendLaneTest, CutsWhateverIsMoreThanHalfOfThePeersWindow) {
    lane().credit(100, 8'000);
    push(1, 5'000);

    const Written piece = write();
    EXPECT_EQ(piece.kind, wire::FrameKind::chunk);
    EXPECT_EQ(wire::decode_chunk(piece.body)->part.size(), 2'000u);  // a quarter of the window
}

TEST_F(SendLaneTest, ReplaysPiecesWithTheSameBoundaries) {
    push(1, 100'000);
    std::vector<std::string> first;
    for (int i = 0; i < 3; ++i) first.push_back(write().body);
    lane().rewind();
    for (int i = 0; i < 3; ++i) EXPECT_EQ(write().body, first[static_cast<std::size_t>(i)]);
    EXPECT_TRUE(lane().ready());  // the rest has no number yet
}

// ---- feeds ----

TEST_F(SendLaneTest, WritesTheNumberOfAFeedInItsHeaderAndInNoOther) {
    push_feed(10, 7);
    push(1);
    push_feed(100'000, 9);
    const Written whole = write();
    EXPECT_EQ(whole.kind, wire::FrameKind::feed);
    EXPECT_EQ(whole.feed_id, 7u);
    EXPECT_EQ(write().feed_id, 0u);
    const Written first = write();
    EXPECT_EQ(first.feed_id, 9u);
    EXPECT_EQ(wire::decode_chunk(first.body)->kind, static_cast<std::uint32_t>(wire::FrameKind::feed));
    while (lane().ready()) EXPECT_EQ(write().feed_id, 0u) << "the first piece has said it";
    lane().rewind();
    EXPECT_EQ(write().feed_id, 7u);
    EXPECT_EQ(write().feed_id, 0u);
    EXPECT_EQ(write().feed_id, 9u);
}

TEST_F(SendLaneTest, AFeedCostsTheLengthOfItsBody) {
    const std::size_t size = feed_of(100, 1).content().size();
    lane().credit(100, 2 * size + 1);
    for (int i = 0; i < 3; ++i) push_feed(100, 1);
    EXPECT_EQ(begun_in_order().size(), 2u);
    ack(2);
    EXPECT_FALSE(lane().ready()) << "an acknowledgement is no credit";
}

TEST_F(SendLaneTest, CountsFeedsThatWaitApart) {
    push(1);
    push_feed(100'000, 1);
    push_feed(10, 1);
    const std::size_t of_feeds = feed_of(100'000, 1).bytes.size() + feed_of(10, 1).bytes.size();
    EXPECT_EQ(totals.queued_feeds, 2u);
    EXPECT_EQ(totals.queued_feed_bytes, of_feeds);
    EXPECT_EQ(totals.other_frames(), 1u);
    EXPECT_EQ(totals.other_bytes(), data_of(1, std::string(10, 'p')).bytes.size());
    EXPECT_EQ(lane().unnumbered(), 3u);
    write();
    write();  // the first piece
    EXPECT_EQ(totals.other_frames(), 0u);
    EXPECT_EQ(totals.other_bytes(), 0u);
    EXPECT_EQ(totals.queued_feeds, 2u);
    EXPECT_EQ(lane().unnumbered(), 2u) << "one in pieces waits until its last piece has a number";
    EXPECT_LT(totals.queued_feed_bytes, of_feeds);
    SendTotals counted;
    (void)lane().check_invariants(counted, [](std::uint64_t) {});
    EXPECT_EQ(counted.queued_feeds, totals.queued_feeds);
    EXPECT_EQ(counted.queued_feed_bytes, totals.queued_feed_bytes);
    begun_in_order();
    EXPECT_EQ(totals.queued_feeds, 0u);
    EXPECT_EQ(totals.queued_feed_bytes, 0u);
    EXPECT_EQ(lane().unnumbered(), 0u);
}

TEST_F(SendLaneTest, DropsFeedsThatWaitAndNothingElse) {
    push_feed(100'000, 1);
    write();  // it has begun, and is sent to its end
    push_feed(10, 1);
    push(1);
    push_feed(10, 2);
    lane().drop_feeds();
    EXPECT_EQ(lane().unnumbered(), 2u);
    EXPECT_EQ(totals.queued_feeds, 1u);
    EXPECT_EQ(begun_in_order().back(), 1u);
    ack(lane().last_numbered());
    EXPECT_EQ(budget.used(), 0u);
    EXPECT_EQ(totals.queued_bytes, 0u);
}

TEST_F(SendLaneTest, WhatIsDiscardedIsCountedNoLonger) {
    push_feed(100'000, 1);
    write();
    push_feed(10, 1);
    push(1);
    lane().discard();
    EXPECT_EQ(totals.queued_frames, 0u);
    EXPECT_EQ(totals.queued_feeds, 0u);
    EXPECT_EQ(totals.queued_feed_bytes, 0u);
    EXPECT_EQ(budget.used(), 0u);
}

TEST_F(SendLaneTest, FeedsAloneDoNotWaitForCredit) {
    lane().credit(1, 1u << 20);
    push_feed(10, 1);
    push_feed(10, 1);
    write();
    EXPECT_FALSE(lane().ready());
    EXPECT_FALSE(lane().blocked_by_credit());
    push(1);
    EXPECT_TRUE(lane().blocked_by_credit());
}

// ---- taking back ----

TEST_F(SendLaneTest, WithdrawsWhatHasNoNumberAndNothingElse) {
    push(1);
    push(2);
    write();

    EXPECT_FALSE(lane().withdraw(1));
    EXPECT_TRUE(lane().withdraw(2));
    EXPECT_FALSE(lane().withdraw(2));
    EXPECT_FALSE(lane().ready());
    ack(1);
    EXPECT_EQ(budget.used(), 0u);
}

TEST_F(SendLaneTest, ClearsTheQueueButKeepsAMessageThatHasBegun) {
    push(1, 100'000);
    write();
    push(2);
    push(3);

    Tokens dropped;
    lane().clear_queue([&](std::uint64_t token) { dropped.push_back(token); });
    EXPECT_EQ(dropped, (Tokens{2, 3}));
    begun_in_order();
    EXPECT_EQ(ack(7), (Tokens{1}));
    EXPECT_EQ(totals.queued_frames, 0u);
    EXPECT_EQ(budget.used(), 0u);
}

TEST(SendLane, ReturnsWhatItHoldsToBudgetAndTotals) {
    Settings settings;
    settings.lanes = 1;
    SharedBudget shared(1u << 20);
    Budget budget(shared, 4096);
    SendTotals totals;
    {
        SendLane lane(settings, settings.lanes, budget, totals);
        for (const std::size_t payload : {100'000u, 10u, 10u}) {
            wire::Body body = data_of(1, std::string(payload, 'p'));
            ASSERT_TRUE(budget.take(SendLane::charge_of(body)));
            lane.push(std::move(body), Priority::normal, 1);
        }
        wire::Batch batch;
        wire::FrameHeader header;
        lane.write_next(batch, header);  // one piece sent, the rest of the message and two more waiting
        EXPECT_NE(totals.unacked_bytes, 0u);
        EXPECT_NE(totals.queued_bytes, 0u);
    }
    EXPECT_EQ(budget.used(), 0u);
    EXPECT_EQ(totals.unacked_frames, 0u);
    EXPECT_EQ(totals.unacked_bytes, 0u);
    EXPECT_EQ(totals.queued_frames, 0u);
    EXPECT_EQ(totals.queued_bytes, 0u);
}

}  // namespace
}  // namespace flare::session::test
