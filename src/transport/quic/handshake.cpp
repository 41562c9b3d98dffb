// How a connection begins: settings, TLS, and the callbacks of ngtcp2.
#include "transport/host.hpp"
#include "transport/quic/carrier.hpp"
#include "transport/quic/connection.hpp"
#include "transport/quic/endpoint.hpp"

#include "base/place.hpp"
#include "base/random.hpp"

#include <boost/asio/ip/address.hpp>

#include <gnutls/crypto.h>
#include <gnutls/x509.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>

#include <cstring>

namespace flare::transport::quic {
namespace {

constexpr std::uint64_t kStreamWindow = 256 * 1024;
constexpr std::uint64_t kConnectionWindow = 512 * 1024;
constexpr std::uint64_t kMaxStreams = 2 * kChannels;

std::uint64_t ns(std::chrono::milliseconds time) {
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(time).count());
}

void fill_random(std::uint8_t* out, std::size_t size, const ngtcp2_rand_ctx*) {
    base::system_random().fill({out, size});
}

}  // namespace

// They only note: ngtcp2 must not be called back from inside (other than by the functions that its manual allows).
struct Callbacks {
    static Connection& of(void* user) { return *static_cast<Connection*>(user); }

    static int recv_stream_data(ngtcp2_conn*, std::uint32_t flags, std::int64_t id, std::uint64_t,
                                const std::uint8_t* data, std::size_t size, void* user, void*) {
        Connection& connection = of(user);
        if ((flags & NGTCP2_STREAM_DATA_FLAG_0RTT) != 0) connection.early_arrived_ = true;
        Stream& stream = connection.stream_made(id);
        stream.in.append(reinterpret_cast<const char*>(data), size);
        stream.held += size;
        connection.held_ += size;
        connection.stats_.bytes_in += size;
        if (!stream.readable && size != 0) {
            stream.readable = true;
            connection.readable_.push_back(&stream);
        }
        return 0;
    }
    static int acked_stream_data_offset(ngtcp2_conn*, std::int64_t id, std::uint64_t offset, std::uint64_t size,
                                        void* user, void*) {
        if (Stream* stream = of(user).stream(id)) stream->out.acked(offset + size);
        return 0;
    }
    static int stream_open(ngtcp2_conn*, std::int64_t id, void* user) {
        of(user).stream_made(id);
        return 0;
    }
    static int stream_reset(ngtcp2_conn*, std::int64_t, std::uint64_t, std::uint64_t, void* user, void*) {
        of(user).close(errc::unexpected_frame, "a stream was reset", std::chrono::milliseconds(0));
        return 0;
    }
    static int stream_stop_sending(ngtcp2_conn*, std::int64_t, std::uint64_t, void* user, void*) {
        of(user).close(errc::unexpected_frame, "a stream was stopped", std::chrono::milliseconds(0));
        return 0;
    }
    static int extend_max_stream_data(ngtcp2_conn*, std::int64_t id, std::uint64_t, void* user, void*) {
        if (Stream* stream = of(user).stream(id)) stream->blocked = false;
        return 0;
    }
    static int handshake_completed(ngtcp2_conn* conn, void* user) {
        Connection& connection = of(user);
        connection.handshaken_ = true;
        if (connection.sends_ticket_) (void)gnutls_session_ticket_send(connection.tls_, 1, 0);
        if (connection.server_ || !connection.may_send_early_) return 0;
        const bool accepted = (gnutls_session_get_flags(connection.tls_) & GNUTLS_SFLAGS_EARLY_DATA) != 0;
        if (connection.spoken_) connection.early_data_ = accepted ? EarlyData::accepted : EarlyData::rejected;
        return accepted ? 0 : ngtcp2_conn_tls_early_data_rejected(conn);
    }
    static int early_data_rejected(ngtcp2_conn*, void* user) {
        of(user).begin_streams_again();
        return 0;
    }
    // What comes for TLS once its session has been given up is of no use.
    static int recv_crypto_data(ngtcp2_conn* conn, ngtcp2_encryption_level level, std::uint64_t offset,
                                const std::uint8_t* data, std::size_t size, void* user) {
        if (of(user).tls_ == nullptr) return NGTCP2_ERR_CRYPTO;
        return ngtcp2_crypto_recv_crypto_data_cb(conn, level, offset, data, size, user);
    }
    static int ticket_came(gnutls_session_t session, unsigned, unsigned, unsigned, const gnutls_datum_t*) {
        auto* const ref = static_cast<ngtcp2_crypto_conn_ref*>(gnutls_session_get_ptr(session));
        gnutls_datum_t packed{};
        if (gnutls_session_get_data2(session, &packed) != 0) return 0;
        of(ref->user_data).new_ticket_.assign(reinterpret_cast<const char*>(packed.data), packed.size);
        gnutls_free(packed.data);
        return 0;
    }
    static int path_validated(ngtcp2_conn* conn, std::uint32_t, const ngtcp2_path*, const ngtcp2_path* old,
                              ngtcp2_path_validation_result result, void* user) {
        Connection& connection = of(user);
        if (result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS) {
            if (old != nullptr || connection.moving_) connection.migrated(*ngtcp2_conn_get_path(conn));
        } else if (connection.moving_ && result == NGTCP2_PATH_VALIDATION_RESULT_FAILURE) {
            connection.close(errc::connection_lost, "the path from the new address does not work",
                             std::chrono::milliseconds(0));
        }
        return 0;
    }
    static int recv_stateless_reset(ngtcp2_conn*, const ngtcp2_pkt_stateless_reset*, void* user) {
        of(user).heard_.reset = true;
        return 0;
    }
    static int get_new_connection_id(ngtcp2_conn*, ngtcp2_cid* cid, std::uint8_t* token, std::size_t, void* user) {
        Connection& connection = of(user);
        *cid = connection.endpoint_.make_cid();
        const Secret& secret = connection.endpoint_.options().secret;
        if (ngtcp2_crypto_generate_stateless_reset_token(token, secret.data(), secret.size(), cid) != 0)
            return NGTCP2_ERR_CALLBACK_FAILURE;
        connection.endpoint_.map_cid(connection, *cid);
        return 0;
    }
    static int remove_connection_id(ngtcp2_conn*, const ngtcp2_cid* cid, void* user) {
        Connection& connection = of(user);
        connection.endpoint_.unmap_cid(connection, *cid);
        return 0;
    }
    static void qlog_write(void* user, std::uint32_t, const void* data, std::size_t size) {
        of(user).qlog_->write(data, size);
    }
    static ngtcp2_conn* get_conn(ngtcp2_crypto_conn_ref* ref) { return of(ref->user_data).conn_; }

