// Sessions of which a message was put off ("later"), so that nothing behind it overtakes it: whatever the session sends
// behind it to the same conversation is put off, too, until that message comes again. When the first one that was put
// off behind it comes again before it, it never will: a client sends all again in order, so it has given that up.
//
// Protocol: docs/conversations.md, "Later".
// Threads:  one at a time; time is an argument.
// Owner:    Append.
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

    // `place`: where a message stands in the order of arrival. Places that were asked about only grow.
    //
    // Whether the message is held behind another one. One that is not ends the hold that it was waited for by.
    bool passes(SessionKey session, const Uuid& id, std::uint64_t place);
    // How long until the message that holds `session` may come again; at least 1 ms.
    std::uint32_t retry_after_ms(SessionKey session, TimePoint now) const;
    // This message was put off for some time. Of several the first in order counts.
    void put_off(SessionKey session, const Uuid& id, std::uint64_t place, std::chrono::milliseconds wait,
                 TimePoint now);
    // It is stored after all, by another session.
    void stored(SessionKey session, const Uuid& id);
    void session_gone(SessionKey session) { by_session_.erase(session); }

    // Lets go of those whose message did not come in time.
    void expire(TimePoint now);
    bool empty() const noexcept { return by_session_.empty(); }
    std::size_t size() const noexcept { return by_session_.size(); }
    void check_invariants() const;

private:
    struct Hold {
        Uuid id{};      // what was put off first
        Uuid behind{};  // nil, or what was put off first because of it
        std::uint64_t place = 0;
        TimePoint retry_at{};
        TimePoint until{};
    };
    void make_room();

    const Limits& limits_;
    boost::unordered_flat_map<SessionKey, Hold> by_session_;
    std::vector<TimePoint> ends_;  // for make_room() only
};

}  // namespace flare::im
