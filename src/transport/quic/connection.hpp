// One QUIC connection: ngtcp2's state machine, its TLS session, its streams, and the carrier that stands on it.
//
// Protocol: RFC 9000, RFC 9001; docs/quic.md.
// Threads:  its endpoint's.
// Owner:    Endpoint. Callbacks of ngtcp2 only note what has happened; what follows from it is done in the turn.
#pragma once

#include "transport/quic/farewells.hpp"
#include "transport/quic/keys.hpp"
#include "transport/quic/qlog.hpp"
#include "transport/quic/stream.hpp"
#include "transport/quic/udp_socket.hpp"

#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>

#include <boost/intrusive/set.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::transport::quic {

class Endpoint;
class QuicCarrier;

inline constexpr std::size_t kCidBytes = 8;
inline constexpr std::size_t kFewUnsentToTell = 48 * 1024;  // so little waits: writable() is true again

class Connection {
public:
    Connection(Endpoint& endpoint, bool server) : endpoint_(endpoint), server_(server) {}
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    // What a server needs to know of the Initial packet that it answers.
    struct Arrival {
        ngtcp2_pkt_hd header;
        std::optional<ngtcp2_cid> original_dcid;  // of a Retry: the id before it
    };
    // False: out of memory, or GnuTLS refuses.
    bool accept(std::shared_ptr<const ServerContext> keys, const Arrival& arrival, const Address& local,
                const Address& remote, std::uint64_t now);
    struct Departure {
        std::string server_name;
        std::string ticket_name;       // under which tickets of this server are kept
        std::optional<Ticket> ticket;  // of an earlier connection
        std::optional<base::Place> place;
    };
    bool connect(const ClientContext& keys, const Departure& departure, const Address& local, const Address& remote,
                 std::uint64_t now);
    // What the peer has shown so far, as DER; empty once TLS has been given up.
    std::vector<std::string> peer_certificates() const;

    // ---- from the endpoint ----

    void packet(std::span<const std::uint8_t> bytes, const Address& local, const Address& remote, std::uint64_t now);
    void expire(std::uint64_t now);
    void write(std::uint64_t now);   // everything that may go now
    void deliver();                  // parts, room to write, the end: what the carrier's handler is told
    void end_turn();                 // the carrier's handler is told that this was all
    std::uint64_t deadline() const;  // ns; UINT64_MAX: none
    bool is_handshaken() const noexcept { return handshaken_; }
    bool has_early_data() const noexcept { return early_arrived_; }   // a server's
    bool can_send_early() const noexcept { return may_send_early_; }  // a client's, before its first turn
    bool has_heard() const noexcept { return heard_.packet; }         // any packet at all
    void confirm();                                                   // its carrier was made in early data
    // It has ended, and its carrier knows, or has gone: only its farewell is left.
    bool is_over() const noexcept { return ended_ && carrier_ == nullptr; }
    // What is to be kept of one that is over, all but what it counts for; nothing when it ended in silence.
    std::optional<Farewells::Entry> farewell(std::uint64_t now);
    // A server's: its first packet was no handshake, and nothing is owed.
    bool is_nothing() const noexcept { return fate_ != Fate::goes_on; }
    bool needs_retry() const noexcept { return fate_ == Fate::needs_retry; }
    bool has_ended() const noexcept { return ended_.has_value(); }
    const CloseReason& end() const noexcept { return *ended_; }
    // A client's: its packets leave from there now. False: it is over, or a handshake, which cannot move.
    bool socket_changed(const Address& local, std::uint64_t now);
    // Does it end with a token by which the peer resets this connection (RFC 9000 section 10.3.1)?
    bool is_reset(std::span<const std::uint8_t> packet) const;
    // An errno of the socket, which an ICMP message has caused: it ends a handshake, and makes a carrier ask.
    void socket_failed(int error);

    // ---- from the carrier ----

    void attach(QuicCarrier* carrier) noexcept { carrier_ = carrier; }
    bool writable() const noexcept;
    void send(const wire::Batch& batch);
    void pause(bool paused);
    std::size_t held_bytes() const noexcept { return held_; }
    void hold_lanes() noexcept { hold_lanes_ = true; }
    void close(errc code, std::string_view text, std::chrono::milliseconds limit);
    void abandon();  // its carrier is gone

    CarrierInfo info() const;
    CarrierStats stats() const;
    PathFigures path() const;
    ngtcp2_conn* raw() const noexcept { return conn_; }
    const std::string& peer() const noexcept { return peer_; }

