// Revoked users and tokens, and until when each revocation must be remembered.
//
// Threads: any.
// Owner:   Server::Impl: they outlive a stop and a start.
#pragma once

#include "auth/revocation_file.hpp"
#include "base/keyed_hash.hpp"

#include <flare/failure.hpp>

#include <boost/unordered/unordered_flat_map.hpp>

#include <atomic>
#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace flare::auth {

class Revocations {
public:
    using Time = std::chrono::system_clock::time_point;
    using Kind = Revocation::Kind;

    static constexpr std::size_t kMaxNameBytes = 256;

    // limit: how many at once; about 100 bytes each.
    explicit Revocations(std::size_t limit) : limit_(limit) {}

    // Takes what the file says and writes all that comes into it. Once; then it does nothing. Errors: those of
    // RevocationFile, and invalid_config when the file holds more than the limit.
    Checked<> open(const std::string& path, Time now);

    // `until` in the past lifts a revocation. When it returns, find() knows, and the file.
    // Errors: invalid_config (no name, or a long one); busy: the limit; nothing was revoked. file_unwritable: it holds,
    // but only while this process lives.
    Checked<> revoke(Kind kind, std::string name, Time until, Time now);

    // Is either revoked? An empty token id never is.
    bool revoked(std::string_view user, std::string_view token_id, Time now) const;
    std::size_t size() const noexcept { return size_.load(std::memory_order_acquire); }

private:
    using Names = boost::unordered_flat_map<std::string, Time, base::NameHash>;
    void take(Kind kind, std::string name, Time until, Time now);
    void forget_old(Time now);
    Checked<> compact();
    Names& names(Kind kind) { return kind == Kind::user ? users_ : tokens_; }

    const std::size_t limit_;
    mutable std::mutex mutex_;
    Names users_;
    Names tokens_;
    std::size_t forget_at_ = 1024;      // how many there must be before old ones are looked for
    std::atomic<std::size_t> size_{0};  // old ones included
    std::unique_ptr<RevocationFile> file_;
};

}  // namespace flare::auth
