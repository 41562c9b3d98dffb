// A client's endpoint: one socket, one connection.
#include "transport/quic/carrier.hpp"
#include "transport/quic/examine.hpp"
#include "transport/quic/quic.hpp"

#include "transport/websocket/address.hpp"

#include <boost/asio/post.hpp>

namespace flare::transport::quic {
namespace {

using Done = std::function<void(std::unique_ptr<Carrier>, ConnectError)>;

std::string text_of(const boost::asio::ip::udp::endpoint& endpoint) {
    return websocket::endpoint_text({endpoint.address(), endpoint.port()});
}

class ClientEndpoint final : public Endpoint {
public:
    ClientEndpoint(boost::asio::io_context& context, ConnectTarget target, std::shared_ptr<ClientContext> keys,
                   Options options, OnCertificates on_certificates, Done done)
        : Endpoint(context, options),
          target_(std::move(target)),
          keys_(std::move(keys)),
          on_certificates_(std::move(on_certificates)),
          done_(std::move(done)) {}

    void start() {
        if (const int error = socket_.connect(target_.endpoint); error != 0) {
            const errc code = websocket::connect_errc(error);
            return fail_later(code, std::string(explain(code)));
        }
        watch();
        connection_ = &add(std::make_unique<Connection>(*this, false));
        const Address remote = Address::of(target_.endpoint);
        Connection::Departure departure;
        departure.server_name = target_.server_name;
        departure.ticket_name = target_.server_name + ":" + std::to_string(target_.endpoint.port());
        departure.home_worker = target_.home_worker;
        if (options().tickets) ticket_ = keys_->keys().tickets.take(departure.ticket_name);
        departure.ticket = ticket_;
        ticket_name_ = departure.ticket_name;
        if (!connection_->connect(*keys_, departure, socket_.local(), remote, now()))
            return fail_later(errc::tls_failed, "the TLS session cannot be made");
        if (target_.first_flight && connection_->can_send_early()) {
            wire::Batch batch;
            target_.first_flight(batch);
            if (!batch.empty()) connection_->send(batch);
        }
        touch(*connection_);
    }
    void cancel_if_pending() {
        if (!done_) return;
        done_ = nullptr;
        give_ticket_back();
        shut();
    }
    Result<void> migrate(const boost::asio::ip::address& from) {
        if (connection_ == nullptr || connection_->has_ended() || !connection_->is_handshaken())
            return errc::not_connected;
        UdpSocket fresh;
        if (const int error = fresh.connect(target_.endpoint, from); error != 0)
            return error == EADDRNOTAVAIL ? errc::address_unavailable : errc::network_unreachable;
        const Address local = fresh.local();
        replace_socket(std::move(fresh));
        return connection_->socket_changed(local, now()) ? Result<void>() : errc::not_connected;
    }

private:
    // A packet for no id that we have: it may be a stateless reset (RFC 9000 section 10.3.1).
    void stray(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) override {
        if (connection_ == nullptr || ids.version != 0 || connection_->has_ended()) return;
        connection_->packet(packet.bytes, *packet.to, *packet.from, now());
        touch(*connection_);
    }
    void handshaken(Connection& connection) override {
        connection.reported = true;
        if (!done_) return connection.abandon();
        show_certificates(connection);
        const Done done = std::move(done_);
        done_ = nullptr;
        ConnectError none;
        none.times.secure = std::chrono::steady_clock::now() - began_;
        done(std::make_unique<QuicCarrier>(shared_from_this(), connection), std::move(none));
    }
    void ended(Connection& connection) override {
        if (connection.reported) return;
        connection.reported = true;
        if (done_) show_certificates(connection);
        const CloseReason& reason = connection.end();
        const bool silent = reason.code == errc::connect_timeout && !connection.has_heard();
        tell_failure(reason.code == errc::ok ? errc::closed_by_peer : reason.code,
                     reason.text + (silent ? "; is UDP blocked on the way?" : ""));
    }
    void socket_failed(int error) override {
        if (connection_ == nullptr) return;
        connection_->socket_failed(error);
        touch(*connection_);
    }
    void show_certificates(const Connection& connection) {
        if (!on_certificates_) return;
        const auto shown = connection.peer_certificates();
        if (!shown.empty()) on_certificates_(shown);
    }
    // No packet of the server has come: it is as good as new.
    void give_ticket_back() {
        if (!ticket_ || connection_ == nullptr || connection_->has_heard()) return;
        keys_->keys().tickets.keep(ticket_name_, std::move(*ticket_));
        ticket_.reset();
    }
    void tell_failure(errc code, const std::string& text) {
        if (!done_) return;
        give_ticket_back();
        const Done done = std::move(done_);
        done_ = nullptr;
        done(nullptr, {code, text_of(target_.endpoint) + ": " + text, {}});
    }
    void fail_later(errc code, std::string text) {
        boost::asio::post(context(), [weak = weak_from_this(), code, text = std::move(text)] {
            const auto self = weak.lock();
            if (self) static_cast<ClientEndpoint&>(*self).tell_failure(code, text);
        });
    }

    const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
    const ConnectTarget target_;
    std::shared_ptr<ClientContext> keys_;
    const OnCertificates on_certificates_;  // may be empty
    Done done_;
    Connection* connection_ = nullptr;
    std::string ticket_name_;
    std::optional<Ticket> ticket_;
};

class Attempt final : public ConnectAttempt {
public:
    explicit Attempt(std::shared_ptr<ClientEndpoint> endpoint) : endpoint_(std::move(endpoint)) {}
    ~Attempt() override { endpoint_->cancel_if_pending(); }

private:
    std::shared_ptr<ClientEndpoint> endpoint_;
};

}  // namespace

std::unique_ptr<ConnectAttempt> connect(boost::asio::io_context& context, ConnectTarget target,
                                        std::shared_ptr<ClientContext> keys, Options options,
                                        std::function<void(std::unique_ptr<Carrier>, ConnectError)> done) {
    return connect_examined(context, std::move(target), std::move(keys), std::move(options), {}, std::move(done));
}

std::unique_ptr<ConnectAttempt> connect_examined(boost::asio::io_context& context, ConnectTarget target,
                                                 std::shared_ptr<ClientContext> keys, Options options,
                                                 OnCertificates on_certificates,
                                                 std::function<void(std::unique_ptr<Carrier>, ConnectError)> done) {
    auto endpoint = std::make_shared<ClientEndpoint>(context, std::move(target), std::move(keys), std::move(options),
                                                     std::move(on_certificates), std::move(done));
    endpoint->start();
    return std::make_unique<Attempt>(std::move(endpoint));
}

Result<void> migrate(Carrier& carrier, const boost::asio::ip::address& from) {
    auto* const quic = dynamic_cast<QuicCarrier*>(&carrier.bare());
    auto* const endpoint = quic == nullptr ? nullptr : dynamic_cast<ClientEndpoint*>(&quic->endpoint());
    return endpoint == nullptr ? Result<void>(errc::protocol_unavailable) : endpoint->migrate(from);
}

}  // namespace flare::transport::quic