    static ngtcp2_callbacks common() {
        ngtcp2_callbacks all{};
        all.recv_crypto_data = recv_crypto_data;
        all.encrypt = ngtcp2_crypto_encrypt_cb;
        all.decrypt = ngtcp2_crypto_decrypt_cb;
        all.hp_mask = ngtcp2_crypto_hp_mask_cb;
        all.update_key = ngtcp2_crypto_update_key_cb;
        all.delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
        all.delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
        all.get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
        all.version_negotiation = ngtcp2_crypto_version_negotiation_cb;
        all.rand = fill_random;
        all.recv_stream_data = recv_stream_data;
        all.acked_stream_data_offset = acked_stream_data_offset;
        all.stream_open = stream_open;
        all.stream_reset = stream_reset;
        all.stream_stop_sending = stream_stop_sending;
        all.extend_max_stream_data = extend_max_stream_data;
        all.handshake_completed = handshake_completed;
        all.get_new_connection_id = get_new_connection_id;
        all.remove_connection_id = remove_connection_id;
        all.path_validation = path_validated;
        return all;
    }
};

ngtcp2_settings Connection::settings_for(const ngtcp2_cid& first_id, std::uint64_t now) {
    ngtcp2_settings settings;
    ngtcp2_settings_default(&settings);
    const Options& options = endpoint_.options();
    settings.cc_algo = options.congestion == QuicCongestion::bbr ? NGTCP2_CC_ALGO_BBR : NGTCP2_CC_ALGO_CUBIC;
    if (!options.qlog_folder.empty())
        qlog_ = Qlog::open(options.qlog_folder, {first_id.data, first_id.datalen}, server_);
    if (qlog_) settings.qlog_write = Callbacks::qlog_write;
    settings.initial_ts = now;
    settings.handshake_timeout = ns(options.handshake_timeout);
    settings.ack_thresh = 1;  // an ack rides on the answer, where the default would send it alone a little later
    settings.max_tx_udp_payload_size = 1452;
    return settings;
}

