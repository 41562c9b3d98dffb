// Keys, certificates and verification for TLS over TCP, on OpenSSL.
//
// Threads: contexts are immutable once made and may be shared by threads.
#pragma once

#include <flare/error.hpp>

#include <memory>
#include <string>

using SSL_CTX = struct ssl_ctx_st;

namespace flare::transport::tls {

struct ServerOptions {
    std::string certificate_file;  // PEM, chain included
    std::string key_file;          // PEM
    std::string client_ca_file;    // empty: clients show no certificate
    bool require_client_certificate = false;
};

class ServerContext {
public:
    // Errors: file_not_found, file_unreadable, permission_denied (a key that others may use), certificate_invalid,
    // certificate_expired, certificate_key_mismatch. error_text names the path and says what to do.
    static Result<std::shared_ptr<ServerContext>> load(const ServerOptions& options, std::string* error_text);
    explicit ServerContext(SSL_CTX* context) : context_(context) {}
    ~ServerContext();
    ServerContext(const ServerContext&) = delete;
    ServerContext& operator=(const ServerContext&) = delete;
    SSL_CTX* native() const { return context_; }

private:
    SSL_CTX* context_;
};

struct ClientOptions {
    std::string ca_file;           // empty: the system's store
    std::string certificate_file;  // empty: none
    std::string key_file;
};

class ClientContext {
public:
    static Result<std::shared_ptr<ClientContext>> load(const ClientOptions& options, std::string* error_text);
    explicit ClientContext(SSL_CTX* context) : context_(context) {}
    ~ClientContext();
    ClientContext(const ClientContext&) = delete;
    ClientContext& operator=(const ClientContext&) = delete;
    SSL_CTX* native() const { return context_; }

private:
    SSL_CTX* context_;
};

}  // namespace flare::transport::tls
