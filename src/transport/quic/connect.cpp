// A client's endpoint: one socket, connected to one server, with one connection or with those that share it.
#include "transport/quic/carrier.hpp"
#include "transport/quic/examine.hpp"
#include "transport/quic/quic.hpp"

#include "transport/address.hpp"

#include <boost/asio/post.hpp>

#include <utility>

namespace flare::transport::quic {
namespace asio = boost::asio;

namespace {

using Done = std::function<void(std::unique_ptr<Carrier>, ConnectError)>;

// More would overflow the socket's buffer when all hear something at once.
constexpr std::size_t kConnectionsPerSocket = 256;

std::string text_of(const asio::ip::udp::endpoint& endpoint) {
    return endpoint_text({endpoint.address(), endpoint.port()});
}

// One connect(), until its outcome is told.
struct Dial {
    Dial(ConnectTarget where, std::shared_ptr<ClientContext> with, OnCertificates shown, Done told)
        : target(std::move(where)), keys(std::move(with)), on_certificates(std::move(shown)), done(std::move(told)) {}

    const ConnectTarget target;
    const std::shared_ptr<ClientContext> keys;
    const OnCertificates on_certificates;  // may be empty
    Done done;                             // empty: told, or nobody asks any more
    const std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
    const std::string ticket_name = target.server_name + ":" + std::to_string(target.endpoint.port());
    std::optional<Ticket> ticket;
    Connection* connection = nullptr;

    // No packet of the server has come: its ticket is as good as new.
    void give_ticket_back() {
        if (!ticket || connection == nullptr || connection->has_heard()) return;
        keys->keys().tickets.keep(ticket_name, std::move(*ticket));
        ticket.reset();
    }
    void show_certificates() const {
        if (!on_certificates) return;
        const auto shown = connection->peer_certificates();
        if (!shown.empty()) on_certificates(shown);
    }
    void failed(errc code, const std::string& text) {
        if (!done) return;
        give_ticket_back();
        std::exchange(done, nullptr)(nullptr, {code, text_of(target.endpoint) + ": " + text, {}});
    }
};

void fail_later(asio::io_context& context, const std::shared_ptr<Dial>& dial, errc code, std::string text) {
    asio::post(context, [weak = std::weak_ptr(dial), code, text = std::move(text)] {
        if (const auto asked = weak.lock()) asked->failed(code, text);
    });
}

class ClientEndpoint final : public Endpoint {
public:
    ClientEndpoint(asio::io_context& context, const Options& options, const asio::ip::udp::endpoint& remote)
        : Endpoint(context, options), remote_(remote) {}

    int open() {
        const int error = socket_.connect(remote_);
        if (error == 0) watch();
        return error;
    }
    bool takes(const asio::ip::udp::endpoint& remote, const Options& wanted) const {
        return remote == remote_ && wanted == options() && connections() < kConnectionsPerSocket;
    }

    void dial(const std::shared_ptr<Dial>& dial) {
        Connection& connection = add(std::make_unique<Connection>(*this, false));
        dial->connection = &connection;
        Connection::Departure departure;
        departure.server_name = dial->target.server_name;
        departure.ticket_name = dial->ticket_name;
        departure.place = dial->target.place;
        if (options().tickets) dial->ticket = dial->keys->keys().tickets.take(dial->ticket_name);
        departure.ticket = dial->ticket;
        if (!connection.connect(*dial->keys, departure, socket_.local(), Address::of(remote_), now())) {
            dial->connection = nullptr;
            forget(connection);
            return fail_later(context(), dial, errc::tls_failed, "the TLS session cannot be made");
        }
        dials_.emplace(&connection, dial);
        if (dial->target.first_flight && connection.can_send_early()) {
            wire::Batch batch;
            dial->target.first_flight(batch);
            if (!batch.empty()) connection.send(batch);
        }
        touch(connection);
    }

    void cancel(Dial& dial) {
        if (!dial.done) return;
        dial.done = nullptr;
        if (dial.connection == nullptr) return;
        dial.give_ticket_back();
        dial.connection->reported = true;
        dial.connection->abandon();
        dials_.erase(dial.connection);
    }