ngtcp2_transport_params Connection::params_of(const Endpoint& endpoint) {
    ngtcp2_transport_params params;
    ngtcp2_transport_params_default(&params);
    params.initial_max_stream_data_bidi_local = kStreamWindow;
    params.initial_max_stream_data_bidi_remote = kStreamWindow;
    params.initial_max_data = kConnectionWindow;
    params.initial_max_streams_bidi = kMaxStreams;
    params.initial_max_streams_uni = endpoint.options().unidirectional_streams;
    params.max_idle_timeout = ns(endpoint.options().idle_timeout);
    params.active_connection_id_limit = 4;
    return params;
}

bool Connection::make_session(const Credentials& keys, unsigned flags) {
    if (gnutls_init(&tls_, flags) != 0) return false;
    if (gnutls_priority_set(tls_, keys.priorities) != 0) return false;
    if (gnutls_credentials_set(tls_, GNUTLS_CRD_CERTIFICATE, keys.certificates) != 0) return false;
    std::vector<gnutls_datum_t> alpn;
    for (const std::string& each : keys.alpn) {
        alpn.push_back(
            {reinterpret_cast<unsigned char*>(const_cast<char*>(each.data())), static_cast<unsigned>(each.size())});
    }
    // RFC 9001 section 8.1: without a common protocol there is no connection.
    if (gnutls_alpn_set_protocols(tls_, alpn.data(), static_cast<unsigned>(alpn.size()), GNUTLS_ALPN_MANDATORY) != 0)
        return false;
    ref_ = {Callbacks::get_conn, this};
    gnutls_session_set_ptr(tls_, &ref_);
    return true;
}

bool Connection::accept(std::shared_ptr<const ServerContext> keys, const Arrival& arrival, const Address& local,
                        const Address& remote, std::uint64_t now) {
    local_ = local;
    remote_ = remote;
    peer_ = remote.endpoint().address().to_string();
    ngtcp2_callbacks callbacks = Callbacks::common();
    callbacks.recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;

    const ngtcp2_cid id = endpoint_.make_cid();
    ngtcp2_settings settings = settings_for(arrival.original_dcid.value_or(arrival.header.dcid), now);
    ngtcp2_transport_params params = params_of(endpoint_);
    params.original_dcid = arrival.header.dcid;
    params.original_dcid_present = 1;
    if (arrival.original_dcid) {
        params.original_dcid = *arrival.original_dcid;
        params.retry_scid = arrival.header.dcid;
        params.retry_scid_present = 1;
        settings.token = arrival.header.token;
        settings.tokenlen = arrival.header.tokenlen;
        settings.token_type = NGTCP2_TOKEN_TYPE_RETRY;
    }
    params.stateless_reset_token_present = 1;
    const Secret& secret = endpoint_.options().secret;
    if (ngtcp2_crypto_generate_stateless_reset_token(params.stateless_reset_token, secret.data(), secret.size(), &id) !=
        0)
        return false;
    ngtcp2_path path{};
    path.local = {const_cast<sockaddr*>(local.data()), local.length};
    path.remote = {const_cast<sockaddr*>(remote.data()), remote.length};
    if (ngtcp2_conn_server_new(&conn_, &arrival.header.scid, &id, &path, arrival.header.version, &callbacks, &settings,
                               &params, nullptr, this) != 0)
        return false;
    const unsigned early = keys->keys().early_data ? unsigned{GNUTLS_ENABLE_EARLY_DATA} : 0u;
    if (!make_session(keys->keys(), GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET | GNUTLS_NO_END_OF_EARLY_DATA | early))
        return false;
    if (ngtcp2_crypto_gnutls_configure_server_session(tls_) != 0) return false;
    if (!keys->keys().ticket_key.empty()) {
        const std::string& key = keys->keys().ticket_key;
        const gnutls_datum_t master{reinterpret_cast<unsigned char*>(const_cast<char*>(key.data())),
                                    static_cast<unsigned>(key.size())};
        if (gnutls_session_ticket_enable_server(tls_, &master) != 0) return false;
        sends_ticket_ = true;
    }
    if (early != 0) {
        gnutls_anti_replay_enable(tls_, keys->keys().replays->handle());
        // RFC 9001 section 4.6.1: this value and no other; QUIC's own flow control bounds early data.
        if (gnutls_record_set_max_early_data_size(tls_, 0xffffffffu) != 0) return false;
    }
    if (keys->keys().ask_for_client_certificate) {
        const bool required = keys->keys().require_client_certificate;
        gnutls_certificate_server_set_request(tls_, required ? GNUTLS_CERT_REQUIRE : GNUTLS_CERT_REQUEST);
        if (required) gnutls_session_set_verify_cert(tls_, nullptr, 0);
    }
    server_keys_ = std::move(keys);
    ngtcp2_conn_set_tls_native_handle(conn_, tls_);
    endpoint_.map_cid(*this, id);
    endpoint_.map_cid(*this, arrival.header.dcid);  // until the client has heard of ours
    return true;
}

