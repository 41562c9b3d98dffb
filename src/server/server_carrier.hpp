// One carrier of the server, from its acceptance to its end: greeting, authentication, attached to a session.
//
// Threads: its worker's.
// Owner:   Worker.
#pragma once

#include "session/session_table.hpp"
#include "transport/carrier.hpp"

#include <memory>
#include <optional>
#include <string>

namespace flare::server {

class Worker;

class ServerCarrier final : public transport::CarrierHandler {
public:
    enum class State : std::uint8_t {
        greeting,        // waits for Hello
        early,           // reading is paused: `waiting` goes on when the handshake is complete
        authenticating,  // reading is paused
        attached,
        closing,  // close() is due or done
    };

    // Of one connection, in one turn of the loop, before others have theirs: a small batch may have very many.
    static constexpr std::size_t kFramesPerTurn = 256;

    ServerCarrier(Worker& worker, session::CarrierKey key, std::unique_ptr<transport::Carrier> carrier);
    ~ServerCarrier();

    void on_batch(std::string_view batch) override;
    void on_alive() override;
    void on_turn_end() override;
    void on_writable() override;
    void on_confirmed() override;
    void on_closed(const transport::CloseReason& reason) override;

    Worker& worker;
    const session::CarrierKey key;
    std::unique_ptr<transport::Carrier> carrier;  // null once it is gone or handed over
    const std::string address;                    // of the peer, for the limits
    const bool of_proxy;                          // that has named no client: it counts against no address
    const Protocol protocol;
    State state = State::greeting;
    std::uint32_t hellos = 0;
    bool let_in = false;  // by the admission rate
    // What the Refused of the Hello before has asked about a ticket of before this process began; null: nothing.
    std::unique_ptr<const session::TicketChallenge> challenge;
    session::TimePoint deadline = session::kNever;  // of its Hello; later, of its end
    std::string waiting;                            // early: the first batch; authenticating: what came with Hello
    // What came in a batch of many frames and waits for the next turn, in which reading goes on: Worker::take().
    struct Rest {
        std::string bytes;
        std::size_t used = 0;
    };
    std::unique_ptr<Rest> rest;
    std::size_t charged = 0;                   // to the budget: what it holds that came and was not handed on
    std::size_t frames_left = kFramesPerTurn;  // in this turn of the loop
    bool gone = false;                         // closed: its worker frees it at the end of the turn
    bool dirty = false;                        // in the worker's list
    bool in_turn = false;                      // between on_batch() and on_turn_end()
    bool awaited = false;                      // it was dirty before its turn
    bool counted = true;                       // against the limits
    bool stranger = false;                     // not against its address, which may not be its own
    bool told_key = false;                     // the server's sealing key, with a signature made for it
    struct Close {
        errc code = errc::ok;
        std::string text;
    };
    std::optional<Close> close_due;  // after what the table still writes
    bool close_done = false;
};

}  // namespace flare::server
