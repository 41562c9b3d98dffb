// The store in one file of this machine: SQLite with a write-ahead log. A commit is on disk when it is answered.
//
// Protocol: docs/store.md; docs/decisions/0026-sqlite-blocks.md.
// Threads:  open() any.
#pragma once

#include "store/engine.hpp"

#include <flare/failure.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace flare::store::sqlite {

struct Settings {
    std::string path{};  // of the file; it is made if it is missing. Its folder must exist
    std::string vfs{};   // SQLite's name of the file system to use; empty: the usual one. For tests
    std::uint64_t min_free_bytes = 256 * 1024 * 1024;  // below that on its disk only removals are written; 0: no limit
    // Pages in memory, of the connection that writes; the system's cache has the rest. More is slower: now and then
    // SQLite looks at each of them, while a commit waits.
    std::uint32_t cache_kib = 4 * 1024;
    std::uint32_t checkpoint_pages = 4000;     // the write-ahead log goes into the file above that
    bool checkpoint_beside = true;             // on a thread of its own; false: by the thread that commits. For tests
    std::size_t max_heads = 64 * 1024;         // logs that are known in memory, 300 bytes each
    std::uint64_t max_unwritten = 256 * 1024;  // rows of the log that a start may have to read
};

// Errors: store_in_use, store_too_new, store_damaged, storage_failed, storage_full, invalid_config (a database of
// something else), file_not_found (its folder), file_unwritable, permission_denied (others may read it).
Checked<std::unique_ptr<Engine>> open(const Settings& settings);

}  // namespace flare::store::sqlite
