// A connection attempt for somebody who wants to know what the server shows, trusted or not.
//
// Threads: as connect() in quic.hpp.
#pragma once

#include "transport/quic/quic.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace flare::transport::quic {

// Called once, before `done`, with the certificates (DER, the server's own first); not called when none came.
using OnCertificates = std::function<void(const std::vector<std::string>&)>;

std::unique_ptr<ConnectAttempt> connect_examined(boost::asio::io_context& context, ConnectTarget target,
                                                 std::shared_ptr<ClientContext> keys, Options options,
                                                 OnCertificates on_certificates,
                                                 std::function<void(std::unique_ptr<Carrier>, ConnectError)> done);

}  // namespace flare::transport::quic
