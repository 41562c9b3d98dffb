// Incremental ChaCha20-Poly1305 (RFC 8439) with Noise's nonces: four zero bytes and a number.
//
// Protocol: The Noise Protocol Framework, section 12.3 ("ChaChaPoly").
// Threads:  any; on one thread at most one Aead of each direction exists at a time: its memory is the thread's.
#pragma once

#include "base/crypto.hpp"

#include <cstdint>
#include <string_view>

using EVP_CIPHER_CTX = struct evp_cipher_ctx_st;

namespace flare::base {

inline constexpr std::size_t kAeadTagBytes = 16;

class Aead {
public:
    enum class Direction : std::uint8_t { seal, open };
    // A pair of key and number must never seal twice.
    Aead(Direction direction, const Key& key, std::uint64_t number, std::string_view associated = {});
    Aead(const Aead&) = delete;
    Aead& operator=(const Aead&) = delete;

    // Takes the next bytes and writes as many to `out`, which may be where they came from. What was opened must not be
    // used before finish() has said yes.
    void update(std::string_view bytes, char* out);
    void finish(char* tag);             // seal: writes kAeadTagBytes
    bool finish(std::string_view tag);  // open: whether everything is as it was sealed

private:
    EVP_CIPHER_CTX* context_;  // the thread's
};

}  // namespace flare::base
