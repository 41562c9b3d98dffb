// A key that verifies tokens, bound to one algorithm when it is read, so that no token can choose another.
//
// Protocol: RFC 7517 (JWK), RFC 7518 sections 3 and 6, RFC 8037 (Ed25519).
// Threads:  immutable once made.
#pragma once

#include <flare/auth.hpp>
#include <flare/failure.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

using EVP_PKEY = struct evp_pkey_st;

namespace flare::auth {

// "HS256", as tokens spell it.
std::string_view jose_name(JwtAlgorithm algorithm) noexcept;

class VerifyKey {
public:
    // Errors: invalid_config; the text says what is wrong with the key and never shows it.
    //
    // At least 32 bytes (RFC 7518 section 3.2).
    static Checked<VerifyKey> secret(std::string bytes, std::string id);
    // A public key in PEM (SubjectPublicKeyInfo) that fits `algorithm`, which is not hs256.
    static Checked<VerifyKey> pem(std::string_view text, JwtAlgorithm algorithm, std::string id);

    JwtAlgorithm algorithm() const noexcept { return algorithm_; }
    const std::string& id() const noexcept { return id_; }  // empty: it has none
    bool verifies(std::string_view signed_text, std::string_view signature) const;

private:
    friend class Jwks;
    static Checked<VerifyKey> made(std::shared_ptr<EVP_PKEY> key, JwtAlgorithm algorithm, std::string id);
    VerifyKey(JwtAlgorithm algorithm, std::string id) : algorithm_(algorithm), id_(std::move(id)) {}

    JwtAlgorithm algorithm_;
    std::string id_;
    std::string secret_;             // hs256
    std::shared_ptr<EVP_PKEY> key_;  // the others
};

using KeySet = std::vector<VerifyKey>;

// The usable keys of a JSON Web Key Set. Keys for something else are left out in silence (RFC 7517 section 5), those
// that are for signatures and cannot be used are named in `passed_over`. Of keys with one name and algorithm the first
// counts. Errors: invalid_config: no JSON Web Key Set, or no usable key in it.
Checked<KeySet> keys_from_jwks(std::string_view text, std::vector<std::string>& passed_over);

}  // namespace flare::auth
