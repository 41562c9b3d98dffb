// The server's sealing keys, and the certificate that vouches for them.
//
// Protocol: docs/protocol.md, "Sealing".
// Threads:  immutable once loaded.
// Owner:    Certificates; each worker shares it.
#pragma once

#include "server/config.hpp"
#include "transport/tls/tls.hpp"
#include "wire/noise.hpp"

#include <flare/failure.hpp>

#include <memory>
#include <string>
#include <vector>

namespace flare::server {

struct Sealing {
    std::vector<wire::KeyPair> keys;                             // at least one; clients that ask are told the first
    std::shared_ptr<transport::tls::ServerContext> certificate;  // null: none, clients must know the key
};

// A key file has secret keys of 32 bytes in base64, one a line; lines that begin with '#' are passed over. Nobody but
// its owner may be able to read it. Errors: file_not_found, file_unreadable, permission_denied, certificate_invalid
// (it has no usable key), and those of the certificate's files.
Checked<std::shared_ptr<const Sealing>> load_sealing(const Config& config);

}  // namespace flare::server
