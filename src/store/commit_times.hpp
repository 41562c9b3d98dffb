// How long the newest commits took.
//
// Threads: one at a time.
// Owner:   Store.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace flare::store {

class CommitTimes {
public:
    void add(std::chrono::nanoseconds took) noexcept {
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
        newest_[count_++ % newest_.size()] = static_cast<std::uint32_t>(std::min<std::int64_t>(us, UINT32_MAX));
    }
    std::uint64_t count() const noexcept { return count_; }
    std::chrono::microseconds last() const noexcept {
        return std::chrono::microseconds(count_ == 0 ? 0 : newest_[(count_ - 1) % newest_.size()]);
    }
    // Of the newest 1,024: below this are `share` of them, which is from 0 to 1.
    std::chrono::microseconds quantile(double share) const noexcept {
        const std::size_t known = std::min<std::uint64_t>(count_, newest_.size());
        if (known == 0) return {};
        auto sorted = newest_;
        const auto at = std::min(known - 1, static_cast<std::size_t>(share * static_cast<double>(known)));
        std::nth_element(sorted.begin(), sorted.begin() + at, sorted.begin() + known);
        return std::chrono::microseconds(sorted[at]);
    }

private:
    std::array<std::uint32_t, 1024> newest_{};  // microseconds
    std::uint64_t count_ = 0;
};

}  // namespace flare::store
