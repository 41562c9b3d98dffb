// A middlebox on loopback for UDP: forwards, records, and gives its clients other source ports when told to, as a NAT
// does whose mapping was forgotten.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <array>
#include <future>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace flare::test {

class UdpRelay {
public:
    using udp = boost::asio::ip::udp;

    // Everything runs on `context`.
    UdpRelay(boost::asio::io_context& context, const udp::endpoint& server)
        : context_(context),
          server_(server),
          front_(context, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        receive_from_clients();
    }
    ~UdpRelay() { *alive_ = false; }
    UdpRelay(const UdpRelay&) = delete;
    UdpRelay& operator=(const UdpRelay&) = delete;

    udp::endpoint endpoint() const { return front_.local_endpoint(); }
    // From now on the server sees other ports.
    void rebind() {
        for (auto& [client, flow] : flows_) flow = make_flow(client);
        ++rebinds;
    }
    // The same for as many of its clients, the next ones each time.
    void rebind_some(std::size_t count) {
        if (flows_.empty()) return;
        auto flow = flows_.upper_bound(last_rebound_);
        for (std::size_t i = 0; i < std::min(count, flows_.size()); ++i, ++flow) {
            if (flow == flows_.end()) flow = flows_.begin();
            flow->second = make_flow(flow->first);
            last_rebound_ = flow->first;
            ++rebinds;
        }
    }
    // Sends datagrams to the server from a port of their own.
    void send(const std::vector<std::string>& datagrams) {
        udp::socket socket(context_, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        for (const std::string& datagram : datagrams) socket.send_to(boost::asio::buffer(datagram), server_);
    }

    // Sends the server once more what its only client has sent before, from the same port.
    void repeat(const std::string& datagram) {
        flows_.begin()->second->socket.send_to(boost::asio::buffer(datagram), server_);
    }

    std::vector<std::string> from_clients;  // all datagrams, in order, while `records`
    std::vector<std::string> from_server;
    bool records = true;
    bool deaf = false;             // nothing passes
    bool only_handshakes = false;  // of what clients send: packets with a long header (RFC 9000 section 17.2)
    bool mute_server = false;      // nothing passes to clients
    bool swallow_clients = false;  // what clients send is recorded and goes no further
    std::size_t cut_to = 0;        // so many bytes of each datagram of clients pass; 0: all
    int rebinds = 0;

private:
    struct Flow {
        explicit Flow(boost::asio::io_context& context)
            : socket(context, udp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {}
        udp::socket socket;
        std::array<char, 2048> bytes{};
        udp::endpoint from;
    };

    void receive_from_clients() {
        front_.async_receive_from(
            boost::asio::buffer(bytes_), from_,
            [this, alive = alive_](const boost::system::error_code& error, std::size_t size) {
                if (!*alive || error == boost::asio::error::operation_aborted) return;
                const bool short_header = size == 0 || (static_cast<unsigned char>(bytes_[0]) & 0x80u) == 0;
                if (!error && !deaf && !(only_handshakes && short_header)) {
                    if (records) from_clients.emplace_back(bytes_.data(), size);
                    if (swallow_clients) return receive_from_clients();
                    auto& flow = flows_[from_];
                    if (!flow) flow = make_flow(from_);
                    boost::system::error_code ignored;
                    const std::size_t passes = cut_to == 0 ? size : std::min(size, cut_to);
                    flow->socket.send_to(boost::asio::buffer(bytes_.data(), passes), server_, 0, ignored);
                }
                receive_from_clients();
            });
    }
    std::shared_ptr<Flow> make_flow(const udp::endpoint& client) {
        auto flow = std::make_shared<Flow>(context_);
        receive_from_server(flow, client);
        return flow;
    }
    void receive_from_server(const std::shared_ptr<Flow>& flow, const udp::endpoint& client) {
        flow->socket.async_receive_from(boost::asio::buffer(flow->bytes), flow->from,
                                        [this, alive = alive_, weak = std::weak_ptr<Flow>(flow), client](
                                            const boost::system::error_code& error, std::size_t size) {
                                            const auto self = weak.lock();
                                            if (!*alive || !self || error == boost::asio::error::operation_aborted)
                                                return;
                                            if (!error && !deaf && !mute_server) {
                                                if (records) from_server.emplace_back(self->bytes.data(), size);
                                                boost::system::error_code ignored;
                                                front_.send_to(boost::asio::buffer(self->bytes.data(), size), client, 0,
                                                               ignored);
                                            }
                                            receive_from_server(self, client);
                                        });
    }

    boost::asio::io_context& context_;
    const udp::endpoint server_;
    udp::socket front_;
    std::array<char, 65536> bytes_{};
    udp::endpoint from_;
    std::map<udp::endpoint, std::shared_ptr<Flow>> flows_;
    udp::endpoint last_rebound_;
    std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

// The same with a thread of its own.
class RelayThread {
public:
    explicit RelayThread(const UdpRelay::udp::endpoint& server)
        : relay_(context_, server), endpoint_(relay_.endpoint()), thread_([this] {
              const auto work = boost::asio::make_work_guard(context_);
              context_.run();
          }) {}
    ~RelayThread() {
        context_.stop();
        thread_.join();
    }
    RelayThread(const RelayThread&) = delete;
    RelayThread& operator=(const RelayThread&) = delete;

    std::string address() const { return "127.0.0.1:" + std::to_string(endpoint_.port()); }
    // Runs `use` on the relay's thread, and waits for it.
    template <typename Use>
    auto with(Use use) {
        std::packaged_task<decltype(use(relay_))()> task([&] { return use(relay_); });
        auto result = task.get_future();
        boost::asio::post(context_, [&task] { task(); });
        return result.get();
    }

private:
    boost::asio::io_context context_{1};
    UdpRelay relay_;
    const UdpRelay::udp::endpoint endpoint_;
    std::thread thread_;
};

}  // namespace flare::test
