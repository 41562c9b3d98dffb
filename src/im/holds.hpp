// Sessions of which a message was put off ("later"), so that nothing that they send behind it overtakes it: it is put
// off, too, until that message comes again. When one that was put off behind it comes again before it, it never will: a
// client sends all again in order, so it has given up what stood before.
//
// Protocol: docs/conversations.md, "Later".
// Threads:  one at a time; time is an argument.
// Owner:    Answering.
#pragma once

#include "im/effects.hpp"
#include "im/limits.hpp"

#include <boost/container/small_vector.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <chrono>
#include <cstdint>
#include <vector>

namespace flare::im {

class Holds {
public:
    using TimePoint = std::chrono::steady_clock::time_point;
    // Of a session. If its client gives up as many and the one before them, it is held until the time is over.
    static constexpr std::size_t kMostBehind = 32;
    explicit Holds(const Limits& limits) : limits_(limits) {}

    // A message arrives. `place`: Send::place. False: it is held behind another one, and is to be put off.
    bool lets_in(SessionKey session, const Uuid& id, std::uint64_t place);
    // How long until what holds `session` may come again; at least 1 ms.
    std::uint32_t retry_after_ms(SessionKey session, TimePoint now) const;
    // This message was put off for some time. Of several the one with the first place holds the session.
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
    // One that was put off behind another one.
    struct Behind {
        Uuid id{};
        std::uint64_t place = 0;
        // It was put off before the other one was, so that its client may not know of that when it comes again once.
        bool early = false;
    };
    struct Hold {
        Uuid id{};  // the first that was put off
        std::uint64_t place = 0;
        TimePoint retry_at{};
        TimePoint until{};
        // The first kMostBehind of them, by their places. As a rule there are few.
        boost::container::small_vector<Behind, 4> behind{};
    };
    static void add_behind(Hold& hold, const Behind& behind);
    void make_room();

    const Limits& limits_;
    boost::unordered_flat_map<SessionKey, Hold> by_session_;
    std::vector<TimePoint> ends_;  // for make_room() only
};

}  // namespace flare::im
