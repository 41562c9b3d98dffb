// Sessions of which a message was put off ("later"), so that nothing that they send behind it overtakes it: it is put
// off, too, until that message comes again. When the first one that was put off behind it comes again before it, it
// never will: a client sends all again in order, so it has given that up.
//
// Protocol: docs/conversations.md, "Later".
// Threads:  one at a time; time is an argument.
// Owner:    Answering.
#pragma once

#include "im/effects.hpp"
#include "im/limits.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace flare::im {

class Holds {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    explicit Holds(const Limits& limits) : limits_(limits) {}

    // A message arrives. False: it is held behind another one, and is to be put off.
    bool lets_in(SessionKey session, const Uuid& id);
    // How long until what holds `session` may come again; at least 1 ms.
    std::uint32_t retry_after_ms(SessionKey session, TimePoint now) const;
    // This message was put off for some time. `place`: where it stands in the order of arrival; of several the first
    // one holds the session.
    void put_off(SessionKey session, const Uuid& id, std::uint64_t place, std::chrono::milliseconds wait,
                 TimePoint now);
    // It was answered for good, after all.
    void settled(SessionKey session, const Uuid& id);
    void session_gone(SessionKey session) { by_session_.erase(session); }

    // Lets go of those whose message did not come in time.
    void expire(TimePoint now);
    bool empty() const noexcept { return by_session_.empty(); }
    std::size_t size() const noexcept { return by_session_.size(); }
    void check_invariants() const;

private:
    struct Hold {
        Uuid id{};      // the first that was put off
        Uuid behind{};  // nil, or the first that was put off behind it
        std::uint64_t place = 0;
        std::uint64_t behind_place = 0;
        // It was put off before `id` was, so that its client may not know of that when it comes again once.
        bool behind_first = false;
        TimePoint retry_at{};
        TimePoint until{};
    };
    void make_room();

    const Limits& limits_;
    boost::unordered_flat_map<SessionKey, Hold> by_session_;
    std::vector<TimePoint> ends_;  // for make_room() only
};

}  // namespace flare::im
