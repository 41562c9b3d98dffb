// Connections to one server that have nothing to do, kept for the next request.
//
// A connection is a descriptor and its TLS state and belongs to no event loop while it is here: whichever loop asks
// next takes it on. What has been here too long is closed when the next one comes or goes; the server most likely has
// closed it by then.
//
// Threads: any; a lock is held for a few moves, and for no system call but close().
// Owner:   http::Client.
#pragma once

#include "transport/tls/session.hpp"

#include <chrono>
#include <cstddef>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace flare::transport::http {

class KeptConnection {
public:
    KeptConnection(int fd, bool v6, std::unique_ptr<tls::Session> tls)
        : fd_(fd), v6_(v6), tls_(std::move(tls)), since_(std::chrono::steady_clock::now()) {}
    KeptConnection(KeptConnection&& other) noexcept
        : fd_(std::exchange(other.fd_, -1)), v6_(other.v6_), tls_(std::move(other.tls_)), since_(other.since_) {}
    KeptConnection& operator=(KeptConnection&& other) noexcept {
        std::swap(fd_, other.fd_);
        std::swap(v6_, other.v6_);
        std::swap(tls_, other.tls_);
        std::swap(since_, other.since_);
        return *this;
    }
    ~KeptConnection();

    // Nothing has come: neither its end nor an answer that nobody has asked for.
    bool quiet() const noexcept;
    bool v6() const noexcept { return v6_; }
    std::chrono::steady_clock::time_point since() const noexcept { return since_; }
    int release() noexcept { return std::exchange(fd_, -1); }
    std::unique_ptr<tls::Session> take_tls() { return std::move(tls_); }

private:
    int fd_;
    bool v6_;
    std::unique_ptr<tls::Session> tls_;  // null: plain
    std::chrono::steady_clock::time_point since_;
};

class KeptConnections {
public:
    // most: how many are kept; beyond it the oldest is closed. `longest`: how long one is good for.
    KeptConnections(std::size_t most, std::chrono::milliseconds longest) : most_(most), longest_(longest) {}

    // The one that was used last and is open still, as far as this side can see.
    std::optional<KeptConnection> take();
    void keep(KeptConnection connection);
    std::size_t count() const;

private:
    void drop_old();

    const std::size_t most_;
    const std::chrono::milliseconds longest_;
    mutable std::mutex mutex_;
    std::vector<KeptConnection> kept_;  // guarded by mutex_; in the order in which they came
};

}  // namespace flare::transport::http
