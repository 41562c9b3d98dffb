// Tokens as an issuer makes them, with keys made on the spot.
#pragma once

#include "auth/base64url.hpp"
#include "base/crypto.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

namespace flare::test {

class Signer {
public:
    enum class Kind : unsigned char { hs256, rs256, es256, eddsa };

    static Signer secret(std::string bytes) {
        Signer made(Kind::hs256);
        made.secret_ = std::move(bytes);
        return made;
    }
    static Signer rsa(unsigned bits = 2048) { return {Kind::rs256, EVP_RSA_gen(bits)}; }
    static Signer ec(const char* curve = "P-256") { return {Kind::es256, EVP_EC_gen(curve)}; }
    static Signer ed25519() { return {Kind::eddsa, EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}; }

    std::string algorithm() const {
        switch (kind_) {
            case Kind::hs256: return "HS256";
            case Kind::rs256: return "RS256";
            case Kind::es256: return "ES256";
            case Kind::eddsa: break;
        }
        return "EdDSA";
    }

    std::string public_pem() const {
        return written([this](BIO* out) { return PEM_write_bio_PUBKEY(out, key_.get()); });
    }
    std::string private_pem() const {
        return written([this](BIO* out) {
            return PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr);
        });
    }

    // {"kty":..., `extra`}
    std::string jwk(const std::string& extra) const {
        const auto field = [](const char* name, std::string_view bytes) {
            return std::string(",\"") + name + "\":\"" + auth::to_base64url(bytes) + '"';
        };
        const std::string tail = (extra.empty() ? "" : "," + extra) + "}";
        switch (kind_) {
            case Kind::hs256: return R"({"kty":"oct")" + field("k", secret_) + tail;
            case Kind::rs256:
                return R"({"kty":"RSA")" + field("n", number(OSSL_PKEY_PARAM_RSA_N, 0)) +
                       field("e", number(OSSL_PKEY_PARAM_RSA_E, 0)) + tail;
            case Kind::es256:
                return R"({"kty":"EC","crv":"P-256")" + field("x", number(OSSL_PKEY_PARAM_EC_PUB_X, 32)) +
                       field("y", number(OSSL_PKEY_PARAM_EC_PUB_Y, 32)) + tail;
            case Kind::eddsa: break;
        }
        std::string raw(32, '\0');
        std::size_t size = raw.size();
        EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(raw.data()), &size);
        return R"({"kty":"OKP","crv":"Ed25519")" + field("x", raw) + tail;
    }

    std::string sign(std::string_view text) const {
        if (kind_ == Kind::hs256) return base::hmac_sha256(secret_, text);
        struct Freer {
            void operator()(EVP_MD_CTX* made) const { EVP_MD_CTX_free(made); }
        };
        const std::unique_ptr<EVP_MD_CTX, Freer> context(EVP_MD_CTX_new());
        const EVP_MD* digest = kind_ == Kind::eddsa ? nullptr : EVP_sha256();
        std::size_t size = 0;
        std::string made(1024, '\0');
        size = made.size();
        const auto* data = reinterpret_cast<const unsigned char*>(text.data());
        if (EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) != 1 ||
            EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size, data, text.size()) != 1)
            throw std::runtime_error("sign");
        made.resize(size);
        return kind_ == Kind::es256 ? raw_ecdsa(made) : made;
    }

    // The header names this signer's algorithm, and whatever `header` adds: ",\"kid\":\"a\"".
    std::string token(const std::string& claims, const std::string& header = {}) const {
        return with_header(R"({"alg":")" + algorithm() + '"' + header + "}", claims);
    }
    std::string with_header(const std::string& header, const std::string& claims) const {
        const std::string text = auth::to_base64url(header) + "." + auth::to_base64url(claims);
        return text + "." + auth::to_base64url(sign(text));
    }

private:
    explicit Signer(Kind kind) : kind_(kind) {}
    Signer(Kind kind, EVP_PKEY* key) : kind_(kind), key_(key, EVP_PKEY_free) {
        if (key == nullptr) throw std::runtime_error("no key");
    }

    template <typename Write>
    static std::string written(Write write) {
        BIO* const out = BIO_new(BIO_s_mem());
        write(out);
        char* data = nullptr;
        const long size = BIO_get_mem_data(out, &data);
        std::string text(data, static_cast<std::size_t>(size));
        BIO_free(out);
        return text;
    }
    std::string number(const char* name, int bytes) const {
        BIGNUM* value = nullptr;
        EVP_PKEY_get_bn_param(key_.get(), name, &value);
        std::string made(static_cast<std::size_t>(bytes == 0 ? BN_num_bytes(value) : bytes), '\0');
        BN_bn2binpad(value, reinterpret_cast<unsigned char*>(made.data()), static_cast<int>(made.size()));
        BN_free(value);
        return made;
    }
    static std::string raw_ecdsa(const std::string& der) {
        const auto* data = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* const both = d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size()));
        std::string made(64, '\0');
        BN_bn2binpad(ECDSA_SIG_get0_r(both), reinterpret_cast<unsigned char*>(made.data()), 32);
        BN_bn2binpad(ECDSA_SIG_get0_s(both), reinterpret_cast<unsigned char*>(made.data()) + 32, 32);
        ECDSA_SIG_free(both);
        return made;
    }

    Kind kind_;
    std::string secret_;
    std::shared_ptr<EVP_PKEY> key_;
};

inline std::int64_t unix_seconds(std::chrono::system_clock::time_point time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

}  // namespace flare::test
