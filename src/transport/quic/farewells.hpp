// What is kept of connections that have ended: their ids and their last words, for packets of the peer that come late.
// A whole connection would take a hundred times as much, and strangers who write addresses of others into their packets
// end as many as they like.
//
// Protocol: RFC 9000 section 10.2 (closing and draining).
// Threads:  its endpoint's.
// Owner:    Endpoint.
#pragma once

#include "transport/quic/cid.hpp"
#include "transport/quic/udp_socket.hpp"

#include <boost/intrusive/set.hpp>
#include <boost/unordered/unordered_flat_map.hpp>

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <vector>

namespace flare::transport::quic {

// What a server's connection counts for, from its first packet until its last words are forgotten.
struct Claims {
    bool handshake = false;  // under way, or failed lately: so many of these make a server ask for addresses by Retry
    bool place = false;      // given by ListenerHandler::on_handshake(), and not passed on with a carrier
    bool validated = false;  // what on_handshake() was told
    std::string peer;        // the address
};

// The packet with CONNECTION_CLOSE, and who hears it again.
struct LastWords {
    std::vector<std::uint8_t> packet;  // empty: it was the peer that closed, and nothing is said (section 10.2.2)
    Address peer;
    bool validated = false;   // that address is the peer's own
    std::uint32_t asked = 0;  // late packets from there

    // Whether a late packet of so many bytes is answered. Ever fewer are (the 1st, 2nd, 4th, 8th, ...), none from
    // elsewhere, and an address that is not validated gets at most three times what it sent (section 10.2.1).
    bool answers(std::size_t bytes, const Address& from) noexcept;
};

class Farewells {
public:
    static constexpr std::size_t kMostKept = 4096;
    static constexpr std::size_t kMostBytes = 2 << 20;

    struct Entry {
        std::vector<Cid> cids;
        LastWords words;
        std::uint64_t until = 0;  // ns
        Claims claims;
    };

    // `released`: what an entry counted for when it goes.
    explicit Farewells(std::function<void(const Claims&)> released) : released_(std::move(released)) {}

    // At either bound the oldest go.
    void keep(Entry entry);
    // Null: no connection that ended lately had this id.
    LastWords* find(const Cid& cid);
    void expire(std::uint64_t now);
    std::uint64_t next() const noexcept;  // when expire() has something to do; UINT64_MAX: never
    std::size_t size() const noexcept { return kept_.size(); }
    std::size_t bytes() const noexcept { return bytes_; }

private:
    struct Kept : Entry, boost::intrusive::set_base_hook<> {
        explicit Kept(Entry&& entry) : Entry(std::move(entry)) {}
        bool operator<(const Kept& other) const noexcept { return until < other.until; }
        std::list<Kept>::iterator self;
    };
    void forget(Kept& kept);
    static std::size_t size_of(const Entry& entry) noexcept;

    std::function<void(const Claims&)> released_;
    std::list<Kept> kept_;  // in the order of arrival
    boost::intrusive::multiset<Kept> by_end_;
    boost::unordered_flat_map<Cid, Kept*, CidHash> by_cid_;
    std::size_t bytes_ = 0;
};

}  // namespace flare::transport::quic
