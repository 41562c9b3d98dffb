// The file in which a server that stops in good order says whom it has let go, for the process that comes next:
// docs/server.md, "Storms", and docs/decisions/0017-expected-users.md.
//
//   flare returning 1
//   <milliseconds of Unix time, in decimal> <user, in base64>      one line for each user: when it is to be back
//   <HMAC-SHA-256, in base64>                                      over all lines before it, with the ticket key
//
// Threads: any; not an event loop, it waits for the disk.
#pragma once

#include <flare/failure.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flare::server {

struct Returning {
    std::string user;
    std::uint64_t back_unix_ms = 0;
};

inline constexpr std::size_t kMaxReturning = 200'000;                // users; more are left out
inline constexpr std::size_t kMaxReturningBytes = 16 * 1024 * 1024;  // of the file; the same

// Where it lies: beside the file of the ticket key.
std::string returning_path(const std::string& ticket_key_file);

// Writes the file, readable by its owner alone, in place of one that is there: base::put_file(). Returns how many users
// had room. Errors: file_not_found (the folder), file_unwritable (also a link in its place); what was there stays.
Checked<std::size_t> write_returning(const std::string& path, const std::string& key,
                                     const std::vector<Returning>& users);

// Reads the file. Nobody: there is none. Errors, of which none is a reason not to start: file_unreadable,
// permission_denied (it is not this user's alone), invalid_config (not a file of this kind, damaged, cut off, too long,
// or made with another key than `current` and `previous`).
Checked<std::vector<Returning>> read_returning(const std::string& path, const std::string& current,
                                               const std::string& previous);

}  // namespace flare::server
