#include "contract/carrier_kind.hpp"

#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "transport/memory/memory.hpp"
#include "transport/quic/quic.hpp"
#include "transport/sealed/sealed.hpp"
#include "transport/websocket/websocket.hpp"

#include <stdexcept>
#include <utility>

namespace flare::transport::test {
namespace {

class MemoryFactory final : public CarrierFactory {
public:
    explicit MemoryFactory(boost::asio::io_context& context) : context_(context) {}
    CarrierPair make() override {
        auto [first, second] = memory::make_pair(context_);
        return {std::move(first), std::move(second)};
    }

private:
    boost::asio::io_context& context_;
};

// One key pair for the whole run.
struct TestTls {
    flare::test::Certificates files;
    std::shared_ptr<tls::ServerContext> server;
    std::shared_ptr<tls::ClientContext> client;

    TestTls() {
        const auto authority = files.authority();
        const auto identity = files.make("server", {"localhost"}, &authority);
        server = tls::ServerContext::load({identity.certificate_file, identity.key_file, "", false}, nullptr).value();
        client = tls::ClientContext::load({authority.certificate_file, "", ""}, nullptr).value();
    }
    static const TestTls& get() {
        static const TestTls made;
        return made;
    }
};

class WebSocketFactory final : public CarrierFactory, private websocket::ListenerHandler {
public:
    WebSocketFactory(boost::asio::io_context& context, bool secure, WireFormat format)
        : context_(context), secure_(secure), format_(format) {
        std::string error;
        auto opened = websocket::Listener::open(context, "127.0.0.1:0", secure ? TestTls::get().server : nullptr, {},
                                                *this, &error);
        if (!opened) throw std::runtime_error(error);
        listener_ = std::move(*opened);
    }
    CarrierPair make() override {
        CarrierPair pair;
        std::string error;
        websocket::ConnectTarget target;
        target.endpoint = listener_->local_endpoint();
        target.host_header = "localhost";
        target.server_name = "localhost";
        target.secure = secure_;
        target.format = format_;
        const auto attempt =
            websocket::connect(context_, target, secure_ ? TestTls::get().client : nullptr, {},
                               [&](std::unique_ptr<Carrier> carrier, const websocket::ConnectError& failed) {
                                   pair.client = std::move(carrier);
                                   error = failed.text;
                                   if (pair.client != nullptr) pair.client->pause_reading(true);
                               });
        flare::test::run_until(context_,
                               [&] { return (pair.client != nullptr && accepted_ != nullptr) || !error.empty(); });
        if (pair.client == nullptr || accepted_ == nullptr) throw std::runtime_error("no connection: " + error);
        pair.server = std::move(accepted_);
        pair.client->pause_reading(false);
        pair.server->pause_reading(false);
        return pair;
    }

private:
    bool on_connection(const std::string& /*peer_address*/) override { return true; }
    void on_connection_gone(const std::string& /*peer_address*/) override {}
    void on_carrier(std::unique_ptr<Carrier> carrier) override {
        accepted_ = std::move(carrier);
        accepted_->pause_reading(true);
    }
    http::Response on_http(const http::Request& /*request*/) override { return {}; }
    void on_accept_paused(errc /*code*/) override {}

    boost::asio::io_context& context_;
    bool secure_;
    WireFormat format_;
    std::unique_ptr<websocket::Listener> listener_;
    std::unique_ptr<Carrier> accepted_;
};

// One key pair for the whole run.
struct TestKeys {
    flare::test::Certificates files;
    std::shared_ptr<quic::ServerContext> server;
    std::shared_ptr<quic::ClientContext> client;

