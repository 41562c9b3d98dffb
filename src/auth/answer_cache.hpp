// Caches recent positive responses of the service behind http_auth(). Bounded, and never beyond a credential's expiry.
//
// Threads: any.
// Owner:   the handler that http_auth() makes.
#pragma once

#include "base/keyed_hash.hpp"

#include <flare/identity.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

namespace flare::auth {

class AnswerCache {
public:
    using Time = std::chrono::system_clock::time_point;

    static constexpr std::size_t kMaxClaimBytes = 8u << 20;

    // limit: of answers; claims_limit: of the bytes of their claims together. Beyond either the oldest is forgotten.
    explicit AnswerCache(std::size_t limit, std::size_t claims_limit = kMaxClaimBytes)
        : limit_(limit), claims_limit_(claims_limit) {}

    // SHA-256 of both: no token stays in memory for the sake of this.
    static std::string key_of(std::string_view token, std::string_view user);

    std::optional<Identity> find(const std::string& key, Time now);
    void put(const std::string& key, const Identity& identity, Time until);
    std::size_t size() const;

private:
    struct Entry {
        Identity identity;
        Time until;
        std::uint64_t number = 0;
    };
    using Entries = boost::unordered_flat_map<std::string, Entry, base::NameHash>;
    void erase(Entries::iterator found);

    const std::size_t limit_;
    const std::size_t claims_limit_;
    std::size_t claims_bytes_ = 0;  // of all entries
    mutable std::mutex mutex_;
    Entries entries_;
    std::deque<std::pair<std::uint64_t, std::string>> order_;  // as they came; an entry that was renewed stands twice
    std::uint64_t next_ = 0;
};

}  // namespace flare::auth
