// Memory that sessions may hold for replay, queues and reassembly, bounded over the whole process.
//
// Threads: SharedBudget any; Budget its worker only. A Budget leases in grains, so that workers
//          rarely touch the shared counter.
#pragma once

#include <atomic>
#include <cstddef>

namespace flare::session {

class SharedBudget {
public:
    explicit SharedBudget(std::size_t limit_bytes) : limit_(limit_bytes) {}
    std::size_t limit() const noexcept { return limit_; }
    std::size_t leased() const noexcept { return leased_.load(std::memory_order_relaxed); }

private:
    friend class Budget;
    bool lease(std::size_t bytes) noexcept;
    void give_back(std::size_t bytes) noexcept { leased_.fetch_sub(bytes, std::memory_order_relaxed); }

    const std::size_t limit_;
    std::atomic<std::size_t> leased_{0};
};

class Budget {
public:
    explicit Budget(SharedBudget& shared, std::size_t grain_bytes = 256 * 1024)
        : shared_(shared), grain_(grain_bytes) {}
    ~Budget();
    Budget(const Budget&) = delete;
    Budget& operator=(const Budget&) = delete;

    // False: the process has no more to give; nothing was taken. What to do: refuse with errc::busy.
    bool take(std::size_t bytes) noexcept;
    // Takes even past the limit: for what a peer was promised already.
    void take_anyway(std::size_t bytes) noexcept;
    void give(std::size_t bytes) noexcept;
    std::size_t used() const noexcept { return used_; }
    // So little is left, a sixteenth, that it is for the sessions that are there.
    bool exhausted() const noexcept { return shared_.leased() + shared_.limit() / 16 >= shared_.limit(); }
    // There is room again, after something was given back.
    bool relieved() const noexcept { return shared_.leased() <= shared_.limit() - shared_.limit() / 8; }

private:
    SharedBudget& shared_;
    std::size_t grain_;
    std::size_t leased_ = 0;
    std::size_t used_ = 0;  // invariant: used_ <= leased_
};

}  // namespace flare::session
