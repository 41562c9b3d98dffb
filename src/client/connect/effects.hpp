// The interface between connection decisions and sockets: the actions and notifications that follow from a decision.
//
// Implemented by ClientLoop with connectors, and by the simulator with carriers of its own.
// Threads: one at a time. No function calls back into the one who decides, except where it says so.
#pragma once

#include "racing/plan.hpp"
#include "racing/referee.hpp"
#include "session/types.hpp"

#include <flare/client.hpp>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::client {

// What is to be connected to, in which order, and why.
struct Plan {
    enum class Why : std::uint8_t {
        first,     // connect()
        again,     // reconnecting
        fallback,  // no carrier is left, and other protocols have not been tried
        replace,   // the carrier in use is suspected, or cannot move with the machine's address
        asked,     // switch_protocol()
        beside,    // to be measured beside the one in use; its connections stay in standby
    };
    struct Start {
        std::size_t address = 0;             // index into the configured addresses
        std::chrono::milliseconds after{0};  // or as soon as everything before it has failed
    };
    Why why = Why::first;
    std::vector<Start> starts;
    std::vector<racing::Entrant> entrants;  // of the addresses that take part
};

// A connect under way. Destroying it cancels everything, silently.
class Dialling {
public:
    virtual ~Dialling() = default;
    // Why there is no connection: for each address what failed, or that nothing has answered yet.
    virtual std::string failures() const = 0;
    // The code of the first failure; connect_timeout while there is none.
    virtual errc code() const = 0;
    // Nobody waits any more for the addresses that have not answered: they are recorded.
    virtual void record_unanswered() const = 0;
    // Something may still come.
    virtual bool pending() const = 0;
    // Has every address of this protocol failed?
    virtual bool failed(Protocol protocol) const = 0;
};

// A connection that a Dialling has made.
struct MadeCarrier {
    session::CarrierKey key = session::kNoCarrier;
    Protocol protocol = Protocol::websocket;
    Plan::Why why = Plan::Why::first;  // of the plan that it was made for
    session::Duration round_trip{0};   // of its path, as the handshakes' duration tells
    bool said_hello = false;           // with its early data
};

class Effects {
public:
    // ---- connections ----

    // A new attempt begins: the session's next Hello carries this token.
    virtual void begin_attempt(std::string token) = 0;
    // Each connection that it makes comes by Connectivity::made(), the end by exhausted(); not from
    // inside this call.
    virtual std::unique_ptr<Dialling> dial(const Plan& plan) = 0;
    // What was said as early data, on a connection that is not made yet, is taken back.
    virtual void take_back_early() = 0;
    // The session says hello on this carrier; Connectivity hears of the answer.
    virtual void say_hello(session::CarrierKey key, bool standby) = 0;
    // The session leaves this carrier, which closes in good order; Connectivity::gone() follows later.
    virtual void leave(session::CarrierKey key, const std::string& text) = 0;
    // Every carrier goes at once. No gone() follows.
    virtual void drop_carriers() = 0;
    // False: it is not attached.
    virtual bool activate(session::CarrierKey key) = 0;
    virtual session::CarrierKey active() const = 0;
    // What waits in the session has no connection to come: it fails with errc::not_connected, or outcome_unknown.
    virtual void fail_all(const std::string& text) = 0;

    // ---- what is known of protocols here ----

    virtual racing::Entrant standing(Protocol protocol) = 0;  // doubtful: it has failed here lately
    virtual void remember_won(Protocol protocol) = 0;
    virtual void remember_failed(Protocol protocol) = 0;

    // ---- answers to calls ----

    virtual void answer_connect(const Checked<Protocol>& result) = 0;  // connect(), reconnect(); and switch_protocol()
    virtual void answer_switch(const Checked<Protocol>& result) = 0;

protected:
    ~Effects() = default;
};

// This carrier has the session from now on.
struct InUse {
    enum class News : std::uint8_t { first, again, moved };
    session::CarrierKey key = session::kNoCarrier;
    Protocol protocol = Protocol::websocket;
    std::optional<Protocol> before;
    racing::Referee::Why why = racing::Referee::Why::first;
    bool resumed = false;
    News news = News::first;
    session::Duration took{0};  // from its connect's begin
};

class ConnectListener {
public:
    virtual void on_status(ClientStatus /*status*/) {}
    virtual void on_in_use(const InUse& /*in_use*/) {}
    // A connection of this protocol was welcomed, in use or beside it.
    virtual void on_attached(session::CarrierKey /*key*/, Protocol /*protocol*/, session::Duration /*took*/,
                             bool /*beside*/) {}
    virtual void on_connect_failed(Protocol /*protocol*/) {}
    enum class Loss : std::uint8_t {
        broken,  // the last connection is gone
        ended,   // by the server's word
        asked,   // reconnect()
    };
    virtual void on_lost(Loss /*loss*/, const Failure& /*reason*/, bool /*again*/) {}
    // slot: the server named the time.
    virtual void on_reconnecting(std::uint32_t /*attempt*/, std::chrono::milliseconds /*delay*/, bool /*slot*/) {}
    virtual void on_gave_up(const Failure& /*failure*/, bool /*was_reconnecting*/) {}
    virtual void on_timed_out(bool /*no_welcome*/) {}
    virtual void on_suspected(session::CarrierKey /*key*/) {}

protected:
    ~ConnectListener() = default;
};

}  // namespace flare::client
