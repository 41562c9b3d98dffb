// What an engine and its readers have in common.
//
// Threads:  any, as each part says.
// Owner:    SqliteEngine.
#pragma once

#include "store/sqlite/head_table.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>

namespace flare::store::sqlite {

// Many go in together, or one alone. Whoever wants to be alone waits for those inside, not for those who come later:
// the standard lock would let it wait as long as there is always one inside.
class Door {
public:
    std::shared_lock<std::shared_mutex> enter() {
        const std::lock_guard in_turn(entrance_);
        return std::shared_lock(inside_);
    }
    std::unique_lock<std::shared_mutex> alone() {
        const std::lock_guard in_turn(entrance_);
        return std::unique_lock(inside_);
    }

private:
    std::mutex entrance_;
    std::shared_mutex inside_;
};

struct Shared {
    std::string path{};
    std::string vfs{};
    // Readers are inside during a call. The engine changes what follows only when it is alone.
    Door door{};
    std::uint64_t times_opened = 0;  // a reader whose connection is of another time opens its own again
    std::uint64_t generation = 0;
    std::unique_ptr<HeadTable> heads{};
};

}  // namespace flare::store::sqlite
