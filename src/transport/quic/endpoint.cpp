#include "transport/quic/endpoint.hpp"

#include "base/place.hpp"
#include "base/random.hpp"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

namespace flare::transport::quic {
namespace asio = boost::asio;

namespace {

constexpr int kBatchesPerTurn = 8;              // then others have their turn
constexpr std::size_t kBeginningsPerTurn = 16;  // likewise: each costs as much as hundreds of packets

std::uint64_t steady_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::steady_clock::now().time_since_epoch())
            .count());
}

}  // namespace

Endpoint::~Endpoint() { shut(); }

// ---- the socket ----

void Endpoint::watch() {
    // The descriptor is a second number for the same socket, so that each has one owner.
    descriptor_ = std::make_unique<asio::posix::stream_descriptor>(context_, ::dup(socket_.fd()));
    wait_readable();
    if (blocked_) wait_writable();
}

void Endpoint::replace_socket(UdpSocket socket) {
    descriptor_.reset();
    socket_ = std::move(socket);
    packets_.clear();  // they name the address of the other one
    blocked_ = false;
    watch();
}

void Endpoint::shut() {
    if (shut_) return;
    flush();
    shut_ = true;
    boost::system::error_code ignored;
    if (descriptor_) descriptor_->close(ignored);
    timer_.cancel();
    touched_.clear();
    connections_.clear();
    graveyard_.clear();
}

void Endpoint::wait_readable() {
    descriptor_->async_wait(asio::posix::stream_descriptor::wait_read,
                            [weak = weak_from_this()](const boost::system::error_code& error) {
                                const auto self = weak.lock();
                                if (error || !self || self->shut_) return;
                                self->read();
                                if (!self->shut_) self->wait_readable();
                            });
}

void Endpoint::wait_writable() {
    descriptor_->async_wait(asio::posix::stream_descriptor::wait_write,
                            [weak = weak_from_this()](const boost::system::error_code& error) {
                                const auto self = weak.lock();
                                if (error || !self || self->shut_) return;
                                self->blocked_ = false;
                                self->flush();
                                self->now_ = steady_ns();
                                for (auto& [key, connection] : self->connections_) self->touch(*connection);
                                self->turn();
                            });
}

void Endpoint::read() {
    const auto self = shared_from_this();
    now_ = steady_ns();
    in_turn_ = true;
    int error = 0;
    added_in_turn_ = 0;
    for (int i = 0; i < kBatchesPerTurn && added_in_turn_ < kBeginningsPerTurn && !shut_; ++i) {
        if (!socket_.receive([this](const UdpSocket::Packet& packet) { dispatch(packet); }, error)) break;
    }
    if (error != 0 && !shut_) socket_failed(error);
    in_turn_ = false;
    if (!shut_) turn();
}

void Endpoint::dispatch(const UdpSocket::Packet& packet) {
    ngtcp2_version_cid ids{};
    const int decoded = ngtcp2_pkt_decode_version_cid(&ids, packet.bytes.data(), packet.bytes.size(), kCidBytes);
    if (decoded != 0 && decoded != NGTCP2_ERR_VERSION_NEGOTIATION) return;  // no QUIC
    Connection* const connection = decoded == 0 ? find(ids.dcid, ids.dcidlen) : nullptr;
    if (connection == nullptr) {
        LastWords* const ended = decoded == 0 ? farewells_.find(Cid(ids.dcid, ids.dcidlen)) : nullptr;
        if (ended == nullptr) return stray(packet, ids);
        // RFC 9000 section 10.2.1: late packets are answered with the close again.
        if (ended->answers(packet.bytes.size(), *packet.from))
            transmit(ended->packet, ended->packet.size(), *packet.to, *packet.from);
        return;
    }
    connection->packet(packet.bytes, *packet.to, *packet.from, now_);
    touch(*connection);
}

void Endpoint::transmit(std::span<const std::uint8_t> bytes, std::size_t segment, const Address& from,
                        const Address& to) {
    // What a full socket does not take is lost, as it might be on the way: QUIC sends it again.
    if (shut_ || blocked_) return;
    if (in_turn_ && packets_.add(bytes, segment, from, to)) return;
    flush();
    if (blocked_ || (in_turn_ && packets_.add(bytes, segment, from, to))) return;
    const UdpSocket::Outgoing packet{bytes, segment, &from, &to};
    if (socket_.send({&packet, 1}) == 0) block();
}

void Endpoint::flush() {
    if (!packets_.empty() && !blocked_ && !packets_.flush(socket_)) block();
}

void Endpoint::block() {
    blocked_ = true;
    wait_writable();
}

// ---- connections ----

Connection& Endpoint::add(std::unique_ptr<Connection> connection) {
    Connection& added = *connection;
    added.timer.connection = &added;
    ++added_in_turn_;
    connections_.emplace(&added, std::move(connection));
    return added;
}

// It stays in memory until the end of the turn: somebody may be inside it.
void Endpoint::forget(Connection& connection) {
    for (const Cid& cid : connection.cids) by_cid_.erase(cid);
    connection.timer.unlink();
    std::erase(touched_, &connection);
    const auto found = connections_.find(&connection);
    graveyard_.push_back(std::move(found->second));
    connections_.erase(found);
    released(std::exchange(connection.claims, {}));
}

