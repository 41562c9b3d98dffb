// Calls about signals as requests, and the answers to them.
//
// Protocol: docs/wire.md, "Bodies of requests".
// Threads:  pure functions.
#pragma once

#include "client/loop/requests.hpp"
#include "wire/signals.hpp"

#include <flare/presence.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace flare::client {

inline constexpr std::size_t kMostPresences = 1000;  // users of a request, and followed in all

// ---- what is asked. Errors: invalid_name; too_many_subscriptions ----

Checked<Call> typing_call(const std::string& conversation, bool on);
Call away_call(bool away);
// presence_subscribe, presence_unsubscribe and presence_get.
Checked<Call> presence_call(wire::Verb verb, const std::vector<std::string>& users);
Checked<Call> occupancy_call(const std::string& conversation);

// ---- what is answered. Errors: what the server says; malformed_frame ----

struct PresenceAnswer {
    std::vector<Presence> states;
    std::uint32_t lease_ms = 0;
};
Checked<PresenceAnswer> read_presence(const Answer& answer);
Checked<Occupancy> read_occupancy(const Answer& answer);
Checked<> read_signal_done(const Answer& answer);

Presence presence_of(const wire::im::PresenceState& told);

}  // namespace flare::client
