// One GET, as a program writes it that has no HTTP library.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <string>

namespace flare::test {

// The whole answer to these bytes, header included. `address`: "127.0.0.1:4001".
inline std::string http_ask(const std::string& address, const std::string& request) {
    using boost::asio::ip::tcp;
    boost::asio::io_context context;
    tcp::socket socket(context);
    const std::size_t colon = address.rfind(':');
    socket.connect(tcp::endpoint(boost::asio::ip::make_address(address.substr(0, colon)),
                                 static_cast<std::uint16_t>(std::stoul(address.substr(colon + 1)))));
    boost::asio::write(socket, boost::asio::buffer(request));
    std::string answer;
    boost::system::error_code end;
    boost::asio::read(socket, boost::asio::dynamic_buffer(answer), end);
    return answer;
}

inline std::string http_get(const std::string& address, const std::string& target,
                            const std::string& host = "localhost") {
    return http_ask(address, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
}

}  // namespace flare::test
