#include "base/aead.hpp"

#include <flare/error.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/evp.h>

#include <memory>

namespace flare::base {
namespace {

struct Freed {
    void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Freed>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
unsigned char* bytes_of(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

// Only a broken OpenSSL set-up (no AES), or one of our own calls, gets here.
[[noreturn]] void broken() { throw boost::system::system_error(errc::internal, "AES-256-GCM"); }

}  // namespace

std::string aes256_gcm_seal(std::string_view key, std::string_view nonce, std::string_view associated,
                            std::string_view plain) {
    const Context context(EVP_CIPHER_CTX_new());
    std::string sealed(plain.size() + kAeadTagBytes, '\0');
    int size = 0;
    const bool sizes = key.size() == kAeadKeyBytes && nonce.size() == kAeadNonceBytes;
    if (!context || !sizes ||
        EVP_EncryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes_of(key), bytes_of(nonce), nullptr) != 1 ||
        EVP_EncryptUpdate(context.get(), nullptr, &size, bytes_of(associated), static_cast<int>(associated.size())) !=
            1 ||
        EVP_EncryptUpdate(context.get(), bytes_of(sealed), &size, bytes_of(plain), static_cast<int>(plain.size())) !=
            1 ||
        EVP_EncryptFinal_ex(context.get(), bytes_of(sealed) + size, &size) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(kAeadTagBytes),
                            bytes_of(sealed) + plain.size()) != 1)
        broken();
    return sealed;
}

std::optional<std::string> aes256_gcm_open(std::string_view key, std::string_view nonce, std::string_view associated,
                                           std::string_view sealed) {
    if (sealed.size() < kAeadTagBytes) return std::nullopt;
    const Context context(EVP_CIPHER_CTX_new());
    std::string tag(sealed.substr(sealed.size() - kAeadTagBytes));
    sealed.remove_suffix(kAeadTagBytes);
    std::string plain(sealed.size(), '\0');
    int size = 0;
    const bool sizes = key.size() == kAeadKeyBytes && nonce.size() == kAeadNonceBytes;
    if (!context || !sizes ||
        EVP_DecryptInit_ex2(context.get(), EVP_aes_256_gcm(), bytes_of(key), bytes_of(nonce), nullptr) != 1 ||
        EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(tag.size()), tag.data()) != 1 ||
        EVP_DecryptUpdate(context.get(), nullptr, &size, bytes_of(associated), static_cast<int>(associated.size())) !=
            1)
        broken();
    if (EVP_DecryptUpdate(context.get(), bytes_of(plain), &size, bytes_of(sealed), static_cast<int>(sealed.size())) !=
            1 ||
        EVP_DecryptFinal_ex(context.get(), bytes_of(plain) + size, &size) != 1)
        return std::nullopt;
    return plain;
}

}  // namespace flare::base
