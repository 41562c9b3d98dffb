// A server's endpoint: new connections, Retry, version negotiation, stateless resets.
#include "transport/address.hpp"
#include "transport/quic/carrier.hpp"
#include "transport/quic/quic.hpp"

#include "base/crypto.hpp"
#include "base/log.hpp"
#include "base/random.hpp"

#include <boost/asio/ip/v6_only.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace flare::transport::quic {
namespace {

constexpr std::uint64_t kRetryTokenLifeNs = 10'000'000'000;
// RFC 9000 section 10.3: five bytes that look like a packet's, and the token.
constexpr std::size_t kLeastReset = NGTCP2_MIN_STATELESS_RESET_RANDLEN + NGTCP2_STATELESS_RESET_TOKENLEN;
constexpr std::size_t kMostReset = NGTCP2_MAX_UDP_PAYLOAD_SIZE;
constexpr std::uint32_t kResetsPerSecond = 1000;

ngtcp2_cid cid_of(const std::uint8_t* data, std::size_t size) {
    ngtcp2_cid cid;
    ngtcp2_cid_init(&cid, data, size);
    return cid;
}

class ServerEndpoint final : public Endpoint {
public:
    ServerEndpoint(boost::asio::io_context& context, std::shared_ptr<ServerContext> keys, Options options,
                   ListenerHandler& handler)
        : Endpoint(context, options), keys_(std::move(keys)), handler_(&handler) {}

    // 0, or an errno; then it may be called again.
    int open(const ListenAddress& address) {
        const boost::asio::ip::udp::endpoint local(address.endpoint.address(), address.endpoint.port());
        socket_ = UdpSocket();
        if (const int error = socket_.bind(local, address.both_families, options().port_use); error != 0) return error;
        if (options().workers > 1) socket_.steer_by_worker(options().workers);
        watch();
        return 0;
    }
    void stop_accepting() { accepting_ = false; }
    void use(std::shared_ptr<ServerContext> keys) { keys_ = std::move(keys); }
    // The listener has gone: carriers go on, whoever is still in a handshake does not.
    void leave() {
        accepting_ = false;
        handler_ = nullptr;
    }
    std::uint64_t misrouted() const { return misrouted_; }
    ListenerLoad load() const { return {connections(), handshakes_, farewells().size(), farewells().bytes()}; }

private:
    using Key = std::array<std::uint8_t, 32>;

    void stray(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) override {
        if (ids.version != 0 && ids.version != NGTCP2_PROTO_VER_V1) return negotiate_version(packet, ids);
        // A long header without a version is a version negotiation packet (RFC 9000 section 17.2.1): no client sends
        // it.
        const bool long_header = (packet.bytes.front() & 0x80u) != 0;
        if (ids.version == 0) return long_header ? void() : reset(packet, ids);
        Connection::Arrival arrival;
        if (ngtcp2_accept(&arrival.header, packet.bytes.data(), packet.bytes.size()) != 0) return;
        if (!accepting_ || handler_ == nullptr) return;
        if (arrival.header.tokenlen != 0 && arrival.header.token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY2) {
            ngtcp2_cid original;
            const auto fits = [&](const Key& key) {
                return ngtcp2_crypto_verify_retry_token2(&original, arrival.header.token, arrival.header.tokenlen,
                                                         key.data(), key.size(), arrival.header.version,
                                                         packet.from->data(), packet.from->length, &arrival.header.dcid,
                                                         kRetryTokenLifeNs, now()) == 0;
            };
            // Forged, old, or of another address: it is dropped.
            const auto& keys = retry_keys();
            if (!fits(keys[0]) && !fits(keys[1])) return;
            arrival.original_dcid = original;
        } else if (handshakes_ >= options().retry_above) {
            return retry(packet, arrival.header);
        }
        Claims claims{true, true, arrival.original_dcid.has_value(), address_text(packet.from->endpoint().address())};
        switch (handler_->on_handshake(claims.peer, claims.validated)) {
            case ListenerHandler::Answer::admit: break;
            case ListenerHandler::Answer::validate:
                return claims.validated ? refuse(packet, arrival.header) : retry(packet, arrival.header);
            case ListenerHandler::Answer::refuse: return refuse(packet, arrival.header);
        }
        ++handshakes_;
        auto made = std::make_unique<Connection>(*this, true);
        made->claims = std::move(claims);
        Connection& connection = add(std::move(made));
        if (!connection.accept(keys_, arrival, *packet.to, *packet.from, now())) return drop(connection);
        connection.packet(packet.bytes, *packet.to, *packet.from, now());
        if (connection.needs_retry()) {
            drop(connection);
            return retry(packet, arrival.header);
        }
        touch(connection);
    }

