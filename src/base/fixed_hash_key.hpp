// For programs of which each run is to be the same as the one before: tables are walked in the order of their hashes.
//
// Threads: before there are any others, and before anything was hashed.
#pragma once

#include "base/keyed_hash.hpp"

namespace flare::base {

void fix_process_hash_key(const HashKey& key) noexcept;

}  // namespace flare::base