// Its last words stay, and with them what it counts for.
void Endpoint::bury(Connection& connection) {
    if (auto entry = connection.farewell(now_)) {
        entry->claims = std::exchange(connection.claims, {});
        farewells_.keep(std::move(*entry));
    }
    forget(connection);
}

Connection* Endpoint::find(const std::uint8_t* cid, std::size_t bytes) {
    const auto found = by_cid_.find(Cid(cid, bytes));
    return found == by_cid_.end() ? nullptr : found->second;
}

ngtcp2_cid Endpoint::make_cid() {
    std::array<std::uint8_t, kCidBytes> bytes;
    base::system_random().fill(bytes);
    const auto chance = static_cast<std::uint16_t>(base::take_place(&bytes[base::kNodeBytes]));
    bytes[0] = 0;  // the node
    base::put_place(&bytes[base::kNodeBytes], base::place_at(options_.worker, options_.workers, chance));
    ngtcp2_cid cid;
    ngtcp2_cid_init(&cid, bytes.data(), bytes.size());
    return cid;
}

void Endpoint::map_cid(Connection& connection, const ngtcp2_cid& cid) {
    const Cid key(cid.data, cid.datalen);
    by_cid_[key] = &connection;
    connection.cids.push_back(key);
}

void Endpoint::unmap_cid(Connection& connection, const ngtcp2_cid& cid) {
    const Cid key(cid.data, cid.datalen);
    by_cid_.erase(key);
    std::erase(connection.cids, key);
}

// ---- turns ----

std::uint64_t Endpoint::now() {
    if (!in_turn_) now_ = steady_ns();
    return now_;
}

void Endpoint::touch(Connection& connection) {
    if (!connection.touched) {
        connection.touched = true;
        touched_.push_back(&connection);
    }
    if (in_turn_ || turn_posted_ || shut_) return;
    turn_posted_ = true;
    asio::post(context_, [weak = weak_from_this()] {
        const auto self = weak.lock();
        if (!self || self->shut_) return;
        self->turn_posted_ = false;
        self->now_ = steady_ns();
        self->turn();
    });
}

void Endpoint::write_now(Connection& connection) {
    connection.write(now());
    touch(connection);  // its timer, and its burial
}

// First all that came is told, then all that this caused is written, once for each connection: an answer goes in the
// packet that acknowledges its question.
void Endpoint::turn() {
    if (in_turn_) return;
    const auto self = shared_from_this();
    in_turn_ = true;
    while (!touched_.empty() && !shut_) {
        writing_.swap(touched_);
        // What handlers do touches connections again: they come in the next round, unless they have been told already.
        for (std::size_t i = 0; i < writing_.size() && !shut_; ++i) {
            Connection& connection = *writing_[i];
            if (!connection.reported && connection.is_handshaken()) {
                connection.confirmed = true;
                confirmed(connection);
                handshaken(connection);
            } else if (!connection.reported && connection.has_early_data()) {
                early(connection);
            }
            if (!shut_) connection.deliver();
            if (!shut_ && connection.reported && connection.is_handshaken() && !connection.confirmed) {
                confirmed(connection);
                connection.confirm();
                if (!shut_) connection.deliver();  // it may have held up reading
            }
        }
        for (std::size_t i = 0; i < writing_.size() && !shut_; ++i) writing_[i]->end_turn();
        if (shut_) break;
        for (Connection* connection : writing_) {
            connection->touched = false;
            connection->write(now_);
            if (connection->has_ended() && !connection->end_counted) {
                connection->end_counted = true;
                ended(*connection);
            }
            if (connection->is_over()) {
                bury(*connection);
                continue;
            }
            const std::uint64_t at = connection->deadline();
            if (connection->timer.is_linked() && connection->timer.at == at) continue;
            connection->timer.unlink();
            connection->timer.at = at;
            if (at != UINT64_MAX) timers_.insert(connection->timer);
        }
        writing_.clear();
    }
    writing_.clear();
    graveyard_.clear();
    flush();
    in_turn_ = false;
    if (shut_) return;
    if (socket_.take_refusal()) socket_failed(ECONNREFUSED);
    arm();
}

void Endpoint::arm() {
    const std::uint64_t next = std::min(timers_.empty() ? UINT64_MAX : timers_.begin()->at, farewells_.next());
    if (next == timer_at_) return;
    // A timer that fires early finds nothing to do; moving it back would cost more.
    if (next > timer_at_ && timer_at_ != UINT64_MAX) return;
    timer_at_ = next;
    timer_.expires_at(std::chrono::steady_clock::time_point(std::chrono::nanoseconds(next)));
    timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->shut_) return;
        self->on_timer();
    });
}

void Endpoint::on_timer() {
    timer_at_ = UINT64_MAX;
    now_ = steady_ns();
    farewells_.expire(now_);
    while (!timers_.empty() && timers_.begin()->at <= now_) {
        Connection& connection = *timers_.begin()->connection;
        connection.timer.unlink();
        connection.expire(now_);
        touch(connection);
    }
    turn();
    if (!shut_) arm();
}

}  // namespace flare::transport::quic
