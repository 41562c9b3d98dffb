// Connecting: what can go wrong, and what people are told.
#include "socket_fixture.hpp"
#include "support/certificates.hpp"

#include <openssl/ssl.h>

namespace flare::transport::websocket::test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class ConnectTest : public Sockets {
protected:
    // Accepts and then does what the test says.
    void listen_raw() {
        raw_fd = ::socket(AF_INET, SOCK_STREAM, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(raw_fd, reinterpret_cast<sockaddr*>(&address), sizeof address);
        ::listen(raw_fd, 10);
        socklen_t size = sizeof address;
        ::getsockname(raw_fd, reinterpret_cast<sockaddr*>(&address), &size);
        raw.endpoint = {asio::ip::make_address("127.0.0.1"), ntohs(address.sin_port)};
        raw.host_header = raw.server_name = "localhost";
    }
    void TearDown() override {
        if (raw_fd >= 0) ::close(raw_fd);
    }
    static std::shared_ptr<tls::ClientContext> trust(const std::string& ca_file) {
        std::string error;
        auto loaded = tls::ClientContext::load({ca_file, "", ""}, &error);
        EXPECT_TRUE(loaded) << error;
        return *loaded;
    }
    static std::shared_ptr<tls::ServerContext> serve(const flare::test::Certificates::Identity& identity,
                                                     const std::string& client_ca = {}, bool require = false) {
        std::string error;
        auto loaded =
            tls::ServerContext::load({identity.certificate_file, identity.key_file, client_ca, require}, &error);
        EXPECT_TRUE(loaded) << error;
        return *loaded;
    }
    ConnectTarget secure_target() const {
        ConnectTarget made = target();
        made.secure = true;
        return made;
    }

    int raw_fd = -1;
    ConnectTarget raw;
    flare::test::Certificates files;
    flare::test::Certificates::Identity authority = files.authority();
    flare::test::Certificates::Identity identity = files.make("server", {"localhost"}, &authority);
};

TEST_F(ConnectTest, ToAPortWithoutAServerIsRefused) {
    listen();
    const ConnectTarget to = target();
    listener.reset();
    const auto result = connect(to);
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::connection_refused);
    EXPECT_EQ(result.error->text, "127.0.0.1:" + std::to_string(to.endpoint.port()) +
                                      ": connection refused: is the server running, is the port right?");
}

TEST_F(ConnectTest, ToAnUnreachableNetworkSaysSo) {
    ConnectTarget to;
    to.endpoint = {asio::ip::make_address("255.255.255.255"), 4000};
    const auto result = connect(to);
    ASSERT_TRUE(result.error);
    EXPECT_TRUE(result.error->code == errc::network_unreachable || result.error->code == errc::permission_denied)
        << name(result.error->code);
    EXPECT_THAT(result.error->text, StartsWith("255.255.255.255:4000: "));
}

TEST_F(ConnectTest, TimesOutWhenNobodyAnswersTheUpgrade) {
    listen_raw();
    options.handshake_timeout = 100ms;
    const auto result = connect(raw);
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::connect_timeout);
    EXPECT_THAT(result.error->text, HasSubstr("100 ms"));
}

TEST_F(ConnectTest, TimesOutWhenNobodyAnswersTls) {
    listen_raw();
    options.handshake_timeout = 100ms;
    raw.secure = true;
    const auto result = connect(raw, trust(authority.certificate_file));
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::connect_timeout);
    EXPECT_THAT(result.error->text, HasSubstr("TLS"));
}

TEST_F(ConnectTest, ToAServerThatHangsUpIsConnectionLost) {
    listen();
    accept_connections = false;
    const auto result = connect(target());
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::connection_lost);
}

TEST_F(ConnectTest, ShowsTheHttpAnswerThatIsNoUpgrade) {
    listen();
    ConnectTarget to = target();
    to.host_header = "";  // makes a request that our own server refuses
    const auto result = connect(to);
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::bad_upgrade);
    EXPECT_THAT(result.error->text, HasSubstr("the server answered 400 Bad Request: exactly one Host"));
}

TEST_F(ConnectTest, MayBeCancelledAtAnyStep) {
    listen("127.0.0.1:0", serve(identity));
    const auto trusted = trust(authority.certificate_file);
    for (int steps = 0; steps < 25; ++steps) {
        bool told = false;
        auto attempt = websocket::connect(io, secure_target(), trusted, options,
                                          [&](std::unique_ptr<Carrier>, const ConnectError&) { told = true; });
        for (int i = 0; i < steps; ++i) {
            io.restart();
            io.run_one_for(1ms);
        }
        const bool before = told;
        attempt.reset();
        run_for(2ms);
        EXPECT_EQ(told, before) << "told after it was cancelled";
    }
}

TEST_F(ConnectTest, MayBeDestroyedInsideItsCallback) {
    listen();
    std::unique_ptr<ConnectAttempt> attempt;
    bool told = false;
    attempt = websocket::connect(io, target(), nullptr, options, [&](std::unique_ptr<Carrier>, const ConnectError&) {
        attempt.reset();
        told = true;
    });
    EXPECT_TRUE(run_until([&] { return told; }));
}

// ---- TLS ----

