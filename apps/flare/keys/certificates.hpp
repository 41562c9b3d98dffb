// Certificates made for trying out, and what is in a file of them.
//
// Threads: pure functions but for the files.
#pragma once

#include "keys/key_pair.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace flare::cli {

struct CertificateSpec {
    std::string folder = "certs";
    std::vector<std::string> names;      // of hosts, "*.example.com" too
    std::vector<std::string> addresses;  // IP
    std::uint32_t days = 365;
    bool force = false;
};

// An authority, a certificate for a server and one for a client, with their keys (EC P-256): ca.crt, ca.key,
// server.crt, server.key, client.crt, client.key. Nothing is written when one of them is there and `force` does not say
// to replace it. Returns the files. Errors: invalid_config (a name that is none), file_unwritable.
Checked<std::vector<std::string>> make_certificates(const CertificateSpec& spec);

struct CertificateFacts {
    std::string subject, issuer, key;  // "EC 256"
    std::vector<std::string> names;    // DNS and IP
    std::chrono::system_clock::time_point from, until;
    bool authority = false;
};

// Errors: file_not_found, file_unreadable; certificate_invalid: there is none in it, or a damaged one.
Checked<std::vector<CertificateFacts>> read_certificates(const std::string& file);
// What is wrong with the file as a chain that a server sends: "number 2 of 3, CN=..., ..."; empty: nothing. A file that
// begins with an authority is a set and no chain. Errors: those of read_certificates().
Checked<std::vector<std::string>> chain_problems(const std::string& file);
// Nothing: the key belongs to the first certificate of the file; otherwise why not.
std::optional<std::string> key_mismatch(const std::string& certificate_file, const std::string& key_file);

// A server's key for sealing. Reads the file, or makes it when there is none or `force` says so, with its public half
// beside it (.pub in place of .key). Returns the public half, which clients pin. `made`: it was made.
Checked<std::string> sealing_key(const std::string& file, bool force, bool& made);

}  // namespace flare::cli