    TestKeys() {
        const auto authority = files.authority();
        const auto identity = files.make("server", {"localhost"}, &authority);
        server =
            quic::ServerContext::load({identity.certificate_file, identity.key_file, "", false}, {quic::kAlpn}, nullptr)
                .value();
        client = quic::ClientContext::load({authority.certificate_file, "", ""}, {quic::kAlpn}, nullptr).value();
    }
    static const TestKeys& get() {
        static const TestKeys made;
        return made;
    }
};

class QuicFactory final : public CarrierFactory, private quic::ListenerHandler {
public:
    explicit QuicFactory(boost::asio::io_context& context) : context_(context) {
        std::string error;
        auto opened = quic::Listener::open(context, "127.0.0.1:0", TestKeys::get().server, {}, *this, &error);
        if (!opened) throw std::runtime_error(error);
        listener_ = std::move(*opened);
    }
    CarrierPair make() override {
        CarrierPair pair;
        std::string error;
        quic::ConnectTarget target;
        target.endpoint = listener_->local_endpoint();
        target.server_name = "localhost";
        const auto attempt = quic::connect(context_, target, TestKeys::get().client, {},
                                           [&](std::unique_ptr<Carrier> carrier, const quic::ConnectError& failed) {
                                               pair.client = std::move(carrier);
                                               error = failed.text;
                                               if (pair.client != nullptr) pair.client->pause_reading(true);
                                           });
        flare::test::run_until(context_,
                               [&] { return (pair.client != nullptr && accepted_ != nullptr) || !error.empty(); });
        if (pair.client == nullptr || accepted_ == nullptr) throw std::runtime_error("no connection: " + error);
        pair.server = std::move(accepted_);
        pair.client->pause_reading(false);
        pair.server->pause_reading(false);
        return pair;
    }

private:
    Answer on_handshake(const std::string& /*peer_address*/, bool) override { return Answer::admit; }
    void on_handshake_gone(const std::string& /*peer_address*/, bool) override {}
    void on_carrier(std::unique_ptr<Carrier> carrier, bool) override {
        accepted_ = std::move(carrier);
        accepted_->pause_reading(true);
    }

    boost::asio::io_context& context_;
    std::unique_ptr<quic::Listener> listener_;
    std::unique_ptr<Carrier> accepted_;
};

std::unique_ptr<CarrierFactory> quic_factory(boost::asio::io_context& context) {
    return std::make_unique<QuicFactory>(context);
}

template <bool Secure, WireFormat Format>
std::unique_ptr<CarrierFactory> websocket_factory(boost::asio::io_context& context) {
    return std::make_unique<WebSocketFactory>(context, Secure, Format);
}

// Another kind of carriers, sealed.
class SealedFactory final : public CarrierFactory {
public:
    explicit SealedFactory(std::unique_ptr<CarrierFactory> inside) : inside_(std::move(inside)) {}
    CarrierPair make() override {
        CarrierPair pair = inside_->make();
        wire::SealKeys keys;
        keys.send.fill(1);
        keys.receive.fill(2);
        return {sealed::make_carrier(std::move(pair.client), keys),
                sealed::make_carrier(std::move(pair.server), {keys.receive, keys.send})};
    }

private:
    std::unique_ptr<CarrierFactory> inside_;
};

template <std::unique_ptr<CarrierFactory> (*Inside)(boost::asio::io_context&)>
std::unique_ptr<CarrierFactory> sealed_factory(boost::asio::io_context& context) {
    return std::make_unique<SealedFactory>(Inside(context));
}

}  // namespace

std::vector<CarrierKind> carrier_kinds() {
    CarrierKind memory{"Memory", [](boost::asio::io_context& context) -> std::unique_ptr<CarrierFactory> {
                           return std::make_unique<MemoryFactory>(context);
                       }};
    memory.can_park = memory.limits_batches = memory.waits_for_peer = false;
    CarrierKind json{"WsJson", websocket_factory<false, WireFormat::json>};
    json.limits_batches = json.same_bytes = false;
    CarrierKind quic{"Quic", quic_factory};
    quic.can_park = quic.waits_for_peer = quic.same_bytes = false;
    CarrierKind sealed_ws{"SealedWs", sealed_factory<websocket_factory<false, WireFormat::protobuf>>};
    CarrierKind sealed_quic = quic;
    sealed_ws.trusts_close = sealed_quic.trusts_close = false;
    // Seals take some of the room: 17 bytes and a header for 64 KiB. Sessions write half of what a batch may have.
    sealed_ws.limits_batches = sealed_quic.limits_batches = false;
    sealed_quic.name = "SealedQuic";
    sealed_quic.factory = sealed_factory<quic_factory>;
    return {
        memory,
        {"Ws", websocket_factory<false, WireFormat::protobuf>},
        {"Wss", websocket_factory<true, WireFormat::protobuf>},
        json,
        quic,
        sealed_ws,
        sealed_quic,
    };
}

}  // namespace flare::transport::test
