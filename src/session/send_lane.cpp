#include "session/send_lane.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"

#include <algorithm>

namespace flare::session {

// The credit before a peer has said anything is that of the same settings: docs/protocol.md, "Credit".
SendLane::SendLane(const Settings& settings, std::uint32_t lanes, Budget& budget, SendTotals& totals)
    : settings_(settings),
      budget_(budget),
      totals_(totals),
      lane_bytes_(settings.lane_bytes(lanes)),
      max_seq_(kInitialFrames),
      max_bytes_(kInitialBytes),
      peer_window_(kInitialBytes),
      peer_frames_(kInitialFrames) {
    set_pieces();
}

SendLane::~SendLane() { discard(); }

void SendLane::discard() noexcept {
    next_ += waiting_numbers();
    for (const Frame& entry : queue_) {
        unqueue(entry);
        budget_.give(entry.charge);
    }
    if (partial_) {
        budget_.give(partial_->charge);
        totals_.unqueue(partial_->kind, partial_->content.size() - partial_->offset);
    }
    for (const Frame& sent : window_) {
        budget_.give(sent.charge);
        --totals_.unacked_frames;
        totals_.unacked_bytes -= sent.body.cost;
    }
    queue_.clear();
    partial_.reset();
    window_.clear();
    unwritten_ = window_.end();
    cursor_ = next_;
}

// How many numbers what waits would take.
Seq SendLane::waiting_numbers() const noexcept {
    const auto pieces = [this](std::size_t bytes) { return (bytes + chunk_bytes_ - 1) / chunk_bytes_; };
    Seq count = partial_ ? pieces(partial_->content.size() - partial_->offset) : 0;
    for (const Frame& entry : queue_)
        count += is_big(entry) ? pieces(entry.body.bytes.size() - entry.body.content_offset) : 1;
    return count;
}

void SendLane::push(wire::Body&& body, Priority priority, std::uint64_t token) {
    totals_.queue(body.kind, body.bytes.size());
    auto place = queue_.end();
    while (place != queue_.begin() && std::prev(place)->priority < priority) --place;
    const std::size_t charge = charge_of(body);
    const std::uint32_t feed = body.feed_id;
    queue_.insert(place, Frame{std::move(body), 0, token, charge, priority, 0, feed});
}

// A frame may cost at most half of a lane's window, so that two can be under way and renewal keeps it moving.
void SendLane::set_pieces() noexcept {
    const std::uint64_t window = std::min({peer_window_, lane_bytes_, totals_.most_bytes});
    const std::size_t most = totals_.most_in_frame;
    big_above_ = static_cast<std::size_t>(std::min<std::uint64_t>(std::min(wire::kChunkThreshold, most), window / 2));
    chunk_bytes_ =
        static_cast<std::size_t>(std::clamp<std::uint64_t>(window / 4, 1, std::min(wire::kChunkBytes, most)));
}

bool SendLane::has_others() const noexcept {
    if (partial_ && partial_->kind != wire::FrameKind::feed) return true;
    return std::any_of(queue_.begin(), queue_.end(),
                       [](const Frame& entry) { return entry.body.kind != wire::FrameKind::feed; });
}

// The feeds themselves, if nothing else waits.
SendLane::Frames::const_iterator SendLane::behind_feeds() const noexcept {
    const auto other = std::find_if(queue_.begin(), queue_.end(),
                                    [](const Frame& entry) { return entry.body.kind != wire::FrameKind::feed; });
    return other == queue_.end() ? queue_.begin() : other;
}

void SendLane::number_chunk() {
    Partial& partial = *partial_;
    const std::size_t size = static_cast<std::size_t>(next_cost());
    Frame sent;
    sent.body.kind = wire::FrameKind::chunk;
    sent.body.bytes = partial.content.slice(partial.offset, size);
    sent.body.cost = size;
    if (partial.offset == 0) {
        sent.total = partial.content.size();
        if (partial.kind != wire::FrameKind::data) sent.begins = static_cast<std::uint8_t>(partial.kind);
        sent.body.feed_id = partial.feed_id;
    }
    partial.offset += size;
    if (partial.offset == partial.content.size()) {
        sent.token = partial.token;
        sent.feed = partial.feed_id;
        sent.charge = partial.charge;
        totals_.unqueue(partial.kind, size);
        partial_.reset();
    } else {
        totals_.shorten(partial.kind, size);
    }
    window_.push_back(std::move(sent));
}

std::uint64_t SendLane::number_next() {
    std::uint64_t begun = 0;
    if (partial_) {
        number_chunk();
    } else {
        const auto next = next_in_queue();
        const Frame& entry = *next;
        begun = entry.token;
        if (is_big(entry)) {
            const wire::Body& body = entry.body;
            partial_ = std::make_unique<Partial>();
            partial_->content = body.bytes.slice(body.content_offset);
            partial_->token = entry.token;
            partial_->charge = entry.charge;
            partial_->kind = body.kind;
            partial_->feed_id = body.feed_id;
            totals_.shorten(body.kind, body.content_offset);  // what stays queued is the content
            queue_.erase(next);
            number_chunk();
        } else {
            unqueue(entry);
            window_.splice(window_.end(), queue_, next);
        }
    }
    unwritten_ = std::prev(window_.end());
    const Frame& sent = *unwritten_;
    ++next_;
    numbered_bytes_ += sent.body.cost;
    ++totals_.unacked_frames;
    totals_.unacked_bytes += sent.body.cost;
    return begun;
}

std::uint64_t SendLane::write_next(wire::Batch& batch, wire::FrameHeader& header) {
    FLARE_INVARIANT(ready(), "nothing can be written");
    const std::uint64_t begun = cursor_ == next_ ? number_next() : 0;
    const Frame& sent = *unwritten_++;
    header.seq = cursor_++;
    header.feed_id = sent.body.feed_id;
    FLARE_INVARIANT((cursor_ == next_) == (unwritten_ == window_.end()), "the cursor and its frame have parted");
    if (sent.body.kind == wire::FrameKind::chunk) {
        batch.add_chunk(header, sent.total, sent.body.bytes, sent.begins);
    } else {
        batch.add(header, sent.body);
    }
    return begun;
}

SendLane::Had SendLane::forget_first() {
    const Frame& sent = window_.front();
    const Had had{sent.token, sent.feed};
    budget_.give(sent.charge);
    --totals_.unacked_frames;
    totals_.unacked_bytes -= sent.body.cost;
    if (unwritten_ == window_.begin()) ++unwritten_;
    window_.pop_front();
    ++acked_;
    FLARE_INVARIANT(next_ == acked_ + window_.size() + 1, "numbers and frames do not add up");
    return had;
}

void SendLane::credit(Seq max_seq, std::uint64_t max_bytes) noexcept {
    // Until something has a number, the first word of the peer counts, even when it is less than the default.
    if (next_ == 1 && !credit_heard_) {
        max_seq_ = max_seq;
        max_bytes_ = max_bytes;
        peer_window_ = max_bytes;
        peer_frames_ = max_seq;
        set_pieces();
        credit_heard_ = true;
        return;
    }
    max_seq_ = std::max(max_seq_, max_seq);
    max_bytes_ = std::max(max_bytes_, max_bytes);
}

void SendLane::rewind() noexcept {
    cursor_ = acked_ + 1;
    unwritten_ = window_.begin();
    if (planted(Fault::replay_starts_late) && cursor_ < next_) {
        ++cursor_;
        ++unwritten_;
    }
    if (planted(Fault::receipt_lost_on_resume)) {
        for (Frame& sent : window_) {
            if (sent.body.kind == wire::FrameKind::receipt) sent.body = wire::encode(wire::ReceiptView{});
        }
    }
}

void SendLane::clear_queue(const std::function<void(std::uint64_t)>& dropped) {
    while (!queue_.empty()) {
        const std::uint64_t token = queue_.front().token;
        unqueue(queue_.front());
        budget_.give(queue_.front().charge);
        queue_.pop_front();
        if (token != 0) dropped(token);
    }
}

void SendLane::drop_feeds() noexcept {
    std::erase_if(queue_, [this](const Frame& entry) {
        if (entry.body.kind != wire::FrameKind::feed) return false;
        unqueue(entry);
        budget_.give(entry.charge);
        return true;
    });
}

void SendLane::disown(std::uint64_t token) noexcept {
    if (partial_ && partial_->token == token) partial_->token = 0;
    for (Frame& sent : window_) {
        if (sent.token == token) sent.token = 0;
    }
}

bool SendLane::withdraw(std::uint64_t token) {
    const auto found =
        std::find_if(queue_.begin(), queue_.end(), [&](const Frame& entry) { return entry.token == token; });
    if (found == queue_.end()) return false;
    unqueue(*found);
    budget_.give(found->charge);
    queue_.erase(found);
    return true;
}

std::size_t SendLane::check_invariants(SendTotals& counted, const std::function<void(std::uint64_t)>& each) const {
    FLARE_INVARIANT(next_ == acked_ + window_.size() + 1, "numbers and frames do not add up");
    FLARE_INVARIANT(acked_ < cursor_ && cursor_ <= next_, "the cursor is out of the window");
    const auto written = std::distance(window_.begin(), Frames::const_iterator(unwritten_));
    FLARE_INVARIANT(static_cast<Seq>(written) == cursor_ - acked_ - 1, "the cursor and its frame have parted");
    std::size_t charged = 0;
    const auto count = [&](std::uint64_t token, std::size_t charge) {
        charged += charge;
        if (token != 0) each(token);
    };
    Priority before = Priority::urgent;
    for (const Frame& entry : queue_) {
        FLARE_INVARIANT(entry.priority <= before, "the queue is not sorted by priority");
        before = entry.priority;
        counted.queue(entry.body.kind, entry.body.bytes.size());
        count(entry.token, entry.charge);
    }
    if (partial_) {
        FLARE_INVARIANT(partial_->offset < partial_->content.size(), "a message in chunks is whole and still waits");
        counted.queue(partial_->kind, partial_->content.size() - partial_->offset);
        count(partial_->token, partial_->charge);
    }
    for (const Frame& sent : window_) {
        ++counted.unacked_frames;
        counted.unacked_bytes += sent.body.cost;
        count(sent.token, sent.charge);
    }
    return charged;
}

}  // namespace flare::session