TEST_F(ConnectTest, VerifiesHostNamesAndAddresses) {
    listen("127.0.0.1:0", serve(identity));
    for (const std::string name : {"localhost", "127.0.0.1", "::1"}) {
        ConnectTarget to = secure_target();
        to.server_name = name;
        const auto result = connect(to, trust(authority.certificate_file));
        ASSERT_TRUE(result.carrier) << name << ": " << result.error->text;
        EXPECT_TRUE(result.carrier->info().encrypted);
        EXPECT_EQ(result.carrier->info().peer_certificate, "CN=localhost");
    }
    for (const std::string name : {"example.com", "127.0.0.2", "::2", "localhost.evil"}) {
        ConnectTarget to = secure_target();
        to.server_name = name;
        const auto result = connect(to, trust(authority.certificate_file));
        ASSERT_TRUE(result.error) << name;
        EXPECT_EQ(result.error->code, errc::certificate_rejected);
        EXPECT_THAT(result.error->text, HasSubstr("mismatch")) << name;
    }
}

TEST_F(ConnectTest, RefusesACertificateOfAnUnknownAuthority) {
    listen("127.0.0.1:0", serve(identity));
    const auto other = files.authority("other");
    const auto result = connect(secure_target(), trust(other.certificate_file));
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::certificate_rejected);
    EXPECT_TRUE(run_until([&] { return gone.size() == 1; }));
}

TEST_F(ConnectTest, RefusesAnExpiredCertificate) {
    flare::test::Certificates::Spec spec;
    spec.valid_from_seconds = -7200;
    spec.valid_until_seconds = -3600;
    const auto expired = files.make("expired", spec, &authority);
    // load() would refuse it, so the context is made by hand.
    SSL_CTX* const context = SSL_CTX_new(TLS_server_method());
    SSL_CTX_use_certificate(context, expired.certificate.get());
    SSL_CTX_use_PrivateKey(context, expired.key.get());
    listen("127.0.0.1:0", std::make_shared<tls::ServerContext>(context));
    const auto result = connect(secure_target(), trust(authority.certificate_file));
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::certificate_rejected);
    EXPECT_THAT(result.error->text, HasSubstr("expired"));
}

TEST_F(ConnectTest, SaysThatAPlainPortSpeaksNoTls) {
    listen();
    const auto result = connect(secure_target(), trust(authority.certificate_file));
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::tls_failed);
    EXPECT_THAT(result.error->text, HasSubstr("does not speak TLS"));
}

TEST_F(ConnectTest, WithoutTlsToATlsPortFails) {
    listen("127.0.0.1:0", serve(identity));
    const auto result = connect(target());
    ASSERT_TRUE(result.error);
    EXPECT_TRUE(run_until([&] { return gone.size() == 1; }));
}

TEST_F(ConnectTest, SecureWithoutAContextIsTlsFailed) {
    listen();
    const auto result = connect(secure_target());
    ASSERT_TRUE(result.error);
    EXPECT_EQ(result.error->code, errc::tls_failed);
}

TEST_F(ConnectTest, ShowsItsCertificateWhenTheServerAsks) {
    listen("127.0.0.1:0", serve(identity, authority.certificate_file, true));
    const auto nameless = connect(secure_target(), trust(authority.certificate_file));
    ASSERT_TRUE(nameless.error);
    EXPECT_EQ(nameless.error->code, errc::certificate_rejected) << nameless.error->text;

    const auto mine = files.make("client", {"robot 7", ""}, &authority);
    std::string error;
    const auto context =
        tls::ClientContext::load({authority.certificate_file, mine.certificate_file, mine.key_file}, &error);
    ASSERT_TRUE(context) << error;
    const auto named = connect(secure_target(), *context);
    ASSERT_TRUE(named.carrier) << named.error->text;
    ASSERT_TRUE(run_until([&] { return peers.size() == 1; }));
    EXPECT_EQ(last().carrier->info().peer_certificate, "CN=robot 7");
}

TEST_F(ConnectTest, AServerDropsAPeerThatNeverFinishesTls) {
    options.handshake_timeout = 100ms;
    listen("127.0.0.1:0", serve(identity));
    RawPeer silent(listener->local_endpoint());
    RawPeer chatty(listener->local_endpoint());
    chatty.send("GET / HTTP/1.1\r\n");
    EXPECT_TRUE(run_until([&] { return gone.size() == 2; }, 3s));
}

TEST_F(ConnectTest, AnIdleTlsConnectionHoldsNoRecordBuffers) {
    listen("127.0.0.1:0", serve(identity));
    const auto result = connect(secure_target(), trust(authority.certificate_file));
    ASSERT_TRUE(result.carrier);
    ASSERT_TRUE(run_until([&] { return peers.size() == 1; }));
    const std::string large(300'000, 'x');
    for (int i = 0; i < 3; ++i) {
        result.carrier->send(batch_of(large));
        ASSERT_TRUE(run_until(
            [&] { return last().batches.size() == static_cast<std::size_t>(i) + 1 && result.carrier->writable(); }));
    }
    EXPECT_EQ(last().batches.back(), batch_of(large).str());
}

}  // namespace
}  // namespace flare::transport::websocket::test
