// Servers and clients of QUIC over real sockets, each with a carrier that echoes.
#pragma once

#include "support/certificates.hpp"
#include "support/event_loop.hpp"
#include "transport/quic/quic.hpp"
#include "wire/batch.hpp"

#include <boost/asio/ip/udp.hpp>

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace flare::transport::quic::test {

namespace asio = boost::asio;
using asio::ip::udp;
using namespace std::chrono_literals;

struct Keys {
    flare::test::Certificates files;
    flare::test::Certificates::Identity authority = files.authority();
    flare::test::Certificates::Identity stranger = files.authority("stranger");
    flare::test::Certificates::Identity identity = files.make("server", {.common_name = "flare"}, &authority);

    std::shared_ptr<ServerContext> server(std::vector<std::string> alpn = {kAlpn}) const {
        return ServerContext::load({identity.certificate_file, identity.key_file, "", false}, std::move(alpn), nullptr)
            .value();
    }
    std::shared_ptr<ClientContext> client(std::vector<std::string> alpn = {kAlpn}) const {
        return ClientContext::load({authority.certificate_file, "", ""}, std::move(alpn), nullptr).value();
    }
};

inline wire::Batch batch_of(const std::string& payload, wire::LaneIndex lane = 0) {
    wire::DataView data;
    wire::MessageView message;
    message.type = "test";
    message.payload = payload;
    data.message = message;
    wire::FrameHeader header;
    header.lane = lane;
    header.seq = 1;
    wire::Batch batch;
    batch.add(header, wire::encode(data));
    return batch;
}

// A carrier that keeps what it hears, and echoes when asked to.
struct Echoer final : CarrierHandler {
    explicit Echoer(std::unique_ptr<Carrier> made, bool echoes_ = false) : carrier(std::move(made)), echoes(echoes_) {
        carrier->set_handler(this);
    }
    void on_batch(std::string_view batch) override {
        heard += batch.size();
        ++batches;
        if (echoes) carrier->send(batch_of("echo"));
    }
    void on_writable() override {}
    void on_unreachable() override { ++unreachable; }
    void on_closed(const CloseReason& reason) override { closed = reason; }

    std::unique_ptr<Carrier> carrier;
    bool echoes;
    std::size_t heard = 0;
    int batches = 0;
    int unreachable = 0;
    std::optional<CloseReason> closed;
};

class Endpoints : public ::testing::Test, protected ListenerHandler {
protected:
    std::unique_ptr<Listener> listen(Options options = {}, const std::string& address = "127.0.0.1:0") {
        std::string text;
        auto opened = Listener::open(io, address, keys.server(), options, *this, &text);
        EXPECT_TRUE(opened) << text;
        return opened ? std::move(*opened) : nullptr;
    }
    std::unique_ptr<Echoer> connect(const udp::endpoint& to, Options options = {},
                                    const std::string& name = "localhost") {
        std::unique_ptr<Echoer> made;
        error = {};
        ConnectTarget target;
        target.endpoint = to;
        target.server_name = name;
        target.place = place;
        target.share_socket = shares;
        const auto attempt = quic::connect(io, target, keys.client(alpn), options,
                                           [&](std::unique_ptr<Carrier> carrier, const ConnectError& failed) {
                                               if (carrier) made = std::make_unique<Echoer>(std::move(carrier));
                                               error = failed;
                                           });
        EXPECT_TRUE(until([&] { return made != nullptr || error.code != errc::ok; }));
        return made;
    }
    template <typename Condition>
    bool until(Condition condition) {
        return flare::test::run_until(io, condition);
    }
    void expect_echo(Echoer& peer) {
        const int before = peer.batches;
        peer.carrier->send(batch_of("hello"));
        EXPECT_TRUE(until([&] { return peer.batches > before; }));
    }
    // Sends one datagram and returns what comes back within a while.
    std::string probe(const udp::endpoint& to, const std::string& datagram) {
        udp::socket socket(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
        socket.connect(to);  // somebody may still write to who had this port before
        socket.send(asio::buffer(datagram));
        std::string answer(2048, '\0');
        std::size_t got = 0;
        socket.async_receive(asio::buffer(answer), [&](const boost::system::error_code& failed, std::size_t size) {
            if (!failed) got = size;
        });
        flare::test::run_until(
            io, [&] { return got != 0; }, 500ms);
        socket.close();
        flare::test::run_for(io, 1ms);
        answer.resize(got);
        return answer;
    }

    Answer on_handshake(const std::string&, bool validated) override {
        ++begun;
        if (demands_proof && !validated) return Answer::validate;
        return admits ? Answer::admit : Answer::refuse;
    }
    void on_handshake_gone(const std::string&, bool validated) override {
        ++gone;
        gone_validated += validated ? 1 : 0;
    }
    void on_carrier(std::unique_ptr<Carrier> carrier, bool validated) override {
        accepted_validated += validated ? 1 : 0;
        accepted.push_back(std::make_unique<Echoer>(std::move(carrier), true));
    }

    asio::io_context io;
    Keys keys;
    std::optional<base::Place> place;
    bool shares = false;
    ConnectError error;
    bool admits = true;
    bool demands_proof = false;
    int begun = 0;
    int gone = 0;
    int gone_validated = 0;
    int accepted_validated = 0;
    std::vector<std::string> alpn{kAlpn};  // that clients offer
    std::vector<std::unique_ptr<Echoer>> accepted;
};

}  // namespace flare::transport::quic::test
