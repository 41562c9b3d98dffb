// The keys of a server API: who holds one may do what its scopes say. Kept hashed, one line for each:
//
//     # back-end of the shop
//     k7f3q2ab 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 messages:write,users:read
//     m2x9d4ct 60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752 * until=2027-01-01T00:00:00Z
//
// A key is "flare_ID_SECRET": the secret is 32 random bytes, so its SHA-256 tells nobody what it is.
//
// Protocol: docs/server-api.md, "Keys"; RFC 6750 section 2.1 (Bearer).
// Threads:  values; ApiKeys any.
#pragma once

#include "base/random.hpp"

#include <flare/error.hpp>
#include <flare/failure.hpp>

#include <array>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace flare::auth {

// What a key allows, as a set: reading and writing of each group of calls.
class Scopes {
public:
    enum class Group : std::uint8_t { messages, conversations, members, users, signals, system };
    static constexpr std::size_t kGroups = 6;

    static Scopes all() noexcept { return Scopes((1u << (2 * kGroups)) - 1); }
    Scopes() = default;
    // "messages:write,users:read", or "*"; plus signs count as commas, where those mean something else. The text of an
    // error names the one that is wrong.
    static Checked<Scopes> parse(std::string_view text);
    std::string text() const;

    void add(Group group, bool writes) noexcept { bits_ |= bit(group, writes); }
    bool has(Group group, bool writes) const noexcept { return (bits_ & bit(group, writes)) != 0; }
    friend bool operator==(const Scopes&, const Scopes&) = default;

private:
    explicit Scopes(std::uint32_t bits) : bits_(bits) {}
    static std::uint32_t bit(Group group, bool writes) noexcept {
        return 1u << (2 * static_cast<std::uint32_t>(group) + (writes ? 1 : 0));
    }
    std::uint32_t bits_ = 0;
};
// "messages:write"
std::string scope_name(Scopes::Group group, bool writes);

struct ApiKey {
    std::string id;                       // 8 lower-case letters or digits
    std::array<std::uint8_t, 32> hash{};  // SHA-256 of the secret, as it is written
    Scopes scopes;
    std::optional<std::chrono::system_clock::time_point> until;
    std::string note;

    bool is_over(std::chrono::system_clock::time_point now) const noexcept { return until && *until <= now; }
};

std::string to_line(const ApiKey& key);  // without the end of line
// Errors: invalid_config; the text says what is wrong.
Checked<ApiKey> api_key_from_line(std::string_view line);

struct NewApiKey {
    std::string secret;  // "flare_ID_SECRET": shown once
    ApiKey key;
};
NewApiKey make_api_key(Scopes scopes, base::Random& random);

using ApiKeyList = std::vector<ApiKey>;
inline constexpr std::size_t kMaxApiKeys = 1000;
inline constexpr std::size_t kMaxApiKeyFileBytes = 512 * 1024;
// Of a text with one key a line; blank lines and those that begin with # are passed over. Errors: invalid_config names
// the line; two keys with one id.
Checked<ApiKeyList> parse_api_keys(std::string_view text);
// Errors: file_not_found, file_unreadable, permission_denied (others may read or write it), invalid_config.
Checked<ApiKeyList> read_api_keys(const std::string& path);

class ApiKeys {
public:
    enum class Wrong : std::uint8_t { missing, malformed, unknown, over };
    struct Verdict {
        std::optional<ApiKey> key{};  // nothing: `wrong` says why
        Wrong wrong = Wrong::missing;
    };

    explicit ApiKeys(ApiKeyList keys) : keys_(std::make_shared<const ApiKeyList>(std::move(keys))) {}
    // `authorization`: the header, "Bearer flare_ID_SECRET". It takes the same time whether the id is known or not.
    Verdict check(std::string_view authorization, std::chrono::system_clock::time_point now) const;
    // In the place of all.
    void replace(ApiKeyList keys);
    std::size_t size() const { return list()->size(); }

private:
    std::shared_ptr<const ApiKeyList> list() const;

    mutable std::mutex mutex_;
    std::shared_ptr<const ApiKeyList> keys_;  // under the mutex
};

}  // namespace flare::auth
