// The client's state for each of its carriers, except its bytes.
//
// Threads: one at a time; plain values.
// Owner:   Connectivity.
#pragma once

#include "session/types.hpp"

#include <flare/message.hpp>

#include <map>

namespace flare::client {

struct CarrierState {
    Protocol protocol = Protocol::websocket;
    session::TimePoint began{};       // when its connect did
    session::TimePoint welcome_at{};  // when its Welcome may be expected
    bool standby = false;             // it was opened beside the one in use, to be measured
    bool greeted = false;             // its Hello goes out, or has
    bool ready = false;               // it has been welcomed
    bool closing = false;

    // It was made for a connect, and its Welcome has not come.
    bool pending() const noexcept { return !ready && !standby && !closing; }
};

using Carriers = std::map<session::CarrierKey, CarrierState>;

}  // namespace flare::client
