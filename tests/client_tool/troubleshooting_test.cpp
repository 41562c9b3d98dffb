// Every failure of docs/troubleshooting.md, brought about, and what a person reads of it: in the program that uses the
// client library, and in the server's log. What `flare doctor` says is in doctor_test.cpp.
#include "base/log.hpp"
#include "integration/quic_harness.hpp"
#include "support/closed_port.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <spdlog/sinks/sink.h>

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>

namespace flare::test {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// What this process logs, while it lives.
class Log {
public:
    Log() { base::log().sinks().push_back(sink_); }
    ~Log() { std::erase(base::log().sinks(), sink_); }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;
    // False: it did not come within a generous time.
    bool says(const std::string& text) { return sink_->says(text); }

private:
    class Sink final : public spdlog::sinks::sink {
    public:
        void log(const spdlog::details::log_msg& line) override {
            const std::lock_guard lock(mutex_);
            text_.append(line.payload.data(), line.payload.size()).append("\n");
            grown_.notify_all();
        }
        void flush() override {}
        void set_pattern(const std::string&) override {}
        void set_formatter(std::unique_ptr<spdlog::formatter>) override {}
        bool says(const std::string& text) {
            std::unique_lock lock(mutex_);
            return grown_.wait_for(lock, 30s, [&] { return text_.find(text) != std::string::npos; });
        }

    private:
        std::mutex mutex_;
        std::condition_variable grown_;
        std::string text_;
    };
    const std::shared_ptr<Sink> sink_ = std::make_shared<Sink>();
};

class Troubleshooting : public QuicHarness {
protected:
    ServerBuilder telling() { return builder().log_level(LogLevel::info); }

