// Asks a server's admin address.
//
// Threads: blocking calls.
#pragma once

#include <flare/failure.hpp>

#include <boost/json/value.hpp>

#include <string>

namespace flare::cli {

struct AdminAnswer {
    unsigned status = 0;
    std::string body;
};

// GET http://`address``target`; `address` is HOST:PORT or [IPv6]:PORT. Errors: invalid_config (no such form),
// host_not_found, connection_refused, connect_timeout (5 s for all of it), connection_lost.
Checked<AdminAnswer> admin_get(const std::string& address, const std::string& target);

// The same, read as JSON. Errors also: not_supported (it answers, and not as an admin address of this version does);
// the text says what. Status 404 gives null.
Checked<boost::json::value> admin_json(const std::string& address, const std::string& target);

}  // namespace flare::cli
