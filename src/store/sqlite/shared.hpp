// What an engine and its readers have in common.
//
// Threads:  any, as each part says.
// Owner:    SqliteEngine.
#pragma once

#include "store/sqlite/head_table.hpp"

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <string>
#include <vector>

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

class SqliteReader;

// The readers that there are.
class Readers {
public:
    void add(SqliteReader& reader);
    void remove(SqliteReader& reader) noexcept;
    // Closes the connections of all; each opens its own again. Precondition: the caller is alone behind the door.
    void close();

private:
    std::mutex mutex_;
    std::vector<SqliteReader*> all_;
};

struct Shared {
    std::string path{};
    std::string vfs{};
    // Readers are inside during a call. The engine changes what follows only when it is alone, but for `committed`.
    Door door{};
    Readers readers{};
    std::uint64_t generation = 0;
    std::unique_ptr<HeadTable> heads{};
    // The last stamp that is in `heads` and in every snapshot that begins now.
    std::atomic<std::uint64_t> committed{0};
};

}  // namespace flare::store::sqlite
