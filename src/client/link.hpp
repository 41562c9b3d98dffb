// One carrier of a client.
//
// Threads: its client's I/O thread.
// Owner:   Core.
#pragma once

#include "client/core.hpp"

#include <optional>

namespace flare::client {

class Core::Link final : public transport::CarrierHandler {
public:
    Link(Core& core_, session::CarrierKey key_, std::unique_ptr<transport::Carrier> carrier_)
        : core(core_), key(key_), carrier(std::move(carrier_)) {
        carrier->set_handler(this);
    }
    void on_batch(std::string_view batch) override {
        core.session_.on_batch(key, batch, now());
        core.after_event();
    }
    void on_turn_end() override { core.write_dirty(); }
    void on_writable() override { core.mark_dirty(*this); }
    void on_closed(const transport::CloseReason& reason) override { core.closed(key, reason); }

    Core& core;
    const session::CarrierKey key;
    std::unique_ptr<transport::Carrier> carrier;
    bool dirty = false;
    bool ready = false;  // it has been welcomed
    struct Close {
        errc code;
        std::string text;
    };
    std::optional<Close> close_due;
    bool close_done = false;
};

}  // namespace flare::client
