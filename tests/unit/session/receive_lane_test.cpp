#include "session/receive_lane.hpp"

#include "support.hpp"

namespace flare::session::test {
namespace {

class ReceiveLaneTest : public ::testing::Test {
protected:
    ReceiveLaneTest() {
        settings.lanes = 1;
        settings.max_unacked_frames = 8;
        settings.max_unacked_bytes = 64 * 1024;
        settings.max_message_bytes = 100'000;
    }

    ReceiveLane& lane() {
        if (!lane_) lane_.emplace(settings, settings.lanes, budget);
        return *lane_;
    }
    errc take(Seq seq, std::uint64_t cost = 1) {
        const auto verdict = lane().accept(seq, cost);
        if (!verdict) return code_of(verdict);
        EXPECT_EQ(*verdict, ReceiveLane::Verdict::take);
        return errc::ok;
    }
    // What an application does that is done at once.
    void deliver(Seq seq, std::uint64_t cost = 1) {
        ASSERT_EQ(take(seq, cost), errc::ok);
        lane().delivered();
        lane().consumed(cost);
    }
    static wire::ChunkView piece(std::uint64_t total, std::string_view part) { return {total, part}; }

    Settings settings;
    SharedBudget shared{1u << 20};
    Budget budget{shared, 1024};

private:
    std::optional<ReceiveLane> lane_;
};

TEST_F(ReceiveLaneTest, TakesNumbersInOrderFromOne) {
    EXPECT_EQ(take(1), errc::ok);
    EXPECT_EQ(take(2), errc::ok);
    EXPECT_EQ(lane().received(), 2u);
}

TEST_F(ReceiveLaneTest, DropsWhatItHasAndAcknowledgesItOnceMore) {
    take(1);
    lane().advertise(0);
    ASSERT_FALSE(lane().ack_pending());

    const auto verdict = lane().accept(1, 1);
    ASSERT_TRUE(verdict);
    EXPECT_EQ(*verdict, ReceiveLane::Verdict::duplicate);
    EXPECT_EQ(lane().received(), 1u);
    EXPECT_TRUE(lane().ack_pending());  // the sender does not seem to know
}

TEST_F(ReceiveLaneTest, TreatsAHoleAsAFault) {
    EXPECT_EQ(take(2), errc::sequence_gap);
    EXPECT_EQ(lane().received(), 0u);
    EXPECT_EQ(take(1), errc::ok);
}

TEST_F(ReceiveLaneTest, TakesNothingBeyondThePromisedNumbers) {
    for (Seq seq = 1; seq <= 8; ++seq) EXPECT_EQ(take(seq), errc::ok);
    EXPECT_EQ(take(9), errc::credit_exceeded);
}

TEST_F(ReceiveLaneTest, TakesNothingBeyondThePromisedBytes) {
    EXPECT_EQ(take(1, 64 * 1024), errc::ok);
    EXPECT_EQ(take(2, 1), errc::credit_exceeded);
    EXPECT_EQ(take(2, 0), errc::ok);
}

TEST_F(ReceiveLaneTest, CreditCountsFromWhenItIsTold) {
    for (Seq seq = 1; seq <= 8; ++seq) deliver(seq);
    // Consumed, but the peer has not heard of it: it may not use it.
    EXPECT_EQ(take(9), errc::credit_exceeded);
    EXPECT_EQ(lane().advertise(0).max_seq, 16u);
    EXPECT_EQ(take(9), errc::ok);
}

TEST_F(ReceiveLaneTest, StateNamesWhatArrivedAndWhatMayCome) {
    deliver(1, 100);
    take(2, 50);
    lane().delivered();

    const wire::LaneState state = lane().state(3);
    EXPECT_EQ(state.lane, 3u);
    EXPECT_EQ(state.received, 2u);
    EXPECT_EQ(state.max_seq, 8u + 1);  // only the first is consumed
    EXPECT_EQ(state.max_bytes, 64u * 1024 + 100);
}

TEST_F(ReceiveLaneTest, RenewedCreditIsWorthAnAckOnceHalfIsUsed) {
    for (Seq seq = 1; seq <= 4; ++seq) take(seq);
    for (Seq seq = 1; seq <= 4; ++seq) lane().delivered();
    lane().advertise(0);

    for (int i = 0; i < 3; ++i) lane().consumed(1);
    EXPECT_FALSE(lane().ack_pending());
    lane().consumed(1);
    EXPECT_TRUE(lane().ack_pending());
    EXPECT_TRUE(lane().ack_urgent());
}

TEST_F(ReceiveLaneTest, AnAckDoesNotWaitWhenAQuarterOfTheWindowHasGathered) {
    take(1);
    EXPECT_FALSE(lane().ack_urgent());
    take(2);
    EXPECT_TRUE(lane().ack_urgent());
    lane().advertise(0);
    EXPECT_FALSE(lane().ack_urgent());
}

// ---- chunks ----

TEST_F(ReceiveLaneTest, JoinsPiecesInOrder) {
    const auto first = lane().chunk(piece(6, "abc"));
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->complete);
    EXPECT_EQ(budget.used(), 3u);

