#include "delay_relay.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <utility>

namespace flare::bench {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using asio::ip::udp;
using Clock = std::chrono::steady_clock;
using boost::system::error_code;

constexpr int kUdpBuffer = 4 << 20;  // what arrives while the relay's thread waits for a processor

asio::ip::address loopback() { return asio::ip::address_v4::loopback(); }

// Pieces that are handed on in their order, each when its time has come.
class Line {
public:
    using HandOn = std::function<void(std::string)>;
    Line(asio::io_context& context, Clock::duration delay, HandOn hand_on)
        : timer_(context), delay_(delay), hand_on_(std::move(hand_on)) {}

    void put(std::string bytes) {
        waiting_.push_back({Clock::now() + delay_, std::move(bytes)});
        if (waiting_.size() == 1) arm();
    }

private:
    struct Piece {
        Clock::time_point due;
        std::string bytes;
    };
    void arm() {
        timer_.expires_at(waiting_.front().due);
        timer_.async_wait([this](const error_code& error) {
            if (error) return;
            const Clock::time_point now = Clock::now();
            while (!waiting_.empty() && waiting_.front().due <= now) {
                std::string bytes = std::move(waiting_.front().bytes);
                waiting_.pop_front();
                hand_on_(std::move(bytes));
            }
            if (!waiting_.empty()) arm();
        });
    }
    asio::steady_timer timer_;
    const Clock::duration delay_;
    HandOn hand_on_;
    std::deque<Piece> waiting_;
};

// One way of a TCP connection. An empty piece is the end of the stream.
class TcpWay {
public:
    TcpWay(asio::io_context& context, tcp::socket& from, tcp::socket& to, Clock::duration delay)
        : from_(from), to_(to), line_(context, delay, [this](std::string bytes) { write(std::move(bytes)); }) {}

    void read() {
        from_.async_read_some(asio::buffer(block_), [this](const error_code& error, std::size_t got) {
            if (error == asio::error::operation_aborted) return;
            line_.put(std::string(block_.data(), error ? 0 : got));
            if (!error) read();
        });
    }

private:
    void write(std::string bytes) {
        queue_.push_back(std::move(bytes));
        if (queue_.size() == 1) write_first();
    }
    void write_first() {
        if (queue_.front().empty()) {
            error_code ignored;
            to_.shutdown(tcp::socket::shutdown_send, ignored);
            return;
        }
        asio::async_write(to_, asio::buffer(queue_.front()), [this](const error_code& error, std::size_t) {
            if (error) return;
            queue_.pop_front();
            if (!queue_.empty()) write_first();
        });
    }
    tcp::socket& from_;
    tcp::socket& to_;
    Line line_;
    std::array<char, 64 * 1024> block_{};
    std::deque<std::string> queue_;
};

struct TcpPair {
    TcpPair(asio::io_context& context, Clock::duration delay)
        : client(context), server(context), up(context, client, server, delay), down(context, server, client, delay) {}
    tcp::socket client, server;
    TcpWay up, down;
};

class TcpRelay {
public:
    TcpRelay(asio::io_context& context, std::uint16_t server, Clock::duration delay)
        : context_(context), server_(loopback(), server), delay_(delay), acceptor_(context, {loopback(), 0}) {
        accept();
    }
    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }

private:
    void accept() {
        pairs_.push_back(std::make_unique<TcpPair>(context_, delay_));
        TcpPair& pair = *pairs_.back();
        acceptor_.async_accept(pair.client, [this, &pair](const error_code& error) {
            if (error) return;
            error_code refused;
            pair.server.connect(server_, refused);
            if (!refused) {
                pair.client.set_option(tcp::no_delay(true), refused);
                pair.server.set_option(tcp::no_delay(true), refused);
                pair.up.read();
                pair.down.read();
            } else {
                pair.client.close(refused);
            }
            accept();
        });
    }
    asio::io_context& context_;
    const tcp::endpoint server_;
    const Clock::duration delay_;
    tcp::acceptor acceptor_;
    std::vector<std::unique_ptr<TcpPair>> pairs_;
};

class UdpFlow;

class UdpRelay {
public:
    UdpRelay(asio::io_context& context, std::uint16_t server, Clock::duration delay);
    std::uint16_t port() const { return front_.local_endpoint().port(); }

private:
    friend class UdpFlow;
    void receive();

    asio::io_context& context_;
    const udp::endpoint server_;
    const Clock::duration delay_;
    udp::socket front_;
    std::array<char, 65536> block_{};
    udp::endpoint from_;
    std::map<udp::endpoint, std::unique_ptr<UdpFlow>> flows_;
};

void enlarge(udp::socket& socket) {
    error_code ignored;
    socket.set_option(asio::socket_base::receive_buffer_size(kUdpBuffer), ignored);
    socket.set_option(asio::socket_base::send_buffer_size(kUdpBuffer), ignored);
}

// One client's datagrams, both ways.
class UdpFlow {
public:
    UdpFlow(UdpRelay& relay, const udp::endpoint& client)
        : socket_(relay.context_, {loopback(), 0}),
          up_(relay.context_, relay.delay_,
              [this, &relay](const std::string& bytes) {
                  error_code ignored;
                  socket_.send_to(asio::buffer(bytes), relay.server_, 0, ignored);
              }),
          down_(relay.context_, relay.delay_, [&relay, client](const std::string& bytes) {
              error_code ignored;
              relay.front_.send_to(asio::buffer(bytes), client, 0, ignored);
          }) {
        enlarge(socket_);
        receive();
    }
    void put(std::string datagram) { up_.put(std::move(datagram)); }

private:
    void receive() {
        socket_.async_receive_from(asio::buffer(block_), from_, [this](const error_code& error, std::size_t size) {
            if (error == asio::error::operation_aborted) return;
            if (!error) down_.put(std::string(block_.data(), size));
            receive();
        });
    }
    udp::socket socket_;
    Line up_, down_;
    std::array<char, 65536> block_{};
    udp::endpoint from_;
};

UdpRelay::UdpRelay(asio::io_context& context, std::uint16_t server, Clock::duration delay)
    : context_(context), server_(loopback(), server), delay_(delay), front_(context, {loopback(), 0}) {
    enlarge(front_);
    receive();
}

void UdpRelay::receive() {
    front_.async_receive_from(asio::buffer(block_), from_, [this](const error_code& error, std::size_t size) {
        if (error == asio::error::operation_aborted) return;
        if (!error) {
            auto& flow = flows_[from_];
            if (!flow) flow = std::make_unique<UdpFlow>(*this, from_);
            flow->put(std::string(block_.data(), size));
        }
        receive();
    });
}

}  // namespace

struct DelayRelay::State {
    asio::io_context context{1};
    std::unique_ptr<TcpRelay> tcp;
    std::unique_ptr<UdpRelay> udp;
    std::thread thread;
};

DelayRelay::DelayRelay(std::uint16_t server, bool udp, std::chrono::nanoseconds round_trip)
    : state_(std::make_unique<State>()) {
    if (udp) {
        state_->udp = std::make_unique<UdpRelay>(state_->context, server, round_trip / 2);
    } else {
        state_->tcp = std::make_unique<TcpRelay>(state_->context, server, round_trip / 2);
    }
    state_->thread = std::thread([context = &state_->context] { context->run(); });
}

DelayRelay::~DelayRelay() {
    state_->context.stop();
    state_->thread.join();
}

std::uint16_t DelayRelay::port() const noexcept { return state_->udp ? state_->udp->port() : state_->tcp->port(); }

}  // namespace flare::bench
