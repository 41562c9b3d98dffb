// Whether a message may be written now: rights, what it may be, slow mode, rates. Asked when it goes to the store, and
// told what becomes of it.
//
// Protocol: docs/conversations.md, "Roles", "Limits".
// Threads:  one at a time; time is an argument.
// Owner:    Append.
#pragma once

#include "base/rate.hpp"
#include "im/conversation.hpp"
#include "im/limits.hpp"
#include "im/rates.hpp"
#include "im/refusal.hpp"
#include "im/waiting_list.hpp"

namespace flare::im {

class Admission {
public:
    // All must outlive it.
    Admission(const Limits& limits, const Conversation& conversation, DeviceRates& devices)
        : limits_(limits), conversation_(conversation), devices_(devices), slow_(limits) {}

    // A message. The server (sender 0) may write what users may, and no rate holds it; nor what the application sends
    // in the name of a user, who has to have the right to it.
    Refused refuses(const Waiting& item, const model::Member& sender, const Now& now) const;
    // A change, which has been found to be allowed.
    Refused over_rate(const Waiting& item, const Now& now) const;
    // Either: whether its device has sent too much for it to be judged at all.
    Refused over_device_rate(const Waiting& item, const Now& now) const;
    // What arrives before the conversation was read: the store has to be asked for it. Of what may be in the log
    // already a device may send twice as much.
    Refused over_rate_unread(const Send& send, const Now& now) const;

    // It is used up of what its device may send, once; or it costs nothing: it was in the log.
    void count(Waiting& item, const Now& now);
    void is_known(Waiting& item);
    // It goes to the store, and counts; or it does not count in slow mode after all.
    void goes(Waiting& item, const model::Member& sender, const Now& now);
    void comes_back(const Waiting& item);

    void tick(const Now& now) { slow_.expire(conversation_.config().slow_mode_ms, now.unix_ms); }
    // It would not matter if it were made anew.
    bool idle(const Now& now) const;
    void check_invariants() const { slow_.check_invariants(); }

private:
    bool in_slow_mode(const Send& send, const model::Member& sender) const;
    std::uint64_t deliveries() const noexcept;
    Refused over_limits(const Send& send, const model::Member& sender, const Now& now) const;

    const Limits& limits_;
    const Conversation& conversation_;
    DeviceRates& devices_;
    base::Bucket bucket_{};      // of all that is sent into the conversation
    base::Bucket deliveries_{};  // of that, times the members
    SlowMode slow_;
};

}  // namespace flare::im
