// Certificate chains: a certificate, behind it the one that issued it, and so on; a root may end it.
//
// Protocol: RFC 8446 section 4.4.2; RFC 5280 section 6.1. TLS 1.3 lets a server send the others in any order, but many
// clients want theirs in this one.
// Threads:  pure functions.
#pragma once

#include <flare/failure.hpp>

#include <cstddef>
#include <string>
#include <vector>

using X509 = struct x509_st;

namespace flare::transport::tls {

struct ChainFault {
    enum class Kind : unsigned char { expired, not_yet_valid, out_of_order, wrong_issuer };
    Kind kind = Kind::expired;
    std::size_t at = 0;  // of the certificate that is wrong; the first is 0
    std::string text;    // "number 2 of 3, CN=Example CA, expired on Jan  1 00:00:00 2026 GMT"
    std::string advice;  // what whoever has the chain does
    errc code() const noexcept { return kind == Kind::expired ? errc::certificate_expired : errc::certificate_invalid; }
};

// Everything that is wrong with a chain that is sent, the first certificate first: dates of each, and whether each was
// issued by the one behind it (names, key identifiers, signature, the right to issue, the length of the path). Whether
// anybody trusts its end is another question.
std::vector<ChainFault> chain_faults(const std::vector<X509*>& chain);
// Why a certificate of a set of authorities cannot be used today; empty: it can.
std::string date_fault(const X509* certificate);
// "CN=Example CA,O=Example", without control characters.
std::string subject_of(const X509* certificate);
std::string issuer_of(const X509* certificate);

}  // namespace flare::transport::tls
