// The tables of a cache, and whether a file has them.
//
// Protocol: docs/client.md, "The cache"; docs/decisions/0036-a-cache-of-one-user.md.
// Threads:  one at a time.
// Owner:    CacheFile.
#pragma once

#include "sql/database.hpp"

#include <string>

namespace flare::client {

inline constexpr std::uint64_t kCacheId = 0x466c7243;  // "FlrC", the application_id of SQLite
inline constexpr std::uint64_t kCacheVersion = 1;      // the user_version

// Makes the tables in an empty database. Errors: those of SQLite, as sql::code_of() names them.
Result<> make_cache(sql::Database& database, const std::string& user, const std::string& device);
// The tables are there, as make_cache() makes them, and if the file is small enough to be read at a start, its pages
// are in order. Errors: store_damaged and those of make_cache().
Result<> check_cache(sql::Database& database, bool small);

}  // namespace flare::client
