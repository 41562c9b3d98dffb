#include "base/crypto.hpp"

#include "base/owned.hpp"

#include <flare/error.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>

namespace flare::base {
namespace {

using PkeyPtr = Owned<EVP_PKEY, EVP_PKEY_free>;
using ContextPtr = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;

// Only a broken OpenSSL set-up, or no memory, gets here.
void require(bool done, const char* what) {
    if (!done) throw boost::system::system_error(errc::internal, what);
}

PkeyPtr secret_key(const Key& secret) {
    PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, nullptr, secret.data(), secret.size()));
    require(key != nullptr, "X25519");
    return key;
}

}  // namespace

std::string hmac_sha256(std::string_view key, std::string_view data) {
    std::string mac(32, '\0');
    unsigned int size = 0;
    // OpenSSL takes a null pointer for "go on with the key before", whatever the length says.
    const unsigned char* made = HMAC(EVP_sha256(), key.empty() ? "" : key.data(), static_cast<int>(key.size()),
                                     reinterpret_cast<const unsigned char*>(data.data()), data.size(),
                                     reinterpret_cast<unsigned char*>(mac.data()), &size);
    // Only a broken OpenSSL set-up (no SHA-256) gets here; going on with zeros would accept anybody.
    if (made == nullptr || size != mac.size()) throw boost::system::system_error(errc::internal, "HMAC-SHA-256");
    return mac;
}

bool equal_constant_time(std::string_view a, std::string_view b) noexcept {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<Key> key_of(std::string_view bytes) noexcept {
    Key key{};
    if (bytes.size() != key.size()) return std::nullopt;
    std::copy(bytes.begin(), bytes.end(), key.begin());
    return key;
}

void wipe(Key& key) noexcept { OPENSSL_cleanse(key.data(), key.size()); }

Key sha256(std::string_view data) {
    Key hash{};
    require(EVP_Digest(data.data(), data.size(), hash.data(), nullptr, EVP_sha256(), nullptr) == 1, "SHA-256");
    return hash;
}

Key x25519_public(const Key& secret) {
    Key key{};
    std::size_t size = key.size();
    require(EVP_PKEY_get_raw_public_key(secret_key(secret).get(), key.data(), &size) == 1, "X25519");
    return key;
}

std::optional<Key> x25519(const Key& secret, const Key& of_peer) {
    const PkeyPtr own = secret_key(secret);
    const PkeyPtr other(EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, nullptr, of_peer.data(), of_peer.size()));
    const ContextPtr context(EVP_PKEY_CTX_new(own.get(), nullptr));
    require(other != nullptr && context != nullptr && EVP_PKEY_derive_init(context.get()) == 1, "X25519");
    Key shared{};
    std::size_t size = shared.size();
    const bool derived = EVP_PKEY_derive_set_peer(context.get(), other.get()) == 1 &&
                         EVP_PKEY_derive(context.get(), shared.data(), &size) == 1;
    ERR_clear_error();
    if (!derived || shared == Key{}) return std::nullopt;
    return shared;
}

}  // namespace flare::base
