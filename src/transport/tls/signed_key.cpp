#include "transport/tls/signed_key.hpp"

#include "base/owned.hpp"
#include "transport/host.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include <memory>

namespace flare::transport::tls {
namespace {

constexpr int kMaxCertificates = 10;  // more is no chain

void free_chain(STACK_OF(X509) * chain) { sk_X509_pop_free(chain, X509_free); }
using CertificatePtr = base::Owned<X509, X509_free>;
using ChainPtr = base::Owned<STACK_OF(X509), free_chain>;
using StoreContextPtr = base::Owned<X509_STORE_CTX, X509_STORE_CTX_free>;
using DigestPtr = base::Owned<EVP_MD_CTX, EVP_MD_CTX_free>;

// Nothing else that a certificate's key signs begins like this: 64 blanks keep signatures of TLS 1.2 apart, whose first
// bytes the other side chooses, and the text those of TLS 1.3 (RFC 8446 section 4.4.3).
std::string signed_text(std::string_view nonce, std::string_view key) {
    std::string text(64, ' ');
    text += "Flare 1, server sealing key";
    text += '\0';
    return text.append(nonce).append(key);
}

// Ed25519 and Ed448 have their hash inside; RSA signs by PSS alone.
bool begin(EVP_MD_CTX* digest, EVP_PKEY* key, bool signing) {
    const int type = EVP_PKEY_get_base_id(key);
    const EVP_MD* const hash = type == EVP_PKEY_ED25519 || type == EVP_PKEY_ED448 ? nullptr : EVP_sha256();
    EVP_PKEY_CTX* details = nullptr;
    const int begun = signing ? EVP_DigestSignInit(digest, &details, hash, nullptr, key)
                              : EVP_DigestVerifyInit(digest, &details, hash, nullptr, key);
    if (begun != 1) return false;
    return type != EVP_PKEY_RSA || (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
                                    EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1);
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

bool append(std::string& out, X509* certificate) {
    unsigned char* der = nullptr;
    const int size = i2d_X509(certificate, &der);
    if (size <= 0) return false;
    out.append(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return true;
}

ChainPtr read_chain(std::string_view certificates) {
    ChainPtr chain(sk_X509_new_null());
    const unsigned char* at = bytes_of(certificates);
    const unsigned char* const end = at + certificates.size();
    while (chain && at != end) {
        CertificatePtr certificate(d2i_X509(nullptr, &at, static_cast<long>(end - at)));
        if (!certificate || sk_X509_num(chain.get()) == kMaxCertificates ||
            sk_X509_push(chain.get(), certificate.get()) == 0) {
            return nullptr;
        }
        (void)certificate.release();
    }
    return chain && sk_X509_num(chain.get()) > 0 ? std::move(chain) : nullptr;
}

// As the verification of a TLS server: tls::Session::client().
std::string why_not_trusted(SSL_CTX* trust, const std::string& server_name, STACK_OF(X509) * chain) {
    const StoreContextPtr context(X509_STORE_CTX_new());
    if (!context ||
        X509_STORE_CTX_init(context.get(), SSL_CTX_get_cert_store(trust), sk_X509_value(chain, 0), chain) != 1)
        return "out of memory";
    X509_STORE_CTX_set_default(context.get(), "ssl_server");
    X509_VERIFY_PARAM* const wanted = X509_STORE_CTX_get0_param(context.get());
    X509_VERIFY_PARAM_set_auth_level(wanted, SSL_CTX_get_security_level(trust));
    const std::string name = certificate_name(server_name);
    if (X509_VERIFY_PARAM_set1_ip_asc(wanted, name.c_str()) != 1) {
        X509_VERIFY_PARAM_set_hostflags(wanted, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
        if (name.empty() || X509_VERIFY_PARAM_set1_host(wanted, name.c_str(), 0) != 1)
            return "'" + server_name + "' is no name";
    }
    if (X509_verify_cert(context.get()) == 1) return {};
    return X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

}  // namespace

Result<SignedKey> sign_key(const ServerContext& context, std::string_view nonce, std::string_view key) {
    SSL_CTX* const native = context.native();
    const std::string text = signed_text(nonce, key);
    SignedKey made;
    bool done = append(made.certificates, SSL_CTX_get0_certificate(native));
    STACK_OF(X509)* chain = nullptr;
    SSL_CTX_get0_chain_certs(native, &chain);
    for (int i = 0; done && i < sk_X509_num(chain); ++i) done = append(made.certificates, sk_X509_value(chain, i));
    const DigestPtr digest(EVP_MD_CTX_new());
    std::size_t size = 0;
    done = done && digest && begin(digest.get(), SSL_CTX_get0_privatekey(native), true) &&
           EVP_DigestSign(digest.get(), nullptr, &size, bytes_of(text), text.size()) == 1;
    if (done) {
        made.signature.resize(size);
        done = EVP_DigestSign(digest.get(), reinterpret_cast<unsigned char*>(made.signature.data()), &size,
                              bytes_of(text), text.size()) == 1;
        made.signature.resize(size);
    }
    ERR_clear_error();
    if (!done) return errc::internal;
    return made;
}

Checked<> verify_key(const ClientContext& context, const std::string& server_name, std::string_view nonce,
                     std::string_view key, const SignedKey& signed_key) {
    const auto rejected = [](const std::string& why) {
        ERR_clear_error();
        return Failure(errc::certificate_rejected, "the certificate that vouches for the server's sealing key: " + why);
    };
    const ChainPtr chain = read_chain(signed_key.certificates);
    if (!chain) return rejected("it cannot be read");
    if (const std::string why = why_not_trusted(context.native(), server_name, chain.get()); !why.empty())
        return rejected(why);
    const std::string text = signed_text(nonce, key);
    const DigestPtr digest(EVP_MD_CTX_new());
    const bool good = digest && begin(digest.get(), X509_get0_pubkey(sk_X509_value(chain.get(), 0)), false) &&
                      EVP_DigestVerify(digest.get(), bytes_of(signed_key.signature), signed_key.signature.size(),
                                       bytes_of(text), text.size()) == 1;
    if (!good) return rejected("it has not signed the key");
    return {};
}

}  // namespace flare::transport::tls
