// The part of a session that both sides run alike: lanes in both directions, acks, credit, replay.
// It knows no carriers; whoever owns it says when another one sends (rewind).
//
// Protocol: docs/protocol.md, "Lanes" to "Chunks".
// Threads:  its worker only.
// Owner:    ServerSession, ClientSession.
#pragma once

#include "session/receive_lane.hpp"
#include "session/send_lane.hpp"

#include <boost/container/small_vector.hpp>

#include <memory>

namespace flare::wire::im {
struct Feed;
}

namespace flare::session {

class LaneSetListener {
public:
    // A message, complete and in order. `whole` holds the memory of the views when the message came in chunks;
    // otherwise the views end with the call. `cost` is to be given to consumed() once the application is done.
    virtual void on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) = 0;
    // A big message, request or response was skipped: `code` busy, this process had no memory for it.
    virtual void on_refused(LaneIndex lane, wire::FrameKind kind, const Uuid& id, errc code) = 0;
    // The same as on_data(), of what the constructor was told to take.
    virtual void on_request(LaneIndex, const wire::RequestView&, const Bytes& /*whole*/, std::uint64_t /*cost*/) {}
    virtual void on_response(LaneIndex, const wire::ResponseView&, const Bytes& /*whole*/, std::uint64_t /*cost*/) {}
    virtual void on_feed(LaneIndex, std::uint32_t /*feed_id*/, const wire::im::Feed&, const Bytes& /*whole*/,
                         std::uint64_t /*cost*/) {}
    // A feed's frame was skipped: `code` busy, this process had no memory for it.
    virtual void on_feed_refused(LaneIndex, std::uint32_t /*feed_id*/, errc /*code*/) {}
    virtual void on_receipt(LaneIndex, const wire::ReceiptView&) {}  // a server gets none: refused before
    // What was sent with this token has been given its first number: from here its outcome may be unknown.
    virtual void on_numbered_first(std::uint64_t /*token*/) {}
    // The peer has the whole of what was sent with this token. `feed_id`: of a frame of a feed, else 0.
    virtual void on_acked(std::uint64_t /*token*/, std::uint32_t /*feed_id*/) {}

protected:
    ~LaneSetListener() = default;
};

class LaneSet {
public:
    // `takes`: what the peer may send beside data and receipts: request, or response, with which feeds come; none:
    // neither was agreed.
    LaneSet(const Settings& settings, std::uint32_t lanes, Budget& budget, LaneSetListener& listener,
            wire::FrameKind takes = wire::FrameKind::none);

    std::uint32_t lanes() const noexcept { return lane_count_; }
    // What the peer has said that it takes, beside what the settings say. Before anything is sent.
    void keep_to(const wire::Limits& limits) noexcept;

    // Errors: unknown_lane, outbox_full (queue bound; what waits stays), busy (process budget).
    Result<void> send(LaneIndex lane, wire::Body body, Priority priority = Priority::normal, std::uint64_t token = 0);

    // The same past every bound: for receipts, whose number the peer's own messages bound.
    Result<void> send_anyway(LaneIndex lane, wire::Body body, Priority priority = Priority::normal,
                             std::uint64_t token = 0);
    // The same past the bounds of the queue: for feeds, whose sender watches waiting(). Errors: unknown_lane, busy.
    Result<void> send_feed(LaneIndex lane, wire::Body body, std::uint64_t token = 0);
    // Frames of this lane that have no number yet.
    std::size_t waiting(LaneIndex lane) const noexcept {
        return lane < lane_count_ && send_[lane] ? send_[lane]->unnumbered() : 0;
    }

    // A numbered frame arrived. Errors are protocol errors of the carrier it came on: close that one.
    // Duplicates are dropped silently. Credit exhausted by the peer: credit_exceeded. A kind that was not agreed, or,
    // with `only_data`, that is no data: unexpected_frame, and its number does not count.
    Result<void> on_numbered(const wire::FrameView& frame, TimePoint now, bool only_data = false);
    Result<void> on_acks(const wire::LaneStates& acks, TimePoint now);
    void consumed(LaneIndex lane, std::uint64_t cost, TimePoint now);

