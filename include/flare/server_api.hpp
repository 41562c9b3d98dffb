// Where a server serves its API for back-ends: ServerBuilder::server_api().
//
// Protocol: docs/server-api.md.
// Threads:  values.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace flare {

// HTTP and JSON, with keys.
struct ServerApi {
    std::string address;  // "127.0.0.1:4002"; port 0 picks a free one
    // File with the keys, hashed, one a line; only its owner and group may have access. `flare api-key` makes and
    // changes it, Server::reload_api_keys() reads it again.
    std::string keys_file;
    std::vector<std::string> keys;  // further ones, as lines of that file
    std::string certificate_file;   // PEM, as key_file; both: https
    std::string key_file;
    std::string client_ca_file;  // PEM: callers need a certificate of this authority, beside their key
    // Requests of each key; more are answered 429 with Retry-After. 0: no limit.
    std::uint32_t per_second = 1000;
    std::uint32_t burst = 2000;  // so many at once, after a pause
};

}  // namespace flare
