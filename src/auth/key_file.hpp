// The key file of jwt_auth(), reloaded when it changes while the server runs.
//
// Threads: any; one look at the file a second in all.
// Owner:   the handler that jwt_auth() makes.
#pragma once

#include "auth/verify_key.hpp"

#include <flare/auth.hpp>

#include <sys/stat.h>

#include <chrono>
#include <memory>
#include <mutex>

namespace flare::auth {

class KeyFile {
public:
    // Errors: invalid_config, file_not_found, file_unreadable; the text names the file.
    static Checked<std::shared_ptr<KeyFile>> open(const JwtOptions& options);

    // Never null. Looks whether the file has changed, if that was long enough ago. What cannot be used is logged once
    // and changes nothing.
    std::shared_ptr<const KeySet> keys();

private:
    // What tells one state of a file from another.
    struct Stamp {
        std::int64_t seconds = 0;
        std::int64_t nanoseconds = 0;
        std::int64_t bytes = -1;
        std::uint64_t inode = 0;
        bool operator==(const Stamp&) const = default;
    };
    explicit KeyFile(const JwtOptions& options);
    Checked<KeySet> load() const;
    Stamp stamp() const noexcept;

    static constexpr auto kLookEvery = std::chrono::seconds(1);

    const std::string path_;
    const std::string what_;  // "jwks_file"
    const std::optional<JwtAlgorithm> algorithm_;
    const std::string id_;
    std::mutex mutex_;
    std::shared_ptr<const KeySet> keys_;
    Stamp seen_;  // of the file as it was last read, whatever came of it
    std::chrono::steady_clock::time_point looked_at_;
};

}  // namespace flare::auth
