// Reports changes of this machine's network addresses.
//
// Protocol: rtnetlink(7): RTM_NEWADDR, RTM_DELADDR.
// Threads:  one io_context, run by one thread; its monitors share a socket.
// Owner:    ClientLoop.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <string>

namespace flare::client {

class AddressMonitor {
public:
    // `changed` is called from the event loop, once for changes that come together. It may destroy the monitor. Where
    // the system has no netlink nothing is ever told.
    AddressMonitor(boost::asio::io_context& context, std::function<void()> changed);
    ~AddressMonitor();
    AddressMonitor(const AddressMonitor&) = delete;
    AddressMonitor& operator=(const AddressMonitor&) = delete;

private:
    class Watch;
    const std::function<void()> changed_;
    Watch& watch_;
};

// The address that packets to `peer_address` leave from now; empty: there is no way there.
std::string source_address_to(const std::string& peer_address);

}  // namespace flare::client