    struct Timer : boost::intrusive::set_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
        std::uint64_t at = UINT64_MAX;
        Connection* connection = nullptr;
        bool operator<(const Timer& other) const noexcept { return at < other.at; }
    };
    Timer timer;
    bool touched = false;      // it is in the endpoint's list of this turn
    Claims claims;             // a server's
    bool reported = false;     // its carrier was given away, or its failure told
    bool confirmed = false;    // its carrier was given away, and the handshake is complete
    bool end_counted = false;  // Endpoint::ended() was called
    std::vector<Cid> cids;     // under which the endpoint finds it

private:
    friend struct Callbacks;

    bool make_session(const Credentials& keys, unsigned flags);
    ngtcp2_settings settings_for(const ngtcp2_cid& first_id, std::uint64_t now);
    static ngtcp2_transport_params params_of(const Endpoint& endpoint);

    Stream* stream(std::int64_t id);
    Stream& stream_made(std::int64_t id);
    Stream& sending(Channel channel);
    void open_streams();
    void migrated(const ngtcp2_path& path);
    void begin_streams_again();  // the server has refused early data
    bool waits(const Stream& stream) const noexcept;
    void settle_tls();
    bool read_stream(Stream& stream);  // false: the carrier is gone, or reading stops
    void finish_with(CloseReason reason);
    void fail(int ngtcp2_error);
    void write_close(std::uint64_t now);
    void say_close(std::uint64_t now);
    CloseReason peer_reason() const;
    CloseReason local_reason(int ngtcp2_error) const;
    std::size_t unsent() const;
    bool drained() const;

    Endpoint& endpoint_;
    const bool server_;
    std::unique_ptr<Qlog> qlog_;  // null: none
    ngtcp2_conn* conn_ = nullptr;
    gnutls_session_t tls_ = nullptr;
    std::shared_ptr<const ServerContext> server_keys_;  // a server's: GnuTLS keeps pointers into them
    ngtcp2_crypto_conn_ref ref_{};
    TicketStore* tickets_ = nullptr;  // a client's
    std::string ticket_name_;
    std::string server_name_;    // GnuTLS keeps a pointer to it
    std::string new_ticket_;     // came, and is not kept yet
    bool sends_ticket_ = false;  // a server's
    QuicCarrier* carrier_ = nullptr;
    std::string peer_;
    Address local_;
    Address remote_;
    Address leaving_from_;  // a client's, as ngtcp2 was told; the path there may not be validated yet

    std::map<std::int64_t, std::unique_ptr<Stream>> streams_;  // a handful
    std::vector<std::unique_ptr<Stream>> unopened_;            // ours, which the peer does not allow yet
    std::array<Stream*, kChannels> sending_{};                 // what a channel is sent on
    std::vector<Stream*> readable_;                            // in the order of arrival
    std::size_t held_ = 0;                                     // bytes that came and were not handed on
    std::size_t turn_ = 0;                                     // whose stream writes first
    CarrierStats stats_;

    bool handshaken_ = false;
    bool moving_ = false;  // a client's, to another socket; the path is not validated yet
    struct Heard {
        bool packet = false;       // any at all
        bool reset = false;        // a stateless reset
        bool unreachable = false;  // an ICMP message says that nobody listens; the carrier is to be told
    } heard_;
    bool may_send_early_ = false;
    bool early_arrived_ = false;
    EarlyData early_data_ = EarlyData::none;
    bool spoken_ = false;      // the first batch has been sent
    bool hold_lanes_ = false;  // until the first part of channel 0 has come: docs/quic.md, "Streams"
    bool paused_ = false;
    bool full_ = false;    // writable() was false, on_writable() is owed
    bool silent_ = false;  // it ended without a word, and late packets get none
    enum class Fate : std::uint8_t { goes_on, dropped, needs_retry } fate_ = Fate::goes_on;

    struct Close {
        errc code;
        std::string text;
        std::uint64_t deadline;
    };
    std::optional<Close> closing_;       // close() was called: what was taken goes out first
    std::optional<ngtcp2_ccerr> error_;  // to be said to the peer
    std::string error_text_;             // that error_ points into
    std::optional<CloseReason> fault_;   // with error_: what the handler is told
    std::optional<CloseReason> ended_;
    bool told_ = false;  // on_closed() was called
    LastWords last_words_;
    std::uint64_t forget_at_ = UINT64_MAX;
};

}  // namespace flare::transport::quic
