// A small HTTP server of the operator's: it answers each request with the bytes that the test gives, over TCP or TLS.
#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

#include <sys/socket.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace flare::test {

inline std::string http_answer(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) +
           " x\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpServer {
    using Tcp = boost::asio::ip::tcp;

public:
    // Called on a thread of each connection, with the whole request. It may wait. Empty: closes without an answer.
    using Answer = std::function<std::string(const std::string& request)>;

    // Files: PEM; empty: no TLS. port 0: a free one.
    explicit HttpServer(Answer answer, const std::string& certificate_file = {}, const std::string& key_file = {},
                        std::uint16_t port = 0)
        : answer_(std::move(answer)),
          acceptor_(context_, Tcp::endpoint(boost::asio::ip::address_v4::loopback(), port)) {
        if (!certificate_file.empty()) {
            tls_ = std::make_unique<boost::asio::ssl::context>(boost::asio::ssl::context::tls_server);
            tls_->use_certificate_chain_file(certificate_file);
            tls_->use_private_key_file(key_file, boost::asio::ssl::context::pem);
        }
        accepting_ = std::thread([this] { accept(); });
    }
    ~HttpServer() {
        release();
        stopping_ = true;
        ::shutdown(acceptor_.native_handle(), SHUT_RDWR);  // accept() returns
        accepting_.join();
        {
            const std::lock_guard lock(mutex_);
            for (Tcp::socket& socket : sockets_) ::shutdown(socket.native_handle(), SHUT_RDWR);
        }
        for (std::thread& thread : threads_) thread.join();
    }
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    // How many requests a connection serves before it is closed; 1 unless it is told, before the first request comes.
    void keep_connections(std::size_t requests = 1'000'000) { requests_per_connection_ = requests; }
    // That have been accepted.
    std::size_t connections() {
        const std::lock_guard lock(mutex_);
        return sockets_.size();
    }

    std::uint16_t port() const { return acceptor_.local_endpoint().port(); }
    std::string url(const std::string& host = "127.0.0.1") const {
        return (tls_ ? "https://" : "http://") + host + ":" + std::to_string(port()) + "/auth";
    }
    std::vector<std::string> requests() {
        const std::lock_guard lock(mutex_);
        return requests_;
    }
    // For answers that wait: until so many requests have come; until release().
    bool wait_for_requests(std::size_t count) {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(lock, std::chrono::seconds(30), [&] { return requests_.size() >= count; });
    }
    void hold() {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return released_; });
    }
    void release() {
        const std::lock_guard lock(mutex_);
        released_ = true;
        changed_.notify_all();
    }

private:
    void accept() {
        for (;;) {
            boost::system::error_code error;
            Tcp::socket socket = acceptor_.accept(error);
            if (stopping_) return;
            if (error) continue;
            const std::lock_guard lock(mutex_);
            sockets_.push_back(std::move(socket));
            threads_.emplace_back([this, &taken = sockets_.back()] { serve(taken); });
        }
    }
    void serve(Tcp::socket& socket) {
        boost::system::error_code error;
        if (!tls_) {
            talk(socket);
        } else {
            boost::asio::ssl::stream<Tcp::socket&> stream(socket, *tls_);
            stream.handshake(boost::asio::ssl::stream_base::server, error);
            if (!error) talk(stream);
            if (!error) stream.shutdown(error);
        }
        socket.shutdown(Tcp::socket::shutdown_both, error);
    }
    template <typename Stream>
    void talk(Stream& stream) {
        for (std::size_t i = 0; i < requests_per_connection_; ++i) {
            if (!answer_one(stream)) return;
        }
    }
    // False: this connection serves no more.
    template <typename Stream>
    bool answer_one(Stream& stream) {
        boost::system::error_code error;
        std::string request;
        std::array<char, 4096> block{};
        while (!complete(request) && !error) {
            const std::size_t got = stream.read_some(boost::asio::buffer(block), error);
            request.append(block.data(), got);
        }
        if (error) return false;
        {
            const std::lock_guard lock(mutex_);
            requests_.push_back(request);
            changed_.notify_all();
        }
        const std::string answer = answer_(request);
        if (!answer.empty()) boost::asio::write(stream, boost::asio::buffer(answer), error);
        return !answer.empty() && !error;
    }
    static bool complete(const std::string& request) {
        const std::size_t end = request.find("\r\n\r\n");
        if (end == request.npos) return false;
        if (request.starts_with("GET ")) return true;
        const std::string name = "Content-Length: ";
        const std::size_t length = request.find(name);
        return length != request.npos &&
               request.size() - end - 4 >= std::strtoul(request.c_str() + length + name.size(), nullptr, 10);
    }

    Answer answer_;
    std::unique_ptr<boost::asio::ssl::context> tls_;
    boost::asio::io_context context_;
    Tcp::acceptor acceptor_;
    std::atomic<std::size_t> requests_per_connection_{1};
    std::atomic<bool> stopping_{false};
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<std::string> requests_;
    bool released_ = false;
    std::list<Tcp::socket> sockets_;
    std::vector<std::thread> threads_;
    std::thread accepting_;
};

}  // namespace flare::test
