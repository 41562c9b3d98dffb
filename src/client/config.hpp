// The settings that a ClientBuilder has gathered and checked.
#pragma once

#include "client/connect/sealing.hpp"
#include "client/connect/url.hpp"
#include "client/pool_resources.hpp"
#include "session/client_session.hpp"
#include "transport/quic/quic.hpp"
#include "transport/tls/tls.hpp"

#include <flare/client.hpp>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace flare::client {

struct Config {
    session::ClientSettings session;
    std::vector<Url> addresses;  // in the order of preference: QUIC, wss, ws
    std::shared_ptr<transport::tls::ClientContext> tls;
    std::shared_ptr<transport::quic::ClientContext> quic;
    std::string server_name;
    Sealing sealing;
    bool quic_0rtt = true;
    bool shares_sockets = false;  // over QUIC, with the other clients of its loop
    QuicCongestion quic_congestion = QuicCongestion::cubic;
    std::string quic_qlog_folder;
    std::string record_folder;  // empty: the flight record is kept in memory only
    std::chrono::milliseconds connection_timeout{5000};
    std::uint32_t max_reconnect_attempts = kUnlimited;
    std::chrono::milliseconds reconnect_delay{1000};
    bool auto_reconnect = true;
    ProtocolRacingConfig racing;
    bool measures = false;  // the protocols race on behind the session
    std::size_t buffer_size = 8192;
    bool sync_conversations = false;
    TokenProvider token;
    bool token_may_change = false;  // the provider is the application's: it may give another one
    EventCallback callback;
    std::vector<event::CapabilityUnavailable> unavailable;  // told after the first connect
    boost::asio::io_context* context = nullptr;             // null: a thread of its own
    std::shared_ptr<PoolResources> shared;                  // null: it is in no SessionPool

    // Of the addresses, in their order, each once.
    std::vector<Protocol> protocols() const {
        std::vector<Protocol> found;
        for (const Url& url : addresses) {
            if (std::find(found.begin(), found.end(), url.protocol) == found.end()) found.push_back(url.protocol);
        }
        return found;
    }
    double weight(Protocol protocol) const {
        const auto found = racing.protocol_weights.find(protocol);
        return found == racing.protocol_weights.end() ? 0.5 : found->second;
    }
    bool has(Protocol protocol) const {
        return std::any_of(addresses.begin(), addresses.end(),
                           [&](const Url& url) { return url.protocol == protocol; });
    }
};

}  // namespace flare::client
