// What an engine and its readers have in common.
//
// Threads:  any, as each part says.
// Owner:    SqliteEngine.
#pragma once

#include "store/sqlite/head_table.hpp"

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <string>

namespace flare::store::sqlite {

struct Shared {
    std::string path{};
    std::string vfs{};
    // Readers hold it shared during a call. The engine holds it alone when no reader may be inside, and changes what
    // follows only then.
    std::shared_mutex opening{};
    std::uint64_t times_opened = 0;  // a reader whose connection is of another time opens its own again
    std::uint64_t generation = 0;
    std::unique_ptr<HeadTable> heads{};
};

}  // namespace flare::store::sqlite
