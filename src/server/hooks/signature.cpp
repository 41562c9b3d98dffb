#include "server/hooks/signature.hpp"

#include "base/crypto.hpp"
#include "wire/base64.hpp"

namespace flare::server::hooks {

std::optional<std::string> key_of_secret(std::string_view secret) {
    if (!secret.starts_with(kSecretPrefix)) return std::nullopt;
    auto key = wire::from_base64(secret.substr(kSecretPrefix.size()));
    if (!key || key->size() < kMinSecretBytes || key->size() > kMaxSecretBytes) return std::nullopt;
    return key;
}

std::string signature_of(std::span<const std::string> keys, std::string_view id, std::uint64_t unix_s,
                         std::string_view body) {
    std::string content;
    content.reserve(id.size() + body.size() + 24);
    content.append(id).append(".").append(std::to_string(unix_s)).append(".").append(body);
    std::string all;
    for (const std::string& key : keys) {
        if (!all.empty()) all += ' ';
        all.append("v1,").append(wire::to_base64(base::hmac_sha256(key, content)));
    }
    return all;
}

}  // namespace flare::server::hooks
