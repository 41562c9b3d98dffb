// One direction of one lane, receiving side: the next number, credit, reassembly of chunks.
//
// Protocol: docs/protocol.md, "Lanes", "Credit", "Chunks".
// Threads:  its worker only.
// Owner:    LaneSet.
#pragma once

#include "base/pool.hpp"
#include "session/budget.hpp"
#include "session/planted.hpp"
#include "session/types.hpp"

#include <memory>
#include <optional>
#include <string>

namespace flare::session {

class ReceiveLane {
public:
    // `lanes`: of the session.
    ReceiveLane(const Settings& settings, std::uint32_t lanes, Budget& budget);
    ~ReceiveLane();
    ReceiveLane(const ReceiveLane&) = delete;
    ReceiveLane& operator=(const ReceiveLane&) = delete;

    enum class Verdict { take, duplicate };
    // Is this frame the next one? Counts it when it is. Errors: sequence_gap, credit_exceeded.
    // Here, because every message goes through it and it has several callers.
    Result<Verdict> accept(Seq seq, std::uint64_t cost) {
        if (seq <= received_) {
            ack_pending_ = true;  // the peer does not know that we have it
            if (planted(Fault::duplicate_delivered) && seq == received_) return Verdict::take;
            return Verdict::duplicate;
        }
        if (seq != received_ + 1) return errc::sequence_gap;
        if (seq > told_max_seq_ || arrived_bytes_ + cost > told_max_bytes_) return errc::credit_exceeded;
        received_ = seq;
        arrived_bytes_ += cost;
        ack_pending_ = true;
        return Verdict::take;
    }

    // What this chunk begins, or goes on with, may come: only what has been agreed.
    static wire::FrameKind kind_of(const wire::ChunkView& first) noexcept {
        const auto data = static_cast<std::uint32_t>(wire::FrameKind::data);
        const std::uint32_t kind = first.kind == 0 ? data : first.kind;
        return kind > static_cast<std::uint32_t>(wire::FrameKind::feed) ? wire::FrameKind::none
                                                                        : static_cast<wire::FrameKind>(kind);
    }
    wire::FrameKind kind_with(const wire::ChunkView& chunk) const noexcept {
        if (chunk.total != 0) return kind_of(chunk);
        return assembly_ == nullptr ? wire::FrameKind::data : assembly_->kind;
    }
    // A chunk that accept() took. Returns the whole encoded body when this piece completes it; what gathers is
    // charged to the budget until then. `refused`: the process had no memory for it, the pieces were skipped and
    // `content` has only the beginning, for the id; the sender hears `busy`. `feed_id`: of the frame; that of the first
    // piece counts. Errors: bad_chunk, message_too_large.
    struct Assembled {
        Bytes content;
        wire::FrameKind kind = wire::FrameKind::data;
        std::uint32_t feed_id = 0;
        bool complete = false;
        bool refused = false;
    };
    Result<Assembled> chunk(const wire::ChunkView& chunk, std::uint32_t feed_id = 0);
    // Pieces of a big message have come, and its last has not: nothing else may come between them.
    bool assembling() const noexcept { return assembly_ != nullptr; }
    // Names, numbers, a receipt: by so much an encoded body may be longer than what it carries.
    static constexpr std::uint64_t kEnvelopeBytes = 4 * 1024;

    // A message was handed to the application, which answers with consumed() once.
    void delivered() noexcept { ++unconsumed_; }
    // The application has finished with a message whose last frame cost this much; credit grows by it.
    void consumed(std::uint64_t cost) noexcept;
    // A frame that no application waits for (a receipt, a repeat): its credit returns at once.
    void consumed_at_once(std::uint64_t cost) noexcept;

    Seq received() const noexcept { return received_; }
    // Bytes of a big message that is not complete.
    std::size_t held_bytes() const noexcept { return assembly_ == nullptr ? 0 : assembly_->charged; }
    void check_invariants() const;
    // Frees them. Nothing may arrive afterwards.
    void discard() noexcept { drop_assembly(); }
    // What is to be told the peer. advertise() remembers it as promised; so does promise(), but what the peer may never
    // read is told again: whether there is news, ack_pending() says.
    wire::LaneState state(LaneIndex lane) const noexcept;
    wire::LaneState advertise(LaneIndex lane) noexcept;
    wire::LaneState promise(LaneIndex lane) noexcept;

    bool ack_pending() const noexcept { return ack_pending_; }
    void want_ack() noexcept { ack_pending_ = true; }
    // Enough has gathered (frames, bytes, or half of the credit) that the ack should not wait.
    bool ack_urgent() const noexcept;

private:
    void renew(std::uint64_t frames, std::uint64_t bytes) noexcept;
    // Of the credit that the peer knows of.
    bool half_is_used() const noexcept {
        return consumed_frames_ + lane_frames_ - told_max_seq_ >= std::max<Seq>(1, lane_frames_ / 2) ||
               consumed_bytes_ + lane_bytes_ - told_max_bytes_ >= lane_bytes_ / 2;
    }
    void drop_assembly() noexcept;
    bool make_room(std::size_t bytes);

    const Settings& settings_;
    Budget& budget_;
    // Its share, divided once.
    const std::uint32_t lane_frames_;
    const std::uint64_t lane_bytes_;
    Seq received_ = 0;
    Seq told_received_ = 0;  // last state advertised
    Seq told_max_seq_;
    std::uint64_t told_max_bytes_;
    std::uint64_t arrived_bytes_ = 0;
    std::uint64_t consumed_frames_ = 0;
    std::uint64_t consumed_bytes_ = 0;
    std::uint64_t held_bytes_ = 0;  // chunk bytes whose credit waits until the application has caught up
    std::uint32_t held_frames_ = 0;
    std::uint32_t unconsumed_ = 0;
    bool ack_pending_ = false;
    struct Assembly : base::Pooled {
        std::string bytes{};  // grows with what arrives, as make_room() says
        std::uint64_t total = 0;
        std::uint64_t seen = 0;
        std::size_t charged = 0;  // its room, to the budget
        bool skipping = false;    // refused: pieces are counted and dropped
        wire::FrameKind kind = wire::FrameKind::data;
        std::uint32_t feed_id = 0;
    };
    std::unique_ptr<Assembly> assembly_;  // null: no message is under way in pieces
};

}  // namespace flare::session
