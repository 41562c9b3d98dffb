// A listener with carriers that record, and raw TCP peers that may send anything.
#pragma once

#include "support/event_loop.hpp"
#include "transport/websocket/websocket.hpp"
#include "wire/batch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace flare::transport::websocket::test {

namespace asio = boost::asio;

inline wire::Batch batch_of(const std::string& payload) {
    wire::DataView data;
    wire::MessageView message;
    message.type = "test";
    message.payload = payload;
    data.message = message;
    wire::FrameHeader header;
    header.seq = 1;
    wire::Batch batch;
    batch.add(header, wire::encode(data));
    return batch;
}

// One accepted carrier.
struct Peer : CarrierHandler {
    explicit Peer(std::unique_ptr<Carrier> accepted) : carrier(std::move(accepted)) { carrier->set_handler(this); }
    void on_batch(std::string_view batch) override {
        batches.emplace_back(batch);
        if (echo) carrier->send(batch_of("echo"));
        if (then) then();
    }
    void on_writable() override { ++writable; }
    void on_closed(const CloseReason& reason) override { closed = reason; }

    std::unique_ptr<Carrier> carrier;
    std::vector<std::string> batches;
    std::optional<CloseReason> closed;
    int writable = 0;
    bool echo = false;
    std::function<void()> then;  // on each batch
};

// A TCP connection with nothing of ours on top of it.
class RawPeer {
public:
    explicit RawPeer(const asio::ip::tcp::endpoint& endpoint)
        : fd_(::socket(endpoint.data()->sa_family, SOCK_STREAM, 0)) {
        if (::connect(fd_, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
            ADD_FAILURE() << "connect: " << std::strerror(errno);
        }
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    }
    ~RawPeer() { close(); }
    RawPeer(const RawPeer&) = delete;
    RawPeer& operator=(const RawPeer&) = delete;

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    void finish() const { EXPECT_EQ(::shutdown(fd_, SHUT_WR), 0) << std::strerror(errno); }
    // How much the socket took; -1: broken.
    ssize_t try_send(std::string_view bytes) const { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
    void send(std::string_view bytes) const {
        EXPECT_EQ(try_send(bytes), static_cast<ssize_t>(bytes.size())) << std::strerror(errno);
    }
    // Takes what has come into `received`.
    void poll() {
        std::string block(65536, '\0');
        for (;;) {
            const ssize_t got = ::recv(fd_, block.data(), block.size(), 0);
            if (got < 0) {
                reset |= errno == ECONNRESET;
                ended |= errno == ECONNRESET;
                return;
            }
            if (got == 0) {
                ended = true;
                return;
            }
            received.append(block.data(), static_cast<std::size_t>(got));
        }
    }

    std::string received;
    bool ended = false;
    bool reset = false;

private:
    int fd_;
};

class Sockets : public ::testing::Test, protected ListenerHandler {
protected:
    void listen(const std::string& address = "127.0.0.1:0", std::shared_ptr<tls::ServerContext> tls = nullptr) {
        std::string error;
        auto opened = Listener::open(io, address, std::move(tls), options, *this, &error);
        ASSERT_TRUE(opened) << error;
        listener = std::move(*opened);
    }
    template <typename Condition>
    bool run_until(Condition condition, std::chrono::milliseconds limit = std::chrono::seconds(10)) {
        return flare::test::run_until(io, condition, limit);
    }
    void run_for(std::chrono::milliseconds time) { flare::test::run_for(io, time); }

    // Everything that comes until the end of the stream.
    std::string read_to_end(RawPeer& peer) {
        EXPECT_TRUE(run_until([&] {
            peer.poll();
            return peer.ended;
        }));
        EXPECT_FALSE(peer.reset) << "the connection was reset, which loses what was on its way";
        return peer.received;
    }
    bool read_bytes(RawPeer& peer, std::size_t count) {
        return run_until([&] {
            peer.poll();
            return peer.received.size() >= count;
        });
    }
    static std::string upgrade(const std::string& subprotocol = "flare.v1") {
        return "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
               "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n"
               "Sec-WebSocket-Protocol: " +
               subprotocol + "\r\n\r\n";
    }
    // A raw peer whose upgrade is done; its `received` is empty again.
    std::unique_ptr<RawPeer> upgraded(const std::string& subprotocol = "flare.v1") {
        auto peer = std::make_unique<RawPeer>(listener->local_endpoint());
        const std::size_t before = peers.size();
        peer->send(upgrade(subprotocol));
        EXPECT_TRUE(run_until([&] {
            peer->poll();
            return peers.size() > before && peer->received.ends_with("\r\n\r\n");
        }));
        peer->received.clear();
        return peer;
    }
    Peer& last() { return *peers.back(); }

    struct Connected {
        std::unique_ptr<Carrier> carrier;
        std::optional<ConnectError> error;
    };
    Connected connect(ConnectTarget target, std::shared_ptr<tls::ClientContext> tls = nullptr) {
        Connected result;
        bool done = false;
        const auto attempt = websocket::connect(io, std::move(target), std::move(tls), options,
                                                [&](std::unique_ptr<Carrier> carrier, ConnectError error) {
                                                    EXPECT_FALSE(done) << "told twice";
                                                    done = true;
                                                    result.carrier = std::move(carrier);
                                                    if (result.carrier == nullptr) result.error = std::move(error);
                                                });
        EXPECT_FALSE(done) << "told from inside connect()";
        EXPECT_TRUE(run_until([&] { return done; }));
        return result;
    }
    ConnectTarget target() const {
        ConnectTarget made;
        made.endpoint = listener->local_endpoint();
        made.host_header = "localhost";
        made.server_name = "localhost";
        return made;
    }

    bool on_connection(const std::string& peer_address) override {
        connections.push_back(peer_address);
        if (connection_hook) connection_hook();
        return accept_connections;
    }
    void on_connection_gone(const std::string& peer_address) override { gone.push_back(peer_address); }
    void on_carrier(std::unique_ptr<Carrier> carrier) override {
        peers.push_back(std::make_unique<Peer>(std::move(carrier)));
        if (carrier_hook) carrier_hook();
    }
    http::Response on_http(const http::Request& request) override {
        requests.push_back(request);
        if (http_hook) http_hook();
        http::Response response;
        response.status = request.head.target == "/healthz" ? 200 : 404;
        response.body = request.head.target + "\n";
        return response;
    }
    void on_accept_paused(errc code) override { paused.push_back(code); }

    asio::io_context io{1};
    Options options;
    std::unique_ptr<Listener> listener;
    std::vector<std::string> connections;
    std::vector<std::string> gone;
    std::vector<std::unique_ptr<Peer>> peers;
    std::vector<http::Request> requests;
    std::vector<errc> paused;
    std::function<void()> connection_hook;
    std::function<void()> carrier_hook;
    std::function<void()> http_hook;
    bool accept_connections = true;
};

}  // namespace flare::transport::websocket::test
