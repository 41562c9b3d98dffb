// Is a server's certificate good, and if not, what exactly is wrong with it? For any transport.
//
// Protocol: RFC 5280 (chains, dates), RFC 6125 (names).
#pragma once

#include "doctor_report.hpp"
#include "transport/tls/tls.hpp"

#include <string>
#include <vector>

namespace flare::cli {

// `chain`: DER, the server's own first. `name`: the host name or IP address that was asked for.
// Adds the checks "certificate chain", "certificate dates" and "certificate name". True: no problem among them.
bool check_certificates(Report& report, const std::vector<std::string>& chain,
                        const transport::tls::ClientContext& trust, const std::string& name, bool own_authorities);

}  // namespace flare::cli
