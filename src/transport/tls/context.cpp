#include "transport/tls/tls.hpp"

#include "base/owned.hpp"
#include "transport/tls/authorities.hpp"
#include "transport/tls/chain.hpp"
#include "transport/tls/pem.hpp"

#include <flare/failure.hpp>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace flare::transport::tls {
namespace {

using BioPtr = base::Owned<BIO, BIO_free>;
using KeyPtr = base::Owned<EVP_PKEY, EVP_PKEY_free>;
using ContextPtr = base::Owned<SSL_CTX, SSL_CTX_free>;

int refuse_passphrase(char* /*buffer*/, int /*size*/, int /*writing*/, void* asked) {
    *static_cast<bool*>(asked) = true;
    return 0;
}

// All certificates of a PEM file, the leaf first.
bool read_certificates(const std::string& path, std::vector<X509Ptr>& certificates, Failure& failure) {
    std::string content;
    if (!read_pem(path, "certificate", content, failure)) return false;
    ERR_clear_error();
    const BioPtr bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
    while (X509* const certificate = PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr)) {
        certificates.emplace_back(certificate);
    }
    const unsigned long error = ERR_peek_last_error();
    const bool at_end = ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    if (!certificates.empty() && at_end) return true;
    failure = {errc::certificate_invalid,
               "certificate " + path +
                   (certificates.empty() && at_end
                        ? ": no PEM certificate in it (a line -----BEGIN CERTIFICATE----- is needed)"
                        : ": a certificate in it is damaged")};
    return false;
}

// The first certificate is named by its file alone, as most files have only that one.
bool check_chain(const std::string& path, const std::vector<X509Ptr>& certificates, Failure& failure) {
    std::vector<X509*> chain;
    for (const X509Ptr& each : certificates) chain.push_back(each.get());
    const auto faults = chain_faults(chain);
    if (faults.empty()) return true;
    const ChainFault& worst = faults.front();
    const std::string dates = worst.at == 0 ? date_fault(chain.front()) : std::string();
    failure = {worst.code(), "certificate " + path + ": " + (dates.empty() ? worst.text : dates) + "; " + worst.advice};
    return false;
}

bool read_key(const std::string& path, KeyPtr& key, Failure& failure) {
    std::string content;
    if (!read_pem(path, "key", content, failure)) return false;
    const BioPtr bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
    bool passphrase_asked = false;
    key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &passphrase_asked));
    OPENSSL_cleanse(content.data(), content.size());
    ERR_clear_error();
    if (key) return true;
    failure = {
        errc::certificate_invalid,
        "key " + path +
            (passphrase_asked
                 ? ": protected by a passphrase; store it without one, readable only by the user that runs this process"
                 : ": no PEM private key in it")};
    return false;
}

bool use_identity(SSL_CTX* context, const std::string& certificate_file, const std::string& key_file,
                  Failure& failure) {
    std::vector<X509Ptr> chain;
    KeyPtr key;
    if (!read_certificates(certificate_file, chain, failure)) return false;
    if (!check_chain(certificate_file, chain, failure)) return false;
    if (!read_key(key_file, key, failure)) return false;
    if (X509_check_private_key(chain.front().get(), key.get()) != 1) {
        ERR_clear_error();
        failure = {errc::certificate_key_mismatch,
                   "key " + key_file + " does not belong to certificate " + certificate_file};
        return false;
    }
    bool used =
        SSL_CTX_use_certificate(context, chain.front().get()) == 1 && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
    for (std::size_t i = 1; used && i < chain.size(); ++i) used = SSL_CTX_add1_chain_cert(context, chain[i].get()) == 1;
    if (used) return true;
    const char* const reason = ERR_reason_error_string(ERR_get_error());
    ERR_clear_error();
    failure = {errc::certificate_invalid,
               "certificate " + certificate_file + ": " + (reason != nullptr ? reason : "refused by OpenSSL")};
    return false;
}