    void handshaken(Connection& connection) override { give_away(connection); }
    void early(Connection& connection) override { give_away(connection); }
    void give_away(Connection& connection) {
        connection.reported = true;
        if (handler_ == nullptr) return connection.abandon();
        connection.claims.place = false;
        handler_->on_carrier(std::make_unique<QuicCarrier>(shared_from_this(), connection),
                             connection.claims.validated);
    }
    void confirmed(Connection& connection) override { leave_handshake(connection.claims); }
    // A handshake that has failed goes on counting until its last words are forgotten.
    void ended(Connection& connection) override {
        if (connection.reported) return;
        connection.reported = true;
        // Whoever gave up or went silent is no news; what one side found wrong with the other is.
        const CloseReason& reason = connection.end();
        if (reason.code == errc::tls_failed || reason.code == errc::certificate_rejected)
            base::log().limited(base::LogKind::failed_quic, "{} QUIC handshake failed: {}", connection.peer(),
                                reason.text);
        if (connection.is_nothing()) give_place_back(connection.claims);
    }
    void leave_handshake(Claims& claims) {
        if (std::exchange(claims.handshake, false)) --handshakes_;
    }
    void give_place_back(Claims& claims) {
        if (std::exchange(claims.place, false) && handler_ != nullptr)
            handler_->on_handshake_gone(claims.peer, claims.validated);
    }
    void released(const Claims& claims) override {
        Claims last = claims;
        leave_handshake(last);
        give_place_back(last);
    }
    void drop(Connection& connection) {
        connection.reported = true;
        forget(connection);
    }

    // RFC 9000 section 6.1.
    void negotiate_version(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) {
        if (packet.bytes.size() < NGTCP2_MAX_UDP_PAYLOAD_SIZE) return;  // no amplification (section 14.1)
        const std::uint32_t versions[] = {NGTCP2_PROTO_VER_V1};
        std::array<std::uint8_t, 256> out;
        std::uint8_t any = 0;
        base::system_random().fill({&any, 1});
        const ngtcp2_ssize size = ngtcp2_pkt_write_version_negotiation(out.data(), out.size(), any, ids.scid,
                                                                       ids.scidlen, ids.dcid, ids.dcidlen, versions, 1);
        if (size > 0) answer(packet, out.data(), static_cast<std::size_t>(size));
    }

    // RFC 9000 section 5.2.2: the client learns at once, and nothing is kept of it. The answer is shorter than what
    // asked.
    void refuse(const UdpSocket::Packet& packet, const ngtcp2_pkt_hd& header) {
        std::array<std::uint8_t, 256> out;
        const ngtcp2_ssize size = ngtcp2_crypto_write_connection_close(
            out.data(), out.size(), header.version, &header.scid, &header.dcid, NGTCP2_CONNECTION_REFUSED, nullptr, 0);
        if (size > 0) answer(packet, out.data(), static_cast<std::size_t>(size));
    }

    // RFC 9000 section 8.1.2: whoever answers has shown that the address is its own.
    void retry(const UdpSocket::Packet& packet, const ngtcp2_pkt_hd& header) {
        const ngtcp2_cid id = make_cid();
        std::array<std::uint8_t, NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN2> token;
        const Key& key = retry_keys()[0];
        const ngtcp2_ssize token_size =
            ngtcp2_crypto_generate_retry_token2(token.data(), key.data(), key.size(), header.version,
                                                packet.from->data(), packet.from->length, &id, &header.dcid, now());
        if (token_size < 0) return;
        std::array<std::uint8_t, 256> out;
        const ngtcp2_ssize size =
            ngtcp2_crypto_write_retry(out.data(), out.size(), header.version, &header.scid, &id, &header.dcid,
                                      token.data(), static_cast<std::size_t>(token_size));
        if (size > 0) answer(packet, out.data(), static_cast<std::size_t>(size));
    }

