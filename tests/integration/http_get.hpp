// One GET, as a program writes it that has no HTTP library.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/completion_condition.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <cstdint>
#include <string>

namespace flare::test {

// Whether it is a whole answer after which the connection stays; after another one the connection ends.
inline bool http_complete(const std::string& answer, bool with_body) {
    const std::size_t end = answer.find("\r\n\r\n");
    const std::string length = "Content-Length: ";
    const std::size_t at = answer.find(length);
    if (end == answer.npos || at > end || answer.find("Connection: keep-alive\r\n") > end) return false;
    return !with_body || answer.size() - end - 4 >= std::stoul(answer.substr(at + length.size()));
}

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
    while (!end && !http_complete(answer, !request.starts_with("HEAD ")))
        boost::asio::read(socket, boost::asio::dynamic_buffer(answer), boost::asio::transfer_at_least(1), end);
    return answer;
}

inline std::string http_get(const std::string& address, const std::string& target,
                            const std::string& host = "localhost") {
    return http_ask(address, "GET " + target + " HTTP/1.1\r\nHost: " + host + "\r\nConnection: close\r\n\r\n");
}

}  // namespace flare::test
