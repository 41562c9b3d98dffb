#include "sim/carrier.hpp"

namespace flare::sim {

using namespace std::chrono_literals;

Carrier::Carrier(World& world, bool lane_streams)
    : world_(world),
      lane_streams_(lane_streams),
      window_(std::size_t{1} << (10 + world.chance.below(8))),
      slow_(std::chrono::milliseconds(1 + world.chance.below(world.chance.one_in(5) ? 400 : 40))) {}

void Carrier::send(Side side, const std::string& batch) {
    if (dead_) return;
    if (side == Side::client) sent_by_client.push_back(batch);
    const bool first = !spoken_[index(side)];
    spoken_[index(side)] = true;
    if (first && side == Side::client) last_arrival_[index(side)].fill(world_.now() + held_back_);
    // What goes with a Hello stays with it: docs/quic.md, "Streams".
    if (!lane_streams_ || (first && side == Side::client)) return transmit(side, 0, batch, batch.size());
    // Frames of one lane stay together; lanes and the control stream overtake each other.
    std::array<std::string, 1 + wire::kMaxLanes> parts;
    wire::BatchReader reader(batch);
    wire::FrameView frame;
    while (!reader.done()) {
        const std::string_view before = reader.rest();
        if (!reader.next(frame)) break;
        const std::size_t stream = frame.seq == 0 ? 0 : 1 + frame.lane;
        parts[stream].append(before.substr(0, before.size() - reader.rest().size()));
    }
    for (std::size_t stream = 0; stream < parts.size(); ++stream) {
        if (parts[stream].empty()) continue;
        const std::size_t charge = parts[stream].size();
        transmit(side, stream, std::move(parts[stream]), charge);
    }
}

void Carrier::transmit(Side from, std::size_t stream, std::string bytes, std::size_t charge) {
    in_flight_[index(from)] += charge;
    TimePoint& last = last_arrival_[index(from)][stream];
    last = std::max(last, world_.now() + world_.chance.between(100us, slow_));
    world_.after(last - world_.now(), [self = shared_from_this(), from, stream, bytes = std::move(bytes), charge] {
        if (self->dead_) return;
        if (self->silent_) return;  // and the sender's window stays full, as a socket's would
        const bool was_full = !self->writable(from);
        self->in_flight_[index(from)] -= charge;
        self->deliver(from, stream, bytes);
        if (was_full && !self->dead_ && self->writable(from)) {
            const auto tell = self->ends_[index(from)].on_writable;
            if (tell) tell();
        }
    });
}

// Nothing comes before the control stream has begun.
void Carrier::deliver(Side from, std::size_t stream, const std::string& bytes) {
    auto& early = early_[index(from)];
    const bool begins = stream == 0 && !begun_[index(from)];
    if (stream == 0) begun_[index(from)] = true;
    if (!begun_[index(from)]) {
        early.push_back(bytes);
        return;
    }
    std::vector<std::string> now{bytes};
    if (begins) now.insert(now.end(), early.begin(), early.end());
    for (const std::string& each : now) {
        const auto tell = ends_[index(other(from))].on_batch;
        if (tell && !dead_) tell(each);
    }
}

void Carrier::close(Side side) {
    ends_[index(side)] = {};
    TimePoint last = world_.now();
    for (const TimePoint arrival : last_arrival_[index(side)]) last = std::max(last, arrival);
    world_.after(last - world_.now() + 1ms, [self = shared_from_this(), side] {
        if (self->dead_ || self->silent_) return;
        self->dead_ = true;
        self->tell_gone(other(side), {});
    });
}

void Carrier::cut(bool one_sided) {
    if (dead_) return;
    dead_ = true;
    const Side deaf = world_.chance.one_in(2) ? Side::client : Side::server;
    for (const Side side : {Side::client, Side::server}) {
        if (one_sided && side == deaf) continue;
        tell_gone(side, world_.chance.between(0ms, 300ms));
    }
}

void Carrier::tell_gone(Side side, Duration delay) {
    world_.after(delay, [self = shared_from_this(), side] {
        const auto gone = self->ends_[index(side)].on_gone;
        self->ends_[index(side)] = {};
        if (gone) gone();
    });
}

}  // namespace flare::sim
