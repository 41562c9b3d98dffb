// A server's key, vouched for by its TLS certificate: who trusts the certificate can trust the key.
//
// Protocol: docs/protocol.md, "Sealing".
// Threads:  any.
#pragma once

#include "transport/tls/tls.hpp"

#include <flare/failure.hpp>

#include <string>
#include <string_view>

namespace flare::transport::tls {

struct SignedKey {
    std::string certificates;  // DER, one behind the other, the server's own first
    std::string signature;
};

// `nonce` is the asker's, so that no signature serves twice. Error: internal, OpenSSL refuses.
Result<SignedKey> sign_key(const ServerContext& context, std::string_view nonce, std::string_view key);

// Is there a chain to what `context` trusts, is the certificate that of `server_name` and good for a server, and has it
// signed this? Errors: certificate_rejected; the text says which of these fails.
Checked<> verify_key(const ClientContext& context, const std::string& server_name, std::string_view nonce,
                     std::string_view key, const SignedKey& signed_key);

}  // namespace flare::transport::tls
