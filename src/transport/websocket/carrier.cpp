// The Carrier face of a Connection, and its parked form.
#include "transport/websocket/connection.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

namespace flare::transport::websocket {
namespace {

class WebSocketCarrier final : public Carrier {
public:
    explicit WebSocketCarrier(std::shared_ptr<Connection> connection) : connection_(std::move(connection)) {}
    ~WebSocketCarrier() override { connection_->drop(); }
    WebSocketCarrier(const WebSocketCarrier&) = delete;
    WebSocketCarrier& operator=(const WebSocketCarrier&) = delete;

    void set_handler(CarrierHandler* handler) override { connection_->set_handler(handler); }
    bool writable() const override { return connection_->writable(); }
    void send(const wire::Batch& batch) override { connection_->send(batch); }
    void pause_reading(bool paused) override { connection_->pause_reading(paused); }
    void close(errc code, std::string_view text, std::chrono::milliseconds limit) override {
        connection_->close(code, text, limit);
    }
    std::unique_ptr<ParkedCarrier> park() override { return connection_->park(); }
    const CarrierInfo& info() const override { return connection_->info(); }
    const CarrierStats& stats() const override { return connection_->stats(); }
    std::size_t held_bytes() const noexcept override { return connection_->held_bytes(); }
    PathFigures path() const override { return connection_->path(); }

private:
    std::shared_ptr<Connection> connection_;
};

// Everything of a connection, bound to no event loop.
class ParkedConnection final : public ParkedCarrier {
public:
    ParkedConnection(int fd, std::unique_ptr<tls::Session> tls, ConnectionParts parts)
        : fd_(fd), tls_(std::move(tls)), parts_(std::move(parts)) {}
    ~ParkedConnection() override {
        if (fd_ >= 0) ::close(fd_);
    }
    ParkedConnection(const ParkedConnection&) = delete;
    ParkedConnection& operator=(const ParkedConnection&) = delete;

    std::unique_ptr<Carrier> resume(boost::asio::io_context& context) && override {
        tcp::Socket socket{PolledSocket(Poller::of(context), std::exchange(fd_, -1)), std::move(tls_)};
        auto connection = std::make_shared<Connection>(std::move(socket), std::move(parts_));
        connection->start();
        return std::make_unique<WebSocketCarrier>(std::move(connection));
    }

private:
    int fd_;
    std::unique_ptr<tls::Session> tls_;
    ConnectionParts parts_;
};

}  // namespace

std::unique_ptr<ParkedCarrier> Connection::park() {
    flush_written();
    if (state_ != State::open || !queue_.empty() || !pongs_.empty() || broken_) return nullptr;
    const int fd = socket_.tcp.release();
    ConnectionParts parts{parser_.detach(),
                          framer_.role(),
                          read_bytes_per_turn_,
                          max_batch_bytes_,
                          info_,
                          stats_,
                          backlog_.bytes.substr(backlog_.used)};
    parts.unread.append(rest_.data(), rest_.size());
    auto parked = std::make_unique<ParkedConnection>(fd, std::move(socket_.tls), std::move(parts));
    rest_ = {};
    drop();
    return parked;
}

std::unique_ptr<Carrier> start_connection(tcp::Socket socket, Role role, const Options& options, CarrierInfo info,
                                          std::string unread, bool deflate) {
    const Accept accept = info.format == WireFormat::json ? Accept::text : Accept::binary;
    CarrierStats stats;
    stats.bytes_in = unread.size();
    ConnectionParts parts{Parser(role, accept, std::min(options.max_batch_bytes, options.max_first_batch_bytes)),
                          role,
                          options.read_bytes_per_turn,
                          options.max_batch_bytes,
                          std::move(info),
                          stats,
                          std::move(unread)};
    if (deflate) parts.parser.allow_compressed();
    auto connection = std::make_shared<Connection>(std::move(socket), std::move(parts));
    connection->start();
    return std::make_unique<WebSocketCarrier>(std::move(connection));
}

}  // namespace flare::transport::websocket
