// One TLS connection over a non-blocking socket that somebody else owns: driven
// by readiness, without buffers of its own while idle.
//
// A read takes what the socket has in one system call and decrypts all of it. Writes go out as
// records of up to 16 KiB. SIGPIPE is never raised.
//
// Protocol: TLS 1.2 and 1.3; RFC 6125 for names.
// Threads:  one at a time; may move between threads between calls.
#pragma once

#include "transport/io.hpp"
#include "transport/tls/tls.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

using SSL = struct ssl_st;

namespace flare::transport::tls {

inline constexpr std::size_t kMaxRecordBytes = 16 * 1024;

class Session {
public:
    // `fd` must stay open while the session is used. Null: out of memory.
    static std::unique_ptr<Session> server(std::shared_ptr<ServerContext> context, int fd);
    // server_name: the host name or IP address that the certificate must carry.
    static std::unique_ptr<Session> client(std::shared_ptr<ClientContext> context, int fd,
                                           const std::string& server_name);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    enum class Progress : std::uint8_t { done, want_read, want_write, failed };
    Progress handshake();
    // After handshake() failed: tls_failed or certificate_rejected, and what happened, for people.
    errc error() const noexcept { return error_; }
    const std::string& error_text() const noexcept { return error_text_; }

    // Reads the socket once, into `received`, and decrypts all that came into `out`, which is longer by at least
    // kMaxRecordBytes (a record may have begun in an earlier call). would_block: wait for the socket; ok: it may
    // have more.
    IoResult read(std::span<char> out, std::span<char> received);
    // Writes one record of at most kMaxRecordBytes of `data`. After would_block the next call must begin with
    // the same bytes and offer at least as many.
    IoResult write(std::string_view data);
    // Sends close_notify if it fits into the socket now.
    void shutdown() noexcept;

    std::string peer_certificate_subject() const;

private:
    Session(SSL* ssl, int fd, std::shared_ptr<void> context);
    static std::unique_ptr<Session> make(SSL* ssl, int fd, std::shared_ptr<void> context);
    struct SocketBio;
    IoResult failure();
    void describe_failure();

    SSL* ssl_;
    int fd_;
    std::shared_ptr<void> context_;  // kept alive as long as the session
    std::string_view received_;      // ciphertext off the socket, not yet taken by OpenSSL; empty between calls
    bool reading_received_ = false;  // OpenSSL reads from received_, not from the socket
    bool ended_ = false;             // the peer's close_notify or the socket's end has been seen
    bool broken_ = false;
    int socket_error_ = 0;
    errc error_ = errc::tls_failed;
    std::string error_text_;
};

}  // namespace flare::transport::tls
