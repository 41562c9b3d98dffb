#include "transport/http/kept_connections.hpp"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace flare::transport::http {

KeptConnection::~KeptConnection() {
    if (fd_ >= 0) ::close(fd_);
}

bool KeptConnection::quiet() const noexcept {
    char byte = 0;
    return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

std::optional<KeptConnection> KeptConnections::take() {
    for (;;) {
        std::unique_lock lock(mutex_);
        drop_old();
        if (kept_.empty()) return std::nullopt;
        KeptConnection last = std::move(kept_.back());
        kept_.pop_back();
        lock.unlock();
        if (last.quiet()) return last;
    }
}

void KeptConnections::keep(KeptConnection connection) {
    if (most_ == 0) return;
    const std::lock_guard lock(mutex_);
    drop_old();
    if (kept_.size() == most_) kept_.erase(kept_.begin());
    kept_.push_back(std::move(connection));
}

std::size_t KeptConnections::count() const {
    const std::lock_guard lock(mutex_);
    return kept_.size();
}

void KeptConnections::drop_old() {
    const auto oldest = std::chrono::steady_clock::now() - longest_;
    const auto good = std::find_if(kept_.begin(), kept_.end(), [&](const auto& each) { return each.since() > oldest; });
    kept_.erase(kept_.begin(), good);
}

}  // namespace flare::transport::http
