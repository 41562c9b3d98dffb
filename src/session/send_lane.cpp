#include "session/send_lane.hpp"

#include "session/planted.hpp"

#include <algorithm>

namespace flare::session {
namespace {

template <typename Ring>
void make_room(Ring& ring) {
    if (ring.full()) ring.set_capacity(std::max<std::size_t>(2, ring.capacity() * 2));
}

}  // namespace

// The credit before a peer has said anything is that of the same settings: docs/protocol.md, "Credit".
SendLane::SendLane(const Settings& settings, Budget& budget, SendTotals& totals)
    : settings_(settings),
      budget_(budget),
      totals_(totals),
      max_seq_(kInitialFrames),
      max_bytes_(kInitialBytes),
      peer_window_(kInitialBytes) {}

SendLane::~SendLane() {
    for (const Queued& entry : queue_) {
        unqueue(entry);
        budget_.give(charge_of(entry.body));
    }
    if (partial_) {
        budget_.give(partial_->charge);
        --totals_.queued_frames;
        totals_.queued_bytes -= partial_->content.size() - partial_->offset;
    }
    for (const Sent& sent : window_) {
        budget_.give(sent.charge);
        --totals_.unacked_frames;
        totals_.unacked_bytes -= sent.body.cost;
    }
}

void SendLane::push(wire::Body body, Priority priority, std::uint64_t token) {
    make_room(queue_);
    ++totals_.queued_frames;
    totals_.queued_bytes += body.bytes.size();
    if (queue_.empty() || queue_.back().priority >= priority) {
        queue_.push_back(Queued{std::move(body), token, priority});
        return;
    }
    auto place = queue_.end();
    while (place != queue_.begin() && std::prev(place)->priority < priority) --place;
    queue_.insert(place, Queued{std::move(body), token, priority});
}

void SendLane::unqueue(const Queued& entry) noexcept {
    --totals_.queued_frames;
    totals_.queued_bytes -= entry.body.bytes.size();
}

std::size_t SendLane::chunk_bytes() const noexcept {
    return static_cast<std::size_t>(
        std::clamp<std::uint64_t>(std::min(peer_window_, settings_.lane_bytes()) / 4, 1, wire::kChunkBytes));
}

// A frame may cost at most half of a lane's window, so that two can be under way and renewal keeps it moving.
bool SendLane::is_big(const Queued& entry) const noexcept {
    if (entry.body.kind != wire::FrameKind::data) return false;
    const std::uint64_t threshold =
        std::min<std::uint64_t>(wire::kChunkThreshold, std::min(peer_window_, settings_.lane_bytes()) / 2);
    return entry.body.content().size() > threshold;
}

std::uint64_t SendLane::next_cost() const noexcept {
    if (partial_) return std::min<std::uint64_t>(chunk_bytes(), partial_->content.size() - partial_->offset);
    const Queued& entry = queue_.front();
    return is_big(entry) ? chunk_bytes() : entry.body.cost;
}

bool SendLane::within_bound() const noexcept {
    return totals_.unacked_frames < settings_.max_unacked_frames &&
           totals_.unacked_bytes + next_cost() <= settings_.max_unacked_bytes;
}

bool SendLane::within_credit() const noexcept {
    return next_ <= max_seq_ && numbered_bytes_ + next_cost() <= max_bytes_;
}

bool SendLane::ready() const noexcept { return cursor_ < next_ || (waiting() && within_credit() && within_bound()); }

bool SendLane::blocked() const noexcept {
    return cursor_ == next_ && waiting() && !(within_credit() && within_bound());
}

bool SendLane::blocked_by_credit() const noexcept { return cursor_ == next_ && waiting() && !within_credit(); }

void SendLane::number_chunk() {
    Partial& partial = *partial_;
    const std::size_t size = static_cast<std::size_t>(next_cost());
    Sent sent;
    sent.body.kind = wire::FrameKind::chunk;
    sent.body.bytes = partial.content.slice(partial.offset, size);
    sent.body.cost = size;
    if (partial.offset == 0) sent.total = partial.content.size();
    partial.offset += size;
    totals_.queued_bytes -= size;
    if (partial.offset == partial.content.size()) {
        sent.token = partial.token;
        sent.charge = partial.charge;
        partial_.reset();
        --totals_.queued_frames;
    }
    window_.push_back(std::move(sent));
}

std::uint64_t SendLane::number_next() {
    make_room(window_);
    std::uint64_t begun = 0;
    if (partial_) {
        number_chunk();
    } else {
        Queued& entry = queue_.front();
        begun = entry.token;
        if (is_big(entry)) {
            partial_ =
                Partial{entry.body.bytes.slice(entry.body.content_offset), 0, entry.token, charge_of(entry.body)};
            totals_.queued_bytes -= entry.body.content_offset;  // what stays queued is the content
            queue_.pop_front();
            number_chunk();
        } else {
            unqueue(entry);
            const std::size_t charge = charge_of(entry.body);
            window_.push_back(Sent{std::move(entry.body), 0, entry.token, charge});
            queue_.pop_front();
        }
        if (queue_.empty()) queue_.set_capacity(0);
    }
    const Sent& sent = window_.back();
    ++next_;
    numbered_bytes_ += sent.body.cost;
    ++totals_.unacked_frames;
    totals_.unacked_bytes += sent.body.cost;
    return begun;
}

std::uint64_t SendLane::write_next(wire::Batch& batch, wire::FrameHeader& header) {
    const std::uint64_t begun = cursor_ == next_ ? number_next() : 0;
    const Sent& sent = window_[static_cast<std::size_t>(cursor_ - acked_ - 1)];
    header.seq = cursor_++;
    if (sent.body.kind == wire::FrameKind::chunk) {
        batch.add_chunk(header, sent.total, sent.body.bytes);
    } else {
        batch.add(header, sent.body);
    }
    return begun;
}

Result<void> SendLane::ack(Seq received, const std::function<void(std::uint64_t)>& acked) {
    if (received >= next_) return errc::bad_ack;
    while (acked_ < received) {
        const Sent& sent = window_.front();
        const std::uint64_t token = sent.token;
        budget_.give(sent.charge);
        --totals_.unacked_frames;
        totals_.unacked_bytes -= sent.body.cost;
        window_.pop_front();
        ++acked_;
        if (token != 0) acked(token);
    }
    cursor_ = std::max(cursor_, acked_ + 1);
    if (window_.empty()) window_.set_capacity(0);
    return {};
}

void SendLane::credit(Seq max_seq, std::uint64_t max_bytes) noexcept {
    // Until something has a number, the first word of the peer counts, even when it is less than the default.
    if (next_ == 1 && !credit_heard_) {
        max_seq_ = max_seq;
        max_bytes_ = max_bytes;
        peer_window_ = max_bytes;
        credit_heard_ = true;
        return;
    }
    max_seq_ = std::max(max_seq_, max_seq);
    max_bytes_ = std::max(max_bytes_, max_bytes);
}

void SendLane::rewind() noexcept {
    cursor_ = acked_ + 1;
    if (planted(Fault::replay_starts_late) && cursor_ < next_) ++cursor_;
    if (planted(Fault::receipt_lost_on_resume)) {
        for (Sent& sent : window_) {
            if (sent.body.kind == wire::FrameKind::receipt) sent.body = wire::encode(wire::ReceiptView{});
        }
    }
}

void SendLane::clear_queue(const std::function<void(std::uint64_t)>& dropped) {
    while (!queue_.empty()) {
        const std::uint64_t token = queue_.front().token;
        unqueue(queue_.front());
        budget_.give(charge_of(queue_.front().body));
        queue_.pop_front();
        if (token != 0) dropped(token);
    }
}

bool SendLane::withdraw(std::uint64_t token) {
    const auto found =
        std::find_if(queue_.begin(), queue_.end(), [&](const Queued& entry) { return entry.token == token; });
    if (found == queue_.end()) return false;
    unqueue(*found);
    budget_.give(charge_of(found->body));
    queue_.erase(found);
    return true;
}

void SendLane::tokens_after(Seq received, const std::function<void(Seq, std::uint64_t)>& each) const {
    Seq seq = acked_;
    for (const Sent& sent : window_) {
        ++seq;
        if (seq > received && sent.token != 0) each(seq, sent.token);
    }
    if (partial_ && partial_->offset != 0) each(seq, partial_->token);
}

}  // namespace flare::session
