#include "base/aead.hpp"

#include "base/owned.hpp"

#include <flare/error.hpp>

#include <boost/system/system_error.hpp>

#include <openssl/evp.h>

#include <array>

namespace flare::base {
namespace {

void require(bool done) {
    if (!done) throw boost::system::system_error(errc::internal, "ChaCha20-Poly1305");
}

// OpenSSL looks algorithms up by name, which costs more than to encrypt a message: once for each thread and direction.
EVP_CIPHER_CTX* context_of_thread(bool sealing) {
    using Context = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
    const auto make = [](bool seals) {
        static const Owned<EVP_CIPHER, EVP_CIPHER_free> cipher(EVP_CIPHER_fetch(nullptr, "ChaCha20-Poly1305", nullptr));
        Context made(EVP_CIPHER_CTX_new());
        require(cipher != nullptr && made != nullptr);
        require(EVP_CipherInit_ex2(made.get(), cipher.get(), nullptr, nullptr, seals ? 1 : 0, nullptr) == 1);
        return made;
    };
    if (sealing) {
        thread_local const Context context = make(true);
        return context.get();
    }
    thread_local const Context context = make(false);
    return context.get();
}

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

}  // namespace

Aead::Aead(Direction direction, const Key& key, std::uint64_t number, std::string_view associated)
    : context_(context_of_thread(direction == Direction::seal)) {
    std::array<unsigned char, 12> nonce{};
    for (std::size_t i = 0; i < 8; ++i) nonce[4 + i] = static_cast<unsigned char>(number >> (8 * i));
    require(EVP_CipherInit_ex2(context_, nullptr, key.data(), nonce.data(), -1, nullptr) == 1);
    int size = 0;
    if (!associated.empty()) {
        require(EVP_CipherUpdate(context_, nullptr, &size, bytes_of(associated), static_cast<int>(associated.size())) ==
                1);
    }
}

void Aead::update(std::string_view bytes, char* out) {
    if (bytes.empty()) return;
    int size = 0;
    require(EVP_CipherUpdate(context_, reinterpret_cast<unsigned char*>(out), &size, bytes_of(bytes),
                             static_cast<int>(bytes.size())) == 1);
}

void Aead::finish(char* tag) {
    int size = 0;
    unsigned char none = 0;
    require(EVP_CipherFinal_ex(context_, &none, &size) == 1);
    require(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_GET_TAG, kAeadTagBytes, tag) == 1);
}

bool Aead::finish(std::string_view tag) {
    if (tag.size() != kAeadTagBytes) return false;
    std::array<char, kAeadTagBytes> expected{};  // OpenSSL wants to be able to write there
    tag.copy(expected.data(), expected.size());
    require(EVP_CIPHER_CTX_ctrl(context_, EVP_CTRL_AEAD_SET_TAG, kAeadTagBytes, expected.data()) == 1);
    int size = 0;
    unsigned char none = 0;
    return EVP_CipherFinal_ex(context_, &none, &size) == 1;
}

}  // namespace flare::base
