#include "keys/key_pair.hpp"

#include "auth/base64url.hpp"
#include "auth/verify_key.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/owned.hpp"
#include "base/random.hpp"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <stdexcept>
#include <utility>

namespace flare::cli {
namespace {

constexpr std::size_t kMaxKeyBytes = 64 * 1024;
constexpr std::size_t kSecretBytes = 48;
constexpr unsigned kRsaBits = 3072;

using BioPtr = base::Owned<BIO, BIO_free>;

template <typename Write>
std::string written(Write write) {
    const BioPtr out(BIO_new(BIO_s_mem()));
    char* data = nullptr;
    if (!out || write(out.get()) != 1) throw std::runtime_error("OpenSSL cannot write a key");
    const long size = BIO_get_mem_data(out.get(), &data);
    return {data, static_cast<std::size_t>(size)};
}

// r and s, 32 bytes each, of the DER that OpenSSL makes.
std::string raw_ecdsa(const std::string& der) {
    const auto* data = reinterpret_cast<const unsigned char*>(der.data());
    const base::Owned<ECDSA_SIG, ECDSA_SIG_free> both(d2i_ECDSA_SIG(nullptr, &data, static_cast<long>(der.size())));
    std::string made(64, '\0');
    auto* const out = reinterpret_cast<unsigned char*>(made.data());
    if (!both || BN_bn2binpad(ECDSA_SIG_get0_r(both.get()), out, 32) != 32 ||
        BN_bn2binpad(ECDSA_SIG_get0_s(both.get()), out + 32, 32) != 32)
        throw std::runtime_error("OpenSSL cannot sign");
    return made;
}

// Without asking anybody for a passphrase.
int no_passphrase(char*, int, int, void*) { return 0; }

std::optional<JwtAlgorithm> algorithm_of(const EVP_PKEY* key) {
    if (EVP_PKEY_is_a(key, "RSA") == 1) return JwtAlgorithm::rs256;
    if (EVP_PKEY_is_a(key, "EC") == 1 && EVP_PKEY_get_bits(key) == 256) return JwtAlgorithm::es256;
    if (EVP_PKEY_is_a(key, "ED25519") == 1) return JwtAlgorithm::eddsa;
    return std::nullopt;
}

}  // namespace

std::optional<JwtAlgorithm> algorithm_named(std::string_view name) {
    for (const auto each : {JwtAlgorithm::hs256, JwtAlgorithm::rs256, JwtAlgorithm::es256, JwtAlgorithm::eddsa}) {
        if (auth::jose_name(each) == name) return each;
    }
    return std::nullopt;
}

Checked<KeyPair> KeyPair::make(JwtAlgorithm algorithm) {
    KeyPair made(algorithm);
    EVP_PKEY* key = nullptr;
    switch (algorithm) {
        case JwtAlgorithm::hs256:
            made.secret_ = auth::to_base64url(base::system_random().bytes(kSecretBytes));
            return made;
        case JwtAlgorithm::rs256: key = EVP_RSA_gen(kRsaBits); break;
        case JwtAlgorithm::es256: key = EVP_EC_gen("P-256"); break;
        case JwtAlgorithm::eddsa: key = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"); break;
    }
    if (key == nullptr) return Failure(errc::internal, "OpenSSL cannot make a key");
    made.key_.reset(key, EVP_PKEY_free);
    return made;
}

Checked<KeyPair> KeyPair::read(const std::string& file, std::optional<JwtAlgorithm> algorithm) {
    auto contents = base::read_text(file, "key", kMaxKeyBytes);
    if (!contents) return contents.error();
    std::string* const text = &contents->bytes;
    if (contents->exposed && text->find("PUBLIC KEY-----") == text->npos) return *contents->exposed;
    const auto wrong = [&](const std::string& why) {
        return Failure(errc::invalid_config, "key " + file + ": " + why);
    };
    if (text->find("-----BEGIN ") == text->npos) {
        if (algorithm.value_or(JwtAlgorithm::hs256) != JwtAlgorithm::hs256)
            return wrong("contains no PEM private key, which " + std::string(auth::jose_name(*algorithm)) + " needs");
        if (text->ends_with('\n')) text->pop_back();
        if (text->ends_with('\r')) text->pop_back();
        // The server's own rules for secrets.
        if (const auto usable = auth::VerifyKey::secret(*text, {}); !usable) return wrong(usable.error().text);
        KeyPair made(JwtAlgorithm::hs256);
        made.secret_ = std::move(*text);
        return made;
    }
    const BioPtr in(BIO_new_mem_buf(text->data(), static_cast<int>(text->size())));
    EVP_PKEY* const key = PEM_read_bio_PrivateKey(in.get(), nullptr, no_passphrase, nullptr);
    ERR_clear_error();
    if (key == nullptr)
        return wrong(text->find("PUBLIC KEY-----") != text->npos
                         ? "is a public key, which cannot sign; give the private key"
                         : "contains no readable PEM private key (keys with a passphrase cannot be read)");
    KeyPair made(JwtAlgorithm::hs256);
    made.key_.reset(key, EVP_PKEY_free);
    const auto kind = algorithm_of(key);
    if (!kind) return wrong("is of an unsupported kind: tokens are signed with RSA, EC on P-256 or Ed25519 keys");
    if (algorithm && *algorithm != *kind)
        return wrong("is for " + std::string(auth::jose_name(*kind)) + ", not for " +
                     std::string(auth::jose_name(*algorithm)));
    made.algorithm_ = *kind;
    return made;
}

std::string KeyPair::sign(std::string_view text) const {
    if (!key_) return base::hmac_sha256(secret_, text);
    const base::Owned<EVP_MD_CTX, EVP_MD_CTX_free> context(EVP_MD_CTX_new());
    const EVP_MD* const digest = algorithm_ == JwtAlgorithm::eddsa ? nullptr : EVP_sha256();
    const auto* const data = reinterpret_cast<const unsigned char*>(text.data());
    std::string made(1024, '\0');
    std::size_t size = made.size();
    if (EVP_DigestSignInit(context.get(), nullptr, digest, nullptr, key_.get()) != 1 ||
        EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(made.data()), &size, data, text.size()) != 1)
        throw std::runtime_error("OpenSSL cannot sign with this key");
    made.resize(size);
    return algorithm_ == JwtAlgorithm::es256 ? raw_ecdsa(made) : made;
}

std::string KeyPair::private_text() const {
    if (!key_) return secret_ + "\n";
    return written(
        [this](BIO* out) { return PEM_write_bio_PrivateKey(out, key_.get(), nullptr, nullptr, 0, nullptr, nullptr); });
}

std::string KeyPair::public_pem() const {
    if (!key_) return {};
    return written([this](BIO* out) { return PEM_write_bio_PUBKEY(out, key_.get()); });
}

}  // namespace flare::cli