bool Connection::connect(const ClientContext& keys, const Departure& departure, const Address& local,
                         const Address& remote, std::uint64_t now) {
    server_name_ = certificate_name(departure.server_name);
    tickets_ = &keys.keys().tickets;
    ticket_name_ = departure.ticket_name;
    local_ = local;
    leaving_from_ = local;
    remote_ = remote;
    peer_ = remote.endpoint().address().to_string();
    ngtcp2_callbacks callbacks = Callbacks::common();
    callbacks.client_initial = ngtcp2_crypto_client_initial_cb;
    callbacks.recv_retry = ngtcp2_crypto_recv_retry_cb;
    callbacks.recv_stateless_reset = Callbacks::recv_stateless_reset;
    callbacks.tls_early_data_rejected = Callbacks::early_data_rejected;

    const ngtcp2_cid id = endpoint_.make_cid();
    ngtcp2_cid server_id;
    std::array<std::uint8_t, 16> random;
    base::system_random().fill(random);
    if (departure.place) base::put_place(&random[base::kNodeBytes], *departure.place);
    ngtcp2_cid_init(&server_id, random.data(), random.size());
    const ngtcp2_settings settings = settings_for(server_id, now);
    const ngtcp2_transport_params params = params_of(endpoint_);
    ngtcp2_path path{};
    path.local = {const_cast<sockaddr*>(local.data()), local.length};
    path.remote = {const_cast<sockaddr*>(remote.data()), remote.length};
    if (ngtcp2_conn_client_new(&conn_, &server_id, &id, &path, NGTCP2_PROTO_VER_V1, &callbacks, &settings, &params,
                               nullptr, this) != 0)
        return false;
    if (!make_session(keys.keys(), GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_DATA | GNUTLS_NO_END_OF_EARLY_DATA))
        return false;
    if (ngtcp2_crypto_gnutls_configure_client_session(tls_) != 0) return false;
    boost::system::error_code not_an_address;
    (void)boost::asio::ip::make_address(server_name_, not_an_address);
    if (not_an_address) {  // RFC 6066 section 3: no addresses in SNI
        gnutls_server_name_set(tls_, GNUTLS_NAME_DNS, server_name_.data(), server_name_.size());
    }
    gnutls_session_set_verify_cert(tls_, server_name_.c_str(), 0);
    gnutls_handshake_set_hook_function(tls_, GNUTLS_HANDSHAKE_NEW_SESSION_TICKET, GNUTLS_HOOK_POST,
                                       Callbacks::ticket_came);
    ngtcp2_conn_set_tls_native_handle(conn_, tls_);
    if (const auto& ticket = departure.ticket; ticket) {
        const auto* const parameters = reinterpret_cast<const std::uint8_t*>(ticket->parameters.data());
        may_send_early_ =
            gnutls_session_set_data(tls_, ticket->session.data(), ticket->session.size()) == 0 &&
            ngtcp2_conn_decode_and_set_0rtt_transport_params(conn_, parameters, ticket->parameters.size()) == 0;
    }
    endpoint_.map_cid(*this, id);
    return true;
}

