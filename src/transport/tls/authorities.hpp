// The certificates of a file that says whom to trust. They are a set: one that is damaged, too old or not valid yet is
// named in the log once and not trusted, and the others are.
//
// Threads: any; the functions wait for the disk.
#pragma once

#include "base/owned.hpp"

#include <flare/failure.hpp>

#include <openssl/x509.h>

#include <string>
#include <vector>

namespace flare::transport::tls {

using X509Ptr = base::Owned<X509, X509_free>;

// At least one. Errors: those of a file that cannot be read; certificate_expired, certificate_invalid: none is usable.
Checked<std::vector<X509Ptr>> read_authorities(const std::string& path);
// The same as one text in PEM, for libraries that read it themselves.
Checked<std::string> read_authorities_pem(const std::string& path);

}  // namespace flare::transport::tls
