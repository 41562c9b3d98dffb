#include "session/lane_set.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"
#include "wire/feeds.hpp"

#include <algorithm>
#include <bit>

namespace flare::session {
namespace {

// Reads one protobuf varint; false at the end of the bytes.
bool read_varint(std::string_view& bytes, std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
        const auto byte = static_cast<unsigned char>(bytes.front());
        bytes.remove_prefix(1);
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return true;
    }
    return false;
}

// The id in the beginning of an encoded body whose end is missing: of Data's message, of a request, of a response.
std::optional<Uuid> id_in(wire::FrameKind kind, std::string_view bytes) {
    constexpr std::uint64_t kDataMessage = (2 << 3) | 2;
    constexpr std::uint64_t kMessageId = (1 << 3) | 2;
    std::uint64_t tag = 0;
    std::uint64_t length = 0;
    bool inside = kind != wire::FrameKind::data;
    while (read_varint(bytes, tag)) {
        if ((tag & 7) == 0) {
            if (!read_varint(bytes, length)) return std::nullopt;
            continue;
        }
        if ((tag & 7) != 2 || !read_varint(bytes, length)) return std::nullopt;
        if (!inside && tag == kDataMessage) {
            inside = true;
            continue;
        }
        if (length > bytes.size()) return std::nullopt;
        if (inside && tag == kMessageId) return Uuid::from_bytes(bytes.substr(0, static_cast<std::size_t>(length)));
        bytes.remove_prefix(static_cast<std::size_t>(length));
    }
    return std::nullopt;
}

// A Request, a Response or a Feed, in one frame, which costs as much as `cost_of` says. `hand_up` is called for the
// first of its number.
template <typename View, typename CostOf, typename HandUp>
Result<void> take_view(ReceiveLane& lane, Seq seq, const Result<View>& decoded, const CostOf& cost_of,
                       const HandUp& hand_up) {
    if (!decoded) return decoded.error();
    const std::uint64_t cost = cost_of(*decoded);
    const auto verdict = lane.accept(seq, cost);
    if (!verdict) return verdict.error();
    if (*verdict == ReceiveLane::Verdict::duplicate) return {};
    if (lane.assembling()) return errc::bad_chunk;
    lane.delivered();
    hand_up(*decoded, cost);
    return {};
}

// Not where messages go: it would only make their way longer.
[[gnu::noinline]] Result<void> take_asked(LaneSetListener& listener, ReceiveLane& lane, const wire::FrameView& frame) {
    const LaneIndex index = frame.lane;
    const auto body = [](const auto& view) { return view.body.size(); };
    if (frame.kind == wire::FrameKind::request) {
        return take_view(lane, frame.seq, wire::decode_request(frame.body), body,
                         [&](const auto& view, auto cost) { listener.on_request(index, view, {}, cost); });
    }
    if (frame.kind == wire::FrameKind::response) {
        return take_view(lane, frame.seq, wire::decode_response(frame.body), body,
                         [&](const auto& view, auto cost) { listener.on_response(index, view, {}, cost); });
    }
    return take_view(
        lane, frame.seq, wire::im::decode<wire::im::Feed>(frame.body), [&](const auto&) { return frame.body.size(); },
        [&](const auto& feed, auto cost) { listener.on_feed(index, frame.feed_id, feed, {}, cost); });
}

// The same, gathered from its pieces, or Data.
Result<void> take_whole(LaneSetListener& listener, const Settings& settings, LaneIndex index, ReceiveLane& lane,
                        const ReceiveLane::Assembled& whole, std::uint64_t cost) {
    if (whole.kind == wire::FrameKind::request) {
        const auto request = wire::decode_request(whole.content.view());
        if (!request) return request.error();
        lane.delivered();
        listener.on_request(index, *request, whole.content, cost);
        return {};
    }
    if (whole.kind == wire::FrameKind::response) {
        const auto response = wire::decode_response(whole.content.view());
        if (!response) return response.error();
        lane.delivered();
        listener.on_response(index, *response, whole.content, cost);
        return {};
    }
    if (whole.kind == wire::FrameKind::feed) {
        const auto feed = wire::im::decode<wire::im::Feed>(whole.content.view());
        if (!feed) return feed.error();
        lane.delivered();
        listener.on_feed(index, whole.feed_id, *feed, whole.content, cost);
        return {};
    }
    const auto data = wire::decode_data(whole.content.view());
    if (!data) return data.error();
    if (!data->message) return errc::malformed_frame;
    if (data->message->payload.size() > settings.max_message_bytes) return errc::message_too_large;
    if (data->receipt) listener.on_receipt(index, *data->receipt);
    lane.delivered();
    listener.on_data(index, *data, whole.content, cost);
    return {};
}

// Beside data and receipts, what was agreed. Who answers gives feeds, too.
bool may_come(wire::FrameKind kind, wire::FrameKind agreed, bool only_data) noexcept {
    if (kind == wire::FrameKind::data) return true;
    if (kind == wire::FrameKind::feed) kind = wire::FrameKind::response;
    return kind == agreed && kind != wire::FrameKind::none && !only_data;
}

// Of these lanes, one or more.
template <typename Lanes>
bool waits_for_credit(const Lanes& lanes) noexcept {
    return std::any_of(lanes.begin(), lanes.end(), [](const auto& lane) { return lane && lane->blocked_by_credit(); });
}

// Bit i: lane i has a frame that may be written.
template <typename Lanes>
std::uint32_t ready_lanes(const Lanes& lanes) noexcept {
    static_assert(wire::kMaxLanes <= 32);
    std::uint32_t ready = 0;
    std::uint32_t bit = 1;
    for (const auto& lane : lanes) {
        if (lane && lane->ready()) ready |= bit;
        bit <<= 1;
    }
    return ready;
}

}  // namespace

