#include "lab/tcp_helper.hpp"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/write.hpp>

#include <vector>

namespace flare::lab {
namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr std::string_view kForbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

// Answers one request, then goes.
class Refusal : public std::enable_shared_from_this<Refusal> {
public:
    Refusal(tcp::socket socket, asio::ssl::context& keys) : stream_(std::move(socket), keys) {}
    void start() {
        stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](const auto& error) {
            if (!error) self->read();
        });
    }

private:
    void read() {
        asio::async_read_until(
            stream_, request_, "\r\n\r\n", [self = shared_from_this()](const auto& error, std::size_t) {
                if (error) return;
                asio::async_write(self->stream_, asio::buffer(kForbidden), [self](const auto&, std::size_t) {
                    self->stream_.async_shutdown([self](const auto&) {});
                });
            });
    }
    asio::ssl::stream<tcp::socket> stream_;
    asio::streambuf request_;
};

}  // namespace

class TcpHelper::State {
public:
    State(const std::string& certificate_file, const std::string& key_file)
        : stalled_(loop_, {tcp::v4(), kStalledPort}), forbidden_(loop_, {tcp::v4(), kForbiddenPort}) {
        keys_.use_certificate_chain_file(certificate_file);
        keys_.use_private_key_file(key_file, asio::ssl::context::pem);
        stall_next();
        forbid_next();
    }
    void run() { loop_.run(); }
    void stop() { loop_.stop(); }

private:
    void stall_next() {
        stalled_.async_accept([this](const auto& error, tcp::socket socket) {
            if (!error) silent_.push_back(std::move(socket));
            stall_next();
        });
    }
    void forbid_next() {
        forbidden_.async_accept([this](const auto& error, tcp::socket socket) {
            if (!error) std::make_shared<Refusal>(std::move(socket), keys_)->start();
            forbid_next();
        });
    }

    asio::io_context loop_;
    asio::ssl::context keys_{asio::ssl::context::tls_server};
    tcp::acceptor stalled_;
    tcp::acceptor forbidden_;
    std::vector<tcp::socket> silent_;
};

TcpHelper::TcpHelper(const std::string& certificate_file, const std::string& key_file)
    : state_(std::make_unique<State>(certificate_file, key_file)), thread_([this] { state_->run(); }) {}

TcpHelper::~TcpHelper() {
    state_->stop();
    thread_.join();
}

}  // namespace flare::lab
