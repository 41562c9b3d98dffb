// The order in which the addresses of a host are tried.
//
// Protocol: RFC 8305 section 4: IPv6 first, then the families in turn.
// Threads:  pure function.
#pragma once

#include <boost/asio/ip/tcp.hpp>

#include <cstddef>
#include <vector>

namespace flare::client {

inline std::vector<boost::asio::ip::tcp::endpoint> interleave(
    const std::vector<boost::asio::ip::tcp::endpoint>& found) {
    std::vector<boost::asio::ip::tcp::endpoint> families[2];
    for (const auto& endpoint : found) families[endpoint.address().is_v6() ? 0 : 1].push_back(endpoint);
    std::vector<boost::asio::ip::tcp::endpoint> ordered;
    for (std::size_t i = 0; i < found.size(); ++i) {
        for (const auto& family : families) {
            if (i < family.size()) ordered.push_back(family[i]);
        }
    }
    return ordered;
}

}  // namespace flare::client
