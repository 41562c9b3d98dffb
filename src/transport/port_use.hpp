// Who else may have the port of a listener.
//
// With SO_REUSEPORT the kernel spreads connections over the listeners of a port, and lets any other program of the same
// user join them unnoticed. So the first listener takes the port without it, which fails when anybody has it, and
// allows it afterwards, for those of its own server (docs/operations.md, "One server per port").
// Threads: a value.
#pragma once

#include <cstdint>

namespace flare::transport {

enum class PortUse : std::uint8_t {
    alone,    // nobody; address_in_use when anybody listens there
    first,    // the same, and siblings may join once it is open
    sibling,  // joins the first one
};

}  // namespace flare::transport
