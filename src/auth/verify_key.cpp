#include "auth/verify_key.hpp"

#include "base/crypto.hpp"
#include "base/owned.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>

namespace flare::auth {
namespace {

constexpr std::size_t kMinSecretBytes = 32;
constexpr int kMinRsaBits = 2048;
constexpr int kMaxRsaBits = 8192;  // a longer one makes every verification slow
constexpr std::size_t kEs256Bytes = 64;
constexpr std::size_t kEd25519Bytes = 64;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

// r and s, 32 bytes each (RFC 7518 section 3.4), as the DER that OpenSSL reads. Empty: out of memory.
std::string to_der(std::string_view signature) {
    const base::Owned<ECDSA_SIG, ECDSA_SIG_free> both(ECDSA_SIG_new());
    BIGNUM* const r = BN_bin2bn(bytes_of(signature), 32, nullptr);
    BIGNUM* const s = BN_bin2bn(bytes_of(signature.substr(32)), 32, nullptr);
    if (both == nullptr || r == nullptr || s == nullptr || ECDSA_SIG_set0(both.get(), r, s) != 1) {
        BN_free(r);
        BN_free(s);
        return {};
    }
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    if (size <= 0) return {};
    std::string text(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
    OPENSSL_free(der);
    return text;
}

bool is_p256(const EVP_PKEY* key) {
    char group[64] = {};
    std::size_t size = 0;
    return EVP_PKEY_get_group_name(key, group, sizeof group, &size) == 1 &&
           (std::string_view(group, size) == "prime256v1" || std::string_view(group, size) == "P-256");
}

// Empty: the key fits.
std::string misfit(EVP_PKEY* key, JwtAlgorithm algorithm) {
    switch (algorithm) {
        case JwtAlgorithm::rs256: {
            if (EVP_PKEY_is_a(key, "RSA") != 1) return "RS256 needs an RSA key";
            const int bits = EVP_PKEY_get_bits(key);
            if (bits < kMinRsaBits || bits > kMaxRsaBits)
                return "RS256 needs an RSA key of 2048 to 8192 bits, and this one has " + std::to_string(bits);
            break;
        }
        case JwtAlgorithm::es256:
            if (EVP_PKEY_is_a(key, "EC") != 1 || !is_p256(key)) return "ES256 needs an EC key on the curve P-256";
            break;
        case JwtAlgorithm::eddsa:
            if (EVP_PKEY_is_a(key, "ED25519") != 1) return "EdDSA needs an Ed25519 key";
            return {};
        case JwtAlgorithm::hs256: return "HS256 needs a secret, not a public key";
    }
    const base::Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key, nullptr));
    if (context == nullptr || EVP_PKEY_public_check(context.get()) != 1) return "the public key is not valid";
    return {};
}

}  // namespace

std::string_view jose_name(JwtAlgorithm algorithm) noexcept {
    switch (algorithm) {
        case JwtAlgorithm::hs256: return "HS256";
        case JwtAlgorithm::rs256: return "RS256";
        case JwtAlgorithm::es256: return "ES256";
        case JwtAlgorithm::eddsa: return "EdDSA";
    }
    return "?";
}

Checked<VerifyKey> VerifyKey::secret(std::string bytes, std::string id) {
    if (bytes.size() < kMinSecretBytes) {
        return Failure(errc::invalid_config, "the secret has " + std::to_string(bytes.size()) +
                                                 " bytes; HS256 needs at least 32 (openssl rand -base64 48 makes one)");
    }
    // Whoever signs with a public key's text would be believed by anybody who has that key.
    if (bytes.find("-----BEGIN ") != std::string::npos)
        return Failure(errc::invalid_config, "the secret is a PEM file: HS256 needs a secret that nobody else has");
    VerifyKey key(JwtAlgorithm::hs256, std::move(id));
    key.secret_ = std::move(bytes);
    return key;
}

Checked<VerifyKey> VerifyKey::pem(std::string_view text, JwtAlgorithm algorithm, std::string id) {
    if (text.find("PRIVATE KEY-----") != std::string_view::npos)
        return Failure(errc::invalid_config,
                       "the file holds a private key, which only the issuer should have; use the public key (openssl "
                       "pkey -in key.pem -pubout)");
    const base::Owned<BIO, BIO_free> bio(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
    EVP_PKEY* const read = bio == nullptr ? nullptr : PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr);
    ERR_clear_error();
    if (read == nullptr)
        return Failure(errc::invalid_config, "the file holds no PEM public key (-----BEGIN PUBLIC KEY-----)");
    return made(std::shared_ptr<EVP_PKEY>(read, EVP_PKEY_free), algorithm, std::move(id));
}

Checked<VerifyKey> VerifyKey::made(std::shared_ptr<EVP_PKEY> key, JwtAlgorithm algorithm, std::string id) {
    const std::string wrong = misfit(key.get(), algorithm);
    ERR_clear_error();
    if (!wrong.empty()) return Failure(errc::invalid_config, wrong);
    VerifyKey result(algorithm, std::move(id));
    result.key_ = std::move(key);
    return result;
}

bool VerifyKey::verifies(std::string_view signed_text, std::string_view signature) const {
    if (algorithm_ == JwtAlgorithm::hs256)
        return base::equal_constant_time(base::hmac_sha256(secret_, signed_text), signature);
    std::string der;
    const EVP_MD* digest = EVP_sha256();
    if (algorithm_ == JwtAlgorithm::es256) {
        if (signature.size() != kEs256Bytes) return false;
        der = to_der(signature);
        signature = der;
    } else if (algorithm_ == JwtAlgorithm::eddsa) {
        if (signature.size() != kEd25519Bytes) return false;
        digest = nullptr;  // Ed25519 has its own
    } else if (signature.size() != static_cast<std::size_t>(EVP_PKEY_get_size(key_.get()))) {
        return false;
    }
    const base::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    // RSA: PKCS #1 v1.5 is what OpenSSL does unless told otherwise, and what RS256 is.
    const bool good = context != nullptr &&
                      EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key_.get()) == 1 &&
                      EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(signed_text),
                                       signed_text.size()) == 1;
    ERR_clear_error();
    return good;
}

}  // namespace flare::auth