    // Fills `batch` up to `max_bytes` with acks and numbered frames. True: more could follow now.
    bool write(wire::Batch& batch, std::size_t max_bytes, TimePoint now);
    // write() would add something now (a due ack, or a frame).
    bool has_output(TimePoint now) const noexcept;
    // Something (frames or an ack not yet due) waits to be told the peer.
    bool ack_pending() const noexcept { return ack_at_ != kNever; }

    // Sending moves to another carrier: everything unacknowledged goes out again.
    void rewind(TimePoint now) noexcept;

    // For Hello, Welcome and Goodbye. A carrier that loses its race takes them with it: what is news in them goes out
    // again as an ack.
    wire::LaneStates receive_states(TimePoint now) noexcept;
    wire::LaneStates final_states() const noexcept;
    // Everything numbered has been acknowledged and nothing waits.
    bool drained() const noexcept;
    bool received_all(const wire::LaneStates& final) const noexcept;
    // Drops what has no number yet.
    void clear_queue(const std::function<void(std::uint64_t)>& dropped);
    // Drops feeds that have no number yet: the session is about to end, and the next one goes on where its client is.
    void drop_feeds() noexcept;
    // Acks go out with the next write, whatever their delay.
    void hurry_acks(TimePoint now) noexcept;

    // The earliest of: a delayed ack is due.
    TimePoint next_deadline() const noexcept { return ack_at_; }

    // Since when frames wait and the peer takes nothing: it gives no credit, or acknowledges nothing; kNever: it does,
    // or none wait but feeds.
    TimePoint starved_since() const noexcept { return starved_since_; }
    // After frames were queued without a write: do they wait?
    void update_starvation(TimePoint now) noexcept;
    // Last time an ack moved forward, or the first unacknowledged frame was written; kNever: nothing is unacknowledged.
    TimePoint unacked_since() const noexcept { return unacked_since_; }

    const SendTotals& totals() const noexcept { return totals_; }
    // About what it takes of the budget.
    std::size_t held_bytes() const noexcept;
    // Returns what it is charged to the budget. `each`: the tokens of what is held.
    std::size_t check_invariants(const std::function<void(std::uint64_t)>& each = [](std::uint64_t) {}) const;
    // The session is over: what is held is freed, numbers stay. Nothing may be sent or received afterwards.
    void discard() noexcept;
    // Null: never used, or there is no such lane.
    SendLane* send_lane(LaneIndex lane) noexcept { return lane < lane_count_ ? send_[lane].get() : nullptr; }
    Seq received(LaneIndex lane) const noexcept {
        return lane < lane_count_ && receive_[lane] ? receive_[lane]->received() : 0;
    }

private:
    Result<void> take_chunk(LaneIndex lane, ReceiveLane& receive, const wire::ChunkView& chunk, std::uint32_t feed_id);
    SendLane& sending(LaneIndex lane);
    ReceiveLane& receiving(LaneIndex lane);
    void schedule_ack(const ReceiveLane& lane, TimePoint now) noexcept;

    const Settings& settings_;
    Budget& budget_;
    LaneSetListener& listener_;
    std::uint32_t lane_count_;
    wire::FrameKind takes_;
    LaneIndex turn_ = 0;  // round robin over the lanes
    SendTotals totals_;
    static constexpr std::size_t kUsualLanes = 4;  // more take memory of their own
    // One for each lane; null: never used.
    boost::container::small_vector<std::unique_ptr<SendLane>, kUsualLanes> send_;
    boost::container::small_vector<std::unique_ptr<ReceiveLane>, kUsualLanes> receive_;
    Duration ack_delay_;
    TimePoint ack_at_ = kNever;
    TimePoint starved_since_ = kNever;
    TimePoint unacked_since_ = kNever;
};

}  // namespace flare::session
