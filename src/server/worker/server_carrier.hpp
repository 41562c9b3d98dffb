// One carrier of the server, from its acceptance to its end: greeting, authentication, attached to a session.
//
// Threads: its worker's.
// Owner:   Carriers.
#pragma once

#include "session/lasting_ticket.hpp"
#include "session/types.hpp"
#include "transport/carrier.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace flare::server {

class ServerCarrier;

// Where what a carrier tells is handled. A callback may end the carrier, never free it: that is done at the end of the
// turn.
class ServerCarrierListener {
public:
    virtual void on_batch(ServerCarrier& carrier, std::string_view batch) = 0;
    virtual void on_confirmed(ServerCarrier& carrier) = 0;
    virtual void on_alive(ServerCarrier& carrier) = 0;
    virtual void on_turn_end(ServerCarrier& carrier) = 0;
    virtual void on_writable(ServerCarrier& carrier) = 0;
    virtual void on_closed(ServerCarrier& carrier, const transport::CloseReason& reason) = 0;

protected:
    ~ServerCarrierListener() = default;
};

class ServerCarrier final : public transport::CarrierHandler {
public:
    enum class State : std::uint8_t {
        greeting,        // waits for Hello
        early,           // reading is paused: what waits goes on when the handshake is complete
        authenticating,  // reading is paused
        attached,
        closing,  // close() is due or done
    };

    ServerCarrier(ServerCarrierListener& listener, session::CarrierKey key,
                  std::unique_ptr<transport::Carrier> carrier);
    void on_batch(std::string_view batch) override { listener_.on_batch(*this, batch); }
    void on_confirmed() override { listener_.on_confirmed(*this); }
    void on_alive() override { listener_.on_alive(*this); }
    void on_turn_end() override { listener_.on_turn_end(*this); }
    void on_writable() override { listener_.on_writable(*this); }
    void on_closed(const transport::CloseReason& reason) override { listener_.on_closed(*this, reason); }

private:
    ServerCarrierListener& listener_;

public:
    const session::CarrierKey key;
    std::unique_ptr<transport::Carrier> transport;  // null once it is gone or handed over
    const std::string address;                      // of the peer, for the limits
    const Protocol protocol;
    State state = State::greeting;
    bool gone = false;                              // closed: it is freed at the end of the turn
    session::TimePoint deadline = session::kNever;  // of its Hello; later, of its end

    // ---- Reception's ----

    struct Greeting {
        std::uint32_t hellos = 0;
        bool let_in = false;    // by the admission rate
        bool told_key = false;  // the server's sealing key, with a signature made for it
        // What the Refused of the Hello before has asked about a ticket of before this process began; null: nothing.
        std::unique_ptr<const session::TicketChallenge> challenge;
        std::string waiting;  // early: the first batch; authenticating: what came with Hello
    };
    std::unique_ptr<Greeting> greeting = std::make_unique<Greeting>();  // null once it is attached

    // ---- Intake's ----

    // What came in a batch of many frames and waits for the next turn, in which reading goes on.
    struct Rest {
        std::string bytes;
        std::size_t used = 0;
    };
    std::unique_ptr<Rest> rest;
    std::uint32_t frames_left = kFramesPerTurn;  // in this turn of the loop
    bool in_turn = false;                        // between on_batch() and on_turn_end()
    bool awaited = false;                        // it was dirty before its turn
    // Of one connection, in one turn of the loop, before others have theirs: a small batch may have very many.
    static constexpr std::uint32_t kFramesPerTurn = 256;

    // ---- Carriers' ----

    bool dirty = false;  // in the list of what is to be written
    bool close_done = false;
    enum class CountedAs : std::uint8_t {
        nothing,
        address,   // its own
        proxy,     // of a trusted proxy that has named no client: it counts against no address
        stranger,  // its address may not be its own
    };
    CountedAs counted_as = CountedAs::nothing;
    std::size_t charged = 0;  // to the budget: what it holds that came and was not handed on
    struct Close {
        errc code = errc::ok;
        std::string text;
    };
    std::optional<Close> close_due;  // after what the table still writes
};

}  // namespace flare::server
