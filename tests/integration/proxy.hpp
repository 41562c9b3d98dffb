// A TCP proxy on a thread of its own that does to connections what bad networks do.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <future>
#include <list>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace flare::test {

class Proxy {
    using Tcp = boost::asio::ip::tcp;

public:
    // `target`: "127.0.0.1:4000".
    explicit Proxy(const std::string& target)
        : target_(boost::asio::ip::make_address(target.substr(0, target.rfind(':'))),
                  static_cast<std::uint16_t>(std::stoi(target.substr(target.rfind(':') + 1)))),
          acceptor_(context_, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0)) {
        accept();
        thread_ = std::thread([this] { context_.run(); });
    }
    ~Proxy() {
        context_.stop();
        thread_.join();
    }
    Proxy(const Proxy&) = delete;
    Proxy& operator=(const Proxy&) = delete;

    std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

    // Every connection is reset (RST) when this many more bytes have passed in either direction.
    void reset_after(std::size_t bytes) {
        on_thread([this, bytes] { bytes_left_ = bytes; });
    }
    // The connections of now stay open and carry nothing any more; later ones work.
    void stall() {
        on_thread([this] {
            for (const auto& pair : pairs_) pair->stalled = true;
        });
    }
    // The connections of now carry nothing until let_go(); what was read by then is not lost.
    void hold() {
        on_thread([this] {
            for (const auto& pair : pairs_) pair->held = true;
        });
    }
    void let_go() {
        on_thread([this] {
            for (const auto& pair : pairs_) {
                pair->held = false;
                for (const auto& go_on : std::exchange(pair->waiting, {})) go_on();
            }
        });
    }
    void reset() {
        on_thread([this] { reset_all(); });
    }
    // New connections are accepted and carry nothing.
    void swallow_new(bool on) {
        on_thread([this, on] { swallow_ = on; });
    }
    // New connections are answered once, and then carry nothing.
    void answer_new_once() {
        on_thread([this] { once_ = true; });
    }
    // What is read waits so long before it is written.
    void slow_down(std::chrono::milliseconds delay) {
        on_thread([this, delay] { delay_ = delay; });
    }
    // From now on, what clients say (or servers, to clients) is kept.
    void listen_in() {
        on_thread([this] { listens_ = true; });
    }
    std::string heard(bool from_clients) {
        std::string bytes;
        on_thread([&] { bytes = from_clients ? heard_up_ : heard_down_; });
        return bytes;
    }
    // A bit of the byte behind this many more of that direction is flipped, once.
    void flip_after(bool from_clients, std::size_t bytes) {
        on_thread([&] { (from_clients ? flip_up_ : flip_down_) = bytes; });
    }
    int flips() const { return flips_; }
    int accepted() const { return accepted_; }
    int resets() const { return resets_; }

private:
    struct Pair {
        explicit Pair(boost::asio::io_context& context) : client(context), server(context) {}
        Tcp::socket client;
        Tcp::socket server;
        std::array<char, 16384> up{};
        std::array<char, 16384> down{};
        bool stalled = false;
        bool once = false;
        bool gone = false;
        bool held = false;
        std::vector<std::function<void()>> waiting;
    };

    template <typename Task>
    void on_thread(Task task) {
        std::promise<void> done;
        boost::asio::post(context_, [&] {
            task();
            done.set_value();
        });
        done.get_future().wait();
    }

    void accept() {
        auto pair = std::make_shared<Pair>(context_);
        acceptor_.async_accept(pair->client, [this, pair](const boost::system::error_code& error) {
            if (error) return;
            ++accepted_;
            boost::system::error_code ignored;
            pair->client.set_option(Tcp::no_delay(true), ignored);
            pairs_.push_back(pair);
            pair->stalled = swallow_;
            pair->once = once_;
            pair->server.connect(target_, ignored);
            pair->server.set_option(Tcp::no_delay(true), ignored);
            if (ignored) {
                drop(*pair, false);
            } else {
                pump(pair, pair->client, pair->server, pair->up);
                pump(pair, pair->server, pair->client, pair->down);
            }
            accept();
        });
    }

    void pump(const std::shared_ptr<Pair>& pair, Tcp::socket& from, Tcp::socket& to, std::array<char, 16384>& block) {
        from.async_read_some(boost::asio::buffer(block), [this, pair, &from, &to, &block](
                                                             const boost::system::error_code& error, std::size_t got) {
            if (pair->gone || pair->stalled) return;  // a stalled connection keeps its sockets open
            if (error) return drop(*pair, false);
            if (pair->held) {
                pair->waiting.emplace_back([this, pair, &from, &to, &block, got] {
                    if (!pair->gone) pass_on(pair, from, to, block, got);
                });
                return;
            }
            if (bytes_left_ <= got) {
                bytes_left_ = SIZE_MAX;
                return reset_all();
            }
            if (bytes_left_ != SIZE_MAX) bytes_left_ -= got;
            const bool up = &from == &pair->client;
            if (listens_) (up ? heard_up_ : heard_down_).append(block.data(), got);
            flip(up ? flip_up_ : flip_down_, block.data(), got);
            if (delay_.count() == 0) return pass_on(pair, from, to, block, got);
            auto timer = std::make_shared<boost::asio::steady_timer>(context_, delay_);
            timer->async_wait([this, timer, pair, &from, &to, &block, got](const boost::system::error_code&) {
                if (!pair->gone) pass_on(pair, from, to, block, got);
            });
        });
    }

    void pass_on(const std::shared_ptr<Pair>& pair, Tcp::socket& from, Tcp::socket& to, std::array<char, 16384>& block,
                 std::size_t size) {
        boost::asio::async_write(to, boost::asio::buffer(block.data(), size),
                                 [this, pair, &from, &to, &block](const boost::system::error_code& failed, auto) {
                                     if (pair->gone) return;
                                     if (failed) return drop(*pair, false);
                                     if (pair->once && &from == &pair->server) pair->stalled = true;
                                     pump(pair, from, to, block);
                                 });
    }

    void flip(std::size_t& after, char* bytes, std::size_t count) {
        if (after == SIZE_MAX) return;
        if (after >= count) {
            after -= count;
            return;
        }
        bytes[after] = static_cast<char>(bytes[after] ^ 4);
        after = SIZE_MAX;
        ++flips_;
    }

    void reset_all() {
        for (const auto& pair : pairs_) {
            if (!pair->gone && !pair->stalled) drop(*pair, true);
        }
        ++resets_;
    }

    static void drop(Pair& pair, bool reset) {
        pair.gone = true;
        boost::system::error_code ignored;
        for (Tcp::socket* socket : {&pair.client, &pair.server}) {
            if (reset) socket->set_option(boost::asio::socket_base::linger(true, 0), ignored);
            socket->close(ignored);
        }
    }

    boost::asio::io_context context_{1};
    const Tcp::endpoint target_;
    Tcp::acceptor acceptor_;
    std::list<std::shared_ptr<Pair>> pairs_;
    std::size_t bytes_left_ = SIZE_MAX;
    bool swallow_ = false;
    bool once_ = false;
    std::chrono::milliseconds delay_{0};
    bool listens_ = false;
    std::string heard_up_;
    std::string heard_down_;
    std::size_t flip_up_ = SIZE_MAX;
    std::size_t flip_down_ = SIZE_MAX;
    std::atomic<int> flips_{0};
    std::atomic<int> accepted_{0};
    std::atomic<int> resets_{0};
    std::thread thread_;
};

}  // namespace flare::test