    // Another key every hour; the one before is good for tokens that are under way.
    const std::array<Key, 2>& retry_keys() {
        const std::uint64_t hour = now() / 3'600'000'000'000;
        if (hour != retry_hour_) {
            retry_hour_ = hour;
            retry_keys_ = {retry_key(hour), retry_key(hour - 1)};
        }
        return retry_keys_;
    }
    Key retry_key(std::uint64_t hour) const {
        const Secret& secret = options().secret;
        const std::string made = base::hmac_sha256({reinterpret_cast<const char*>(secret.data()), secret.size()},
                                                   "flare quic retry " + std::to_string(hour));
        Key key;
        std::copy_n(made.begin(), key.size(), key.begin());
        return key;
    }

    // RFC 9000 section 10.3: a connection of the process before us, or one that we have forgotten. The answer is one
    // byte shorter than the packet: two servers that take each other's resets for packets soon fall silent.
    void reset(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) {
        if (ids.dcidlen != kCidBytes) return;
        if (base::worker_of(base::take_place(ids.dcid + base::kNodeBytes), options().workers) != options().worker) {
            ++misrouted_;
            return;
        }
        if (packet.bytes.size() <= kLeastReset || !may_reset()) return;
        const ngtcp2_cid cid = cid_of(ids.dcid, ids.dcidlen);
        std::array<std::uint8_t, NGTCP2_STATELESS_RESET_TOKENLEN> token;
        const Secret& secret = options().secret;
        if (ngtcp2_crypto_generate_stateless_reset_token(token.data(), secret.data(), secret.size(), &cid) != 0) return;
        std::array<std::uint8_t, kMostReset> random;
        const std::size_t before = std::min(packet.bytes.size() - 1, kMostReset) - token.size();
        base::system_random().fill({random.data(), before});
        std::array<std::uint8_t, kMostReset> out;
        const ngtcp2_ssize size =
            ngtcp2_pkt_write_stateless_reset(out.data(), out.size(), token.data(), random.data(), before);
        if (size > 0) answer(packet, out.data(), static_cast<std::size_t>(size));
    }
    bool may_reset() {
        const std::uint64_t second = now() / 1'000'000'000;
        if (second != reset_second_) {
            reset_second_ = second;
            resets_ = 0;
        }
        return ++resets_ <= kResetsPerSecond;
    }

    void answer(const UdpSocket::Packet& packet, const std::uint8_t* data, std::size_t size) {
        transmit({data, size}, size, *packet.to, *packet.from);
    }

    std::shared_ptr<ServerContext> keys_;
    ListenerHandler* handler_;
    bool accepting_ = true;
    std::size_t handshakes_ = 0;       // under way, or failed lately
    std::array<Key, 2> retry_keys_{};  // of this hour and of the one before
    std::uint64_t retry_hour_ = UINT64_MAX;
    std::uint64_t misrouted_ = 0;
    std::uint64_t reset_second_ = 0;
    std::uint32_t resets_ = 0;
};

class ListenerImpl final : public Listener {
public:
    explicit ListenerImpl(std::shared_ptr<ServerEndpoint> endpoint) : endpoint_(std::move(endpoint)) {}
    ~ListenerImpl() override { endpoint_->leave(); }
    boost::asio::ip::udp::endpoint local_endpoint() const override { return endpoint_->socket().local().endpoint(); }
    void stop_accepting() override { endpoint_->stop_accepting(); }
    std::uint64_t misrouted() const override { return endpoint_->misrouted(); }
    ListenerLoad load() const override { return endpoint_->load(); }
    void use(std::shared_ptr<ServerContext> keys) override { endpoint_->use(std::move(keys)); }

private:
    std::shared_ptr<ServerEndpoint> endpoint_;
};

}  // namespace

Result<std::unique_ptr<Listener>> Listener::open(boost::asio::io_context& context, const std::string& address,
                                                 std::shared_ptr<ServerContext> keys, Options options,
                                                 ListenerHandler& handler, std::string* error_text) {
    const auto complain = [&](errc code, const std::string& text) {
        if (error_text != nullptr) *error_text = text;
        return boost::system::error_code(code);
    };
    auto parsed = parse_listen_address(address);
    if (!parsed) return complain(errc::invalid_config, "'" + address + "' is no address: 127.0.0.1:4010, [::1]:4010");
    auto endpoint = std::make_shared<ServerEndpoint>(context, std::move(keys), options, handler);
    const int error = listen_on(*parsed, [&](const ListenAddress& each) { return endpoint->open(each); });
    if (error != 0) {
        const errc code = listen_errc(error);
        return complain(code, address + ": " + std::string(explain(code)));
    }
    return std::unique_ptr<Listener>(std::make_unique<ListenerImpl>(std::move(endpoint)));
}

}  // namespace flare::transport::quic
