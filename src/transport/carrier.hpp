// The seam between sessions and the network. A carrier transports batches of
// frames, in order and whole, to one peer; it knows nothing of sessions.
//
// Protocol: docs/wire.md, "Batches"; docs/websocket.md.
// Threads:  one carrier belongs to one io_context run by one thread: every call and every callback there.
// Owner:    whoever holds the unique_ptr; destroying a carrier drops the connection at once and silently.
#pragma once

#include "wire/batch.hpp"

#include <flare/error.hpp>
#include <flare/message.hpp>

#include <boost/asio/io_context.hpp>

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace flare::transport {

enum class WireFormat : std::uint8_t { protobuf, json };

// A client's: what became of what it sent before the handshake was complete.
enum class EarlyData : std::uint8_t { none, accepted, rejected };

// A connection's path as the kernel (TCP_INFO) or QUIC sees it at this moment; 0: not known.
struct PathFigures {
    std::chrono::nanoseconds smoothed_rtt{0};
    std::chrono::nanoseconds latest_rtt{0};  // QUIC
    std::chrono::nanoseconds min_rtt{0};
    std::size_t largest_packet = 0;     // QUIC: UDP payload bytes that it sends
    std::uint64_t retransmits = 0;      // TCP: segments sent again, in all
    std::uint64_t bytes_in_flight = 0;  // QUIC
};

// How long the parts of making a client's carrier took; 0: there was no such part, or it was not reached.
struct HandshakeTimes {
    std::chrono::nanoseconds connect{0};  // TCP
    std::chrono::nanoseconds secure{0};   // TLS; QUIC's whole handshake
    std::chrono::nanoseconds upgrade{0};  // of HTTP to WebSocket
};

struct CarrierInfo {
    Protocol protocol = Protocol::websocket;
    WireFormat format = WireFormat::protobuf;
    bool encrypted = false;       // TLS or QUIC; see also Carrier::sealed()
    std::string peer_address;     // "192.0.2.1" or "2001:db8::1"; "memory" for the in-memory carrier
    std::uint16_t peer_port = 0;  // 0: a proxy did not say
    bool of_proxy = false;        // a listener's: peer_address is that of a trusted proxy, which has named no client
    std::string local_address;
    std::uint16_t local_port = 0;
    std::string peer_certificate;  // subject of a verified client certificate; empty: none
    // A server's: it was made in early data, and what comes may be a copy of somebody else's, until on_confirmed().
    bool early = false;
    EarlyData early_data = EarlyData::none;
};

struct CarrierStats {
    std::uint64_t bytes_in = 0;  // on the wire, framing included, TLS not
    std::uint64_t bytes_out = 0;
    std::uint64_t batches_in = 0;
    std::uint64_t batches_out = 0;
    std::uint64_t migrations = 0;  // paths that it has moved to and validated
    // Of the path in use, where the transport knows (QUIC).
    std::chrono::nanoseconds smoothed_rtt{0};  // RFC 9002 section 5.3; 0: not known
    std::uint64_t congestion_window = 0;       // bytes
    std::uint64_t bytes_in_flight = 0;
};

// How a carrier's end showed itself.
enum class Ending : std::uint8_t {
    said,             // somebody said so: WebSocket's close frame, QUIC's CONNECTION_CLOSE
    finished,         // TCP's FIN without a word
    reset,            // TCP's RST
    unreachable,      // the kernel or an ICMP message says that there is no way, or nobody there
    silent,           // nothing came for too long
    stateless_reset,  // the host answers that it knows nothing of this QUIC connection
    broken,           // anything else: what came was damaged, a new path did not work
};
std::string_view name(Ending ending) noexcept;
Ending ending_of(int error) noexcept;  // of an errno that a socket gave

// Why a carrier ended. `code` ok: the peer closed in good order.
struct CloseReason {
    errc code = errc::ok;
    std::string text;  // for people: what happened, with the peer's own words when there are any
    bool by_peer = false;
    Ending ending = Ending::said;
};

// Receives what a carrier has to tell. No callback comes from inside send(), close() or the constructor;
// a callback may destroy the carrier, or call anything on it.
class CarrierHandler {
public:
    // One whole batch in protobuf form (a JSON carrier has converted it); the view ends with the call.
    virtual void on_batch(std::string_view batch) = 0;
    // The peer has shown that it lives by something else than a batch: a WebSocket ping or pong. Anybody on the way may
    // have said it, so a sealed carrier does not tell.
    virtual void on_alive() {}
    // An ICMP message says that nobody is there (QUIC). Anybody may have forged it, and a server that is being started
    // again is back soon: a reason to ask the peer, and no proof.
    virtual void on_unreachable() {}
    // All that came together has been told; what is sent now finds this connection's memory in the cache, and may
    // travel with the transport's own acknowledgements. Not every transport tells it: it is a chance, not a duty.
    virtual void on_turn_end() {}
    // send() takes batches again after it had filled up.
    virtual void on_writable() = 0;
    // The handshake of a carrier that was made in early data is complete: info().early is false now.
    virtual void on_confirmed() {}
    // The connection has ended; once, and nothing after it. Not called after the owner destroyed the carrier.
    virtual void on_closed(const CloseReason& reason) = 0;

protected:
    ~CarrierHandler() = default;
};

// A connection that has been taken off its thread, to go on with another: socket, TLS state, bytes read but
// not yet given to a handler. Movable between threads. Destroying it drops the connection.
class Carrier;
class ParkedCarrier {
public:
    virtual ~ParkedCarrier() = default;
    // Makes a carrier on `context`; call it on that context's thread. Bytes that were read already are
    // delivered first, from the event loop, once a handler is set.
    virtual std::unique_ptr<Carrier> resume(boost::asio::io_context& context) && = 0;
};

class Carrier {
public:
    virtual ~Carrier() = default;

    // Must be set before the next turn of the event loop; delivery begins then. May be changed later.
    virtual void set_handler(CarrierHandler* handler) = 0;

    // Whether send() takes a batch now. False while bytes of an earlier batch wait for the socket, and for
    // ever once closing; on_writable() tells when it is true again.
    virtual bool writable() const = 0;
    // Precondition: writable(). Writes at once as much as the socket takes, keeps the rest (shared payloads
    // are referenced, not copied). The batch may be cleared and reused as soon as the call returns.
    // A failure is told by on_closed(), later, from the event loop.
    virtual void send(const wire::Batch& batch) = 0;

    // Stops or resumes reading: while paused, on_batch() is not called and the peer meets back-pressure.
    virtual void pause_reading(bool paused) = 0;

    // Ends in good order: what send() has taken goes out, then the transport's own closing handshake
    // carries code and text (docs/websocket.md, "Closing"); on_closed() follows within `limit`. No on_batch() after.
    virtual void close(errc code, std::string_view text, std::chrono::milliseconds limit = std::chrono::seconds(2)) = 0;

    // Takes the connection off this thread; this object is dead afterwards and gives no more callbacks.
    // May be called from on_batch(): the rest of what was read, including further batches of the same read, goes along.
    // Null when the transport cannot move, or bytes wait to be written.
    virtual std::unique_ptr<ParkedCarrier> park() = 0;

    virtual const CarrierInfo& info() const = 0;
    virtual const CarrierStats& stats() const = 0;
    // Memory for what has come and has not been handed on: the beginning of a batch, what waits while reading is
    // paused.
    virtual std::size_t held_bytes() const noexcept { return 0; }
    // It costs a system call: not for every message.
    virtual PathFigures path() const { return {}; }

    // ---- for what stands between carriers and sessions: transport/sealed ----

    // Everything on it is encrypted between the two programs, whatever the transport does.
    virtual bool sealed() const noexcept { return false; }
    // The carrier that moves the bytes: this one, unless it stands around another.
    virtual Carrier& bare() noexcept { return *this; }
    // Frames of different lanes may overtake each other.
    virtual bool lanes_apart() const noexcept { return false; }
    // Lets batches of lanes wait, unread, until one more batch of frames without a number has come.
    virtual void hold_lanes() {}
};

}  // namespace flare::transport
