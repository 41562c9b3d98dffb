// Observations since a connection last carried the session, and the cause that they indicate.
//
// Protocol: docs/explain.md, "Causes".
// Threads:  values.
#pragma once

#include "flight/record.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>

namespace flare::flight {

struct Evidence {
    std::optional<Record> suspected, slow, lost, closing, address, race, ended, gap, refused, detached;
    std::set<std::string> turned_away;  // protocols: connection refused
    std::set<std::string> unanswered;   // protocols: no answer at all
    bool packets_came = false;          // on the suspected QUIC connection, meanwhile
    bool asked = false;                 // by the application
    bool no_connection = false;         // none was left
    double since_ms = 0;                // of the first sign of trouble; 0: none
    double silent_before_ms = 0;        // nothing had come for so long before that sign

    // `from`, `to`: protocols as records name them; `why` as in_use has it. `to` may be empty: nothing works.
    std::string cause(const std::string& from, const std::string& to, const std::string& why) const;
};

// "QUIC", "WebSocket"
std::string shown(const std::string& protocol);

}  // namespace flare::flight
