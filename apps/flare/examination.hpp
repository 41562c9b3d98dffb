// One address under the doctor's eyes, and the steps that examine it. Each step adds its checks to the report and goes
// on as far as anything can still be learnt.
#pragma once

#include "client/connect/url.hpp"
#include "client_options.hpp"
#include "doctor_report.hpp"
#include "transport/host.hpp"
#include "transport/tls/tls.hpp"
#include "transport/url.hpp"

#include <boost/asio/ip/address.hpp>

#include <memory>
#include <set>
#include <string>
#include <vector>

namespace flare::cli {

// Which hosts have answered at all, whatever they said: it tells a blocked protocol from a host that is down.
struct Reached {
    std::set<std::string> by_tcp;
    std::set<std::string> by_udp;
};

struct Examination {
    const ClientOptions& options;
    Report& report;
    Reached& reached;
    client::Url url;
    std::vector<boost::asio::ip::address> addresses;  // resolved
    std::shared_ptr<transport::tls::ClientContext> trust;

    // What the certificate has to be for.
    std::string name() const {
        return transport::certificate_name(options.server_name.empty() ? url.host : options.server_name);
    }
    std::string at(const boost::asio::ip::address& address) const {
        return transport::in_brackets(address.to_string()) + ":" + std::to_string(url.port);
    }
};

// tcp, tls, certificate ..., http, clock, upgrade. True: a session can be tried.
bool examine_websocket(Examination& examination);
// udp, datagram size, quic, certificate ... True: a session can be tried.
bool examine_quic(Examination& examination);
// session, echo, clock; through the client library, as any program does it.
void examine_session(Examination& examination, bool echo);
// Does the token that was given say itself that it cannot be good?
void examine_token(Report& report, const ClientOptions& options);

// Another address of the same host works: then a fault of this one is a nuisance.
Check lessened(Check fault);

// How far the server's clock is ahead of this one, known to within `doubt`.
Check clock_check(std::chrono::milliseconds ahead, std::chrono::milliseconds doubt);

}  // namespace flare::cli
