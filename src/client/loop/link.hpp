// One carrier of a client.
//
// Threads: its client's I/O thread.
// Owner:   Links.
#pragma once

#include "session/types.hpp"
#include "transport/carrier.hpp"

#include <chrono>
#include <memory>
#include <optional>
#include <string>

namespace flare::client {

class Links;

class Link final : public transport::CarrierHandler {
public:
    Link(Links& links, session::CarrierKey key, std::unique_ptr<transport::Carrier> carrier,
         std::string unsealed_because);

    void on_batch(std::string_view batch) override;
    void on_alive() override;
    void on_unreachable() override;
    void on_turn_end() override;
    void on_writable() override;
    void on_closed(const transport::CloseReason& reason) override;

    Protocol protocol() const { return carrier->info().protocol; }

    const session::CarrierKey key;
    const std::unique_ptr<transport::Carrier> carrier;
    const std::string unsealed_because;  // Encryption::preferred
    // Of its path when it was suspected. Another one later: its packets still come. 0: it was not.
    std::chrono::nanoseconds rtt_when_suspected{0};
    bool dirty = false;
    struct Close {
        errc code;
        std::string text;
    };
    std::optional<Close> close_due;
    bool close_done = false;

private:
    Links& links_;
};

}  // namespace flare::client
