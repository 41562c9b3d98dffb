#include "base/crypto.hpp"

#include <flare/error.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace flare::base {

std::string sha256(std::string_view data) {
    std::string hash(32, '\0');
    unsigned int size = 0;
    const int made = EVP_Digest(data.data(), data.size(), reinterpret_cast<unsigned char*>(hash.data()), &size,
                                EVP_sha256(), nullptr);
    if (made != 1 || size != hash.size()) throw boost::system::system_error(errc::internal, "SHA-256");
    return hash;
}

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

}  // namespace flare::base
