#include "session/receive_lane.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"

#include <algorithm>

namespace flare::session {
namespace {

// Of a message that is skipped for want of memory: enough of its beginning to find the id.
constexpr std::size_t kKeptOfRefused = 1024;
// An ack does not wait when this many frames have gathered.
constexpr Seq kUrgentFrames = 64;

// What a body may carry.
std::uint64_t largest(wire::FrameKind kind, const Settings& settings) noexcept {
    switch (kind) {
        case wire::FrameKind::request: return wire::kMaxRequestBytes;
        case wire::FrameKind::response: return wire::kMaxResponseBytes;
        case wire::FrameKind::feed: return wire::kMaxFeedBytes;
        default: return settings.max_message_bytes;
    }
}

}  // namespace

ReceiveLane::ReceiveLane(const Settings& settings, std::uint32_t lanes, Budget& budget)
    : settings_(settings),
      budget_(budget),
      lane_frames_(settings.lane_frames(lanes)),
      lane_bytes_(settings.lane_bytes(lanes)),
      told_max_seq_(lane_frames_),
      told_max_bytes_(lane_bytes_) {}

ReceiveLane::~ReceiveLane() { drop_assembly(); }

void ReceiveLane::drop_assembly() noexcept {
    if (assembly_ != nullptr) budget_.give(assembly_->charged);
    assembly_.reset();
}

// For a piece of the message: twice what there was, as a string would, but no more than the message has. All of it is
// counted. False: there is no memory.
bool ReceiveLane::make_room(std::size_t bytes) {
    const std::size_t needed = assembly_->bytes.size() + bytes;
    if (needed <= assembly_->charged) return true;
    const auto room = static_cast<std::size_t>(
        std::min<std::uint64_t>(assembly_->total, std::max<std::uint64_t>(needed, 2 * assembly_->charged)));
    if (!budget_.take(room - assembly_->charged, Use::pieces)) return false;
    std::string larger;
    larger.reserve(room);
    larger.append(assembly_->bytes);
    assembly_->bytes = std::move(larger);
    assembly_->charged = room;
    return true;
}

Result<ReceiveLane::Assembled> ReceiveLane::chunk(const wire::ChunkView& chunk, std::uint32_t feed_id) {
    const bool first = chunk.total != 0;
    if (first == assembling() || chunk.part.empty()) return errc::bad_chunk;
    if (first) {
        const wire::FrameKind kind = kind_of(chunk);
        if (chunk.total > largest(kind, settings_) + kEnvelopeBytes) return errc::message_too_large;
        assembly_ = std::make_unique<Assembly>();
        assembly_->total = chunk.total;
        assembly_->kind = kind;
        assembly_->feed_id = feed_id;
    }
    if (chunk.part.size() > assembly_->total - assembly_->seen) return errc::bad_chunk;
    assembly_->seen += chunk.part.size();
    if (!assembly_->skipping && !make_room(chunk.part.size())) {
        assembly_->skipping = true;
        if (assembly_->bytes.size() > kKeptOfRefused) assembly_->bytes.resize(kKeptOfRefused);
        assembly_->bytes.shrink_to_fit();
        budget_.give(assembly_->charged);
        assembly_->charged = 0;
        if (first) assembly_->bytes = chunk.part.substr(0, kKeptOfRefused);
    } else if (!assembly_->skipping) {
        const bool lost = planted(Fault::chunk_dropped) && !first && assembly_->seen != assembly_->total;
        if (!lost) assembly_->bytes.append(chunk.part);
    }
    Assembled result;
    if (assembly_->seen == assembly_->total) {
        result.complete = true;
        result.refused = assembly_->skipping;
        result.kind = assembly_->kind;
        result.feed_id = assembly_->feed_id;
        result.content = Bytes(std::string_view(assembly_->bytes));
        drop_assembly();
        return result;  // the last piece's credit returns with consumed()
    }
    // While the application has caught up, pieces need no credit of their own: they are in the assembly.
    // While it has not, they wait, so that no more than one message gathers beyond the window. Those of a response do
    // not: it is taken when it is whole, whatever the application is at.
    if (unconsumed_ == 0 || assembly_->kind == wire::FrameKind::response) {
        renew(1, chunk.part.size());
    } else {
        ++held_frames_;
        held_bytes_ += chunk.part.size();
    }
    return result;
}

void ReceiveLane::renew(std::uint64_t frames, std::uint64_t bytes) noexcept {
    if (planted(Fault::credit_never_renewed)) return;
    consumed_frames_ += frames;
    consumed_bytes_ += bytes;
    // A sender that has used half of its credit is told; before that the news rides on what goes out anyway.
    if (half_is_used()) ack_pending_ = true;
}

void ReceiveLane::consumed(std::uint64_t cost) noexcept {
    if (unconsumed_ != 0) --unconsumed_;
    if (unconsumed_ == 0 && held_frames_ != 0) {
        renew(held_frames_, held_bytes_);
        held_frames_ = 0;
        held_bytes_ = 0;
    }
    renew(1, cost);
}

void ReceiveLane::consumed_at_once(std::uint64_t cost) noexcept { renew(1, cost); }

wire::LaneState ReceiveLane::state(LaneIndex lane) const noexcept {
    Seq received = received_;
    if (planted(Fault::ack_off_by_one) && received != 0) ++received;
    return {lane, received, consumed_frames_ + lane_frames_, consumed_bytes_ + lane_bytes_};
}

wire::LaneState ReceiveLane::advertise(LaneIndex lane) noexcept {
    const wire::LaneState told = state(lane);
    told_received_ = received_;
    told_max_seq_ = told.max_seq;
    told_max_bytes_ = told.max_bytes;
    ack_pending_ = false;
    return told;
}

wire::LaneState ReceiveLane::promise(LaneIndex lane) noexcept {
    const wire::LaneState next = state(lane);
    const bool news = ack_pending_ || received_ != told_received_ || next.max_seq != told_max_seq_ ||
                      next.max_bytes != told_max_bytes_;
    advertise(lane);
    ack_pending_ = news;
    return next;
}

bool ReceiveLane::ack_urgent() const noexcept {
    if (!ack_pending_) return false;
    return received_ - told_received_ >= std::clamp<Seq>(lane_frames_ / 4, 1, kUrgentFrames) || half_is_used();
}

void ReceiveLane::check_invariants() const {
    FLARE_INVARIANT(told_received_ <= received_, "more was acknowledged than has arrived");
    FLARE_INVARIANT(told_max_seq_ <= consumed_frames_ + lane_frames_, "more frames were promised than may come");
    FLARE_INVARIANT(told_max_bytes_ <= consumed_bytes_ + lane_bytes_, "more bytes were promised than may come");
    FLARE_INVARIANT(consumed_frames_ + held_frames_ + unconsumed_ <= received_, "credit for what has not arrived");
    FLARE_INVARIANT(consumed_bytes_ + held_bytes_ <= arrived_bytes_, "credit for bytes that have not arrived");
    FLARE_INVARIANT(held_frames_ == 0 || unconsumed_ != 0, "credit waits for an application that has caught up");
    if (assembly_ == nullptr) return;
    FLARE_INVARIANT(assembly_->seen < assembly_->total, "a message is whole and still gathers");
    FLARE_INVARIANT(assembly_->skipping || assembly_->bytes.size() <= assembly_->charged,
                    "more is held than is charged");
    FLARE_INVARIANT(assembly_->charged <= assembly_->total, "more is charged than the message has");
}

}  // namespace flare::session
