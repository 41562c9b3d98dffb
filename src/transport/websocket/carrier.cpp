// The Carrier face of a Connection, and its parked form.
#include "transport/websocket/connection.hpp"

#include <unistd.h>

#include <cerrno>
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

private:
    std::shared_ptr<Connection> connection_;
};

// Everything of a connection that is not bound to an event loop.
class ParkedConnection final : public ParkedCarrier {
public:
    ParkedConnection(int fd, boost::asio::ip::tcp protocol, std::unique_ptr<tls::Session> tls, Parser parser, Role role,
                     std::size_t read_bytes_per_turn, CarrierInfo info, CarrierStats stats, std::string unread)
        : fd_(fd),
          protocol_(protocol),
          tls_(std::move(tls)),
          parser_(std::move(parser)),
          role_(role),
          read_bytes_per_turn_(read_bytes_per_turn),
          info_(std::move(info)),
          stats_(stats),
          unread_(std::move(unread)) {}
    ~ParkedConnection() override {
        if (fd_ >= 0) ::close(fd_);
    }
    ParkedConnection(const ParkedConnection&) = delete;
    ParkedConnection& operator=(const ParkedConnection&) = delete;

    std::unique_ptr<Carrier> resume(boost::asio::io_context& context) && override {
        TcpSocket tcp(context.get_executor());
        boost::system::error_code error;
        tcp.assign(protocol_, fd_, error);
        if (!error) fd_ = -1;
        stats_.bytes_in -= unread_.size();  // counted again by the connection that parses it
        auto connection = std::make_shared<Connection>(ConnectionStart{Socket{std::move(tcp), std::move(tls_)},
                                                                       std::move(parser_), role_, read_bytes_per_turn_,
                                                                       std::move(info_), stats_, std::move(unread_)});
        if (error) {
            connection->break_off(error.value());
        } else {
            connection->start();
        }
        return std::make_unique<WebSocketCarrier>(std::move(connection));
    }

private:
    int fd_;
    boost::asio::ip::tcp protocol_;
    std::unique_ptr<tls::Session> tls_;
    Parser parser_;
    Role role_;
    std::size_t read_bytes_per_turn_;
    CarrierInfo info_;
    CarrierStats stats_;
    std::string unread_;
};

}  // namespace

std::unique_ptr<ParkedCarrier> Connection::park() {
    if (state_ != State::open || !queue_.empty() || !pongs_.empty() || broken_) return nullptr;
    boost::system::error_code error;
    const auto endpoint = socket_.tcp.local_endpoint(error);
    if (error) return nullptr;
    const int fd = socket_.tcp.release(error);
    if (error) return nullptr;
    std::string unread = backlog_.bytes.substr(backlog_.used);
    unread.append(rest_.data(), rest_.size());
    auto parked = std::make_unique<ParkedConnection>(fd, endpoint.protocol(), std::move(socket_.tls), parser_.detach(),
                                                     role_, read_bytes_per_turn_, info_, stats_, std::move(unread));
    rest_ = {};
    drop();
    return parked;
}

std::unique_ptr<Carrier> start_connection(ConnectionStart start) {
    auto connection = std::make_shared<Connection>(std::move(start));
    connection->start();
    return std::make_unique<WebSocketCarrier>(std::move(connection));
}

}  // namespace flare::transport::websocket
