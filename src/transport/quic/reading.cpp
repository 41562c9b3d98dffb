// What a connection tells its carrier's handler: the parts of its streams, one after the other.
#include "transport/quic/carrier.hpp"
#include "transport/quic/connection.hpp"
#include "transport/quic/endpoint.hpp"

#include <utility>

namespace flare::transport::quic {

void Connection::deliver() {
    if (carrier_ == nullptr || !carrier_->has_handler()) return;
    const auto may_read = [&] { return carrier_ != nullptr && !paused_ && !closing_ && !error_; };
    for (std::size_t i = 0; may_read() && i < readable_.size();) {
        Stream& stream = *readable_[i];
        if (waits(stream)) {
            ++i;
            continue;
        }
        const bool held = hold_lanes_;
        if (!read_stream(stream)) break;
        stream.readable = false;
        std::erase(readable_, &stream);
        if (held && !hold_lanes_) i = 0;  // what waited for this part may go
    }
    if (carrier_ == nullptr) return;
    if (full_ && !closing_ && !error_ && !ended_ && unsent() <= kFewUnsentToTell) {
        full_ = false;
        carrier_->tell_writable();
        if (carrier_ == nullptr) return;
    }
    if (std::exchange(heard_.unreachable, false) && !closing_ && !error_ && !ended_) {
        carrier_->tell_unreachable();
        if (carrier_ == nullptr) return;
    }
    // The end is told when all that came before it has been.
    const bool by_peer = ended_ && ended_->by_peer;
    const bool unread = by_peer && !closing_ && paused_ && !readable_.empty();
    if (ended_ && !told_ && !unread) {
        told_ = true;
        carrier_->tell_closed(*ended_);
    }
}

// Whether a stream of a lane must wait for channel 0 to begin.
bool Connection::waits(const Stream& stream) const noexcept {
    if (!hold_lanes_) return false;
    if (stream.channel) return *stream.channel != 0;
    return !stream.in.empty() && stream.in.front() != 0;
}

void Connection::end_turn() {
    if (carrier_ != nullptr) carrier_->tell_turn_end();
}

void Connection::confirm() {
    confirmed = true;
    if (carrier_ != nullptr) carrier_->tell_confirmed();
}

bool Connection::read_stream(Stream& stream) {
    const base::PooledString arrived = std::move(stream.in);
    stream.in.clear();
    held_ -= arrived.size();
    std::string_view rest = arrived;
    bool malformed = false;
    if (!stream.channel && !rest.empty()) {
        const auto channel = PartReader::varint(rest, malformed);
        if (channel && *channel < kChannels) stream.channel = static_cast<Channel>(*channel);
        malformed = malformed || (channel && *channel >= kChannels);
    }
    const Options& options = endpoint_.options();
    bool stopped = false;
    while (stream.channel && !malformed && !rest.empty() && !stopped) {
        // A lane is opened by somebody who has been welcomed.
        const std::size_t limit = stream.first_part && stream.channel == 0u
                                      ? std::min(options.max_first_batch_bytes, options.max_batch_bytes)
                                      : options.max_batch_bytes;
        std::string_view part;
        const PartReader::State state = PartReader::next(rest, limit, part);
        if (state == PartReader::State::incomplete) break;
        if (state != PartReader::State::part) {
            malformed = true;
            if (state == PartReader::State::too_large) {
                close(errc::batch_too_large, explain(errc::batch_too_large), std::chrono::milliseconds(0));
                return false;
            }
            break;
        }
        stream.first_part = false;
        if (stream.channel == 0u) hold_lanes_ = false;
        ++stats_.batches_in;
        carrier_->tell_batch(part);
        stopped = carrier_ == nullptr || paused_ || closing_.has_value();
    }
    if (malformed) {
        close(errc::malformed_frame, "a stream does not begin with a channel, or a part has no length",
              std::chrono::milliseconds(0));
        return false;
    }
    const std::size_t used = arrived.size() - rest.size();
    // What came while the handler was busy is behind the rest.
    stream.in.insert(0, rest);
    held_ += rest.size();
    // An unfinished part is bounded by its own limit: the window must not hold up its end.
    const std::size_t give_back = stopped ? std::min(used, stream.held) : stream.held;
    if (give_back != 0 && !ended_) {
        stream.held -= give_back;
        ngtcp2_conn_extend_max_stream_offset(conn_, stream.id, give_back);
        ngtcp2_conn_extend_max_offset(conn_, give_back);
    }
    return !stopped;
}

void Connection::pause(bool paused) {
    paused_ = paused;
    if (!paused) endpoint_.touch(*this);
}

}  // namespace flare::transport::quic
