// Private keys: made, read, written, and what they sign. For tokens and certificates that are made on the spot.
//
// Threads: immutable once made.
#pragma once

#include <flare/auth.hpp>
#include <flare/failure.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>

using EVP_PKEY = struct evp_pkey_st;

namespace flare::cli {

class KeyPair {
public:
    static Checked<KeyPair> make(JwtAlgorithm algorithm);
    // `file`: a private key in PEM, whose kind says the algorithm; anything else is a secret for HS256. Errors:
    // file_not_found, file_unreadable; invalid_config: no key of `algorithm`, if one is named.
    static Checked<KeyPair> read(const std::string& file, std::optional<JwtAlgorithm> algorithm);

    JwtAlgorithm algorithm() const noexcept { return algorithm_; }
    EVP_PKEY* native() const noexcept { return key_.get(); }  // null: a secret
    // As JSON Web Signature wants it (RFC 7518 section 3).
    std::string sign(std::string_view text) const;
    std::string private_text() const;  // PEM, or the secret
    std::string public_pem() const;    // empty: a secret has none

private:
    explicit KeyPair(JwtAlgorithm algorithm) : algorithm_(algorithm) {}
    JwtAlgorithm algorithm_;
    std::string secret_;
    std::shared_ptr<EVP_PKEY> key_;
};

// "HS256", "RS256", "ES256", "EdDSA".
std::optional<JwtAlgorithm> algorithm_named(std::string_view name);

}  // namespace flare::cli
