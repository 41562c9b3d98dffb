// The way to a server API: where it is, the key, and how its certificate is checked.
//
// Protocol: docs/server-api.md, "Keys".
// Threads:  blocking calls, one at a time.
#pragma once

#include "transport/http/client.hpp"

#include <flare/failure.hpp>

#include <CLI/CLI.hpp>

#include <memory>
#include <string>

namespace flare::cli::api {

inline constexpr const char* kDefaultUrl = "http://127.0.0.1:4002";

struct ConnectionOptions {
    std::string url = kDefaultUrl;
    std::string key_file;  // empty: FLARE_API_KEY
    std::string ca_file;   // empty: the system's store
    std::string client_cert;
    std::string client_key;
    double timeout_seconds = 30;  // for each request
};
void add_connection_options(CLI::App& command, const std::shared_ptr<ConnectionOptions>& options);

// Whether all addresses of a host are this machine's own, so that nothing goes over a network.
bool is_this_machine(const std::string& host);

class Connection {
public:
    // `repeatable`: see http::Endpoint. Errors: invalid_config (the URL, the key; a key that would go over the network
    // as it is), and those of the files.
    static Checked<Connection> open(const ConnectionOptions& options, bool repeatable);

    // `question`: its target begins with "/v1". Errors: as http::Client; the text names the server, and what to do.
    Checked<transport::http::Answer> ask(transport::http::Question question);
    const std::string& url() const noexcept { return url_; }

private:
    Connection(std::string url, transport::http::Endpoint endpoint);

    std::string url_;
    std::string base_path_;  // without a slash at its end
    std::shared_ptr<transport::http::Client> client_;
};

}  // namespace flare::cli::api