LaneSet::LaneSet(const Settings& settings, std::uint32_t lanes, Budget& budget, LaneSetListener& listener,
                 wire::FrameKind takes)
    : settings_(settings),
      budget_(budget),
      listener_(listener),
      lane_count_(lanes),
      takes_(takes),
      send_(lanes),
      receive_(lanes),
      ack_delay_(settings.min_ack_delay) {}

void LaneSet::keep_to(const wire::Limits& limits) noexcept {
    // For the header of a frame, with what a whole list of acks takes.
    constexpr std::size_t kHeaderBytes = 1024;
    constexpr std::size_t kLeastPiece = 512;  // less would be a peer that cannot take a Hello either
    totals_.most_frames = limits.max_unacked_frames;
    totals_.most_bytes = limits.max_unacked_bytes;
    totals_.most_in_frame =
        limits.max_frame_bytes < kHeaderBytes + kLeastPiece ? kLeastPiece : limits.max_frame_bytes - kHeaderBytes;
}

SendLane& LaneSet::sending(LaneIndex lane) {
    auto& slot = send_[lane];
    if (!slot) slot = std::make_unique<SendLane>(settings_, lane_count_, budget_, totals_);
    return *slot;
}

ReceiveLane& LaneSet::receiving(LaneIndex lane) {
    auto& slot = receive_[lane];
    if (!slot) slot = std::make_unique<ReceiveLane>(settings_, lane_count_, budget_);
    return *slot;
}

Result<void> LaneSet::send(LaneIndex lane, wire::Body body, Priority priority, std::uint64_t token) {
    if (lane >= lane_count_) return errc::unknown_lane;
    if (totals_.other_frames() >= settings_.max_queued_frames ||
        totals_.other_bytes() + body.bytes.size() > settings_.max_queued_bytes) {
        return errc::outbox_full;
    }
    if (!budget_.take_by_size(SendLane::charge_of(body))) return errc::busy;
    sending(lane).push(std::move(body), priority, token);
    return {};
}

Result<void> LaneSet::send_anyway(LaneIndex lane, wire::Body body, Priority priority, std::uint64_t token) {
    if (lane >= lane_count_) return errc::unknown_lane;
    budget_.take_anyway(SendLane::charge_of(body));
    sending(lane).push(std::move(body), priority, token);
    return {};
}

