// The client's token, and how the client reacts when a server refuses it.
//
// Threads: one at a time.
// Owner:   ClientLoop (and the simulator).
#pragma once

#include <flare/client.hpp>

#include <optional>
#include <string>
#include <string_view>

namespace flare::client {

class Credential {
public:
    // `provider` may be empty: no token is shown. `may_change`: it is the application's, which may give another one.
    Credential(TokenProvider provider, bool may_change);

    // Errors: unauthenticated: the provider threw, or gave what no Hello can carry.
    Checked<std::string> provided() const;
    // The one for the next Hello; empty without a provider.
    Checked<std::string> for_attempt();
    // A Renew carries it.
    void sent(const std::string& token) { last_ = token; }
    const std::string& last() const noexcept { return last_; }
    bool has_provider() const noexcept { return provider_ != nullptr; }

    // The server refused a connect, with this code.
    void refused(errc code);
    // A session stands.
    void accepted();
    // May another attempt succeed after this error? The same token refused a second time: its provider has no other.
    bool may_heal(errc code) const;

    // Errors: unauthenticated: it is too long, or not UTF-8.
    static Checked<> check(std::string_view token);

private:
    const TokenProvider provider_;
    const bool may_change_;
    std::string last_;                    // that the server has seen
    std::optional<std::string> refused_;  // since the last session that stood
    bool refused_twice_ = false;
};

}  // namespace flare::client
