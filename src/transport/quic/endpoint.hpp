// A socket with its connections: who gets a packet, one timer for all, one flush a turn. A server's endpoint has many
// connections, a client's has one, or those that share it.
//
// Protocol: RFC 9000 section 5; docs/quic.md, "Connection ids": 8 bytes, of which two are a place of the worker; but
// for
//           the node the rest is random.
// Threads:  one io_context, run by one thread.
// Owner:    shared by the Listener or ConnectAttempt that made it and by its carriers.
#pragma once

#include "transport/quic/connection.hpp"
#include "transport/quic/turn_packets.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <memory>
#include <string>
#include <vector>

namespace flare::transport::quic {

class Endpoint : public std::enable_shared_from_this<Endpoint> {
public:
    Endpoint(boost::asio::io_context& context, Options options)
        : context_(context),
          options_(options),
          timer_(context),
          farewells_([this](const Claims& claims) { released(claims); }) {}
    virtual ~Endpoint();
    Endpoint(const Endpoint&) = delete;
    Endpoint& operator=(const Endpoint&) = delete;

    void watch();  // the socket is open: reading begins
    void shut();   // connections go without a word, the socket closes

    // ---- for Connection ----

    const Options& options() const noexcept { return options_; }
    boost::asio::io_context& context() noexcept { return context_; }
    std::uint64_t now();  // ns of the steady clock; one value for a whole turn
    // Something is to be told or written: at the end of this turn, or in one of its own.
    void touch(Connection& connection);
    // Writes at once, from outside of a turn too: for a carrier that is being destroyed.
    void write_now(Connection& connection);
    ngtcp2_cid make_cid();
    void map_cid(Connection& connection, const ngtcp2_cid& cid);
    void unmap_cid(Connection& connection, const ngtcp2_cid& cid);
    // In a turn they go at its end; see UdpSocket::send().
    void transmit(std::span<const std::uint8_t> bytes, std::size_t segment, const Address& from, const Address& to);
    bool can_transmit() const noexcept { return !blocked_; }
    UdpSocket& socket() noexcept { return socket_; }

protected:
    // No connection has this id.
    virtual void stray(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) = 0;
    virtual void handshaken(Connection& connection) = 0;
    virtual void early(Connection&) {}               // data has come before the handshake was complete
    virtual void confirmed(Connection&) {}           // the handshake is complete: for counting
    virtual void ended(Connection& connection) = 0;  // before that, or after
    virtual void socket_failed(int) {}
    virtual void released(const Claims&) {}  // a connection, or its last words, counts for these no longer

    Connection& add(std::unique_ptr<Connection> connection);
    Connection* find(const std::uint8_t* cid, std::size_t bytes);
    void forget(Connection& connection);  // without a word
    void replace_socket(UdpSocket socket);
    template <typename Each>
    void for_each(Each each) {
        for (const auto& [connection, owner] : connections_) each(*connection);
    }
    std::size_t connections() const noexcept { return connections_.size(); }
    const Farewells& farewells() const noexcept { return farewells_; }

    UdpSocket socket_;

private:
    void wait_readable();
    void wait_writable();
    void read();
    void turn();
    void arm();
    void on_timer();
    void dispatch(const UdpSocket::Packet& packet);
    void bury(Connection& connection);
    void flush();
    void block();  // the socket is full

    using Timers = boost::intrusive::multiset<Connection::Timer, boost::intrusive::constant_time_size<false>>;

    boost::asio::io_context& context_;
    const Options options_;
    std::unique_ptr<boost::asio::posix::stream_descriptor> descriptor_;
    boost::asio::steady_timer timer_;
    std::uint64_t timer_at_ = UINT64_MAX;
    std::uint64_t now_ = 0;
    bool in_turn_ = false;
    std::size_t added_in_turn_ = 0;
    bool turn_posted_ = false;
    bool blocked_ = false;  // the socket is full: packets wait for it
    bool shut_ = false;

    TurnPackets packets_;
    Timers timers_;
    boost::unordered_flat_map<Cid, Connection*, CidHash> by_cid_;
    boost::unordered_flat_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> touched_;
    std::vector<Connection*> writing_;
    std::vector<std::unique_ptr<Connection>> graveyard_;
    Farewells farewells_;
};

}  // namespace flare::transport::quic