Stream* Connection::stream(std::int64_t id) {
    const auto found = streams_.find(id);
    return found == streams_.end() ? nullptr : found->second.get();
}

Stream& Connection::stream_made(std::int64_t id) {
    auto& slot = streams_[id];
    if (!slot) {
        slot = std::make_unique<Stream>();
        slot->id = id;
    }
    return *slot;
}

void Connection::begin_streams_again() {
    for (auto& [id, stream] : streams_) {
        stream->id = -1;
        stream->blocked = false;
        stream->out.restart();
        unopened_.push_back(std::move(stream));
    }
    streams_.clear();
}

// Keeps a ticket that came; gives TLS up (10 KiB of every connection) when nothing more can come for it.
void Connection::settle_tls() {
    if (!handshaken_ || tls_ == nullptr || !reported || ended_ || error_) return;
    if (!server_ && new_ticket_.empty()) return;
    if (!server_) {
        std::array<std::uint8_t, 256> parameters;
        const ngtcp2_ssize size = ngtcp2_conn_encode_0rtt_transport_params(conn_, parameters.data(), parameters.size());
        if (size > 0 && endpoint_.options().tickets) {
            tickets_->keep(ticket_name_,
                           {std::move(new_ticket_), std::string(reinterpret_cast<const char*>(parameters.data()),
                                                                static_cast<std::size_t>(size))});
        }
        new_ticket_.clear();
    }
    ngtcp2_conn_set_tls_native_handle(conn_, nullptr);
    gnutls_deinit(tls_);
    server_keys_.reset();
    tls_ = nullptr;
}

std::vector<std::string> Connection::peer_certificates() const {
    std::vector<std::string> shown;
    unsigned count = 0;
    const gnutls_datum_t* const chain = tls_ == nullptr ? nullptr : gnutls_certificate_get_peers(tls_, &count);
    for (unsigned i = 0; chain != nullptr && i < count; ++i)
        shown.emplace_back(reinterpret_cast<const char*>(chain[i].data), chain[i].size);
    return shown;
}

CarrierInfo Connection::info() const {
    CarrierInfo info;
    info.protocol = Protocol::quic;
    info.encrypted = true;
    info.early = server_ && !handshaken_;
    info.early_data = early_data_;
    const auto peer = remote_.endpoint();
    const auto here = local_.endpoint();
    info.peer_address = peer.address().to_string();
    info.peer_port = peer.port();
    info.local_address = here.address().to_string();
    info.local_port = here.port();
    unsigned count = 0;
    unsigned doubts = 0;
    const bool may_have_shown = server_ && handshaken_;
    const gnutls_datum_t* chain = may_have_shown ? gnutls_certificate_get_peers(tls_, &count) : nullptr;
    // One that was asked for and not required has not been verified yet.
    if (chain != nullptr && (gnutls_certificate_verify_peers2(tls_, &doubts) != 0 || doubts != 0)) chain = nullptr;
    gnutls_x509_crt_t certificate = nullptr;
    if (chain != nullptr && count != 0 && gnutls_x509_crt_init(&certificate) == 0) {
        gnutls_datum_t subject{};
        if (gnutls_x509_crt_import(certificate, &chain[0], GNUTLS_X509_FMT_DER) == 0 &&
            gnutls_x509_crt_get_dn3(certificate, &subject, 0) == 0) {
            info.peer_certificate.assign(reinterpret_cast<const char*>(subject.data), subject.size);
            gnutls_free(subject.data);
        }
        gnutls_x509_crt_deinit(certificate);
    }
    return info;
}

}  // namespace flare::transport::quic
