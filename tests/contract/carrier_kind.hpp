// What the contract suite needs to know of a transport: how to make two connected
// carriers, and which clauses apply. A new transport joins by one more entry.
#pragma once

#include "transport/carrier.hpp"

#include <boost/asio/io_context.hpp>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

namespace flare::transport::test {

struct CarrierPair {
    std::unique_ptr<Carrier> client;
    std::unique_ptr<Carrier> server;
};

// Makes pairs on one event loop, which it may turn while it does so.
class CarrierFactory {
public:
    virtual ~CarrierFactory() = default;
    virtual CarrierPair make() = 0;
};

struct CarrierKind {
    std::string name;
    std::unique_ptr<CarrierFactory> (*factory)(boost::asio::io_context& context);
    bool can_park = true;
    bool limits_batches = true;  // refuses a batch above wire::kMaxBatchBytes
    bool same_bytes = true;      // batches arrive as the bytes that were sent (not so through JSON)
    bool trusts_close = true;    // takes every code of a close for the peer's word
    bool waits_for_peer = true;  // close() needs the peer's answer, so that its time limit can be met
};

inline void PrintTo(const CarrierKind& kind, std::ostream* out) { *out << kind.name; }

std::vector<CarrierKind> carrier_kinds();

}  // namespace flare::transport::test
