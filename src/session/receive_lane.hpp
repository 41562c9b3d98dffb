// One direction of one lane, receiving side: the next number, credit, reassembly of chunks.
//
// Protocol: docs/protocol.md, "Lanes", "Credit", "Chunks".
// Threads:  its worker only.
// Owner:    LaneSet.
#pragma once

#include "session/budget.hpp"
#include "session/types.hpp"

#include <optional>
#include <string>

namespace flare::session {

class ReceiveLane {
public:
    ReceiveLane(const Settings& settings, Budget& budget);
    ~ReceiveLane();
    ReceiveLane(const ReceiveLane&) = delete;
    ReceiveLane& operator=(const ReceiveLane&) = delete;

    enum class Verdict { take, duplicate };
    // Is this frame the next one? Counts it when it is. Errors: sequence_gap, credit_exceeded.
    Result<Verdict> accept(Seq seq, std::uint64_t cost);

    // A chunk that accept() took. Returns the whole encoded Data when this piece completes it; what gathers is
    // charged to the budget until then. `refused`: the process had no memory for it, the pieces were skipped and
    // `content` has only the beginning, for the id; the sender gets a receipt with `busy`. Errors: bad_chunk,
    // message_too_large.
    struct Assembled {
        Bytes content;
        bool complete = false;
        bool refused = false;
    };
    Result<Assembled> chunk(const wire::ChunkView& chunk);
    // Pieces of a big message have come, and its last has not: nothing else may come between them.
    bool assembling() const noexcept { return assembly_total_ != 0; }
    // Names, numbers, a receipt: by so much an encoded Data may be longer than its message's payload.
    static constexpr std::uint64_t kEnvelopeBytes = 4 * 1024;

    // A message was handed to the application, which answers with consumed() once.
    void delivered() noexcept { ++unconsumed_; }
    // The application has finished with a message whose last frame cost this much; credit grows by it.
    void consumed(std::uint64_t cost) noexcept;
    // A frame that no application waits for (a receipt, a repeat): its credit returns at once.
    void consumed_at_once(std::uint64_t cost) noexcept;

    Seq received() const noexcept { return received_; }
    // Bytes of a big message that is not complete.
    std::size_t held_bytes() const noexcept { return charged_; }
    void check_invariants() const;
    // Frees them. Nothing may arrive afterwards.
    void discard() noexcept { drop_assembly(); }
    // What is to be told the peer. advertise() remembers it as promised.
    wire::LaneState state(LaneIndex lane) const noexcept;
    wire::LaneState advertise(LaneIndex lane) noexcept;

    bool ack_pending() const noexcept { return ack_pending_; }
    void want_ack() noexcept { ack_pending_ = true; }
    // Enough has gathered (frames, bytes, or half of the credit) that the ack should not wait.
    bool ack_urgent() const noexcept;

private:
    void renew(std::uint64_t frames, std::uint64_t bytes) noexcept;
    // Of the credit that the peer knows of.
    bool half_is_used() const noexcept;
    void drop_assembly() noexcept;
    bool make_room(std::size_t bytes);

    const Settings& settings_;
    Budget& budget_;
    // Settings::lane_frames() and lane_bytes(), divided once.
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
    std::string assembly_;              // grows with what arrives, as make_room() says
    std::uint64_t assembly_total_ = 0;  // 0: none under way
    std::uint64_t assembly_seen_ = 0;
    std::size_t charged_ = 0;  // the room of the assembly, to the budget
    bool skipping_ = false;    // refused: pieces are counted and dropped
};

}  // namespace flare::session
