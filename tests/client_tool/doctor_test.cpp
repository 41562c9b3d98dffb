// flare doctor, the binary, before faults that are made on purpose: what it says to people and to programs.
#include "integration/network_namespaces.hpp"
#include "integration/quic_harness.hpp"
#include "support/folder.hpp"
#include "support/http_server.hpp"
#include "support/tokens.hpp"
#include "support/tool_process.hpp"

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>

#include <atomic>
#include <optional>
#include <thread>

namespace flare::test {
namespace {

namespace asio = boost::asio;
using ::testing::HasSubstr;
using ::testing::Not;

struct Diagnosis {
    int exit_code = -1;
    std::string text;  // for people
    boost::json::object json;

    // The codes of all problems, in order.
    std::string problems() const { return codes("problem"); }
    std::string codes(std::string_view verdict) const {
        std::string found;
        for (const auto& each : json.at("checks").as_array()) {
            const auto& check = each.as_object();
            if (check.at("verdict").as_string().c_str() != verdict) continue;
            found += (found.empty() ? "" : " ") + std::string(check.at("check").as_string().c_str()) + ":" +
                     (check.contains("code") ? std::string(check.at("code").as_string().c_str()) : "");
        }
        return found;
    }
    bool is_fine(std::string_view name) const {
        bool found = false;
        for (const auto& each : json.at("checks").as_array()) {
            const auto& check = each.as_object();
            found =
                found || (check.at("check").as_string().c_str() == name && check.at("verdict").as_string() == "fine");
        }
        return found;
    }
};

Diagnosis examine(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "doctor");
    Diagnosis diagnosis;
    ToolProcess people(arguments);
    people.wait();
    diagnosis.text = people.out() + people.err();
    arguments.emplace_back("--json");
    ToolProcess program(arguments);
    diagnosis.exit_code = program.wait();
    diagnosis.json = result_of(program.out());
    return diagnosis;
}

class Doctor : public QuicHarness {
protected:
    std::string ca() const { return authority.certificate_file; }
    // Of a server with this certificate. Ours does not start with one that is bad, so somebody else has to show it.
    Diagnosis examine_showing(const std::string& certificate_file, const std::string& key_file) const {
        asio::ssl::context tls(asio::ssl::context::tls_server);
        tls.use_certificate_chain_file(certificate_file);
        tls.use_private_key_file(key_file, asio::ssl::context::pem);
        asio::io_context context;
        asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
        std::atomic<bool> stopping{false};
        std::thread showing([&] {
            while (!stopping) {
                boost::system::error_code ignored;
                asio::ssl::stream<asio::ip::tcp::socket> stream(acceptor.accept(ignored), tls);
                if (!stopping) stream.handshake(asio::ssl::stream_base::server, ignored);
            }
        });
        auto found =
            examine({"wss://127.0.0.1:" + std::to_string(acceptor.local_endpoint().port()), "--ca-file", ca()});
        stopping = true;
        boost::system::error_code ignored;
        asio::ip::tcp::socket(context).connect(acceptor.local_endpoint(), ignored);
        showing.join();
        return found;
    }
    // A port where nobody listens.
    static std::string free_port() {
        asio::io_context context;
        asio::ip::tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
        return std::to_string(acceptor.local_endpoint().port());
    }
};

TEST_F(Doctor, FindsNothingWrongWhereNothingIs) {
    auto server = started(builder().websocket_tls(identity.certificate_file, identity.key_file));
    const auto found = examine({"wss://" + server.websocket_addr(), "quic://" + server.quic_addr(), "--ca-file", ca()});
    EXPECT_EQ(found.exit_code, 0) << found.text;
    EXPECT_EQ(found.problems(), "");
    for (const char* check : {"tcp", "tls", "certificate chain", "certificate name", "http", "clock", "upgrade", "udp",
                              "datagram size", "quic", "session", "echo"})
        EXPECT_TRUE(found.is_fine(check)) << check << "\n" << found.text;
    EXPECT_THAT(found.text, HasSubstr("no problems found"));
    EXPECT_TRUE(found.json.at("ok").as_bool());
}

TEST_F(Doctor, SaysWhatStoredIsWorth) {
    {
        auto server = started(builder());
        const auto found = examine({"ws://" + server.websocket_addr()});
        EXPECT_EQ(found.exit_code, 0) << found.text;
        EXPECT_THAT(found.codes("skipped"), HasSubstr("store:"));
        EXPECT_THAT(found.text, HasSubstr("the server keeps no messages"));
    }
    const Folder folder;
    auto server = started(builder().store(sqlite(folder.path("flare.db"))));
    const auto found = examine({"ws://" + server.websocket_addr()});
    EXPECT_EQ(found.exit_code, 0) << found.text;
    EXPECT_TRUE(found.is_fine("store")) << found.text;
    EXPECT_THAT(found.text, HasSubstr("on the server's disk"));
}

TEST_F(Doctor, ToldThatNobodyListensSaysSoForBothProtocols) {
    const std::string port = free_port();
    const auto found = examine({"ws://127.0.0.1:" + port, "quic://127.0.0.1:" + port});
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_EQ(found.problems(), "udp:connection_refused tcp:connection_refused");
    EXPECT_THAT(found.text, HasSubstr("nothing listens at 127.0.0.1:" + port + " (connection refused)"));
    EXPECT_THAT(found.text, HasSubstr("nothing listens at UDP 127.0.0.1:" + port));
    EXPECT_THAT(found.text, HasSubstr("start the server, or correct the port of the address"));
}

// Somebody who says the same to everybody, on a thread.
class Greeter {
public:
    explicit Greeter(std::string greeting) : greeting_(std::move(greeting)), thread_([this] { run(); }) {}
    ~Greeter() {
        stopping_ = true;
        boost::system::error_code ignored;
        asio::ip::tcp::socket(context_).connect(acceptor_.local_endpoint(), ignored);
        thread_.join();
    }
    Greeter(const Greeter&) = delete;
    Greeter& operator=(const Greeter&) = delete;
    std::string address() const { return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port()); }

private:
    void run() {
        while (!stopping_) {
            boost::system::error_code ignored;
            auto socket = acceptor_.accept(ignored);
            asio::write(socket, asio::buffer(greeting_), ignored);
            socket.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
            std::array<char, 4096> block;
            while (!ignored) socket.read_some(asio::buffer(block), ignored);
        }
    }
    const std::string greeting_;
    std::atomic<bool> stopping_{false};
    asio::io_context context_;
    asio::ip::tcp::acceptor acceptor_{context_, {asio::ip::address_v4::loopback(), 0}};
    std::thread thread_;
};

