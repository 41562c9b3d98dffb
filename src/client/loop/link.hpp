// One carrier of a client.
//
// Threads: its client's I/O thread.
// Owner:   ClientLoop.
#pragma once

#include "client/loop/client_loop.hpp"

#include <optional>

namespace flare::client {

class ClientLoop::Link final : public transport::CarrierHandler {
public:
    Link(ClientLoop& loop_, session::CarrierKey key_, std::unique_ptr<transport::Carrier> carrier_)
        : loop(loop_), key(key_), carrier(std::move(carrier_)) {
        carrier->set_handler(this);
    }
    void on_batch(std::string_view batch) override {
        const bool may_move_again = loop.still_since_ != session::kNever && loop.is_ready(key);
        loop.session_.on_batch(key, batch, now());
        if (may_move_again) loop.moves_again(key);
        loop.after_event();
    }
    void on_alive() override { loop.session_.on_alive(key, now()); }
    void on_turn_end() override { loop.write_dirty(); }
    void on_writable() override { loop.mark_dirty(*this); }
    void on_closed(const transport::CloseReason& reason) override { loop.closed(key, reason); }

    ClientLoop& loop;
    const session::CarrierKey key;
    std::unique_ptr<transport::Carrier> carrier;
    bool dirty = false;
    std::string unsealed_because;  // Encryption::preferred
    // Of its path when it was suspected. Another one later: its packets still come. 0: it was not.
    std::chrono::nanoseconds rtt_when_suspected{0};
    struct Close {
        errc code;
        std::string text;
    };
    std::optional<Close> close_due;
    bool close_done = false;
};

}  // namespace flare::client
