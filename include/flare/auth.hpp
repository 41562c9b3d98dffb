// Ready-made authentication beyond anonymous_auth() and static_token_auth(): signed tokens (JWT), and asking a service
// of the operator's over HTTP. docs/auth.md is the guide.
//
//     flare::JwtOptions jwt;
//     jwt.jwks_file = "/etc/flare/jwks.json";
//     jwt.audience = {"chat"};
//     builder.with_auth_handler(flare::jwt_auth(jwt));
//
// Protocol: RFC 7515, 7517, 7518, 7519, 8037 and the advice of RFC 8725.
// Threads:  the handlers may be called from any thread, and one handler by several servers.
#pragma once

#include <flare/export.hpp>
#include <flare/server.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare {

// How a token may be signed. A key is bound to one of them by the configuration; what the token says must agree.
enum class JwtAlgorithm : std::uint8_t {
    hs256,  // HMAC with SHA-256: issuer and server share a secret of at least 32 bytes
    rs256,  // RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256
    es256,  // ECDSA on P-256, SHA-256
    eddsa,  // Ed25519
};

// Which tokens jwt_auth() takes.
struct JwtOptions {
    // The keys, in one of two files. It is read again when it has changed (looked at once a second, when tokens come);
    // one that cannot be used is named in the log, and the keys from before stay.
    //
    // A public key in PEM; for hs256 the secret as text (one line end at its end does not count).
    std::string key_file;
    std::optional<JwtAlgorithm> algorithm;  // of key_file
    std::string key_id;  // of key_file; when set, tokens must name it (kid). Empty: whatever they name is passed over
    // A JSON Web Key Set. The kind of a key decides its algorithm: RSA rs256, EC P-256 es256, OKP Ed25519 eddsa, oct
    // hs256. Keys of other kinds or uses are passed over. A token names its key (kid) unless there is only one.
    std::string jwks_file;

    std::string issuer;                 // what `iss` must be; empty: anything
    std::vector<std::string> audience;  // `aud` must name one of these; empty: tokens that name an audience are refused
    std::string user_claim = "sub";     // which claim is the user id
    std::chrono::seconds clock_skew{60};              // how far the issuer's clock may be off
    bool require_expiry = true;                       // false: tokens without `exp` are taken, and never expire
    std::chrono::seconds max_life = kRevocationLife;  // a token that expires later than that from now is refused
};

// The token is a JWT; the user is `user_claim`, the session ends with `exp` (plus clock_skew), `jti` is what
// Server::revoke_token() takes. Refuses with unauthenticated or token_expired and a text that says why.
// Options or a key file that cannot be used make ServerBuilder::build() fail with a text that names what is wrong.
FLARE_EXPORT AuthHandler jwt_auth(JwtOptions options);

// Whom http_auth() asks, and how patiently.
struct HttpAuthOptions {
    std::string url;                          // http://host[:port]/path or https://; no user, password or query
    std::chrono::milliseconds timeout{3000};  // from the question to the answer
    // For so long a good answer holds for the same token and user, whatever the device and address; never beyond its
    // expiry. 0: every new session asks.
    std::chrono::milliseconds cache_for{30'000};
    std::size_t cache_entries = 10'000;        // beyond it the oldest are forgotten
    std::size_t max_answer_bytes = 16 * 1024;  // a longer answer counts as none
    std::uint32_t max_requests = 256;          // under way at once; beyond it: busy
    std::string ca_file;                       // https: whom to trust; empty: the system's store
    std::string authorization;                 // sent as the header Authorization, so that the service knows the server
};

// Posts {"token", "user", "device", "platform", "address"} as JSON to the URL and takes for an answer:
// 200 with {"user", "expires_in_ms"?, "token_id"?}; 401 or 403, perhaps with {"text"}: unauthenticated.
// Anything else, no answer in time included, is `busy`: clients come back. See jwt_auth() for unusable options.
FLARE_EXPORT AsyncAuthHandler http_auth(HttpAuthOptions options);

}  // namespace flare