// Trusts the certificates of a PEM file; for a server also names them to clients.
bool trust(SSL_CTX* context, const std::string& ca_file, bool announce, Failure& failure) {
    auto authorities = read_authorities(ca_file);
    if (!authorities) {
        failure = authorities.error();
        return false;
    }
    X509_STORE* const store = SSL_CTX_get_cert_store(context);
    for (const X509Ptr& authority : *authorities) {
        X509_STORE_add_cert(store, authority.get());
        if (announce) SSL_CTX_add_client_CA(context, authority.get());
    }
    ERR_clear_error();
    return true;
}

constexpr std::array<unsigned char, 9> kHttp1Alpn = {8, 'h', 't', 't', 'p', '/', '1', '.', '1'};

// A client that names its protocols must name http/1.1: one meant for another server of the same certificate is
// refused (RFC 9325 section 3.7).
int choose_alpn(SSL* /*ssl*/, const unsigned char** out, unsigned char* out_size, const unsigned char* offered,
                unsigned int offered_size, void* /*argument*/) {
    unsigned char* chosen = nullptr;
    const int result =
        SSL_select_next_proto(&chosen, out_size, kHttp1Alpn.data(), kHttp1Alpn.size(), offered, offered_size);
    *out = chosen;
    return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

ContextPtr make_context(const SSL_METHOD* method) {
    ContextPtr context(SSL_CTX_new(method));
    if (!context) return context;
    SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
    SSL_CTX_set_options(context.get(), SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context.get(),
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);  // tickets resume without memory of ours
    return context;
}

boost::system::error_code report(const Failure& failure, std::string* error_text) {
    if (error_text != nullptr) *error_text = failure.text;
    return failure.code;
}

}  // namespace

ServerContext::~ServerContext() { SSL_CTX_free(context_); }
ClientContext::~ClientContext() { SSL_CTX_free(context_); }

Result<std::shared_ptr<ServerContext>> ServerContext::load(const ServerOptions& options, std::string* error_text) {
    Failure failure{errc::internal, "OpenSSL cannot make a context"};
    ContextPtr context = make_context(TLS_server_method());
    if (!context) return report(failure, error_text);
    if (!use_identity(context.get(), options.certificate_file, options.key_file, failure)) {
        return report(failure, error_text);
    }
    if (options.require_client_certificate && options.client_ca_file.empty()) {
        failure = {errc::invalid_config, "client certificates are required, but no client CA file is given"};
        return report(failure, error_text);
    }
    if (!options.client_ca_file.empty()) {
        if (!trust(context.get(), options.client_ca_file, true, failure)) return report(failure, error_text);
        SSL_CTX_set_verify(context.get(),
                           SSL_VERIFY_PEER | (options.require_client_certificate ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                           nullptr);
    }
    constexpr std::array<unsigned char, 5> kSessionContext = {'f', 'l', 'a', 'r', 'e'};
    SSL_CTX_set_session_id_context(context.get(), kSessionContext.data(), kSessionContext.size());
    SSL_CTX_set_options(context.get(), SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_num_tickets(context.get(), 1);
    SSL_CTX_set_alpn_select_cb(context.get(), choose_alpn, nullptr);
    return std::make_shared<ServerContext>(context.release());
}

Result<std::shared_ptr<ClientContext>> ClientContext::load(const ClientOptions& options, std::string* error_text) {
    Failure failure{errc::internal, "OpenSSL cannot make a context"};
    ContextPtr context = make_context(TLS_client_method());
    if (!context) return report(failure, error_text);
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
    if (!options.ca_file.empty()) {
        if (!trust(context.get(), options.ca_file, false, failure)) return report(failure, error_text);
    } else if (SSL_CTX_set_default_verify_paths(context.get()) != 1) {
        failure = {errc::file_unreadable, "the system's certificate store cannot be read; name a CA file"};
        return report(failure, error_text);
    }
    if (options.certificate_file.empty() != options.key_file.empty()) {
        failure = {errc::invalid_config, "a client certificate needs both a certificate file and a key file"};
        return report(failure, error_text);
    }
    if (!options.certificate_file.empty() &&
        !use_identity(context.get(), options.certificate_file, options.key_file, failure)) {
        return report(failure, error_text);
    }
    SSL_CTX_set_alpn_protos(context.get(), kHttp1Alpn.data(), kHttp1Alpn.size());
    return std::make_shared<ClientContext>(context.release());
}

}  // namespace flare::transport::tls
