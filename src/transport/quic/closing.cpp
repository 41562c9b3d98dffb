// How a connection ends: what its peer is told, and what its own side hears.
#include "transport/quic/connection.hpp"
#include "transport/quic/endpoint.hpp"

#include <flare/printable.hpp>

#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace flare::transport::quic {
namespace {

constexpr std::size_t kMaxReasonBytes = 256;
constexpr std::size_t kMostOfAClose = 1452;
constexpr std::uint64_t kTlsAlert = 0x100;  // RFC 9001 section 4.8: CRYPTO_ERROR is this plus the alert
constexpr std::uint64_t kNoApplicationProtocol = kTlsAlert + 120;

bool is_known(std::uint64_t code) {
    return code <= UINT16_MAX && (code == 0 || !name(static_cast<errc>(code)).starts_with("unknown"));
}

std::string cut(std::string_view text) {
    std::size_t size = std::min(text.size(), kMaxReasonBytes);
    while (size > 0 && size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0u) == 0x80u) --size;
    return std::string(text.substr(0, size));
}

}  // namespace

void Connection::close(errc code, std::string_view text, std::chrono::milliseconds limit) {
    if (closing_ || ended_ || error_) return;
    const auto wait = static_cast<std::uint64_t>(std::chrono::nanoseconds(limit).count());
    closing_ = Close{code, std::string(text), endpoint_.now() + wait};
    endpoint_.touch(*this);
}

void Connection::abandon() {
    carrier_ = nullptr;
    if (ended_) {
        endpoint_.touch(*this);
        return;
    }
    // What the carrier had taken goes as far as it can go at once, then the peer is told.
    if (!closing_) {
        closing_ = Close{errc::connection_lost, "the peer has dropped the connection", UINT64_MAX};
        endpoint_.write_now(*this);
        if (!ended_) say_close(endpoint_.now());
    }
    endpoint_.touch(*this);
}

void Connection::finish_with(CloseReason reason) {
    if (ended_) return;
    if (closing_) reason = {closing_->code, closing_->text, false};  // we had closed it already
    ended_ = std::move(reason);
    const std::uint64_t pto = ngtcp2_conn_get_pto(conn_);
    forget_at_ = endpoint_.now() + 3 * pto;  // RFC 9000 section 10.2
    endpoint_.touch(*this);
}

// ngtcp2 has found a fault, of the peer or of the handshake: the peer is told which.
void Connection::fail(int ngtcp2_error) {
    if (error_ || ended_) return;
    error_.emplace();
    ngtcp2_ccerr_default(&*error_);
    const CloseReason reason = local_reason(ngtcp2_error);
    error_text_ = cut(reason.text);
    if (ngtcp2_error == NGTCP2_ERR_CRYPTO) {
        ngtcp2_ccerr_set_tls_alert(&*error_, ngtcp2_conn_get_tls_alert(conn_), nullptr, 0);
    } else {
        ngtcp2_ccerr_set_liberr(&*error_, ngtcp2_error, nullptr, 0);
    }
    fault_ = reason;
    endpoint_.touch(*this);
}

void Connection::say_close(std::uint64_t now) {
    if (ended_) return;
    CloseReason reason;
    if (error_) {
        reason = *fault_;
    } else {
        reason = {closing_->code, closing_->text, false};
        error_.emplace();
        ngtcp2_ccerr_default(&*error_);
        error_text_ = cut(closing_->text);
        ngtcp2_ccerr_set_application_error(&*error_, static_cast<std::uint64_t>(closing_->code),
                                           reinterpret_cast<const std::uint8_t*>(error_text_.data()),
                                           error_text_.size());
    }
    write_close(now);
    finish_with(std::move(reason));
}

void Connection::write_close(std::uint64_t now) {
    if (ngtcp2_conn_in_closing_period(conn_) || ngtcp2_conn_in_draining_period(conn_)) return;
    std::array<std::uint8_t, kMostOfAClose> packet;
    ngtcp2_path_storage path;
    ngtcp2_path_storage_zero(&path);
    ngtcp2_pkt_info info{};
    const ngtcp2_ssize size =
        ngtcp2_conn_write_connection_close(conn_, &path.path, &info, packet.data(), packet.size(), &*error_, now);
    if (size <= 0) return;
    last_words_.packet.assign(packet.data(), packet.data() + size);
    last_words_.peer = Address::of(path.path.remote.addr, path.path.remote.addrlen);
    last_words_.validated = !server_ || handshaken_ || claims.validated;
    const Address from = Address::of(path.path.local.addr, path.path.local.addrlen);
    endpoint_.transmit(last_words_.packet, last_words_.packet.size(), from, last_words_.peer);
}

