// An in-memory carrier: two ends in one process, for tests and for many sessions without sockets.
//
// Threads: both ends on one io_context.
#pragma once

#include "transport/carrier.hpp"

#include <utility>

namespace flare::transport::memory {

struct Options {
    std::size_t buffer_bytes = 256 * 1024;  // what one direction holds before writable() turns false
};

// Two connected carriers; what one sends the other receives in a later turn of the event loop.
std::pair<std::unique_ptr<Carrier>, std::unique_ptr<Carrier>> make_pair(boost::asio::io_context& context,
                                                                        Options options = {});

}  // namespace flare::transport::memory
