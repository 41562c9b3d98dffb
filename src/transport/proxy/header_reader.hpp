// The header of the PROXY protocol, with which a proxy says for whom it has opened a TCP connection, before anything
// else.
//
// Protocol: HAProxy's proxy-protocol.txt, versions 1 and 2.
// Threads:  a value.
// Owner:    websocket::ServerHandshake.
#pragma once

#include <boost/asio/ip/address.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace flare::transport::proxy {

struct Source {
    boost::asio::ip::address address;
    std::uint16_t port = 0;  // 0: not known
};

class HeaderReader {
public:
    static constexpr std::size_t kMaxLine = 107;  // version 1, its CRLF included
    // Version 2: addresses (216 bytes at most) and what is added to them (TLVs), which may hold a certificate's names.
    static constexpr std::size_t kMaxContent = 4096;

    enum class State : std::uint8_t {
        incomplete,  // every byte was used; more are needed
        done,        // source(); the connection begins behind what was used
        bad,         // error()
    };
    // Says in `used` how many of the bytes belong to the header. Not called again after done or bad.
    State feed(std::string_view bytes, std::size_t& used);

    // Nothing: the proxy speaks for itself (version 2: LOCAL, or a family other than IP; version 1: UNKNOWN).
    const std::optional<Source>& source() const noexcept { return source_; }
    const std::string& error() const noexcept { return error_; }  // for people, without bytes of the peer

private:
    State fail(std::string text);
    State feed_line(std::string_view bytes, std::size_t& used);
    State feed_binary(std::string_view bytes, std::size_t& used);
    State read_line(std::string_view line);
    State read_binary();

    std::string buffer_;  // of this header, and nothing behind it
    std::optional<Source> source_;
    std::string error_;
};

}  // namespace flare::transport::proxy
