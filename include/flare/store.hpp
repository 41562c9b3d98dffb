// Where a server keeps conversations: ServerBuilder::store().
#pragma once

#include <flare/export.hpp>

#include <cstdint>
#include <string>

namespace flare {

// Made by sqlite().
struct FLARE_EXPORT Store {
    std::string file;  // empty: there is none, and nothing outlives the process
    // Below so much free space on its disk messages are refused with storage_full, and removals go on. Bytes; 0: no
    // limit.
    std::uint64_t min_free_bytes = 256ull * 1024 * 1024;
};

// One SQLite file, for one server process at a time. It is made if it is missing; its folder must exist. `stored` then
// means that a message is on disk, whatever happens to the process or the machine.
FLARE_EXPORT Store sqlite(std::string file);

}  // namespace flare