    ClientBuilder client(ServerAddresses addresses) {
        ClientBuilder made("alice");
        made.server_addresses(std::move(addresses))
            .ca_file(authority.certificate_file)
            .connection_timeout(2s)
            .with_event_callback(std::ref(events));
        return made;
    }
    // The error of connect().
    static Failure connect_failure(const ClientBuilder& builder) {
        auto made = builder.build();
        if (!made) return made.error();
        const auto result = made->connect();
        EXPECT_FALSE(result);
        return result ? Failure(errc::ok) : result.error();
    }
    Log log;
};

TEST_F(Troubleshooting, NoServer) {
    const ClosedPort closed;
    const std::string websocket = closed.tcp();
    const std::string quic = closed.udp();
    const auto failure = connect_failure(
        client(ServerAddresses().with_websocket_url("ws://" + websocket).with_quic_url("quic://" + quic)));
    EXPECT_EQ(failure.code, errc::connection_refused);
    EXPECT_THAT(failure.text, HasSubstr("ws://" + websocket + ": " + websocket +
                                        ": connection refused: is the server running, is the port right?"));
    EXPECT_THAT(failure.text, HasSubstr("quic://" + quic + ": " + quic +
                                        ": nothing listens at this address; check that the server is running"));
}

TEST_F(Troubleshooting, WrongPort) {
    // The plain port with TLS spoken to it, and the other way round.
    auto plain = started(telling());
    const auto failure =
        connect_failure(client(ServerAddresses().with_websocket_tls_url("wss://" + plain.websocket_addr())));
    EXPECT_EQ(failure.code, errc::tls_failed);
    EXPECT_THAT(failure.text, HasSubstr("the peer does not speak TLS on this port"));
    EXPECT_TRUE(log.says("127.0.0.1 upgrade refused: this port speaks ws, not wss: TLS is not switched on here"));

    auto secure = started(telling().websocket_tls(identity.certificate_file, identity.key_file));
    const auto other = connect_failure(client(ServerAddresses().with_websocket_url("ws://" + secure.websocket_addr())));
    // The server may have hung up before it has read everything, which the other side sees as a reset.
    EXPECT_THAT(other.text, AnyOf(HasSubstr("does this port speak TLS (wss://)?"),
                                  HasSubstr("the peer closed the connection before it answered the upgrade")));
    EXPECT_TRUE(log.says("127.0.0.1 TLS handshake failed: TLS failed: http request"));
}

TEST_F(Troubleshooting, MissingOrBadCertificate) {
    const auto start_failure = [](const ServerBuilder& builder) {
        auto server = builder.build();
        EXPECT_TRUE(server);
        const auto begun = server->start();
        return begun ? Failure(errc::ok) : begun.error();
    };
    const auto missing =
        start_failure(builder().quic_tls(certificates.path("none.crt"), certificates.path("none.key")));
    EXPECT_EQ(missing.code, errc::file_not_found);
    EXPECT_THAT(missing.text, AllOf(HasSubstr("certificate " + certificates.path("none.crt") + ": no such file"),
                                    HasSubstr("flare certs make")));
    const auto old = certificates.make(
        "old", {.common_name = "old", .valid_from_seconds = -7200, .valid_until_seconds = -3600}, &authority);
    const auto expired = start_failure(builder().quic_tls(old.certificate_file, old.key_file));
    EXPECT_EQ(expired.code, errc::certificate_expired);
    EXPECT_THAT(expired.text, AllOf(HasSubstr(old.certificate_file + ": expired on "), HasSubstr("; replace it")));
    certificates.write("text.crt", "no certificate\n");
    const auto text = start_failure(builder().quic_tls(certificates.path("text.crt"), identity.key_file));
    EXPECT_EQ(text.code, errc::certificate_invalid);
    EXPECT_THAT(text.text, HasSubstr("no PEM certificate in it"));
    const auto pair = start_failure(builder().quic_tls(identity.certificate_file, stranger.key_file));
    EXPECT_EQ(pair.code, errc::certificate_key_mismatch);
    EXPECT_THAT(pair.text, HasSubstr("does not belong to certificate " + identity.certificate_file));

    // A good one that the client has no reason to trust.
    auto server = started(telling().websocket_tls(identity.certificate_file, identity.key_file));
    auto doubting = client(ServerAddresses()
                               .with_websocket_tls_url("wss://" + server.websocket_addr())
                               .with_quic_url("quic://" + server.quic_addr()));
    const auto failure = connect_failure(doubting.ca_file(stranger.certificate_file));
    EXPECT_EQ(failure.code, errc::certificate_rejected);
    EXPECT_THAT(failure.text,
                HasSubstr("the peer's certificate is not accepted: unable to get local issuer certificate"));
    EXPECT_THAT(failure.text, HasSubstr("The certificate is NOT trusted."));
    EXPECT_TRUE(log.says("127.0.0.1 TLS handshake failed: TLS failed: tlsv1 alert unknown ca"));
    EXPECT_TRUE(log.says("127.0.0.1 QUIC handshake failed: the peer refused the TLS handshake: "));
}

TEST_F(Troubleshooting, WrongAlpn) {
    auto server = started(telling().quic_alpn({"h3"}));
    const auto failure = connect_failure(client(ServerAddresses().with_quic_url("quic://" + server.quic_addr())));
    EXPECT_EQ(failure.code, errc::tls_failed);
    EXPECT_THAT(failure.text,
                HasSubstr("the server speaks none of the application protocols that were offered (ALPN)"));
    EXPECT_TRUE(
        log.says("127.0.0.1 QUIC handshake failed: the TLS handshake failed: No supported application protocol"));
}

TEST_F(Troubleshooting, UdpBlocked) {
    auto server = started(builder());
    RelayThread relay(udp_endpoint(server.quic_addr()));
    relay.with([](UdpRelay& each) { each.deaf = true; });
    const auto failure = connect_failure(client(ServerAddresses().with_quic_url("quic://" + relay.address())));
    EXPECT_EQ(failure.code, errc::connect_timeout);
    EXPECT_THAT(failure.text, HasSubstr("quic://" + relay.address() + ": "));
    EXPECT_THAT(failure.text, HasSubstr("; is UDP blocked on the path?"));
    // With a WebSocket address beside it nothing fails.
    auto both = connected(client(ServerAddresses()
                                     .with_quic_url("quic://" + relay.address())
                                     .with_websocket_url("ws://" + server.websocket_addr())));
    EXPECT_EQ(both.get_current_protocol(), Protocol::websocket);
}

TEST_F(Troubleshooting, NoProtocolConfigured) {
    const auto none = ClientBuilder("alice").build();
    ASSERT_FALSE(none);
    EXPECT_EQ(none.error().code, errc::invalid_config);
    EXPECT_EQ(none.error().text, "server_addresses: contains no address");
    const auto other = client(ServerAddresses().with_websocket_url("ws://127.0.0.1:4000"))
                           .protocol_selection_mode(ProtocolSelection::quic)
                           .build();
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().text, "protocol_selection_mode: QUIC is selected, but server_addresses has no QUIC URL");
    const auto server = ServerBuilder().enable_websocket(false).enable_quic(false).build();
    ASSERT_FALSE(server);
    EXPECT_EQ(server.error().code, errc::invalid_config);
    EXPECT_THAT(server.error().text, HasSubstr("enable_websocket"));
    ToolProcess tool({"send", "server", "hi", "--protocol", "quic", "--url", "ws://127.0.0.1:4000"});
    EXPECT_EQ(tool.wait(), 2);
    EXPECT_THAT(tool.err(), HasSubstr("QUIC is selected, but server_addresses has no QUIC URL"));
}

TEST_F(Troubleshooting, UnknownTarget) {
    auto server = started(telling());
    auto alice = connected(client(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr())));
    const auto nobody = alice.send_text_message("nobody", "hello");
    EXPECT_EQ(nobody.error, errc::user_offline);
    EXPECT_EQ(nobody.error_message, "the user has no session on this server");
    const auto empty = alice.send_text_message("", "hello");
    EXPECT_EQ(empty.error, errc::unknown_target);
    EXPECT_EQ(empty.error_message,
              "the target is neither a user, a room nor the server; correct the message's to field");
}

TEST_F(Troubleshooting, OversizedMessage) {
    auto server = started(telling().max_message_bytes(100'000));
    auto alice = connected(client(ServerAddresses().with_websocket_url("ws://" + server.websocket_addr())));
    const auto large = alice.send_binary_message("server", Bytes(std::string(100'001, 'x')));
    EXPECT_EQ(large.error, errc::message_too_large);
    EXPECT_EQ(large.error_message,
              "the message exceeds the negotiated limit; send a shorter one, or raise max_message_bytes on both sides");
    EXPECT_TRUE(alice.send_binary_message("server", Bytes(std::string(100'000, 'x'))).success);
}

}  // namespace
}  // namespace flare::test
