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

// Writes that were refused, by why: a dozen of codes can be, and more than 16 are not told apart. Needs no memory of
// the heap: that a commit is counted cannot fail.
class Refusals {
public:
    // Pairs of a code and how many there were, in no order.
    auto begin() const noexcept { return counts_.begin(); }
    auto end() const noexcept { return counts_.end(); }

    void add(errc code, std::uint64_t count) noexcept {
        const auto known = std::find_if(counts_.begin(), counts_.end(), [&](auto& each) { return each.first == code; });
        if (known != counts_.end())
            known->second += count;
        else if (counts_.size() < counts_.capacity())
            counts_.emplace_back(code, count);
        else
            counts_.back().second += count;
    }
    void add(const Refusals& others) noexcept {
        for (const auto& [code, count] : others) add(code, count);
    }
    std::uint64_t of(errc code) const noexcept {
        const auto known = std::find_if(counts_.begin(), counts_.end(), [&](auto& each) { return each.first == code; });
        return known == counts_.end() ? 0 : known->second;
    }

private:
    boost::container::static_vector<std::pair<errc, std::uint64_t>, 16> counts_{};
};

class Tally {
public:
    // Of one group.
    struct Counted {
        std::uint64_t appends = 0, changes = 0, repeats = 0;
        Refusals refused{};
    };
    // What became of the writes of a group that was committed.
    static Counted count(std::span<WriteBatch* const> group) noexcept {
        Counted counted;
        for (const WriteBatch* const batch : group)
            for (const Write& each : batch->writes) count(each, counted);
        return counted;
    }

    void committed(const Counted& counted, std::uint64_t writes, std::chrono::nanoseconds took) noexcept {
        appends_ += counted.appends;
        changes_ += counted.changes;
        repeats_ += counted.repeats;
        refused_.add(counted.refused);
        const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
        commit_us.add(static_cast<std::uint64_t>(std::max<std::int64_t>(us, 0)));
        commit_writes.add(writes);
    }
    // They are answered with that, and nothing became of them.
    void turned_away(errc code, std::uint64_t writes) noexcept { refused_.add(code, writes); }

    std::uint64_t appends() const noexcept { return appends_; }  // entries
    std::uint64_t changes() const noexcept {
        return changes_;
    }  // of conversations, members with their marks, and users
    std::uint64_t repeats() const noexcept { return repeats_; }  // of either, which were there already
    const Refusals& refused() const noexcept { return refused_; }

    PowerHistogram<128, 14> commit_us;    // up to 128 us ... 1 s
    PowerHistogram<1, 13> commit_writes;  // up to 1 ... 4,096

private:
    static void count(const Write& write, Counted& counted) noexcept {
        if (write.outcome.code != errc::ok)
            counted.refused.add(write.outcome.code, 1);
        else if (write.outcome.repeat)
            ++counted.repeats;
        else
            ++(std::holds_alternative<NewEntry>(write.what) ? counted.appends : counted.changes);
    }

    std::uint64_t appends_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t repeats_ = 0;
    Refusals refused_;  // writes
};

}  // namespace flare::store
