// What QUIC is served with when nobody names a certificate.
//
// Threads: looks at files; no state.
#pragma once

#include "server_config/configuration.hpp"

#include <string>

namespace flare::cli::server_config {

// Where nobody has said anything of QUIC's certificate: certs/server.crt of the working folder is used, else that of
// the state folder; if neither is there QUIC is off, with a warning. A path that somebody has named stays as it is, and
// so does everything when QUIC was asked for, or is all that is served: start() will name what is missing. Call it
// before make_builder().
void find_default_certificates(Configuration& configuration, const std::string& state_folder);

}  // namespace flare::cli::server_config