TEST_F(Doctor, KnowsAnotherProgramAtThePort) {
    const Greeter ssh("SSH-2.0-OpenSSH_9.2\r\n");
    const auto found = examine({"ws://" + ssh.address()});
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_EQ(found.problems(), "http:not_flare");
    EXPECT_THAT(found.text, HasSubstr("another program answers on this port; it does not speak HTTP: \"SSH-2.0-"));
    EXPECT_THAT(found.text, HasSubstr("correct the port"));
}

TEST_F(Doctor, KnowsAnotherWebServerAtThePort) {
    const Greeter web("HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\nConnection: close\r\n\r\nnope\n");
    const auto found = examine({"ws://" + web.address()});
    EXPECT_EQ(found.codes("warning"), "http:not_flare");
    EXPECT_EQ(found.problems(), "upgrade:bad_upgrade");
    EXPECT_THAT(found.text, HasSubstr("the server answered 404 Not Found: nope"));
}

TEST_F(Doctor, ShowsNoEscapeSequencesOfStrangers) {
    const Greeter rude("\x1b[2Jowned");
    const auto found = examine({"ws://" + rude.address()});
    EXPECT_THAT(found.text, HasSubstr("\\x1b[2Jowned"));
    EXPECT_THAT(found.text, Not(HasSubstr("\x1b[2J")));
}

TEST_F(Doctor, KnowsTlsWhereTheAddressSaysPlain) {
    auto server = started(builder().websocket_tls(identity.certificate_file, identity.key_file));
    const auto found = examine({"ws://" + server.websocket_addr()});
    EXPECT_EQ(found.problems(), "http:speaks_tls");
    EXPECT_THAT(found.text, HasSubstr("use wss:// in the address"));
}

