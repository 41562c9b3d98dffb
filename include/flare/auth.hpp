// Ready-made authentication handlers: signed tokens (JWT), and the operator's own service over HTTP. docs/auth.md is
// the guide. server.hpp has anonymous_auth() and static_token_auth().
//
//     flare::JwtOptions jwt;
//     jwt.jwks_file = "/etc/flare/jwks.json";
//     jwt.audience = {"chat"};
//     builder.with_auth_handler(flare::jwt_auth(jwt));
//
// Protocol: RFC 7515, 7517, 7518, 7519, 8037 and the advice of RFC 8725.
// Threads:  the handlers may be called from any thread, and several servers may share one handler.
#pragma once

#include <flare/export.hpp>
#include <flare/server.hpp>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace flare {

// Signature algorithms. The configuration binds each key to one algorithm, and a token must name the same one.
enum class JwtAlgorithm : std::uint8_t {
    hs256,  // HMAC with SHA-256: issuer and server share a secret of at least 32 bytes
    rs256,  // RSA of at least 2048 bits, PKCS #1 v1.5, SHA-256
    es256,  // ECDSA on P-256, SHA-256
    eddsa,  // Ed25519
};

// Which tokens jwt_auth() accepts.
struct JwtOptions {
    // Set either key_file or jwks_file. The file is reloaded after a change (checked at most once a second, when tokens
    // arrive). If the new content is unusable, the log says so and the previous keys stay in use.
    //
    // A public key in PEM; for hs256 the secret as text (one trailing line end is ignored).
    std::string key_file;
    std::optional<JwtAlgorithm> algorithm;  // of key_file
    std::string key_id;  // of key_file; if set, tokens must carry it (kid). Empty: the kid of a token is ignored
    // A JSON Web Key Set. The key type determines the algorithm: RSA rs256, EC P-256 es256, OKP Ed25519 eddsa, oct
    // hs256. Keys of other types or uses are ignored. A token must name its key (kid) unless there is only one.
    std::string jwks_file;

    std::string issuer;                   // required value of `iss`; empty: any
    std::vector<std::string> audience;    // `aud` must contain one of these; empty: tokens with an audience are refused
    std::string user_claim = "sub";       // the claim with the user id
    std::chrono::seconds clock_skew{60};  // tolerated difference to the issuer's clock
    bool require_expiry = true;           // false: tokens without `exp` are accepted and never expire
    std::chrono::seconds max_life = kRevocationLife;  // tokens that expire later than this from now are refused
};

// Authenticates JWTs. The user id is `user_claim`, the session ends at `exp` (plus clock_skew), and `jti` is the id for
// Server::revoke_token(). Refuses with unauthenticated or token_expired, and a text with the reason.
// With unusable options or an unusable key file, ServerBuilder::build() fails and names the problem.
FLARE_EXPORT AuthHandler jwt_auth(JwtOptions options);

// The service that http_auth() asks, and its limits.
struct HttpAuthOptions {
    std::string url;                          // http://host[:port]/path or https://; no user, password or query
    std::chrono::milliseconds timeout{3000};  // from the request to the complete response
    // How long a positive response is cached for the same token and user, on any device and address; never beyond the
    // credential's expiry. 0: ask for every new session.
    std::chrono::milliseconds cache_for{30'000};
    std::size_t cache_entries = 10'000;        // beyond that the oldest are dropped
    std::size_t max_answer_bytes = 16 * 1024;  // a longer response counts as a failure to answer
    std::uint32_t max_requests = 256;          // in flight; beyond that: busy
    std::string ca_file;                       // CAs to trust for https; empty: the system's store
    std::string authorization;                 // Authorization header, by which the service recognizes the server
};

// Authenticates by an HTTP service: posts {"token", "user", "device", "platform", "address"} as JSON to the URL.
// - 200 with {"user", "expires_in_ms"?, "token_id"?}: accepted
// - 401 or 403, optionally with {"text"}: unauthenticated
// - anything else, including no response in time: `busy`, and clients come back
// For unusable options see jwt_auth().
FLARE_EXPORT AsyncAuthHandler http_auth(HttpAuthOptions options);

}  // namespace flare
