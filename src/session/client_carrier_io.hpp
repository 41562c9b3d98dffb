// What carriers bring to a client's session and what they take from it.
//
// Protocol: docs/protocol.md, "Activate", "Liveness", "Credentials", "Goodbye".
// Threads:  as ClientSession; time is an argument.
// Owner:    ClientSession.
#pragma once

#include "session/client_attaching.hpp"

#include <string_view>

namespace flare::session {

class ClientCarrierIo {
public:
    struct Parts {
        base::Random& random;
        ClientSessionListener& listener;
        const ClientAgreement& agreed;
        ClientCredential& credential;
        ClientGoodbye& goodbye;
        ClientCarriers& carriers;
        SendHealth& health;
        ClientInbound& inbound;
        ClientLife& life;
        ClientAttaching& attaching;
    };
    explicit ClientCarrierIo(const Parts& parts) : parts_(parts) {}

    // ClientSession says what these do.
    void on_batch(CarrierKey key, std::string_view batch, TimePoint now);
    bool write(CarrierKey key, wire::Batch& batch, TimePoint now, std::size_t max_bytes);
    std::uint64_t probe(CarrierKey key, std::size_t padding);

private:
    void handle(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now);
    void handle_control(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now);
    void handle_numbered(ClientCarrier& carrier, const wire::FrameView& frame, TimePoint now);
    void handle_goodbye(ClientCarrier& carrier, const wire::Goodbye& goodbye, TimePoint now);
    void handle_credential(const wire::CredentialState& state);
    void handle_pong(ClientCarrier& carrier, const wire::Ping& pong, TimePoint now);
    void write_control(ClientCarrier& carrier, wire::Batch& batch, TimePoint now);
    void write_goodbye(wire::Batch& batch);

    const Parts parts_;
};

}  // namespace flare::session
