#include "transport/tls/session.hpp"

#include "transport/host.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace flare::transport::tls {

// OpenSSL's own socket BIO writes with write(), which raises SIGPIPE on a dead connection; this one sends with
// MSG_NOSIGNAL, and reads either from the socket or from what was taken off it.
struct Session::SocketBio {
    static Session& session(BIO* bio) { return *static_cast<Session*>(BIO_get_data(bio)); }

    static int write(BIO* bio, const char* data, std::size_t size, std::size_t* written) {
        BIO_clear_retry_flags(bio);
        Session& self = session(bio);
        const ssize_t sent = ::send(self.fd_, data, size, MSG_NOSIGNAL);
        if (sent >= 0) {
            *written = static_cast<std::size_t>(sent);
            return 1;
        }
        if (errno == EAGAIN || errno == EINTR) {
            BIO_set_retry_write(bio);
        } else {
            self.socket_error_ = errno;
        }
        return 0;
    }

    static int read(BIO* bio, char* data, std::size_t size, std::size_t* taken) {
        BIO_clear_retry_flags(bio);
        Session& self = session(bio);
        if (self.reading_received_) {
            if (self.received_.empty()) {
                BIO_set_retry_read(bio);
                return 0;
            }
            *taken = std::min(size, self.received_.size());
            std::memcpy(data, self.received_.data(), *taken);
            self.received_.remove_prefix(*taken);
            return 1;
        }
        const ssize_t got = ::recv(self.fd_, data, size, 0);
        if (got > 0) {
            *taken = static_cast<std::size_t>(got);
            return 1;
        }
        if (got == 0) {
            self.ended_ = true;
        } else if (errno == EAGAIN || errno == EINTR) {
            BIO_set_retry_read(bio);
        } else {
            self.socket_error_ = errno;
        }
        return 0;
    }

    static long control(BIO* /*bio*/, int command, long /*number*/, void* /*pointer*/) {
        return command == BIO_CTRL_FLUSH ? 1 : 0;
    }

    static BIO_METHOD* method() {
        static BIO_METHOD* const made = [] {
            BIO_METHOD* const fresh = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "flare socket");
            if (fresh != nullptr) {
                BIO_meth_set_write_ex(fresh, &SocketBio::write);
                BIO_meth_set_read_ex(fresh, &SocketBio::read);
                BIO_meth_set_ctrl(fresh, &SocketBio::control);
            }
            return fresh;
        }();
        return made;
    }
};

Session::Session(SSL* ssl, int fd, std::shared_ptr<void> context) : ssl_(ssl), fd_(fd), context_(std::move(context)) {}

Session::~Session() { SSL_free(ssl_); }

std::unique_ptr<Session> Session::make(SSL* ssl, int fd, std::shared_ptr<void> context) {
    if (ssl == nullptr) return nullptr;
    std::unique_ptr<Session> session(new Session(ssl, fd, std::move(context)));
    BIO* const bio = BIO_new(SocketBio::method());
    if (bio == nullptr) return nullptr;
    BIO_set_data(bio, session.get());
    BIO_set_init(bio, 1);
    SSL_set_bio(ssl, bio, bio);
    return session;
}

std::unique_ptr<Session> Session::server(std::shared_ptr<ServerContext> context, int fd) {
    SSL* const ssl = SSL_new(context->native());
    if (ssl != nullptr) SSL_set_accept_state(ssl);
    return make(ssl, fd, std::move(context));
}

std::unique_ptr<Session> Session::client(std::shared_ptr<ClientContext> context, int fd,
                                         const std::string& server_name) {
    SSL* const ssl = SSL_new(context->native());
    auto session = make(ssl, fd, std::move(context));
    if (session == nullptr) return nullptr;
    SSL_set_connect_state(ssl);
    // An address is matched against the certificate's IP entries and is never sent as SNI (RFC 6066 section 3).
    const std::string name = certificate_name(server_name);
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name.c_str()) != 1) {
        SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (SSL_set1_host(ssl, name.c_str()) != 1 || SSL_set_tlsext_host_name(ssl, name.c_str()) != 1) {
            return nullptr;
        }
    }
    return session;
}

Session::Progress Session::handshake() {
    ERR_clear_error();
    const int result = SSL_do_handshake(ssl_);
    if (result == 1) return Progress::done;
    switch (SSL_get_error(ssl_, result)) {
        case SSL_ERROR_WANT_READ: return Progress::want_read;
        case SSL_ERROR_WANT_WRITE: return Progress::want_write;
        default: break;
    }
    describe_failure();
    broken_ = true;
    return Progress::failed;
}

