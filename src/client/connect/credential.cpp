#include "client/connect/credential.hpp"

#include "base/utf8.hpp"
#include "client/connect/heals.hpp"
#include "wire/frame.hpp"

#include <exception>
#include <utility>

namespace flare::client {

Credential::Credential(TokenProvider provider, bool may_change)
    : provider_(std::move(provider)), may_change_(may_change) {}

Checked<> Credential::check(std::string_view token) {
    if (token.size() <= wire::kMaxTokenBytes && base::is_utf8(token)) return {};
    return Failure(errc::unauthenticated,
                   "the token exceeds 8192 bytes or is not UTF-8, so it does not fit into a Hello");
}

Checked<std::string> Credential::provided() const {
    try {
        std::string token = provider_();
        if (const auto usable = check(token); !usable) return usable.error();
        return token;
    } catch (const std::exception& error) {
        return Failure(errc::unauthenticated, std::string("the token provider failed: ") + error.what());
    }
}

Checked<std::string> Credential::for_attempt() {
    Checked<std::string> token = provider_ ? provided() : std::string();
    if (token) {
        last_ = *token;
    } else {
        refused_twice_ = false;  // the provider may do better when the network is back
    }
    return token;
}

void Credential::refused(errc code) {
    if (!is_of_token(code)) return;
    refused_twice_ = refused_ == last_;
    refused_ = last_;
}

void Credential::accepted() {
    refused_.reset();
    refused_twice_ = false;
}

bool Credential::may_heal(errc code) const { return heals(code, may_change_ && !refused_twice_); }

}  // namespace flare::client