TEST_F(Doctor, SaysWhenACertificateHasExpired) {
    const auto old = certificates.make(
        "old", {.common_name = "old", .valid_from_seconds = -86400 * 10, .valid_until_seconds = -86400 * 3 - 60},
        &authority);
    const auto found = examine_showing(old.certificate_file, old.key_file);
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_THAT(found.problems(), HasSubstr("certificate dates:certificate_expired"));
    EXPECT_TRUE(found.is_fine("certificate chain")) << found.text;
    EXPECT_TRUE(found.is_fine("certificate name")) << found.text;
    EXPECT_THAT(found.text, HasSubstr("the certificate expired 3 days ago"));
    EXPECT_THAT(found.text, HasSubstr("renew the certificate on the server"));
}

TEST_F(Doctor, SaysWhichCertificateOfTheChainHasExpired) {
    const auto old = certificates.make("old",
                                       {.common_name = "Old",
                                        .names = "",
                                        .valid_from_seconds = -86400 * 10,
                                        .valid_until_seconds = -86400 * 3 - 60,
                                        .authority = true},
                                       &authority);
    const auto below = certificates.make("below", {.common_name = "below"}, &old);
    certificates.write("chain.crt", certificates.read("below.crt") + certificates.read("old.crt"));
    const auto found = examine_showing(certificates.path("chain.crt"), below.key_file);
    EXPECT_EQ(found.exit_code, 1);
    EXPECT_THAT(found.problems(), HasSubstr("certificate dates:certificate_expired"));
    EXPECT_THAT(found.text, HasSubstr("certificate 2 of the 2 that the server sends, CN=Old, expired 3 days ago"));
    EXPECT_THAT(found.text, HasSubstr("install the current certificate of this issuer on the server"));
    EXPECT_THAT(found.text, Not(HasSubstr("--ca-file does not contain")));
}

TEST_F(Doctor, SaysWhenACertificateIsForAnotherName) {
    const auto other = certificates.make("other", {.common_name = "other", .names = "DNS:chat.example"}, &authority);
    auto server = started(builder()
                              .quic_tls(other.certificate_file, other.key_file)
                              .websocket_tls(other.certificate_file, other.key_file));
    const auto found = examine({"wss://" + server.websocket_addr(), "quic://" + server.quic_addr(), "--ca-file", ca()});
    EXPECT_EQ(found.problems(),
              "certificate name:certificate_name_mismatch certificate name:certificate_name_mismatch");
    EXPECT_THAT(found.text, HasSubstr("the certificate is for chat.example, not for 127.0.0.1"));
    EXPECT_THAT(found.text, HasSubstr("--server-name"));
    EXPECT_TRUE(found.is_fine("upgrade"));  // it has gone on

    const auto named = examine({"wss://" + server.websocket_addr(), "quic://" + server.quic_addr(), "--ca-file", ca(),
                                "--server-name", "chat.example"});
    EXPECT_EQ(named.exit_code, 0) << named.text;
}

TEST_F(Doctor, SaysWhoseCertificateIsNotTrusted) {
    auto server = started(builder().websocket_tls(identity.certificate_file, identity.key_file));
    const auto found = examine(
        {"wss://" + server.websocket_addr(), "quic://" + server.quic_addr(), "--ca-file", stranger.certificate_file});
    EXPECT_EQ(found.problems(), "certificate chain:certificate_not_trusted certificate chain:certificate_not_trusted");
    EXPECT_THAT(found.text, HasSubstr("issued by CN=Flare test authority ca"));
    EXPECT_THAT(found.text, HasSubstr("--ca-file does not contain the CA that issued it"));
}

TEST_F(Doctor, KnowsAnotherApplicationProtocol) {
    auto server = started(builder().quic_alpn({"h3"}));
    const auto found = examine({"quic://" + server.quic_addr(), "--ca-file", ca()});
    EXPECT_EQ(found.problems(), "quic:alpn_mismatch");
    EXPECT_TRUE(found.is_fine("udp"));
    EXPECT_THAT(found.text, HasSubstr("not Flare's application protocol (ALPN \"flare-core\")"));
}

TEST_F(Doctor, TellsSilentUdpFromAHostThatIsDown) {
    asio::io_context context;
    const asio::ip::udp::socket silent(context, {asio::ip::address_v4::loopback(), 0});
    const auto found =
        examine({"quic://127.0.0.1:" + std::to_string(silent.local_endpoint().port()), "--timeout", "1"});
    EXPECT_EQ(found.problems(), "udp:udp_blocked");
    EXPECT_THAT(found.text, HasSubstr("though TCP to the same host works: UDP is blocked on the path"));
    EXPECT_THAT(found.text, HasSubstr("until then clients use WebSocket"));
}

