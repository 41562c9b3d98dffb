// flare server, started as a person starts it, with clients that connect to it.
#include "integration/raw_peer.hpp"
#include "support/certificates.hpp"
#include "support/folder.hpp"
#include "support/http_server.hpp"
#include "support/tokens.hpp"
#include "support/tool_process.hpp"

#include <flare/client.hpp>

#include <boost/json.hpp>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <array>
#include <sstream>

namespace flare::test {
namespace {

using testing::HasSubstr;
using testing::Not;

// With everything that this test says, and no file of the machine.
class FlareServer {
public:
    explicit FlareServer(std::vector<std::string> more, const std::string& file_text = "",
                         std::map<std::string, std::string> environment = {}) {
        const std::string file = folder_.write("server.toml", file_text);
        std::vector<std::string> arguments = {
            "server", "--json", "--config", file, "--websocket-address", "127.0.0.1:0", "--worker-threads", "1"};
        arguments.insert(arguments.end(), more.begin(), more.end());
        ToolProcess::Options options;
        environment.emplace("XDG_STATE_HOME", folder_.path("state"));
        options.environment = std::move(environment);
        process_ = std::make_unique<ToolProcess>(arguments, options);
    }
    ToolProcess& process() { return *process_; }
    // What it tells of itself when it listens.
    boost::json::object told() {
        if (!process_->says("\n")) throw std::runtime_error("it does not listen: " + process_->err());
        std::istringstream lines(process_->out());
        std::string line;
        std::getline(lines, line);
        return boost::json::parse(line).as_object();
    }
    std::string url(const char* protocol = "websocket") { return std::string(told().at(protocol).as_string()); }

private:
    Folder folder_;
    std::unique_ptr<ToolProcess> process_;
};

Client client_of(const std::string& url, const std::string& user, const std::string& token = {}) {
    ClientBuilder builder(user);
    builder.server_addresses(ServerAddresses().with_websocket_url(url)).auto_reconnect(false);
    if (!token.empty()) builder.token(token);
    return *builder.build();
}

TEST(FlareServer, AnswersAndDeliversWithoutProgramming) {
    FlareServer server({"--quic-enabled=false", "--show-users"});
    Client alice = client_of(server.url(), "alice");
    std::mutex mutex;
    std::condition_variable changed;
    std::vector<std::string> got;
    auto bob = ClientBuilder("bob")
                   .server_addresses(ServerAddresses().with_websocket_url(server.url()))
                   .with_event_callback([&](const Event& event) {
                       if (const auto* message = std::get_if<event::MessageReceived>(&event)) {
                           const std::lock_guard lock(mutex);
                           got.push_back(message->message.payload.str());
                           changed.notify_all();
                       }
                   })
                   .build();
    ASSERT_TRUE(alice.connect());
    ASSERT_TRUE(bob->connect());
    EXPECT_TRUE(alice.send_text_message("server", "hello").success);
    EXPECT_TRUE(alice.send_text_message("bob", "hello bob").success);
    {
        std::unique_lock lock(mutex);
        EXPECT_TRUE(changed.wait_for(lock, std::chrono::seconds(30), [&] { return !got.empty(); }));
        EXPECT_EQ(got.front(), "hello bob");
    }
    EXPECT_TRUE(server.process().says(R"("event":"connected","user":"alice")"));
    alice.disconnect();
    EXPECT_TRUE(server.process().says(R"("event":"disconnected","user":"alice")"));
    server.process().signal(SIGTERM);
    EXPECT_EQ(server.process().wait(), 0);
    EXPECT_THAT(server.process().out(), HasSubstr("{\"event\":\"stopped\"}\n"));
}

TEST(FlareServer, TakesItsConfigurationFromEverySource) {
    FlareServer server({"--limits-max-message-bytes", "2KiB"},
                       "[quic]\nenabled = false\n[limits]\nmax_message_bytes = \"1KiB\"\n",
                       {{"FLARE_SERVER_ADMIN_ADDRESS", "127.0.0.1:0"}});
    const auto told = server.told();
    EXPECT_TRUE(told.contains("admin"));
    EXPECT_FALSE(told.contains("quic"));
    Client alice = client_of(server.url(), "alice");
    ASSERT_TRUE(alice.connect());
    EXPECT_TRUE(alice.send_text_message("server", std::string(1500, 'x')).success);
    EXPECT_FALSE(alice.send_text_message("server", std::string(2500, 'x')).success);
}

// What a server says of a QUIC connection that it does not know: the token at the end of a stateless reset (RFC 9000
// section 10.3) is made of its secret and the connection's id.
std::string reset_token_of(FlareServer& server) {
    const std::string url = server.url("quic");
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    to.sin_port = htons(static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const timeval patience{30, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const std::string packet = "\x40" + std::string(31, '5');
    std::array<char, 64> answer{};
    ssize_t size = -1;
    if (::sendto(fd, packet.data(), packet.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to) > 0)
        size = ::recv(fd, answer.data(), answer.size(), 0);
    ::close(fd);
    return size < 16 ? std::string() : std::string(answer.data() + size - 16, 16);
}

TEST(FlareServer, KeepsASecretForTheQuicClientsOfTheNextStart) {
    const Certificates certificates;
    const auto authority = certificates.authority("ca");
    const auto identity = certificates.make("server", {.common_name = "flare"}, &authority);
    const Folder state;
    const auto started = [&](std::map<std::string, std::string> environment, std::vector<std::string> more = {}) {
        more.insert(more.end(), {"--quic-address", "127.0.0.1:0", "--quic-certificate", identity.certificate_file,
                                 "--quic-key", identity.key_file});
        return std::make_unique<FlareServer>(more, "", std::move(environment));
    };
    const auto killed = [](FlareServer& server) {
        server.process().signal(SIGKILL);
        EXPECT_EQ(server.process().wait(), 128 + SIGKILL);
    };
    const std::map<std::string, std::string> at_home{{"XDG_STATE_HOME", state.path("home")}};
    const auto first = started(at_home);
    const std::string token = reset_token_of(*first);
    EXPECT_EQ(token.size(), 16u);
    killed(*first);
    EXPECT_EQ(std::filesystem::status(state.path("home/flare/quic.secret")).permissions(),
              std::filesystem::perms(0600));
    EXPECT_EQ(reset_token_of(*started(at_home)), token);

    // A service's own folder goes before, and one that was named before both.
    std::filesystem::create_directory(state.path("service"));
    auto as_a_service = at_home;
    as_a_service["STATE_DIRECTORY"] = state.path("service") + ":" + state.path("second");
    EXPECT_NE(reset_token_of(*started(as_a_service)), token);
    EXPECT_TRUE(std::filesystem::exists(state.path("service/quic.secret")));
    EXPECT_EQ(reset_token_of(*started(as_a_service, {"--quic-secret-file", state.path("home/flare/quic.secret")})),
              token);
    EXPECT_NE(reset_token_of(*started(at_home, {"--quic-secret", "another"})), token);
}

TEST(FlareServer, StartsWhereNoSecretForQuicCanBeKept) {
    const Certificates certificates;
    const auto authority = certificates.authority("ca");
    const auto identity = certificates.make("server", {.common_name = "flare"}, &authority);
    const std::vector<std::string> quic{"--quic-address",          "127.0.0.1:0", "--quic-certificate",
                                        identity.certificate_file, "--quic-key",  identity.key_file};
    std::vector<std::string> without_store = quic;
    without_store.insert(without_store.end(), {"--store", "none"});
    FlareServer server(without_store, "", {{"XDG_STATE_HOME", "/dev/null"}});
    EXPECT_EQ(reset_token_of(server).size(), 16u);
    EXPECT_TRUE(server.process().complains("cannot keep quic.secret in /dev/null/flare"));
}

TEST(FlareServer, LetsOnlyTokensInThatItKnows) {
    const Folder folder;
    const std::string tokens = folder.write("tokens", "hush alice\n");
    std::filesystem::permissions(tokens, std::filesystem::perms(0600));
    FlareServer server({"--quic-enabled=false", "--auth-mode", "static", "--auth-static-tokens-file", tokens});
    EXPECT_TRUE(client_of(server.url(), "alice", "hush").connect());
    const auto refused = client_of(server.url(), "alice", "guess").connect();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, errc::unauthenticated);
}

TEST(FlareServer, VerifiesSignedTokens) {
    const Folder folder;
    const Signer signer = Signer::ed25519();
    const std::string key = folder.write("key.pem", signer.public_pem());
    FlareServer server({"--quic-enabled=false"}, "[auth]\nmode = \"jwt\"\n[auth.jwt]\nkey_file = \"" + key +
                                                     "\"\nalgorithm = \"EdDSA\"\nissuer = \"test\"\n");
    const auto now = unix_seconds(std::chrono::system_clock::now());
    const auto token = [&](const std::string& issuer) {
        return signer.token(R"({"sub":"alice","iss":")" + issuer + R"(","exp":)" + std::to_string(now + 600) + "}");
    };
    EXPECT_TRUE(client_of(server.url(), "alice", token("test")).connect());
    EXPECT_FALSE(client_of(server.url(), "alice", token("another")).connect());
}

TEST(FlareServer, AsksAServiceThatItIsGiven) {
    HttpServer service([](const std::string& request) {
        const bool good =
            request.find(R"("token":"good")") != request.npos && request.find("Bearer of-the-server") != request.npos;
        return good ? http_answer(200, R"({"user":"alice"})") : http_answer(401, "");
    });
    FlareServer server({"--quic-enabled=false"},
                       "[auth]\nmode = \"http\"\n[auth.http]\nurl = \"" + service.url() + "\"\n",
                       {{"FLARE_SERVER_AUTH_HTTP_AUTHORIZATION", "Bearer of-the-server"}});
    EXPECT_TRUE(client_of(server.url(), "alice", "good").connect());
    EXPECT_FALSE(client_of(server.url(), "alice", "bad").connect());
}

TEST(FlareServer, RefusesAWrongConfigurationWithEveryProblem) {
    const Folder folder;
    const std::string file = folder.write("server.toml", "[limits]\nmax_conections = 5\nmax_memory_bytes = \"1B\"\n");
    for (const bool check : {true, false}) {
        std::vector<std::string> arguments = {"server", "--config", file, "--sessions-life", "5"};
        if (check) arguments.emplace_back("--check-config");
        const Ran ran = run_tool(arguments);
        EXPECT_EQ(ran.code, 2);
        EXPECT_THAT(ran.err,
                    HasSubstr(file + ":2:1: limits.max_conections: unknown key; did you mean max_connections?\n"));
        EXPECT_THAT(ran.err, HasSubstr(file + ":3:1: limits.max_memory_bytes: must be at least 1 MiB\n"));
        EXPECT_THAT(ran.err, HasSubstr("--sessions-life: sessions.life: needs a unit"));
        EXPECT_EQ(ran.out, "");
    }
}

TEST(FlareServer, NamesAFileThatIsNotThere) {
    Ran ran = run_tool({"server", "--config", "/nowhere/server.toml"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, HasSubstr("--config: configuration /nowhere/server.toml: no such file"));
    ToolProcess::Options options;
    options.environment["FLARE_SERVER_CONFIG"] = "/nowhere/server.toml";
    ran = run_tool({"server"}, options);
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, HasSubstr("FLARE_SERVER_CONFIG: configuration /nowhere/server.toml: no such file"));
}

TEST(FlareServer, TellsProblemsToPrograms) {
    const Folder folder;
    const std::string file = folder.write("server.toml", "x = 1\n");
    const Ran ran = run_tool({"server", "--config", file, "--check-config", "--json", "--quic-enabled=false"});
    EXPECT_EQ(ran.code, 2);
    const auto result = boost::json::parse(ran.out).as_object();
    EXPECT_FALSE(result.at("ok").as_bool());
    EXPECT_EQ(result.at("problems").at(0).at("key").as_string(), "x");
    EXPECT_EQ(result.at("problems").at(0).at("where").as_string(), file + ":1:1");
}

TEST(FlareServer, ChecksCertificatesAndKeysBeforeItStarts) {
    const Certificates certificates;
    const auto authority = certificates.authority();
    Certificates::Spec spec;
    spec.common_name = "expired";
    spec.valid_from_seconds = -7200;
    spec.valid_until_seconds = -3600;
    const auto expired = certificates.make("expired", spec, &authority);
    certificates.write("open.key", "anybody may read this\n");
    std::filesystem::permissions(certificates.path("open.key"), std::filesystem::perms(0644));
    certificates.write("server.toml", "[quic]\ncertificate = \"/nowhere/server.crt\"\n[websocket]\ncertificate = \"" +
                                          expired.certificate_file + "\"\nkey = \"" + expired.key_file +
                                          "\"\n[tls]\nsealing_key_file = \"" + certificates.path("open.key") + "\"\n");
    const Ran ran = run_tool({"server", "--config", certificates.path("server.toml"), "--check-config"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, HasSubstr(":2:1: quic.certificate: certificate /nowhere/server.crt: no such file"));
    EXPECT_THAT(ran.err,
                HasSubstr(":4:1: websocket.certificate: certificate " + expired.certificate_file + ": expired on"));
    EXPECT_THAT(ran.err,
                HasSubstr(":7:1: tls.sealing_key_file: sealing_key " + certificates.path("open.key") +
                          ": a secret with mode 0644, which every user of this machine can access; run: chmod 600 "));
}

TEST(FlareServer, PrintsTheConfigurationThatCounts) {
    const Folder folder;
    const std::string file = folder.write("server.toml", "[sessions]\nlife = \"90s\"\n");
    ToolProcess::Options options;
    options.environment["FLARE_SERVER_QUIC_SECRET"] = "hush";
    const Ran ran = run_tool({"server", "--config", file, "--print-config", "--log-level", "warn"}, options);
    EXPECT_EQ(ran.code, 0) << ran.err;
    EXPECT_THAT(ran.out, HasSubstr("life = \"90s\"  # " + file + ":2:1"));
    EXPECT_THAT(ran.out, HasSubstr("level = \"warn\"  # --log-level"));
    EXPECT_THAT(ran.out, Not(HasSubstr("hush")));
    // What it prints is a configuration.
    const std::string again = folder.write("again.toml", ran.out);
    EXPECT_EQ(run_tool({"server", "--config", again, "--print-config"}).code, 0);
}

TEST(FlareServer, ServesQuicWithWhatTheStateFolderHolds) {
    const Folder folder;
    ToolProcess::Options options;
    options.folder = folder.path("");
    options.environment["STATE_DIRECTORY"] = folder.path("state");
    const std::vector<std::string> arguments{"server",      "--config",       "/dev/null",   "--websocket-address",
                                             "127.0.0.1:0", "--quic-address", "127.0.0.1:0", "--worker-threads",
                                             "1",           "--json"};
    {
        ToolProcess bare(arguments, options);
        ASSERT_TRUE(bare.says("listening")) << bare.err();
        EXPECT_THAT(bare.out(), Not(HasSubstr("quic://")));
        EXPECT_THAT(bare.err(), HasSubstr("QUIC is off"));
        EXPECT_THAT(bare.err(), HasSubstr("flare certs make --out " + folder.path("state") + "/certs"));
    }
    ASSERT_EQ(run_tool({"certs", "make", "--out", folder.path("state/certs")}).code, 0);
    {
        ToolProcess with(arguments, options);
        ASSERT_TRUE(with.says("quic://")) << with.err();
        EXPECT_THAT(with.err(), Not(HasSubstr("QUIC is off")));
    }
    // What somebody has named must be there, and so must QUIC when it was asked for.
    auto named = arguments;
    named.insert(named.end(), {"--quic-certificate", folder.path("none.crt"), "--quic-key", folder.path("none.key")});
    EXPECT_EQ(run_tool(named, options).code, 1);
    options.environment["STATE_DIRECTORY"] = folder.path("other");
    auto asked = arguments;
    asked.push_back("--quic-enabled");
    EXPECT_EQ(run_tool(asked, options).code, 1);
}

TEST(FlareServer, LogsInJsonAndWithoutNamesWhenItIsTo) {
    FlareServer server({"--quic-enabled=false", "--log-format", "json", "--log-show-users=false"});
    {
        Client alice = client_of(server.url(), "alice");
        ASSERT_TRUE(alice.connect());
        alice.disconnect();
    }
    ASSERT_TRUE(server.process().complains("ends")) << server.process().err();
    std::istringstream lines(server.process().err());
    bool began = false;
    for (std::string line; std::getline(lines, line);) {
        if (line.empty() || lines.eof()) continue;
        const auto object = boost::json::parse(line).as_object();
        EXPECT_THAT(std::string(object.at("time").as_string()), testing::EndsWith("Z"));
        const std::string text(object.at("text").as_string());
        EXPECT_THAT(text, Not(HasSubstr("alice")));
        began |= text.starts_with("127.0.0.1 session ") && text.ends_with("of user - begins over websocket");
    }
    EXPECT_TRUE(began) << server.process().err();
}

TEST(FlareServer, NamesThePortThatIsTaken) {
    FlareServer first({"--quic-enabled=false"});
    const std::string address = first.url().substr(std::string("ws://").size());
    const Ran ran = run_tool(
        {"server", "--config", "/dev/null", "--quic-enabled=false", "--store", "none", "--websocket-address", address});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("cannot listen on " + address));
    EXPECT_THAT(ran.err, HasSubstr("shows which process uses an address"));
}

TEST(FlareServer, DoesNotStartOpenToStrangers) {
    const Ran ran = run_tool({"server", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address", ":0"});
    EXPECT_EQ(ran.code, 2);
    EXPECT_THAT(ran.err, HasSubstr("is reachable from other machines"));
    EXPECT_THAT(ran.err, HasSubstr("auth.mode, websocket.certificate and websocket.key, or allow_insecure = true"));
}

// ---- the store ----

// What somebody sends to `to`, with the code of its failure; ok: it was taken.
errc sent(FlareServer& server, const std::string& user, const std::string& to) {
    Client client = client_of(server.url(), user);
    EXPECT_TRUE(client.connect());
    const SendResult result = client.send_text_message(to, "hello");
    client.disconnect();
    return result.success ? errc::ok : result.error;
}

TEST(FlareServer, KeepsConversationsInTheStateFolder) {
    const Folder folder;
    const std::map<std::string, std::string> home{{"XDG_STATE_HOME", folder.path("state")}};
    {
        FlareServer server({"--quic-enabled=false"}, "", home);
        EXPECT_EQ(sent(server, "bob", "server"), errc::ok);
        EXPECT_EQ(sent(server, "ann", "bob"), errc::ok) << "who has been here is written to, connected or not";
        server.process().signal(SIGTERM);
        EXPECT_EQ(server.process().wait(), 0);
    }
    const std::filesystem::path file = folder.path("state/flare/flare.db");
    EXPECT_EQ(std::filesystem::status(file).permissions(), std::filesystem::perms(0600));
    EXPECT_EQ(std::filesystem::status(file.parent_path()).permissions(), std::filesystem::perms(0700));
    FlareServer again({"--quic-enabled=false"}, "", home);
    EXPECT_EQ(sent(again, "eve", "bob"), errc::ok) << "bob is still known";
}

TEST(FlareServer, KeepsConversationsWhereItIsToldOrNotAtAll) {
    const Folder folder;
    {
        FlareServer server({"--quic-enabled=false", "--store", folder.path("mine.db")});
        EXPECT_EQ(sent(server, "bob", "server"), errc::ok);
        EXPECT_EQ(sent(server, "ann", "bob"), errc::ok);
    }
    EXPECT_TRUE(std::filesystem::exists(folder.path("mine.db")));
    FlareServer without({"--quic-enabled=false"}, "[store]\nfile = \"none\"\n");
    EXPECT_EQ(sent(without, "bob", "server"), errc::ok);
    EXPECT_EQ(sent(without, "ann", "bob"), errc::user_offline);
}

TEST(FlareServer, SaysWhoHasItsStoreAndWhatToDo) {
    const Folder folder;
    const std::string store = folder.path("flare.db");
    FlareServer first({"--quic-enabled=false", "--store", store});
    first.told();
    const Ran ran = run_tool({"server", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address",
                              "127.0.0.1:0", "--store", store});
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr(store));
    EXPECT_THAT(ran.err, HasSubstr("--store FILE, or --store none"));
}

TEST(FlareServer, DoesNotStartWhereConversationsCannotBeKept) {
    ToolProcess::Options nowhere;
    nowhere.environment["XDG_STATE_HOME"] = "/dev/null";
    const Ran ran = run_tool(
        {"server", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address", "127.0.0.1:0"}, nowhere);
    EXPECT_EQ(ran.code, 1);
    EXPECT_THAT(ran.err, HasSubstr("conversations cannot be kept: state folder /dev/null/flare"));
    EXPECT_THAT(ran.err, HasSubstr("--store none"));
    const Ran missing = run_tool({"server", "--config", "/dev/null", "--quic-enabled=false", "--websocket-address",
                                  "127.0.0.1:0", "--store", "/nowhere/flare.db"});
    EXPECT_EQ(missing.code, 1);
    EXPECT_THAT(missing.err, HasSubstr("/nowhere/flare.db"));
    const Ran checked = run_tool(
        {"server", "--config", "/dev/null", "--quic-enabled=false", "--check-config", "--store", "/nowhere/flare.db"});
    EXPECT_EQ(checked.code, 2);
    EXPECT_THAT(checked.err, HasSubstr("--store-file: store.file: the store /nowhere/flare.db: its folder does not"));
}

// The socket that systemd listens on.
class NotifySocket {
public:
    NotifySocket() : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)), path_(folder_.path("notify")) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        path_.copy(address.sun_path, sizeof address.sun_path - 1);
        const timeval limit{60, 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        if (::bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("bind");
    }
    ~NotifySocket() { ::close(fd_); }
    const std::string& path() const { return path_; }
    std::string next() const {
        char text[512];
        const ssize_t got = ::recv(fd_, text, sizeof text, 0);
        return {text, got < 0 ? 0u : static_cast<std::size_t>(got)};
    }

private:
    Folder folder_;
    int fd_;
    std::string path_;
};

TEST(FlareServer, TellsTheServiceManagerWhatItDoes) {
    const NotifySocket manager;
    const Certificates certificates;
    const auto authority = certificates.authority();
    Certificates::Spec spec;
    spec.common_name = "first";
    const auto identity = certificates.make("server", spec, &authority);
    FlareServer server({"--quic-enabled=false", "--websocket-certificate", identity.certificate_file, "--websocket-key",
                        identity.key_file},
                       "", {{"NOTIFY_SOCKET", manager.path()}});
    EXPECT_EQ(manager.next(), "READY=1");
    server.process().signal(SIGHUP);
    EXPECT_THAT(manager.next(), testing::StartsWith("RELOADING=1\nMONOTONIC_USEC="));
    EXPECT_EQ(manager.next(), "READY=1\nSTATUS=certificates reloaded");
    std::filesystem::remove(identity.key_file);
    server.process().signal(SIGHUP);
    EXPECT_THAT(manager.next(), testing::StartsWith("RELOADING=1\n"));
    EXPECT_THAT(manager.next(), HasSubstr("certificates not reloaded"));
    server.process().signal(SIGTERM);
    EXPECT_EQ(manager.next(), "STOPPING=1");
    EXPECT_EQ(server.process().wait(), 0);
}

TEST(FlareServer, EndsAtOnceWhenItIsToldTwice) {
    const NotifySocket manager;
    FlareServer server({"--quic-enabled=false"}, "", {{"NOTIFY_SOCKET", manager.path()}});
    EXPECT_EQ(manager.next(), "READY=1");
    // A client that does not answer the Goodbye holds the server up for seconds.
    RawPeer silent(server.url().substr(std::string("ws://").size()));
    ASSERT_EQ(silent.hello(RawPeer::hello_of("silent")), wire::FrameKind::welcome);
    server.process().signal(SIGTERM);
    EXPECT_EQ(manager.next(), "STOPPING=1");
    server.process().signal(SIGTERM);
    EXPECT_EQ(server.process().wait(), 128 + SIGTERM);
}

}  // namespace
}  // namespace flare::test
