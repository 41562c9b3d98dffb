// A TCP port that is listened on, and taking connections off it.
//
// Threads: its io_context's, which one thread runs.
// Owner:   a listener or server, which also is its Handler. What waits on the event loop keeps it alive, silently.
#pragma once

#include "transport/address.hpp"
#include "transport/port_use.hpp"

#include <flare/failure.hpp>

#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <string>

namespace flare::transport::tcp {

class Acceptor final : public std::enable_shared_from_this<Acceptor> {
public:
    // Either call may lead to stop().
    class Handler {
    public:
        virtual void on_socket(int fd) = 0;  // non-blocking; the handler owns it from here
        // accept() failed for want of files or memory: accepting pauses for 100 ms. Told once per pause.
        virtual void on_accept_paused(errc code) = 0;

    protected:
        ~Handler() = default;
    };

    Acceptor(boost::asio::io_context& context, Handler& handler)
        : acceptor_(context.get_executor()), pause_(context.get_executor()), handler_(handler) {}

    // `address`: "127.0.0.1:4000", "[::1]:0", ":4000" (all addresses, IPv6 and IPv4). Begins to accept.
    // Errors: invalid_config, address_in_use, address_unavailable, permission_denied; the text says which.
    Checked<> open(const std::string& address, PortUse use);
    // Nothing is called after this.
    void stop() noexcept;
    boost::asio::ip::tcp::endpoint local_endpoint() const;

private:
    // 0, or an errno.
    int listen(const ListenAddress& address, PortUse use);
    void wait();
    void accept_turn();
    void pause(int error);

    boost::asio::basic_socket_acceptor<boost::asio::ip::tcp, boost::asio::io_context::executor_type> acceptor_;
    boost::asio::steady_timer pause_;
    Handler& handler_;  // not used once stopped
};

}  // namespace flare::transport::tcp