class DoctorBehindAFirewall : public Doctor {
protected:
    void SetUp() override {
        if (const std::string reason = NetworkNamespace::why_not(); !reason.empty()) GTEST_SKIP() << reason;
        network = std::make_unique<NetworkNamespaces>();
        network->near().run("ip addr add 10.77.0.2/24 dev near");
        const auto names = certificates.make("far", {.common_name = "far", .names = "IP:10.77.0.1"}, &authority);
        network->far().on([&] {
            server.emplace(started(builder()
                                       .websocket_addr("10.77.0.1:0")
                                       .quic_addr("10.77.0.1:0")
                                       .quic_tls(names.certificate_file, names.key_file)
                                       .allow_insecure(true)));
        });
    }
    // What comes in on "near" for this match vanishes.
    void drop(const std::string& match) {
        network->near().run(
            "nft add table inet t && nft add chain inet t c { type filter hook input priority 0\\; } && "
            "nft add rule inet t c " +
            match + " drop");
    }
    Diagnosis diagnosis() {
        Diagnosis found;
        network->near().on([&] {
            found = examine({"ws://" + server->websocket_addr(), "quic://" + server->quic_addr(), "--ca-file", ca(),
                             "--timeout", "2"});
        });
        return found;
    }
    static std::string port_of(const std::string& address) { return address.substr(address.rfind(':') + 1); }

    std::unique_ptr<NetworkNamespaces> network;
    std::optional<Server> server;
};

TEST_F(DoctorBehindAFirewall, FindsThatUdpIsBlocked) {
    drop("udp sport " + port_of(server->quic_addr()));
    const auto found = diagnosis();
    EXPECT_EQ(found.problems(), "udp:udp_blocked") << found.text;
    EXPECT_TRUE(found.is_fine("session"));  // over WebSocket
    EXPECT_THAT(found.text, HasSubstr("open UDP port " + port_of(server->quic_addr())));
}

TEST_F(DoctorBehindAFirewall, FindsThatTcpIsBlocked) {
    drop("tcp sport " + port_of(server->websocket_addr()));
    const auto found = diagnosis();
    EXPECT_EQ(found.problems(), "tcp:tcp_blocked") << found.text;
    EXPECT_TRUE(found.is_fine("quic"));
    EXPECT_THAT(found.text, HasSubstr("though UDP to the same host works: TCP is blocked on the path"));
}

TEST_F(Doctor, SaysThatATokenIsWantedOrBad) {
    auto server = started(builder().with_auth_handler(static_token_auth({{"good-token", {"tester"}}})));
    const auto none = examine({"ws://" + server.websocket_addr()});
    EXPECT_EQ(none.problems(), "session:unauthenticated");
    EXPECT_THAT(none.text, HasSubstr("the server requires a token: give --token-file FILE"));
    const auto bad = examine({"ws://" + server.websocket_addr(), "--token", "bad-token"});
    EXPECT_EQ(bad.problems(), "session:unauthenticated");
    EXPECT_THAT(bad.text, Not(HasSubstr("bad-token")));
    const auto good = examine({"ws://" + server.websocket_addr(), "--token", "good-token"});
    EXPECT_EQ(good.exit_code, 0) << good.text;
    const auto other = examine({"ws://" + server.websocket_addr(), "--token", "good-token", "--user", "bob"});
    EXPECT_EQ(other.problems(), "session:user_mismatch");
}

TEST_F(Doctor, ReadsInATokenThatItHasExpiredOrIsForSomebodyElse) {
    auto server = started(builder());
    const auto signer = Signer::secret(std::string(32, 'k'));
    const auto now = unix_seconds(std::chrono::system_clock::now());
    const auto token = [&](std::int64_t expires) {
        return signer.token(R"({"sub":"alice","exp":)" + std::to_string(expires) + "}");
    };
    const auto expired = examine({"ws://" + server.websocket_addr(), "--token", token(now - 7300)});
    EXPECT_THAT(expired.problems(), HasSubstr("token:token_expired"));
    EXPECT_THAT(expired.text, HasSubstr("the token expired 2 hours ago"));
    const auto good = examine({"ws://" + server.websocket_addr(), "--token", token(now + 7300)});
    EXPECT_TRUE(good.is_fine("token"));
    EXPECT_THAT(good.text, HasSubstr("a JWT for alice, valid for 2 hours"));
    const auto other = examine({"ws://" + server.websocket_addr(), "--token", token(now + 7300), "--user", "bob"});
    EXPECT_EQ(other.problems(), "token:user_mismatch");
}