Result<void> LaneSet::send_feed(LaneIndex lane, wire::Body body, std::uint64_t token) {
    if (lane >= lane_count_) return errc::unknown_lane;
    if (!budget_.take_by_size(SendLane::charge_of(body))) return errc::busy;
    sending(lane).push(std::move(body), Priority::normal, token);
    return {};
}

Result<void> LaneSet::on_numbered(const wire::FrameView& frame, TimePoint now, bool only_data) {
    if (frame.lane >= lane_count_) return errc::unknown_lane;
    ReceiveLane& lane = receiving(frame.lane);
    Result<void> result;
    if (frame.kind == wire::FrameKind::chunk) {
        const auto chunk = wire::decode_chunk(frame.body);
        if (!chunk) return chunk.error();
        if (!may_come(lane.kind_with(*chunk), takes_, only_data)) return errc::unexpected_frame;
        const auto verdict = lane.accept(frame.seq, chunk->part.size());
        if (!verdict) return verdict.error();
        if (*verdict == ReceiveLane::Verdict::take) result = take_chunk(frame.lane, lane, *chunk, frame.feed_id);
    } else if (frame.kind == wire::FrameKind::receipt) {
        const auto receipt = wire::decode_receipt(frame.body);
        if (!receipt) return receipt.error();
        const auto verdict = lane.accept(frame.seq, 0);
        if (!verdict) return verdict.error();
        if (*verdict == ReceiveLane::Verdict::take) {
            if (lane.assembling()) return errc::bad_chunk;
            lane.consumed_at_once(0);
            listener_.on_receipt(frame.lane, *receipt);
        }
    } else if (frame.kind != wire::FrameKind::data) {
        if (!may_come(frame.kind, takes_, only_data)) return errc::unexpected_frame;
        result = take_asked(listener_, lane, frame);
        if (!result) return result;
    } else {
        wire::DataView data;
        if (const errc code = wire::read_data(frame.body, data); code != errc::ok) return code;
        const std::uint64_t cost = data.message ? data.message->payload.size() : 0;
        const auto verdict = lane.accept(frame.seq, cost);
        if (!verdict) return verdict.error();
        if (*verdict == ReceiveLane::Verdict::take) {
            if (lane.assembling()) return errc::bad_chunk;
            if (cost > settings_.max_message_bytes) return errc::message_too_large;
            if (data.receipt) listener_.on_receipt(frame.lane, *data.receipt);
            if (data.message) {
                lane.delivered();
                listener_.on_data(frame.lane, data, Bytes(), cost);
            } else {
                lane.consumed_at_once(0);
            }
        }
    }
    schedule_ack(lane, now);
    return result;
}

Result<void> LaneSet::take_chunk(LaneIndex index, ReceiveLane& lane, const wire::ChunkView& chunk,
                                 std::uint32_t feed_id) {
    const auto assembled = lane.chunk(chunk, feed_id);
    if (!assembled) return assembled.error();
    if (!assembled->complete) return {};
    const std::uint64_t cost = chunk.part.size();
    if (assembled->refused) {
        lane.consumed_at_once(cost);
        if (assembled->kind == wire::FrameKind::feed) {
            listener_.on_feed_refused(index, assembled->feed_id, errc::busy);
        } else if (const auto id = id_in(assembled->kind, assembled->content.view())) {
            listener_.on_refused(index, assembled->kind, *id, errc::busy);
        }
        return {};
    }
    return take_whole(listener_, settings_, index, lane, *assembled, cost);
}

void LaneSet::schedule_ack(const ReceiveLane& lane, TimePoint now) noexcept {
    if (ack_at_ <= now || !lane.ack_pending()) return;
    ack_at_ = lane.ack_urgent() ? std::min(ack_at_, now) : std::min(ack_at_, now + ack_delay_);
}

