// A carrier on which everything is sealed: it stands around another one, whose peer has agreed on the same keys.
// What does not open is not handed on: the carrier closes with seal_broken, and the session goes on over another.
//
// Protocol: docs/protocol.md, "Sealing".
// Threads:  those of the carrier inside.
// Owner:    as of any carrier. An unsealed carrier has no part in this.
#pragma once

#include "transport/carrier.hpp"
#include "wire/noise.hpp"

#include <memory>

namespace flare::transport::sealed {

// May be called from on_batch() of the carrier inside, whose handler it becomes when it gets one of its own.
std::unique_ptr<Carrier> make_carrier(std::unique_ptr<Carrier> inside, const wire::SealKeys& keys);

}  // namespace flare::transport::sealed
