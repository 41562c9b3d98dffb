// One direction of one lane, sending side: what waits, what is numbered and unacknowledged, what the peer allows.
//
// Protocol: docs/protocol.md, "Lanes", "Acknowledgement", "Credit", "Chunks".
// Threads:  its worker only.
// Owner:    LaneSet.
#pragma once

#include "base/pool.hpp"
#include "session/budget.hpp"
#include "session/types.hpp"
#include "wire/batch.hpp"

#include <algorithm>
#include <functional>
#include <list>
#include <memory>

namespace flare::session {

// What all lanes of one direction share: the bounds on frames, and how much there is.
struct SendTotals {
    // The peer's; those of the settings hold as well.
    std::uint32_t most_frames = UINT32_MAX;             // numbered, unacknowledged
    std::uint64_t most_bytes = UINT64_MAX;              // of them
    std::size_t most_in_frame = wire::kChunkThreshold;  // of an encoded data, or a part of one
    std::uint32_t unacked_frames = 0;
    std::uint64_t unacked_bytes = 0;
    std::uint32_t queued_frames = 0;
    std::uint64_t queued_bytes = 0;
    // Feeds among them. Their server waits for room before it gives more: they count neither against the bounds of the
    // queue nor as a sign that the peer is slow.
    std::uint32_t queued_feeds = 0;
    std::uint64_t queued_feed_bytes = 0;

    std::uint32_t other_frames() const noexcept { return queued_frames - queued_feeds; }
    std::uint64_t other_bytes() const noexcept { return queued_bytes - queued_feed_bytes; }
    void queue(wire::FrameKind kind, std::size_t bytes) noexcept {
        ++queued_frames;
        queued_bytes += bytes;
        if (kind != wire::FrameKind::feed) return;
        ++queued_feeds;
        queued_feed_bytes += bytes;
    }
    // So much less of one that stays queued.
    void shorten(wire::FrameKind kind, std::size_t bytes) noexcept {
        queued_bytes -= bytes;
        if (kind == wire::FrameKind::feed) queued_feed_bytes -= bytes;
    }
    void unqueue(wire::FrameKind kind, std::size_t bytes) noexcept {
        shorten(kind, bytes);
        --queued_frames;
        if (kind == wire::FrameKind::feed) --queued_feeds;
    }
};

class SendLane {
public:
    // `lanes`: of the session.
    SendLane(const Settings& settings, std::uint32_t lanes, Budget& budget, SendTotals& totals);
    ~SendLane();
    SendLane(const SendLane&) = delete;
    SendLane& operator=(const SendLane&) = delete;

    // What a queued body is charged to the budget; push() takes over a charge that the caller has taken.
    static std::size_t charge_of(const wire::Body& body) noexcept { return body.bytes.size() + kFrameCharge; }
    static constexpr std::size_t kFrameCharge = 64;
    // Puts an encoded data, receipt, request, response or feed in the queue; higher priority overtakes what has no
    // number yet. `token` (0: none) comes back from ack() when the peer has it whole: of a feed with its number.
    void push(wire::Body&& body, Priority priority, std::uint64_t token);

    // Something can be written: frames after the cursor, or queued ones that the bounds allow a number.
    bool ready() const noexcept { return cursor_ < next_ || (waiting() && allowed()); }
    // Something that is no feed waits, and credit holds up what is first.
    bool blocked_by_credit() const noexcept {
        return cursor_ == next_ && waiting() && !within_credit(next_cost()) && has_others();
    }
    // Frames without a number; one in chunks counts until its last chunk has one.
    std::size_t unnumbered() const noexcept { return queue_.size() + (partial_ != nullptr ? 1 : 0); }

    // Writes the next frame into `batch` with `header`, of which seq is filled in here. Precondition: ready().
    // Returns the token of a message that was given its first number by this call, else 0.
    std::uint64_t write_next(wire::Batch& batch, wire::FrameHeader& header);

    // The peer has everything up to `received`. `acked` is called with each token that became complete, and the number
    // of the feed that it is of, or 0.
    // Errors: bad_ack (a number never written).
    template <typename Acked>
    Result<void> ack(Seq received, const Acked& acked) {
        if (received >= next_) return errc::bad_ack;
        while (acked_ < received) {
            if (const Had had = forget_first(); had.token != 0) acked(had.token, had.feed);
        }
        cursor_ = std::max(cursor_, acked_ + 1);
        return {};
    }
    // Credit only grows: lower values are late news.
    void credit(Seq max_seq, std::uint64_t max_bytes) noexcept;

    // Another carrier sends now: everything unacknowledged is written again.
    void rewind() noexcept;

    Seq acked() const noexcept { return acked_; }
    Seq last_numbered() const noexcept { return next_ - 1; }
    // The session is over. Frees what is held; last_numbered() counts what had no number yet, so that whoever is told
    // of a gap knows its end. Nothing may be sent afterwards.
    void discard() noexcept;
    bool idle() const noexcept { return window_.empty() && !waiting(); }
    // Unnumbered entries dropped, with their tokens (a chunked message that has begun stays).
    void clear_queue(const std::function<void(std::uint64_t)>& dropped);
    // The same of feeds alone.
    void drop_feeds() noexcept;
    // Removes one queued, unnumbered entry. False: not there (numbered already).
    bool withdraw(std::uint64_t token);
    // What has a number is sent as before, and nobody is told what becomes of it.
    void disown(std::uint64_t token) noexcept;

