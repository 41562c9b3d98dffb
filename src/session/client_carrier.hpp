// One carrier of a client's session.
//
// Threads: as ClientSession.
// Owner:   ClientCarriers.
#pragma once

#include "session/send_health.hpp"
#include "session/types.hpp"

#include <algorithm>
#include <string>
#include <vector>

namespace flare::session {

struct ClientCarrier {
    enum class State : std::uint8_t { hello_due, hello_sent, attached, closing };
    static constexpr std::size_t kMaxProbes = 40;

    // A ping that has no answer yet, beside the heartbeat's.
    struct Probe {
        std::uint64_t id = 0;
        std::size_t padding = 0;
        TimePoint written_at = kNever;
    };

    bool attached() const noexcept { return state == State::attached; }
    // There is something to write on it, whether or not it sends.
    bool has_output() const noexcept {
        return activate_epoch != 0 || health.ping_due ||
               std::any_of(probes.begin(), probes.end(), [](const auto& probe) { return probe.written_at == kNever; });
    }

    CarrierKey key = kNoCarrier;
    State state = State::hello_due;
    bool standby = false;
    std::uint32_t hellos = 0;
    std::uint64_t activate_epoch = 0;  // 0: no Activate is due
    std::uint64_t first_epoch = 0;     // of the Activate that went with its Hello; 0: none did
    std::string ticket_used;           // of the Hello under way; empty: it came with a token
    std::string challenge;             // of the Refused that answered it; empty: none
    CarrierHealth health;
    std::vector<Probe> probes;
};

}  // namespace flare::session