TEST_F(Doctor, RefusesAnAddressThatIsNone) {
    ToolProcess tool({"doctor", "http://127.0.0.1:4000"});
    EXPECT_EQ(tool.wait(), 2);
    EXPECT_THAT(tool.err(), HasSubstr("'http://127.0.0.1:4000' is not a server address: use ws://HOST:PORT"));
}

// getaddrinfo() takes 65536 + 4000 for 4000, and strtoul() takes 40x for 40.
TEST_F(Doctor, RefusesAPortThatIsNone) {
    for (const char* port : {"69536", "40x", "-1", ""}) {
        const auto found = examine({"ws://127.0.0.1:" + std::string(port)});
        EXPECT_EQ(found.problems(), "address:invalid_config") << port;
        EXPECT_THAT(found.text, HasSubstr("has no usable port"));
        ToolProcess top({"top", "--count", "1", "--admin", "127.0.0.1:" + std::string(port)});
        EXPECT_EQ(top.wait(), 2) << port;
        EXPECT_THAT(top.err(), HasSubstr("has no usable port"));
    }
}

// A proxy leads a path and what is below it to the server, or the very path alone.
TEST_F(Doctor, AsksForHealthBelowThePathOfTheAddress) {
    std::mutex mutex;
    std::vector<std::string> asked;
    std::string good;  // where the server is
    HttpServer proxy([&](const std::string& request) {
        const std::lock_guard lock(mutex);
        const std::string path = request.substr(4, request.find(" HTTP/") - 4);
        asked.push_back(path);
        return path == good ? http_answer(200, "ok\n") : http_answer(404, "nothing here\n");
    });
    const auto examined = [&](const std::string& path, const std::string& served) {
        asked.clear();
        good = served;
        return examine({"ws://127.0.0.1:" + std::to_string(proxy.port()) + path}).text;
    };
    EXPECT_THAT(examined("/chat/room?x=1", "/chat/room/healthz"), HasSubstr("/chat/room/healthz says ok"));
    EXPECT_THAT(examined("/chat/", "/chat/healthz"), HasSubstr("/chat/healthz says ok"));
    EXPECT_THAT(examined("/chat", "/healthz"), HasSubstr(" /healthz says ok"));
    EXPECT_EQ(asked.at(0), "/chat/healthz");
    EXPECT_EQ(asked.at(1), "/healthz");
    EXPECT_THAT(examined("/chat", ""), HasSubstr("/chat/healthz is answered with 404"));
    EXPECT_THAT(examined("", "/healthz"), HasSubstr("/healthz says ok"));
    auto server = started(builder());
    const auto found = examine({"ws://" + server.websocket_addr() + "/passed/on"});
    EXPECT_EQ(found.problems(), "");
    EXPECT_THAT(found.text, HasSubstr("/passed/on/healthz says ok"));
}

TEST_F(Doctor, TakesASchemeInAnyCaseAndAZone) {
    auto server = started(builder());
    EXPECT_EQ(examine({"WS://" + server.websocket_addr()}).problems(), "");
    // The zone is no interface: that is found when the name is resolved, not by the parser.
    EXPECT_EQ(examine({"ws://[fe80::1%25nosuch]:4000"}).problems(), "name:host_not_found");
}

TEST_F(Doctor, AnAddressThatFailsBesideOneThatWorksIsAWarning) {
    auto server = started(builder());
    const std::string address = server.websocket_addr();
    const auto found = examine({"ws://both.localhost" + address.substr(address.rfind(':'))});  // ::1 and 127.0.0.1
    EXPECT_EQ(found.exit_code, 0) << found.text;
    EXPECT_EQ(found.codes("warning"), "tcp:connection_refused");
    EXPECT_THAT(found.text, HasSubstr("clients fall back to the other address"));
}

TEST_F(Doctor, SaysThatANameCannotBeResolved) {
    const auto found = examine({"ws://no-such-host.invalid:4000"});
    EXPECT_EQ(found.problems(), "name:host_not_found");
    EXPECT_THAT(found.text, HasSubstr("the name no-such-host.invalid cannot be resolved"));
}

}  // namespace
}  // namespace flare::test