std::optional<Farewells::Entry> Connection::farewell(std::uint64_t now) {
    // Whoever sends what is no handshake is owed nothing, but is counted among those who might be forging addresses.
    const bool only_counts = fate_ == Fate::dropped && claims.handshake;
    if ((silent_ && !only_counts) || forget_at_ <= now) return std::nullopt;
    Farewells::Entry entry;
    if (!only_counts) entry.cids = cids;
    entry.words = std::move(last_words_);
    entry.until = forget_at_;
    return entry;
}

// What the peer's CONNECTION_CLOSE says (RFC 9000 section 19.19).
CloseReason Connection::peer_reason() const {
    if (heard_.reset) {
        return {errc::connection_lost, "the server no longer knows this connection: it was restarted", true,
                Ending::stateless_reset};
    }
    const ngtcp2_ccerr* said = ngtcp2_conn_get_ccerr(conn_);
    std::string text = printable({reinterpret_cast<const char*>(said->reason), said->reasonlen});
    if (said->type == NGTCP2_CCERR_TYPE_APPLICATION) {
        const errc code = is_known(said->error_code) ? static_cast<errc>(said->error_code) : errc::closed_by_peer;
        return {code, text, true};
    }
    if (said->error_code == NGTCP2_CONNECTION_REFUSED) {
        return {errc::busy, "the server takes no more connections at the moment", true};
    }
    if (said->error_code == kNoApplicationProtocol) {
        return {errc::tls_failed, "the server speaks none of the application protocols that were offered (ALPN)", true};
    }
    if (said->error_code >= kTlsAlert && said->error_code < kTlsAlert + 256) {
        const auto alert = static_cast<gnutls_alert_description_t>(said->error_code - kTlsAlert);
        const char* known = gnutls_alert_get_name(alert);
        return {errc::tls_failed,
                std::string("the peer refused the TLS handshake: ") + (known == nullptr ? "unknown alert" : known),
                true};
    }
    return {errc::connection_lost,
            "the peer closed the connection with QUIC error " + std::to_string(said->error_code) +
                (text.empty() ? "" : ": " + text),
            true};
}

CloseReason Connection::local_reason(int ngtcp2_error) const {
    if (ngtcp2_error != NGTCP2_ERR_CRYPTO) {
        return {errc::connection_lost, std::string("QUIC: ") + ngtcp2_strerror(ngtcp2_error), false, Ending::broken};
    }
    // All bits: nobody was to be verified, so that is not what failed.
    const unsigned status = tls_ == nullptr ? 0 : gnutls_session_get_verify_cert_status(tls_);
    if (status != 0 && status != ~0u) {
        gnutls_datum_t why{};
        std::string text = "the certificate is not trusted";
        if (gnutls_certificate_verification_status_print(status, GNUTLS_CRT_X509, &why, 0) == 0) {
            text.assign(reinterpret_cast<const char*>(why.data), why.size);
            gnutls_free(why.data);
        }
        return {errc::certificate_rejected, text, false};
    }
    const auto alert = static_cast<gnutls_alert_description_t>(ngtcp2_conn_get_tls_alert(conn_));
    const char* known = gnutls_alert_get_name(alert);
    return {errc::tls_failed, std::string("the TLS handshake failed: ") + (known == nullptr ? "unknown alert" : known),
            false};
}

void Connection::socket_failed(int error) {
    if (ended_) return;
    if (handshaken_) {  // one ICMP message does not end a connection (RFC 8085 section 5.2)
        heard_.unreachable = true;
        return endpoint_.touch(*this);
    }
    const errc code = error == ECONNREFUSED ? errc::connection_refused : errc::network_unreachable;
    finish_with({code, std::string(explain(code)), false, Ending::unreachable});
    silent_ = true;
}

}  // namespace flare::transport::quic
