// What a store has done since its start: how many writes of which outcome, how long commits took and how large they
// were.
//
// Protocol: docs/operations.md, "Metrics".
// Threads:  one at a time; count() any.
// Owner:    Store.
#pragma once

#include "store/engine.hpp"

#include <boost/container/static_vector.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <utility>
#include <variant>

namespace flare::store {

// Of values by the power of two that is not less: bucket i has those up to `First` * 2^i, the last one all others.
template <std::uint64_t First, std::size_t Buckets>
class PowerHistogram {
public:
    static constexpr std::uint64_t upto(std::size_t bucket) noexcept { return First << bucket; }

    void add(std::uint64_t value) noexcept {
        std::size_t bucket = 0;
        while (bucket < Buckets && value > upto(bucket)) ++bucket;
        ++counts_[bucket];
        sum_ += value;
    }
    // The last is of those above upto(Buckets - 1).
    const std::array<std::uint64_t, Buckets + 1>& counts() const noexcept { return counts_; }
    std::uint64_t sum() const noexcept { return sum_; }

private:
    std::array<std::uint64_t, Buckets + 1> counts_{};
    std::uint64_t sum_ = 0;
};

class Tally {
public:
    // Of one group.
    struct Counted {
        std::uint64_t appends = 0, changes = 0, repeats = 0;
        boost::container::static_vector<std::pair<errc, std::uint64_t>, 16> refused{};

        void refuse(errc code, std::uint64_t count) {
            const auto known =
                std::find_if(refused.begin(), refused.end(), [&](auto& each) { return each.first == code; });
            if (known != refused.end())
                known->second += count;
            else if (refused.size() < refused.capacity())
                refused.emplace_back(code, count);
        }
    };
    // What became of the writes of a group that was committed.
    static Counted count(std::span<WriteBatch* const> group) {
        Counted counted;
        for (const WriteBatch* const batch : group)
            for (const Write& each : batch->writes) count(each, counted);
        return counted;
    }

    void committed(const Counted& counted, std::uint64_t writes, std::chrono::nanoseconds took) {
        appends_ += counted.appends;
        changes_ += counted.changes;
        repeats_ += counted.repeats;
        for (const auto& [code, count] : counted.refused) refused_[code] += count;
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
        commit_us.add(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)));
        commit_writes.add(writes);
    }
    // They are answered with that, and nothing became of them.
    void turned_away(errc code, std::uint64_t writes) { refused_[code] += writes; }

    std::uint64_t appends() const noexcept { return appends_; }  // entries
    std::uint64_t changes() const noexcept { return changes_; }  // of conversations, members and users
    std::uint64_t repeats() const noexcept { return repeats_; }  // of either, which were there already
    const std::map<errc, std::uint64_t>& refused() const noexcept { return refused_; }

    PowerHistogram<128, 14> commit_us;    // up to 128 us ... 1 s
    PowerHistogram<1, 13> commit_writes;  // up to 1 ... 4,096

private:
    static void count(const Write& write, Counted& counted) {
        if (write.outcome.code != errc::ok)
            counted.refuse(write.outcome.code, 1);
        else if (write.outcome.repeat)
            ++counted.repeats;
        else
            ++(std::holds_alternative<NewEntry>(write.what) ? counted.appends : counted.changes);
    }

    std::uint64_t appends_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t repeats_ = 0;
    std::map<errc, std::uint64_t> refused_;  // writes; few codes
};

}  // namespace flare::store