Result<void> LaneSet::on_acks(const wire::LaneStates& acks, TimePoint now) {
    bool progress = false;
    const bool starved = starved_since_ != kNever;
    const bool without_credit = starved && waits_for_credit(send_);
    for (const wire::LaneState& state : acks) {
        if (state.lane >= lane_count_) return errc::unknown_lane;
        if (!send_[state.lane] && state.received == 0 && state.max_seq == kInitialFrames &&
            state.max_bytes == kInitialBytes) {
            continue;  // what an untouched lane assumes anyway
        }
        SendLane& lane = sending(state.lane);
        const Seq before = lane.acked();
        const auto result = lane.ack(
            state.received, [this](std::uint64_t token, std::uint32_t feed) { listener_.on_acked(token, feed); });
        if (!result) return result;
        // A state without credit fields is an ack alone.
        if (state.max_seq != 0 || state.max_bytes != 0) lane.credit(state.max_seq, state.max_bytes);
        progress = progress || lane.acked() != before;
    }
    if (progress) unacked_since_ = totals_.unacked_frames == 0 ? kNever : now;
    // An acknowledgement without credit says that the frames are there, not that anybody consumes them.
    if (starved && (progress || without_credit) && !waits_for_credit(send_)) {
        starved_since_ = kNever;
    } else {
        update_starvation(now);
    }
    return {};
}

void LaneSet::consumed(LaneIndex index, std::uint64_t cost, TimePoint now) {
    if (index >= lane_count_ || !receive_[index]) return;
    receive_[index]->consumed(cost);
    schedule_ack(*receive_[index], now);
}

bool LaneSet::has_output(TimePoint now) const noexcept {
    return ack_at_ <= now ||
           std::any_of(send_.begin(), send_.end(), [](const auto& lane) { return lane && lane->ready(); });
}

bool LaneSet::write(wire::Batch& batch, std::size_t max_bytes, TimePoint now) {
    std::uint32_t ready = ready_lanes(send_);
    if (ready == 0 && ack_at_ > now) {
        update_starvation(now);
        return false;
    }
    wire::FrameHeader header;
    if (ack_at_ != kNever) {
        for (LaneIndex i = 0; i < lane_count_; ++i) {
            if (receive_[i] && receive_[i]->ack_pending()) header.acks.push_back(receive_[i]->advertise(i));
        }
        ack_at_ = kNever;
    }
    bool wrote = false;
    // One frame of each lane in turn. What lanes share only runs out meanwhile: none becomes ready.
    std::uint32_t round = ready;
    while (ready != 0 && batch.bytes() < max_bytes) {
        if (round == 0) {
            round = ready;
            turn_ = turn_ + 1 == lane_count_ ? 0 : turn_ + 1;
        }
        const std::uint32_t from_turn = round >> turn_ << turn_;
        const auto index = static_cast<LaneIndex>(std::countr_zero(from_turn != 0 ? from_turn : round));
        round &= ~(1u << index);
        SendLane& lane = *send_[index];
        if (!lane.ready()) {
            ready &= ~(1u << index);
            continue;
        }
        header.lane = index;
        if (const std::uint64_t token = lane.write_next(batch, header); token != 0) listener_.on_numbered_first(token);
        header.acks.clear();
        wrote = true;
    }
    if (wrote) {
        turn_ = turn_ + 1 == lane_count_ ? 0 : turn_ + 1;
        ack_delay_ = settings_.min_ack_delay;
        if (unacked_since_ == kNever && totals_.unacked_frames != 0) unacked_since_ = now;
    } else if (!header.acks.empty()) {
        // Nothing for it to ride on: wait a little longer for company next time.
        ack_delay_ = std::min(ack_delay_ * 2, settings_.max_ack_delay);
        header.lane = 0;
        batch.add(header);
    }
    update_starvation(now);
    return ready != 0;
}

void LaneSet::rewind(TimePoint now) noexcept {
    for (auto& lane : send_) {
        if (lane) lane->rewind();
    }
    unacked_since_ = kNever;
    // Acks and credit that were written to the carrier before may have been lost with it.
    for (auto& lane : receive_) {
        if (!lane) continue;
        lane->want_ack();
        ack_at_ = now;
    }
}

wire::LaneStates LaneSet::receive_states(TimePoint now) noexcept {
    wire::LaneStates states;
    for (LaneIndex i = 0; i < lane_count_; ++i) {
        if (!receive_[i]) {
            states.push_back({i, 0, settings_.lane_frames(lane_count_), settings_.lane_bytes(lane_count_)});
            continue;
        }
        states.push_back(receive_[i]->promise(i));
        if (receive_[i]->ack_pending()) ack_at_ = std::min(ack_at_, now + settings_.max_ack_delay);
    }
    return states;
}