    const auto last = lane().chunk(piece(0, "def"));
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->complete);
    EXPECT_EQ(last->content, "abcdef");
    EXPECT_EQ(budget.used(), 0u);
}

TEST_F(ReceiveLaneTest, TheFirstPieceSaysTheKindAndWhichFeed) {
    wire::ChunkView first = piece(6, "abc");
    first.kind = static_cast<std::uint32_t>(wire::FrameKind::feed);
    EXPECT_EQ(ReceiveLane::kind_of(first), wire::FrameKind::feed);
    ASSERT_TRUE(lane().chunk(first, 7));
    EXPECT_EQ(lane().kind_with(piece(0, "def")), wire::FrameKind::feed);
    const auto last = lane().chunk(piece(0, "def"), 8);
    ASSERT_TRUE(last && last->complete);
    EXPECT_EQ(last->kind, wire::FrameKind::feed);
    EXPECT_EQ(last->feed_id, 7u);
    EXPECT_EQ(lane().chunk(piece(1, "a"))->feed_id, 0u) << "nothing is left of it";
    first.kind = static_cast<std::uint32_t>(wire::FrameKind::feed) + 1;
    EXPECT_EQ(ReceiveLane::kind_of(first), wire::FrameKind::none);
}

TEST_F(ReceiveLaneTest, AFeedMayBeLargerThanAMessage) {
    wire::ChunkView first = piece(wire::kMaxFeedBytes + ReceiveLane::kEnvelopeBytes, "abc");
    first.kind = static_cast<std::uint32_t>(wire::FrameKind::feed);
    EXPECT_TRUE(lane().chunk(first, 1));
    ReceiveLane other(settings, settings.lanes, budget);
    ++first.total;
    EXPECT_EQ(code_of(other.chunk(first, 1)), errc::message_too_large);
}

TEST_F(ReceiveLaneTest, AMessageInOnePieceIsComplete) {
    const auto only = lane().chunk(piece(3, "abc"));
    ASSERT_TRUE(only);
    EXPECT_TRUE(only->complete);
}

TEST_F(ReceiveLaneTest, RefusesPiecesThatDoNotAddUp) {
    EXPECT_EQ(code_of(lane().chunk(piece(0, "abc"))), errc::bad_chunk);  // a rest without a beginning
    ASSERT_TRUE(lane().chunk(piece(5, "abc")));
    EXPECT_EQ(code_of(lane().chunk(piece(5, "abc"))), errc::bad_chunk);  // a beginning in the middle
    EXPECT_EQ(code_of(lane().chunk(piece(0, "def"))), errc::bad_chunk);  // longer than announced
    EXPECT_EQ(code_of(lane().chunk(piece(0, ""))), errc::bad_chunk);
}