    // Adds what it has to `counted`; returns what it is charged to the budget. `each`: the tokens of what is held.
    std::size_t check_invariants(SendTotals& counted, const std::function<void(std::uint64_t)>& each) const;

private:
    struct Frame {
        wire::Body body;          // chunk: only the part
        std::uint64_t total = 0;  // chunk: first piece only
        std::uint64_t token = 0;  // only on the last frame of a message
        std::size_t charge = 0;   // to be given back to the budget with this frame
        Priority priority = Priority::normal;
        std::uint8_t begins = 0;  // chunk: ChunkView::kind
        std::uint32_t feed = 0;   // with a token: the number of the feed that it is of
    };
    struct Had {
        std::uint64_t token;
        std::uint32_t feed;
    };
    // A frame moves from list to list and is made once.
    using Frames = std::list<Frame, base::PoolAllocator<Frame>>;
    // A big body of which some chunks have numbers; counted as queued until the last has one.
    struct Partial : base::Pooled {
        Bytes content;
        std::size_t offset = 0;
        std::uint64_t token = 0;
        std::size_t charge = 0;
        wire::FrameKind kind = wire::FrameKind::data;
        std::uint32_t feed_id = 0;
    };
    bool waiting() const noexcept { return partial_ != nullptr || !queue_.empty(); }
    // What gets the next number if nothing is in pieces: the first of the queue, or the first behind feeds that are to
    // wait.
    Frames::const_iterator next_in_queue() const noexcept {
        return may_wait(queue_.front()) ? behind_feeds() : queue_.begin();
    }
    Frames::const_iterator behind_feeds() const noexcept;
    // Feeds leave a quarter of the credit to everything else: what a client has asked for is answered although its
    // application has not taken the feeds that came. While half of the credit is left they leave nothing, because the
    // peer does not say before that what it has taken.
    bool may_wait(const Frame& entry) const noexcept {
        if (entry.body.kind != wire::FrameKind::feed) return false;
        const std::uint64_t cost = cost_of(entry);
        if (!within_credit(cost)) return true;
        const Seq frames = max_seq_ - next_ + 1;
        const std::uint64_t bytes = max_bytes_ - numbered_bytes_;
        return (frames < peer_frames_ / 2 && frames - 1 < peer_frames_ / 4) ||
               (bytes < peer_window_ / 2 && bytes - cost < peer_window_ / 4);
    }
    // What is next may have a number: credit and bounds have room for it.
    bool allowed() const noexcept {
        const std::uint64_t cost = next_cost();
        return within_credit(cost) && (partial_ || !may_wait(*next_in_queue())) &&
               totals_.unacked_frames < std::min(settings_.max_unacked_frames, totals_.most_frames) &&
               totals_.unacked_bytes + cost <= std::min(settings_.max_unacked_bytes, totals_.most_bytes);
    }
    bool within_credit(std::uint64_t cost) const noexcept {
        return next_ <= max_seq_ && numbered_bytes_ + cost <= max_bytes_;
    }
    std::uint64_t cost_of(const Frame& entry) const noexcept { return is_big(entry) ? chunk_bytes_ : entry.body.cost; }
    bool is_big(const Frame& entry) const noexcept {
        return entry.body.kind != wire::FrameKind::receipt &&
               entry.body.bytes.size() - entry.body.content_offset > big_above_;
    }
    std::uint64_t next_cost() const noexcept {
        if (partial_) return std::min(chunk_bytes_, partial_->content.size() - partial_->offset);
        return cost_of(*next_in_queue());
    }
    void set_pieces() noexcept;
    std::uint64_t number_next();
    // The peer has it.
    Had forget_first();
    void number_chunk();
    void unqueue(const Frame& entry) noexcept { totals_.unqueue(entry.body.kind, entry.body.bytes.size()); }
    // Not only feeds wait. They are few, so that this ends soon.
    bool has_others() const noexcept;
    Seq waiting_numbers() const noexcept;

    const Settings& settings_;
    Budget& budget_;
    SendTotals& totals_;
    const std::uint64_t lane_bytes_;    // its share
    Frames queue_;                      // sorted: priority, then order of arrival
    Frames window_;                     // numbered, unacknowledged; the first carries number acked_ + 1
    std::unique_ptr<Partial> partial_;  // few lanes ever have one
    Seq acked_ = 0;
    Seq next_ = 1;    // acked_ + window_.size() + 1
    Seq cursor_ = 1;  // next number to write on the active carrier; acked_ < cursor_ <= next_
    Frames::iterator unwritten_ = window_.end();  // carries number cursor_; the end when cursor_ == next_
    Seq max_seq_;                                 // the peer's credit
    std::uint64_t max_bytes_;
    // Credit of an untouched lane. Nothing that is larger could ever be sent in one frame.
    std::uint64_t peer_window_;
    Seq peer_frames_;
    std::size_t big_above_ = 0;    // a larger one goes in chunks
    std::size_t chunk_bytes_ = 0;  // of so many bytes
    std::uint64_t numbered_bytes_ = 0;
    bool credit_heard_ = false;
};

}  // namespace flare::session
