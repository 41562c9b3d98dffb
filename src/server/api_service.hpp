// The server API of a server, from its settings: keys, TLS, the address.
//
// Threads: one at a time, under the server's locks.
// Owner:   Server::Impl.
#pragma once

#include "auth/api_keys.hpp"
#include "server/api/api.hpp"
#include "server/api/kept_answers.hpp"

#include <flare/failure.hpp>
#include <flare/server.hpp>

#include <memory>
#include <string>

namespace flare::server {

class ApiService {
public:
    // Without an address it does nothing. `group` and `encoder` outlive stop(). Errors: invalid_config (no key, a wrong
    // one), those of the files, of the certificate and of the address.
    Checked<> open(const ServerApi& settings, WorkerGroup& group, const Encoder& encoder, api::ServerCalls calls);
    void start_thread();
    // Ends all connections; nothing is asked of the server any more.
    void stop();
    // Errors: those of the file, and the old keys stay in use; not_supported: there is no file.
    Checked<> reload_keys(const ServerApi& settings);
    // Of what is open; else empty.
    const std::string& address() const noexcept { return address_; }

private:
    std::shared_ptr<auth::ApiKeys> keys_;
    std::unique_ptr<api::KeptAnswers> kept_;  // stays when the API ends: the store gives back what it was given
    std::unique_ptr<api::Api> api_;
    std::string address_;
    bool secure_ = false;
};

}  // namespace flare::server
