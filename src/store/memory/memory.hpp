// A store in memory, for tests and the simulator: on a disk that fails, forgets and dies on command.
//
// Threads:  open() any; a Disk's own functions any.
#pragma once

#include "store/engine.hpp"

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace flare::store::memory {

class Data;

// What outlives an engine. A commit changes it in two steps: it is written, and it is synced.
class Disk {
public:
    explicit Disk(std::uint64_t generation);
    ~Disk();

    // The n-th step from now on fails, once. If it is a sync, the group is there after reopen().
    void fail(std::uint64_t n);
    // From the n-th step on all fail.
    void die(std::uint64_t n);
    bool struck() const;  // one of them did
    // There is room for removals only.
    void fill(bool full);
    void heal();
    // A disk that lies: commits are answered before they are synced, until this ends.
    void hold_syncs(bool on);
    // The machine goes down: what was answered while syncs were held is gone. A group whose sync failed is there or
    // not, as `kept` says.
    void lose_unsynced(bool kept);

    // Takes a copy, in place of the one that was taken before.
    void back_up();
    // While no engine is open: the copy takes the place of what is here, as an operator restores it (`generation` is
    // another one) or as a file is put back (the same). Precondition: there is a copy; it stays.
    void restore(std::uint64_t generation);
    std::uint64_t generation() const;

private:
    friend class MemoryEngine;
    friend class MemoryReader;
    friend class MemoryBackendReader;
    enum class Fault : std::uint8_t { none, once, dead };
    // A group whose sync failed, and what it was written with: it is there after reopen() as it was written.
    struct Unknown {
        std::vector<WriteBatch> batches{};
        std::uint64_t now_ms = 0;
        bool full = false;
        Row last_conversation = 0;  // before it
    };

    Result<> write(std::span<WriteBatch* const> group, std::uint64_t now_ms);
    bool recover();  // true: there was a group of unknown outcome
    bool strikes();

    mutable std::mutex mutex_;
    std::unique_ptr<Data> data_;
    std::unique_ptr<Data> copy_;
    std::optional<Unknown> unknown_;
    std::uint64_t steps_ = 0;
    std::uint64_t strike_at_ = 0;
    Fault fault_ = Fault::none;
    bool struck_ = false;
    bool full_ = false;
    bool held_ = false;
};

// The disk must outlive the engine.
std::unique_ptr<Engine> open(Disk& disk);

}  // namespace flare::store::memory