    Result<void> migrate(Connection& connection, const asio::ip::address& from) {
        if (connection.has_ended() || !connection.is_handshaken()) return errc::not_connected;
        // All that share the socket ask when this machine's addresses change: the first has moved the others along.
        if (moved_in_this_turn_ && from.is_unspecified()) return {};
        UdpSocket fresh;
        if (const int error = fresh.connect(remote_, from); error != 0)
            return error == EADDRNOTAVAIL ? errc::address_unavailable : errc::network_unreachable;
        const Address local = fresh.local();
        replace_socket(std::move(fresh));
        moved_in_this_turn_ = true;
        asio::post(context(), [weak = weak_from_this()] {
            if (const auto self = weak.lock()) static_cast<ClientEndpoint&>(*self).moved_in_this_turn_ = false;
        });
        bool moved = false;
        for_each([&](Connection& each) {
            const bool goes_on = each.socket_changed(local, now());
            if (&each == &connection) moved = goes_on;
            if (!goes_on) fail(each, ENETUNREACH);  // a handshake cannot move (RFC 9000 section 9)
        });
        return moved ? Result<void>() : errc::not_connected;
    }

private:
    // A packet for no id that we have: it may be a stateless reset (RFC 9000 section 10.3.1).
    void stray(const UdpSocket::Packet& packet, const ngtcp2_version_cid& ids) override {
        if (ids.version != 0) return;
        for_each([&](Connection& connection) {
            if (connection.has_ended() || !connection.is_reset(packet.bytes)) return;
            connection.packet(packet.bytes, *packet.to, *packet.from, now());
            touch(connection);
        });
    }
    void handshaken(Connection& connection) override {
        connection.reported = true;
        const auto dial = taken(connection);
        if (!dial || !dial->done) return connection.abandon();
        dial->show_certificates();
        ConnectError none;
        none.times.secure = std::chrono::steady_clock::now() - dial->began;
        std::exchange(dial->done, nullptr)(std::make_unique<QuicCarrier>(shared_from_this(), connection),
                                           std::move(none));
    }
    void ended(Connection& connection) override {
        if (connection.reported) return;
        connection.reported = true;
        const auto dial = taken(connection);
        if (!dial) return;
        if (dial->done) dial->show_certificates();
        const CloseReason& reason = connection.end();
        const bool silent = reason.code == errc::connect_timeout && !connection.has_heard();
        dial->failed(reason.code == errc::ok ? errc::closed_by_peer : reason.code,
                     reason.text + (silent ? "; is UDP blocked on the path?" : ""));
    }
    void socket_failed(int error) override {
        for_each([&](Connection& each) { fail(each, error); });
    }
    void fail(Connection& connection, int error) {
        connection.socket_failed(error);
        touch(connection);
    }
    std::shared_ptr<Dial> taken(Connection& connection) {
        const auto found = dials_.find(&connection);
        if (found == dials_.end()) return nullptr;
        const auto dial = std::move(found->second);
        dials_.erase(found);
        return dial;
    }

    const asio::ip::udp::endpoint remote_;
    boost::unordered_flat_map<Connection*, std::shared_ptr<Dial>> dials_;  // no carrier yet
    bool moved_in_this_turn_ = false;
};

// The sockets of one io_context that are shared.
class SharedSockets final : public asio::io_context::service {
public:
    static inline asio::io_context::id id;
    explicit SharedSockets(asio::io_context& context) : service(context), context_(context) {}

    // Null: `error` is an errno.
    std::shared_ptr<ClientEndpoint> to(const asio::ip::udp::endpoint& remote, const Options& options, int& error) {
        std::erase_if(open_, [](const auto& each) { return each.expired(); });
        for (const auto& each : open_) {
            if (auto found = each.lock(); found && found->takes(remote, options)) return found;
        }
        auto made = std::make_shared<ClientEndpoint>(context_, options, remote);
        error = made->open();
        if (error != 0) return nullptr;
        open_.push_back(made);
        return made;
    }

private:
    void shutdown() noexcept override {}

    asio::io_context& context_;
    std::vector<std::weak_ptr<ClientEndpoint>> open_;
};

class Attempt final : public ConnectAttempt {
public:
    Attempt(std::shared_ptr<ClientEndpoint> endpoint, std::shared_ptr<Dial> dial)
        : endpoint_(std::move(endpoint)), dial_(std::move(dial)) {}
    ~Attempt() override {
        if (endpoint_) endpoint_->cancel(*dial_);
    }

private:
    std::shared_ptr<ClientEndpoint> endpoint_;  // null: there is no socket
    std::shared_ptr<Dial> dial_;
};

}  // namespace

std::unique_ptr<ConnectAttempt> connect(asio::io_context& context, ConnectTarget target,
                                        std::shared_ptr<ClientContext> keys, Options options,
                                        std::function<void(std::unique_ptr<Carrier>, ConnectError)> done) {
    return connect_examined(context, std::move(target), std::move(keys), std::move(options), {}, std::move(done));
}

std::unique_ptr<ConnectAttempt> connect_examined(asio::io_context& context, ConnectTarget target,
                                                 std::shared_ptr<ClientContext> keys, Options options,
                                                 OnCertificates on_certificates,
                                                 std::function<void(std::unique_ptr<Carrier>, ConnectError)> done) {
    auto dial = std::make_shared<Dial>(std::move(target), std::move(keys), std::move(on_certificates), std::move(done));
    int error = 0;
    std::shared_ptr<ClientEndpoint> endpoint;
    if (dial->target.share_socket) {
        endpoint = asio::use_service<SharedSockets>(context).to(dial->target.endpoint, options, error);
    } else {
        endpoint = std::make_shared<ClientEndpoint>(context, options, dial->target.endpoint);
        error = endpoint->open();
    }
    if (error == 0) {
        endpoint->dial(dial);
    } else {
        const errc code = connect_errc(error);
        fail_later(context, dial, code, std::string(explain(code)));
        endpoint.reset();
    }
    return std::make_unique<Attempt>(std::move(endpoint), std::move(dial));
}

Result<void> migrate(Carrier& carrier, const asio::ip::address& from) {
    auto* const quic = dynamic_cast<QuicCarrier*>(&carrier.bare());
    auto* const endpoint = quic == nullptr ? nullptr : dynamic_cast<ClientEndpoint*>(&quic->endpoint());
    if (endpoint == nullptr) return errc::protocol_unavailable;
    return quic->connection() == nullptr ? Result<void>(errc::not_connected)
                                         : endpoint->migrate(*quic->connection(), from);
}

}  // namespace flare::transport::quic
