// Memory that sessions may hold for replay, queues and reassembly, bounded over the whole process.
//
// Threads: SharedBudget any; Budget its worker only. A Budget leases in grains, so that workers
//          rarely touch the shared counter.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace flare::session {

// What memory is for.
enum class Use : std::uint8_t {
    small,
    large,   // more than kSmallBytes: a thirty-second is kept from it
    pieces,  // of a message that may never be whole: a quarter is
};
inline constexpr std::size_t kSmallBytes = 4096;

class SharedBudget {
public:
    // `keeps`: of all of it a part is kept for what is small, as Use says.
    explicit SharedBudget(std::size_t limit_bytes, bool keeps = false) : limit_(limit_bytes), keeps_(keeps) {}
    std::size_t limit() const noexcept { return limit_; }
    std::size_t leased() const noexcept { return leased_.load(std::memory_order_relaxed); }

    // For what no Budget counts: false when there is not so much. give_back() must follow.
    bool lease(std::size_t bytes) noexcept;
    void lease_anyway(std::size_t bytes) noexcept { leased_.fetch_add(bytes, std::memory_order_relaxed); }
    void give_back(std::size_t bytes) noexcept { leased_.fetch_sub(bytes, std::memory_order_relaxed); }

private:
    friend class Budget;
    const std::size_t limit_;
    const bool keeps_;
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
    bool take(std::size_t bytes, Use use = Use::small) noexcept;
    bool take_by_size(std::size_t bytes) noexcept { return take(bytes, bytes > kSmallBytes ? Use::large : Use::small); }
    // Takes even past the limit: for what a peer was promised already.
    void take_anyway(std::size_t bytes) noexcept;
    void give(std::size_t bytes) noexcept;
    std::size_t used() const noexcept { return used_; }
    void check_invariants() const;
    // So little is left, a sixteenth, that it is for the sessions that are there.
    bool exhausted() const noexcept { return shared_.leased() + shared_.limit() / 16 >= shared_.limit(); }
    // There is room again, after something was given back.
    bool relieved() const noexcept { return shared_.leased() <= shared_.limit() - shared_.limit() / 8; }

private:
    SharedBudget& shared_;
    std::size_t grain_;
    std::size_t leased_ = 0;
    std::size_t used_ = 0;  // of leased_
};

}  // namespace flare::session
