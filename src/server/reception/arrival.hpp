// A connection on its way to its user's worker, with the data received so far.
//
// Threads: a value.
#pragma once

#include "server/worker/server_carrier.hpp"
#include "session/session_table.hpp"

#include <memory>
#include <optional>
#include <string>

namespace flare::server {

struct Arrival {
    std::unique_ptr<transport::ParkedCarrier> parked;
    wire::Hello hello;
    std::string rest;  // what came behind the Hello
    std::optional<session::SessionCredential> credential;
    std::uint32_t hellos = 0;
    ServerCarrier::CountedAs counted_as = ServerCarrier::CountedAs::nothing;
};

}  // namespace flare::server
