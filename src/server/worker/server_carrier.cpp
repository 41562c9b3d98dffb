#include "server/worker/server_carrier.hpp"

namespace flare::server {

ServerCarrier::ServerCarrier(ServerCarrierListener& listener, session::CarrierKey key_,
                             std::unique_ptr<transport::Carrier> carrier)
    : listener_(listener),
      key(key_),
      transport(std::move(carrier)),
      address(transport->info().peer_address),
      protocol(transport->info().protocol) {
    transport->set_handler(this);
}

}  // namespace flare::server