wire::LaneStates LaneSet::final_states() const noexcept {
    wire::LaneStates states;
    for (LaneIndex i = 0; i < lane_count_; ++i) {
        if (send_[i]) states.push_back({i, send_[i]->last_numbered(), 0, 0});
    }
    return states;
}

bool LaneSet::drained() const noexcept {
    return std::all_of(send_.begin(), send_.end(), [](const auto& lane) { return !lane || lane->idle(); });
}

bool LaneSet::received_all(const wire::LaneStates& final) const noexcept {
    return std::all_of(final.begin(), final.end(), [this](const wire::LaneState& state) {
        return state.lane >= lane_count_ || received(state.lane) >= state.received;
    });
}

void LaneSet::clear_queue(const std::function<void(std::uint64_t)>& dropped) {
    for (auto& lane : send_) {
        if (lane) lane->clear_queue(dropped);
    }
}

void LaneSet::drop_feeds() noexcept {
    for (auto& lane : send_) {
        if (lane) lane->drop_feeds();
    }
}

void LaneSet::hurry_acks(TimePoint now) noexcept {
    if (ack_at_ != kNever) ack_at_ = std::min(ack_at_, now);
}

void LaneSet::update_starvation(TimePoint now) noexcept {
    if (totals_.other_frames() == 0) {
        starved_since_ = kNever;
    } else if (starved_since_ == kNever) {
        starved_since_ = now;
    }
}

std::size_t LaneSet::held_bytes() const noexcept {
    std::size_t held = totals_.queued_bytes + totals_.unacked_bytes +
                       (totals_.queued_frames + totals_.unacked_frames) * SendLane::kFrameCharge;
    for (const auto& lane : receive_) held += lane ? lane->held_bytes() : 0;
    return held;
}

void LaneSet::discard() noexcept {
    for (auto& lane : send_) {
        if (lane) lane->discard();
    }
    for (auto& lane : receive_) {
        if (lane) lane->discard();
    }
    ack_at_ = starved_since_ = unacked_since_ = kNever;
}

std::size_t LaneSet::check_invariants(const std::function<void(std::uint64_t)>& each) const {
    FLARE_INVARIANT(turn_ < lane_count_, "it is the turn of no lane");
    FLARE_INVARIANT(send_.size() == lane_count_ && receive_.size() == lane_count_, "a lane is missing");
    SendTotals counted;
    std::size_t charged = 0;
    bool ack_pending = false;
    for (LaneIndex i = 0; i < lane_count_; ++i) {
        if (send_[i]) charged += send_[i]->check_invariants(counted, each);
        if (!receive_[i]) continue;
        receive_[i]->check_invariants();
        charged += receive_[i]->held_bytes();
        ack_pending = ack_pending || receive_[i]->ack_pending();
    }
    FLARE_INVARIANT(counted.queued_frames == totals_.queued_frames, "queued frames are counted wrong");
    FLARE_INVARIANT(counted.queued_bytes == totals_.queued_bytes, "queued bytes are counted wrong");
    FLARE_INVARIANT(counted.queued_feeds == totals_.queued_feeds, "queued feeds are counted wrong");
    FLARE_INVARIANT(counted.queued_feed_bytes == totals_.queued_feed_bytes, "queued bytes of feeds are counted wrong");
    FLARE_INVARIANT(counted.unacked_frames == totals_.unacked_frames, "unacknowledged frames are counted wrong");
    FLARE_INVARIANT(counted.unacked_bytes == totals_.unacked_bytes, "unacknowledged bytes are counted wrong");
    FLARE_INVARIANT(ack_at_ == kNever || ack_pending, "an acknowledgement is due and there is none");
    FLARE_INVARIANT(unacked_since_ == kNever || totals_.unacked_frames != 0, "nothing waits for an acknowledgement");
    return charged;
}

}  // namespace flare::session
