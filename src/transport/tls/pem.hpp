// Reads the files that hold certificates and keys.
//
// Threads: pure functions.
#pragma once

#include <flare/failure.hpp>

#include <string>

namespace flare::transport::tls {

// The content of `path`. `what`: "certificate" or "key". A key is a secret, wherever it stands.
// False: `failure` says why (file_not_found, file_unreadable, permission_denied, certificate_invalid).
bool read_pem(const std::string& path, const char* what, std::string& content, Failure& failure);

}  // namespace flare::transport::tls