void Session::describe_failure() {
    const unsigned long code = ERR_get_error();
    const long verified = SSL_get_verify_result(ssl_);
    const char* const reason = ERR_reason_error_string(code);
    if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED) {
        error_ = errc::certificate_rejected;
        error_text_ = std::string("the peer's certificate is not accepted: ") + X509_verify_cert_error_string(verified);
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        error_ = errc::certificate_rejected;
        error_text_ = "the client showed no certificate";
    } else if (ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) == SSL_R_WRONG_VERSION_NUMBER) {
        error_text_ = "the peer does not speak TLS on this port";
    } else if (ended_) {
        error_text_ = "the peer closed the connection during the TLS handshake";
    } else if (reason != nullptr) {
        // Alerts of the peer about our certificate have reasons such as "tlsv13 alert certificate required".
        const std::string_view words(reason);
        if (words.find("certificate") != std::string_view::npos || words.find("unknown ca") != std::string_view::npos) {
            error_ = errc::certificate_rejected;
        }
        error_text_ = std::string("TLS failed: ") + reason;
    } else {
        error_text_ = std::string("TLS failed: ") + std::strerror(socket_error_ != 0 ? socket_error_ : EPROTO);
    }
}

IoResult Session::failure() {
    if (ended_ && socket_error_ == 0) return {0, IoStatus::end, 0};
    if (!broken_) describe_failure();
    broken_ = true;
    return {0, IoStatus::failed, socket_error_ != 0 ? socket_error_ : EPROTO};
}

IoResult Session::read(std::span<char> out, std::span<char> received) {
    if (broken_ || ended_) return failure();
    if (out.size() <= kMaxRecordBytes) return {0, IoStatus::failed, EINVAL};
    IoResult result;
    const ssize_t got = ::recv(fd_, received.data(), std::min(received.size(), out.size() - kMaxRecordBytes), 0);
    if (got < 0) {
        if (errno == EAGAIN || errno == EINTR) return {0, IoStatus::would_block, 0};
        socket_error_ = errno;
        return failure();
    }
    if (got == 0) {
        ended_ = true;
        return {0, IoStatus::end, 0};
    }
    received_ = {received.data(), static_cast<std::size_t>(got)};
    reading_received_ = true;
    // OpenSSL takes all of `received_`, unfinished records included, before it asks for more.
    while (result.bytes < out.size()) {
        ERR_clear_error();
        std::size_t plain = 0;
        const int status = SSL_read_ex(ssl_, out.data() + result.bytes, out.size() - result.bytes, &plain);
        if (status == 1) {
            result.bytes += plain;
            continue;
        }
        const int error = SSL_get_error(ssl_, status);
        if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) break;
        if (error == SSL_ERROR_ZERO_RETURN) ended_ = true;
        IoResult last = failure();
        last.bytes = result.bytes;
        result = last;
        break;
    }
    reading_received_ = false;
    if (!received_.empty() && result.status == IoStatus::ok) {
        // OpenSSL wants to write before it reads on (a key update), and the peer takes nothing: such a peer is dropped.
        socket_error_ = EPROTO;
        result.status = IoStatus::failed;
        result.error = EPROTO;
        broken_ = true;
    }
    received_ = {};
    if (result.status == IoStatus::ok && static_cast<std::size_t>(got) < received.size()) {
        result.status = IoStatus::would_block;
    }
    return result;
}

IoResult Session::write(std::string_view data) {
    if (broken_) return failure();
    if (data.empty()) return {};
    ERR_clear_error();
    std::size_t written = 0;
    const int status = SSL_write_ex(ssl_, data.data(), std::min(data.size(), kMaxRecordBytes), &written);
    if (status == 1) return {written, IoStatus::ok, 0};
    const int error = SSL_get_error(ssl_, status);
    if (error == SSL_ERROR_WANT_WRITE || error == SSL_ERROR_WANT_READ) return {0, IoStatus::would_block, 0};
    if (socket_error_ == 0) socket_error_ = EPIPE;
    return failure();
}

void Session::shutdown() noexcept {
    if (broken_ || SSL_in_init(ssl_) != 0) return;
    ERR_clear_error();
    SSL_shutdown(ssl_);
    ERR_clear_error();
}

std::string Session::peer_certificate_subject() const {
    X509* const certificate = SSL_get0_peer_certificate(ssl_);
    if (certificate == nullptr || SSL_get_verify_result(ssl_) != X509_V_OK) return {};
    BIO* const text = BIO_new(BIO_s_mem());
    if (text == nullptr) return {};
    X509_NAME_print_ex(text, X509_get_subject_name(certificate), 0, XN_FLAG_RFC2253);
    char* data = nullptr;
    const long size = BIO_get_mem_data(text, &data);
    std::string subject(data, size > 0 ? static_cast<std::size_t>(size) : 0);
    BIO_free(text);
    return subject;
}

}  // namespace flare::transport::tls
