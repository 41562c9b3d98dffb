// A connection's traffic: packets in, packets out, time.
#include "transport/quic/connection.hpp"

#include "base/crypto.hpp"
#include "transport/quic/carrier.hpp"
#include "transport/quic/endpoint.hpp"

#include <boost/container/small_vector.hpp>

#include <algorithm>
#include <cstring>

namespace flare::transport::quic {
namespace {

constexpr std::size_t kPacketBytes = 1452;              // of UDP payload: Ethernet's 1500 less IPv6 and UDP headers
constexpr std::size_t kGroupBytes = 44 * kPacketBytes;  // what one system call takes (udp(7), UDP_SEGMENT)
constexpr std::size_t kVectors = 16;
constexpr std::size_t kLeastResetBytes = 21;    // RFC 9000 section 10.3
constexpr std::size_t kMaxUnsent = 320 * 1024;  // beyond it writable() is false; more than one stream's window

ngtcp2_path path_of(const Address& local, const Address& remote) {
    ngtcp2_path path{};
    path.local = {const_cast<sockaddr*>(local.data()), local.length};
    path.remote = {const_cast<sockaddr*>(remote.data()), remote.length};
    return path;
}

Address address_of(const ngtcp2_addr& from) { return Address::of(from.addr, from.addrlen); }

}  // namespace

Connection::~Connection() {
    if (carrier_ != nullptr) carrier_->connection_gone();
    ngtcp2_conn_del(conn_);
    if (tls_ != nullptr) gnutls_deinit(tls_);
}

// ---- in ----

void Connection::packet(std::span<const std::uint8_t> bytes, const Address& local, const Address& remote,
                        std::uint64_t now) {
    if (ended_) {
        // RFC 9000 section 10.2.1: late packets are answered with the close again.
        if (last_words_.answers(bytes.size(), remote))
            endpoint_.transmit(last_words_.packet, last_words_.packet.size(), local, remote);
        return;
    }
    heard_.packet = true;
    const ngtcp2_path path = path_of(server_ ? local : leaving_from_, remote);
    const ngtcp2_pkt_info info{};
    const int code = ngtcp2_conn_read_pkt(conn_, &path, &info, bytes.data(), bytes.size(), now);
    if (code == 0) return;
    switch (code) {
        case NGTCP2_ERR_DRAINING: return finish_with(peer_reason());
        case NGTCP2_ERR_RETRY:
        case NGTCP2_ERR_DROP_CONN:
            fate_ = code == NGTCP2_ERR_RETRY ? Fate::needs_retry : Fate::dropped;
            finish_with({errc::connection_lost, "the handshake was dropped", true});
            silent_ = true;
            return;
        default: return fail(code);
    }
}

void Connection::expire(std::uint64_t now) {
    if (ended_) return;
    if (closing_ && now >= closing_->deadline) return say_close(now);
    if (ngtcp2_conn_get_expiry(conn_) > now) return;
    const int code = ngtcp2_conn_handle_expiry(conn_, now);
    if (code == 0) return;
    if (code == NGTCP2_ERR_IDLE_CLOSE) {
        finish_with(
            {errc::connection_lost, "nothing arrived from the peer within the idle time-out", false, Ending::silent});
        silent_ = true;  // RFC 9000 section 10.1: silently
        return;
    }
    if (code == NGTCP2_ERR_HANDSHAKE_TIMEOUT) {
        finish_with({errc::connect_timeout, "the handshake timed out", false, Ending::silent});
        silent_ = true;
        return;
    }
    fail(code);
}

std::uint64_t Connection::deadline() const {
    if (ended_) return UINT64_MAX;
    const std::uint64_t next = ngtcp2_conn_get_expiry(conn_);
    return closing_ ? std::min(next, closing_->deadline) : next;
}

// ---- out ----

void Connection::write(std::uint64_t now) {
    if (ended_) return;
    if (error_) return say_close(now);
    open_streams();
    if (closing_ && (drained() || now >= closing_->deadline)) return say_close(now);
    if (!endpoint_.can_transmit()) return;

    std::array<std::uint8_t, kGroupBytes + kPacketBytes> group;
    std::size_t used = 0;
    std::size_t segment = 0;
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    Address from;
    Address to;
    const auto flush = [&] {
        if (used != 0) endpoint_.transmit({group.data(), used}, segment, from, to);
        used = segment = 0;
    };
    boost::container::small_vector<Stream*, kChannels> with_data;
    for (Stream* each : sending_) {
        const bool known = each == nullptr || std::find(with_data.begin(), with_data.end(), each) != with_data.end();
        if (!known && each->id >= 0 && each->out.unsent() != 0 && !each->blocked) with_data.push_back(each);
    }
    std::size_t next = with_data.empty() ? 0 : turn_++ % with_data.size();
    for (;;) {
        Stream* const from_stream = with_data.empty() ? nullptr : with_data[next % with_data.size()];
        ngtcp2_vec vectors[kVectors];
        const std::size_t count = from_stream == nullptr ? 0 : from_stream->out.next(vectors, kVectors);
        const std::uint32_t flags = from_stream == nullptr ? 0u : NGTCP2_WRITE_STREAM_FLAG_MORE;
        ngtcp2_ssize taken = -1;
        ngtcp2_pkt_info info{};
        const ngtcp2_ssize size =
            ngtcp2_conn_writev_stream(conn_, &path.path, &info, group.data() + used, kPacketBytes, &taken, flags,
                                      from_stream == nullptr ? -1 : from_stream->id, vectors, count, now);
        if (taken > 0 && from_stream != nullptr) from_stream->out.sent(static_cast<std::size_t>(taken));
        const bool done_with =
            from_stream != nullptr && (from_stream->out.unsent() == 0 || size == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
                                       size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND);
        if (size == NGTCP2_ERR_STREAM_DATA_BLOCKED) from_stream->blocked = true;
        if (done_with) {
            with_data.erase(with_data.begin() + static_cast<std::ptrdiff_t>(next % with_data.size()));
        }
        if (size < 0) {
            const bool goes_on = size == NGTCP2_ERR_WRITE_MORE || size == NGTCP2_ERR_STREAM_DATA_BLOCKED ||
                                 size == NGTCP2_ERR_STREAM_SHUT_WR || size == NGTCP2_ERR_STREAM_NOT_FOUND;
            if (goes_on) continue;
            flush();
            fail(static_cast<int>(size));
            return say_close(now);
        }
        if (size == 0) break;  // congestion, pacing, or nothing left
        const auto length = static_cast<std::size_t>(size);
        const Address local = address_of(path.path.local);
        const Address remote = address_of(path.path.remote);
        if (used != 0 && (length > segment || !(local == from) || !(remote == to))) {
            // It does not belong to the group before it: a probe of the path's size, or another path.
            const std::size_t old = used;
            endpoint_.transmit({group.data(), old}, segment, from, to);
            std::memmove(group.data(), group.data() + old, length);
            used = segment = 0;
        }
        from = local;
        to = remote;
        if (used == 0) segment = length;
        used += length;
        if (length < segment || used + kPacketBytes > kGroupBytes) flush();
        ++next;
        if (!endpoint_.can_transmit()) break;  // the socket is full: the rest goes when it is writable
    }
    flush();
    ngtcp2_conn_update_pkt_tx_time(conn_, now);
    settle_tls();
    if (full_ && !closing_ && unsent() <= kFewUnsentToTell) endpoint_.touch(*this);
}

// Streams of ours that the peer had no room for, or that were asked for before the handshake was complete.
void Connection::open_streams() {
    while (!unopened_.empty()) {
        std::int64_t id = -1;
        if (ngtcp2_conn_open_bidi_stream(conn_, &id, nullptr) != 0) return;
        std::unique_ptr<Stream> stream = std::move(unopened_.front());
        unopened_.erase(unopened_.begin());
        stream->id = id;
        streams_.emplace(id, std::move(stream));
    }
}

std::size_t Connection::unsent() const {
    std::size_t bytes = 0;
    for (const auto& [id, stream] : streams_) bytes += stream->out.unsent();
    for (const auto& stream : unopened_) bytes += stream->out.unsent();
    return bytes;
}

bool Connection::drained() const {
    const auto done = [](const auto& each) { return each.second->out.empty(); };
    return unopened_.empty() && std::all_of(streams_.begin(), streams_.end(), done);
}

bool Connection::writable() const noexcept { return !closing_ && !error_ && !ended_ && !full_; }

// A batch goes in parts, one for each run of frames of a channel. Only the first, when it begins without a number (with
// Hello or Welcome), goes whole on channel 0: its frames stay behind the one that they depend on.
void Connection::send(const wire::Batch& batch) {
    const auto& segments = batch.segments();
    std::size_t segment = 0;  // where in the batch we are
    std::size_t head_at = 0;  // in all heads
    std::size_t head_left = segments.empty() ? 0 : segments[0].head_bytes;
    std::size_t shared_at = 0;  // in this segment's shared bytes
    const auto move_to = [&](SendQueue& out, std::size_t bytes) {
        while (bytes > 0) {
            const wire::Batch::Segment& from = segments[segment];
            if (head_left > 0) {
                const std::size_t part = std::min(bytes, head_left);
                out.copy(batch.head().substr(head_at, part));
                head_at += part;
                head_left -= part;
                bytes -= part;
            } else if (shared_at < from.shared.size()) {
                const std::size_t part = std::min(bytes, from.shared.size() - shared_at);
                out.share(from.shared.slice(shared_at, part));
                shared_at += part;
                bytes -= part;
            } else {
                ++segment;
                head_left = segments[segment].head_bytes;
                shared_at = 0;
            }
        }
    };
    const auto& marks = batch.marks();
    const bool together = !spoken_ && !marks.empty() && !marks.front().numbered;
    if (!spoken_) hold_lanes_ = together && !server_;
    spoken_ = true;
    const auto channel_of = [&](const wire::Batch::Mark& mark) {
        return mark.numbered && !together ? 1 + mark.lane : 0;
    };
    for (std::size_t i = 0; i < marks.size();) {
        const Channel channel = channel_of(marks[i]);
        std::size_t bytes = 0;
        for (; i < marks.size() && channel_of(marks[i]) == channel; ++i) bytes += marks[i].bytes;
        Stream& stream = sending(channel);
        const std::size_t before = stream.out.unacked();
        char prefix[10];
        std::size_t used = 0;
        for (std::size_t rest = bytes;; rest >>= 7) {
            prefix[used++] = static_cast<char>(rest >= 0x80 ? (rest & 0x7f) | 0x80 : rest);
            if (rest < 0x80) break;
        }
        stream.out.copy({prefix, used});
        move_to(stream.out, bytes);
        stats_.bytes_out += stream.out.unacked() - before;
    }
    ++stats_.batches_out;
    if (unsent() > kMaxUnsent) full_ = true;
    endpoint_.touch(*this);
}

// The stream that the peer has opened for this channel, else one of our own: docs/quic.md, "Streams".
Stream& Connection::sending(Channel channel) {
    if (sending_[channel] != nullptr) return *sending_[channel];
    for (const auto& [id, stream] : streams_) {
        if (stream->channel == channel) return *(sending_[channel] = stream.get());
    }
    auto made = std::make_unique<Stream>();
    const char name = static_cast<char>(channel);
    made->out.copy({&name, 1});
    made->channel = channel;
    stats_.bytes_out += 1;
    sending_[channel] = made.get();
    unopened_.push_back(std::move(made));
    open_streams();
    return *sending_[channel];
}

void Connection::migrated(const ngtcp2_path& path) {
    moving_ = false;
    ++stats_.migrations;
    local_ = address_of(path.local);
    remote_ = address_of(path.remote);
    if (carrier_ != nullptr) carrier_->update_addresses(local_, remote_);
}

CarrierStats Connection::stats() const {
    CarrierStats stats = stats_;
    ngtcp2_conn_info info{};
    ngtcp2_conn_get_conn_info(conn_, &info);
    stats.smoothed_rtt = std::chrono::nanoseconds(info.smoothed_rtt);
    stats.congestion_window = info.cwnd;
    stats.bytes_in_flight = info.bytes_in_flight;
    return stats;
}

PathFigures Connection::path() const {
    ngtcp2_conn_info info{};
    ngtcp2_conn_get_conn_info(conn_, &info);
    PathFigures figures;
    figures.smoothed_rtt = std::chrono::nanoseconds(info.smoothed_rtt);
    figures.latest_rtt = std::chrono::nanoseconds(info.latest_rtt);
    figures.min_rtt = std::chrono::nanoseconds(info.min_rtt);
    figures.largest_packet = ngtcp2_conn_get_path_max_tx_udp_payload_size(conn_);
    figures.bytes_in_flight = info.bytes_in_flight;
    return figures;
}

bool Connection::is_reset(std::span<const std::uint8_t> packet) const {
    if (packet.size() < kLeastResetBytes) return false;
    boost::container::small_vector<ngtcp2_cid_token, 8> ids(ngtcp2_conn_get_active_dcid(conn_, nullptr));
    ids.resize(ngtcp2_conn_get_active_dcid(conn_, ids.data()));
    const auto text = [](const std::uint8_t* bytes) {
        return std::string_view(reinterpret_cast<const char*>(bytes), NGTCP2_STATELESS_RESET_TOKENLEN);
    };
    const auto end = text(packet.last(NGTCP2_STATELESS_RESET_TOKENLEN).data());
    return std::any_of(ids.begin(), ids.end(), [&](const ngtcp2_cid_token& id) {
        return id.token_present != 0 && base::equal_constant_time(text(id.token), end);
    });
}

bool Connection::socket_changed(const Address& local, std::uint64_t now) {
    if (ended_ || !handshaken_) return false;
    const ngtcp2_path path = path_of(local, remote_);
    // It fails while the peer has given no id to move with: then the peer sees what it sees of a client behind a NAT
    // that takes another port, and validates that (RFC 9000 section 9.3).
    if (ngtcp2_conn_initiate_immediate_migration(conn_, &path, now) == 0) {
        moving_ = true;
        leaving_from_ = local;
    }
    endpoint_.touch(*this);
    return true;
}

}  // namespace flare::transport::quic