TEST_F(ReceiveLaneTest, RefusesAMessageThatIsTooLargeBeforeItGathers) {
    EXPECT_EQ(code_of(lane().chunk(piece(200'000, "abc"))), errc::message_too_large);
    EXPECT_EQ(budget.used(), 0u);
}

TEST_F(ReceiveLaneTest, MemoryGrowsWithWhatArrivesNotWithWhatIsAnnounced) {
    ASSERT_TRUE(lane().chunk(piece(100'000, "abc")));
    EXPECT_EQ(budget.used(), 3u);
}

TEST_F(ReceiveLaneTest, CountsTheRoomThatAMessageTakesAndTakesNoMoreThanItHas) {
    ASSERT_TRUE(lane().chunk(piece(10'000, std::string(4'000, 'x'))));
    ASSERT_TRUE(lane().chunk(piece(0, std::string(1'000, 'x'))));
    EXPECT_EQ(budget.used(), 8'000u) << "a string grows to twice its size";
    ASSERT_TRUE(lane().chunk(piece(0, std::string(4'000, 'x'))));
    EXPECT_EQ(budget.used(), 10'000u);
}

TEST_F(ReceiveLaneTest, LeavesMemoryForWhatIsSmall) {
    SharedBudget most(10'000, true);
    Budget small(most, 1);
    ReceiveLane lane(settings, settings.lanes, small);
    ASSERT_TRUE(lane.chunk(piece(7'500, std::string(7'499, 'x'))));
    EXPECT_FALSE(small.take(2, Use::pieces)) << "a quarter is kept";
    EXPECT_TRUE(small.take(2'000, Use::large));
    EXPECT_FALSE(small.take(400, Use::large)) << "a thirty-second is kept";
    EXPECT_TRUE(small.take(400));
    small.give(2'400);
    ReceiveLane other(settings, settings.lanes, small);
    ASSERT_TRUE(other.chunk(piece(2'000, std::string(1'000, 'x'))));
    const auto last = other.chunk(piece(0, std::string(1'000, 'x')));
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->refused);
}

TEST_F(ReceiveLaneTest, SkipsAMessageForWhichTheProcessHasNoMemory) {
    SharedBudget none(4);
    Budget small(none, 1);
    ReceiveLane poor(settings, settings.lanes, small);

    ASSERT_TRUE(poor.chunk(piece(9, "abc")));
    const auto second = poor.chunk(piece(0, "def"));
    ASSERT_TRUE(second);
    EXPECT_EQ(small.used(), 0u);  // what had gathered is given back at once
    const auto last = poor.chunk(piece(0, "ghi"));
    ASSERT_TRUE(last);
    EXPECT_TRUE(last->complete);
    EXPECT_TRUE(last->refused);
    EXPECT_EQ(last->content, "abc");  // the beginning, for the id

    const auto next = poor.chunk(piece(2, "jk"));
    ASSERT_TRUE(next);
    EXPECT_FALSE(next->refused);
    EXPECT_EQ(next->content, "jk");
}

TEST_F(ReceiveLaneTest, PiecesReturnTheirCreditWhileTheApplicationKeepsUp) {
    for (Seq seq = 1; seq <= 8; ++seq) {
        ASSERT_EQ(take(seq, 8'000), errc::ok);
        ASSERT_TRUE(lane().chunk(piece(seq == 1 ? 80'000 : 0, std::string(8'000, 'x'))));
    }
    EXPECT_EQ(lane().advertise(0).max_seq, 16u);  // so that a message larger than the window gets through
}

TEST_F(ReceiveLaneTest, PiecesKeepTheirCreditWhileTheApplicationIsBehind) {
    ASSERT_EQ(take(1, 100), errc::ok);
    lane().delivered();  // and not consumed
    for (Seq seq = 2; seq <= 4; ++seq) {
        ASSERT_EQ(take(seq, 8'000), errc::ok);
        ASSERT_TRUE(lane().chunk(piece(seq == 2 ? 80'000 : 0, std::string(8'000, 'x'))));
    }
    EXPECT_EQ(lane().state(0).max_seq, 8u);

    lane().consumed(100);
    EXPECT_EQ(lane().state(0).max_seq, 8u + 4);
    EXPECT_EQ(lane().state(0).max_bytes, 64u * 1024 + 100 + 24'000);
}

TEST(ReceiveLane, ReturnsAnUnfinishedMessageToTheBudget) {
    SharedBudget shared(1u << 20);
    Budget budget(shared, 1024);
    const Settings settings;
    {
        ReceiveLane lane(settings, settings.lanes, budget);
        ASSERT_TRUE(lane.chunk({10'000, "abc"}));
        EXPECT_EQ(budget.used(), 3u);
    }
    EXPECT_EQ(budget.used(), 0u);
}

}  // namespace
}  // namespace flare::session::test
