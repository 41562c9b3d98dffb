// How many direct conversations a user may begin: 50 an hour, of which one that the other has answered no longer
// counts. It is in memory only: after a start everybody begins anew.
//
// Protocol: docs/conversations.md, "Limits".
// Threads:  one at a time; time is an argument.
// Owner:    the home worker of the users.
#pragma once

#include "im/limits.hpp"
#include "im/refusal.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace flare::im {

class DirectBudget {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    struct Settings {
        std::uint32_t most = 50;
        std::chrono::seconds within = std::chrono::hours(1);
        std::size_t remembered = 262'144;  // of all users; beyond: some users begin anew
    };
    DirectBudget() : DirectBudget(Settings()) {}
    explicit DirectBudget(const Settings& settings) : settings_(settings) {}

    // `starter` begins a conversation with `other`: nothing, and it counts; or too_many_conversations with the time
    // until it may. With the same other again, oneself or the server (0) it costs nothing.
    Refused begin(Row starter, Row other, TimePoint now);
    // `user` has written to `other`, who may have begun it.
    void answered(Row user, Row other) { forget(other, user); }

    // Now and then: forgets what is older than an hour.
    void expire(TimePoint now);
    std::size_t size() const noexcept { return size_; }
    void check_invariants() const;

private:
    struct Beginning {
        Row other = 0;
        TimePoint at{};
    };
    using Beginnings = std::vector<Beginning>;  // of one user, in the order of time, at most Settings::most

    void forget(Row starter, Row other);
    void drop_old(Beginnings& of, TimePoint now);
    void make_room(TimePoint now);

    const Settings settings_;
    boost::unordered_flat_map<Row, Beginnings> by_starter_;
    std::size_t size_ = 0;
};

}  // namespace flare::im
