// http_auth(): a service of the operator's says who somebody is.
#include "integration/harness.hpp"
#include "support/certificates.hpp"
#include "support/http_server.hpp"

#include <flare/auth.hpp>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

namespace flare::test {
namespace {

HttpAuthOptions options_for(const std::string& url) {
    HttpAuthOptions options;
    options.url = url;
    options.timeout = 10s;
    return options;
}

AuthRequest request_of(const std::string& token, const std::string& user = "ann") {
    AuthRequest request;
    request.token = token;
    request.claimed_user = user;
    request.device = "phone";
    request.platform = Platform::ios;
    request.peer_address = "192.0.2.1";
    return request;
}

// Asks the handler on a loop of its own.
Checked<Identity> ask(const AsyncAuthHandler& handler, AuthRequest request) {
    boost::asio::io_context loop;
    Checked<Identity> result = Failure(errc::internal, "no answer");
    boost::asio::co_spawn(loop, handler(std::move(request)),
                          [&](const std::exception_ptr& thrown, Checked<Identity> identity) {
                              if (!thrown) result = std::move(identity);
                          });
    loop.run();
    return result;
}

std::string build_error(const HttpAuthOptions& options) {
    const auto server = quiet_server().with_auth_handler(http_auth(options)).build();
    return server ? "built" : std::string(name(server.error().code)) + ": " + server.error().text;
}

TEST(HttpAuth, PassesTheClaimsOfTheAnswerOn) {
    const auto answered = [](const std::string& claims) {
        HttpServer service(
            [&](const std::string&) { return http_answer(200, R"({"user":"ann","claims":)" + claims + "}"); });
        return ask(http_auth(options_for(service.url())), request_of("t"));
    };
    const auto good = answered(R"({ "role" : "admin", "groups": ["a", {"b": null}] })");
    ASSERT_TRUE(good);
    EXPECT_EQ(good->claims, R"({"role":"admin","groups":["a",{"b":null}]})");
    EXPECT_EQ(answered("null")->claims, "");
    EXPECT_EQ(answered("{}")->claims, "{}");
    for (const char* wrong : {"[]", "\"{}\"", "1", "true"})
        EXPECT_EQ(answered(wrong).error().code, errc::busy) << wrong;
    EXPECT_EQ(answered(R"({"a":")" + std::string(4096, 'x') + R"("})").error().code, errc::claims_too_large);
}

TEST(HttpAuth, DecidesWhoSpeaks) {
    HttpServer service([](const std::string& request) {
        if (request.find(R"("token":"good")") == request.npos) return http_answer(401, R"({"text":"sign in, please"})");
        return http_answer(200, R"({"user":"ann","expires_in_ms":600000})");
    });
    HttpAuthOptions options = options_for(service.url());
    options.authorization = "Bearer of-the-server";
    Server server = started(quiet_server().with_auth_handler(http_auth(options)));
    const auto refusal = [&](const std::string& user, const std::string& token) {
        Events events;
        auto client = client_of(server.websocket_addr(), user, events)
                          .token(token)
                          .device_id("phone")
                          .platform(Platform::ios)
                          .build();
        const auto result = client->connect();
        return result ? Failure(errc::ok) : result.error();
    };
    EXPECT_EQ(refusal("ann", "good").code, errc::ok);
    EXPECT_EQ(refusal("ann", "bad").code, errc::unauthenticated);
    EXPECT_EQ(refusal("ann", "bad").text, "sign in, please");
    EXPECT_EQ(refusal("bob", "good").code, errc::user_mismatch);
    const std::string asked = service.requests()[0];
    EXPECT_TRUE(asked.starts_with("POST /auth HTTP/1.1\r\n")) << asked;
    for (const char* part : {"Authorization: Bearer of-the-server\r\n", "Content-Type: application/json\r\n",
                             "Host: 127.0.0.1:", R"("token":"good")", R"("user":"ann")", R"("device":"phone")",
                             R"("platform":"ios")", R"("address":"127.0.0.1")"})
        EXPECT_NE(asked.find(part), std::string::npos) << part << "\n" << asked;
}

TEST(HttpAuth, AServiceThatDoesNotAnswerIsBusyAndClientsComeBack) {
    std::atomic<bool> up{true};
    HttpServer service([&](const std::string&) { return up ? http_answer(200, R"({"user":"ann"})") : std::string(); });
    HttpAuthOptions options = options_for(service.url());
    options.cache_for = 0ms;
    Server server = started(quiet_server().session_life(100ms).with_auth_handler(http_auth(options)));
    Events events;
    Client client = connected(client_of(server.websocket_addr(), "ann", events).token("t").reconnect_delay(10ms));
    up = false;
    Events others;
    auto other = client_of(server.websocket_addr(), "ann", others).token("t").device_id("other").build();
    EXPECT_EQ(other->connect().error().code, errc::busy);
    up = true;
    EXPECT_TRUE(other->connect());
    EXPECT_TRUE(client.send_text_message("server", "x").success);
}

TEST(HttpAuth, ManyAreUnderWayAtOnce) {
    constexpr int kClients = 20;
    std::unique_ptr<HttpServer> service;
    service = std::make_unique<HttpServer>([&](const std::string& request) {
        service->hold();
        const std::size_t at = request.find(R"("user":")") + 8;
        return http_answer(200, R"({"user":")" + request.substr(at, request.find('"', at) - at) + "\"}");
    });
    Server server = started(
        quiet_server().worker_threads(1).handler_threads(1).with_auth_handler(http_auth(options_for(service->url()))));
    Events events;
    std::vector<std::thread> threads;
    std::atomic<int> in{0};
    for (int i = 0; i < kClients; ++i) {
        threads.emplace_back([&, i] {
            auto client = client_of(server.websocket_addr(), "user-" + std::to_string(i), events).token("t").build();
            in += client->connect() ? 1 : 0;
        });
    }
    EXPECT_TRUE(service->wait_for_requests(kClients)) << "each waits, and none for another";
    service->release();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(in, kClients);
}

TEST(HttpAuth, AServerStopsWhileQuestionsAreUnderWay) {
    std::unique_ptr<HttpServer> service;
    service = std::make_unique<HttpServer>([&](const std::string&) {
        service->hold();
        return std::string();
    });
    Server server = started(quiet_server().with_auth_handler(http_auth(options_for(service->url()))));
    Events events;
    auto client = client_of(server.websocket_addr(), "ann", events).token("t").build();
    std::thread connecting([&] { EXPECT_FALSE(client->connect()); });
    EXPECT_TRUE(service->wait_for_requests(1));
    server.stop();
    connecting.join();
}

TEST(HttpAuth, OnlyAnAnswerThatIsOneCounts) {
    std::string answer;
    HttpServer service([&](const std::string&) { return answer; });
    HttpAuthOptions options = options_for(service.url());
    options.cache_for = 0ms;
    const AsyncAuthHandler handler = http_auth(options);
    const auto result = [&](const std::string& text) {
        answer = text;
        const auto identity = ask(handler, request_of("t"));
        return identity ? errc::ok : identity.error().code;
    };
    EXPECT_EQ(result(http_answer(200, R"({"user":"ann"})")), errc::ok);
    EXPECT_EQ(result("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\ne\r\n{\"user\":\"ann\"}\r\n0\r\n\r\n"),
              errc::ok);
    EXPECT_EQ(result("HTTP/1.0 200 OK\r\n\r\n{\"user\":\"ann\"}"), errc::ok) << "the end of the connection ends it";
    EXPECT_EQ(result(http_answer(401, "")), errc::unauthenticated);
    EXPECT_EQ(result(http_answer(403, "{")), errc::unauthenticated);
    for (const std::string& other : {http_answer(500, R"({"user":"ann"})"),
                                     http_answer(302, ""),
                                     http_answer(404, ""),
                                     http_answer(204, ""),
                                     http_answer(200, ""),
                                     http_answer(200, "ann"),
                                     http_answer(200, "[]"),
                                     http_answer(200, R"({"user":7})"),
                                     http_answer(200, R"({"user":""})"),
                                     http_answer(200, R"({"user":"ann","user":"eve"})"),
                                     http_answer(200, R"({"user":"ann","expires_in_ms":"soon"})"),
                                     http_answer(200, R"({"user":"ann","expires_in_ms":-1})"),
                                     http_answer(200, R"({"user":"ann","expires_in_ms":1e300})"),
                                     http_answer(200, R"({"user":"ann","token_id":7})"),
                                     http_answer(200, "{\"user\":\"ann\",\"x\":\"" + std::string(20'000, 'x') + "\"}"),
                                     "HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n",
                                     std::string("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"user\":\"ann\"}"),
                                     std::string("SSH-2.0-x\r\n"),
                                     std::string("HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999\r\n\r\n"),
                                     std::string()}) {
        EXPECT_EQ(result(other), errc::busy) << other.substr(0, 100);
    }
}

TEST(HttpAuth, TakesExpiryAndTokenIdFromTheAnswer) {
    HttpServer service([](const std::string&) {
        return http_answer(200, R"({"user":"ann","expires_in_ms":60000,"token_id":"t-1"})");
    });
    const auto before = std::chrono::system_clock::now();
    const auto identity = ask(http_auth(options_for(service.url())), request_of("t"));
    ASSERT_TRUE(identity) << identity.error().text;
    EXPECT_GE(identity->expires, before + 60s);
    EXPECT_LE(identity->expires, std::chrono::system_clock::now() + 60s);
    EXPECT_EQ(identity->token_id, "t-1");
}

// RFC 9110 section 15.2.
TEST(HttpAuth, TheAnswerComesAfterInterimAnswers) {
    const std::string kGood = http_answer(200, R"({"user":"ann"})");
    const auto after = [&](const std::string& before) {
        HttpServer service([&](const std::string&) { return before + kGood; });
        return ask(http_auth(options_for(service.url())), request_of("t"));
    };
    EXPECT_TRUE(after("HTTP/1.1 100 Continue\r\n\r\n"));
    EXPECT_TRUE(
        after("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n"
              "Content-Length: 3\r\n\r\n"));
    std::string many;
    for (int i = 0; i < 16; ++i) many += "HTTP/1.1 102 Processing\r\n\r\n";
    EXPECT_TRUE(after(many));
    EXPECT_EQ(after(many + "HTTP/1.1 102 Processing\r\n\r\n").error().code, errc::busy) << "too many";
    const std::string large = "HTTP/1.1 103 x\r\nX: " + std::string(5000, 'x') + "\r\n\r\n";
    EXPECT_TRUE(after(large));
    EXPECT_EQ(after(large + large).error().code, errc::busy) << "8 KiB together";
    EXPECT_EQ(after("HTTP/1.1 101 Switching Protocols\r\n\r\n").error().code, errc::busy) << "nobody asked for it";
}

TEST(HttpAuth, NoAnswerInTimeIsBusy) {
    std::unique_ptr<HttpServer> service;
    service = std::make_unique<HttpServer>([&](const std::string&) {
        service->hold();
        return std::string();
    });
    HttpAuthOptions options = options_for(service->url());
    options.timeout = 50ms;
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
    // Nobody listens; a name that is none.
    options.url = "http://127.0.0.1:1/auth";
    options.timeout = 10s;
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
    options.url = "http://name.invalid/auth";
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
}

TEST(HttpAuth, MoreQuestionsThanAllowedAreBusyAtOnce) {
    std::unique_ptr<HttpServer> service;
    service = std::make_unique<HttpServer>([&](const std::string&) {
        service->hold();
        return http_answer(200, R"({"user":"ann"})");
    });
    HttpAuthOptions options = options_for(service->url());
    options.max_requests = 2;
    const AsyncAuthHandler handler = http_auth(options);
    std::vector<std::thread> threads;
    for (int i = 0; i < 2; ++i)
        threads.emplace_back([&, i] { EXPECT_TRUE(ask(handler, request_of("t" + std::to_string(i)))); });
    ASSERT_TRUE(service->wait_for_requests(2));
    EXPECT_EQ(ask(handler, request_of("t2")).error().code, errc::busy);
    service->release();
    for (std::thread& thread : threads) thread.join();
    EXPECT_TRUE(ask(handler, request_of("t2")));
}

TEST(HttpAuth, AGoodAnswerHoldsForAWhileForItsTokenAndUser) {
    std::atomic<bool> good{true};
    HttpServer service([&](const std::string&) {
        return good ? http_answer(200, R"({"user":"ann","expires_in_ms":3600000})") : http_answer(401, "");
    });
    const AsyncAuthHandler handler = http_auth(options_for(service.url()));
    EXPECT_TRUE(ask(handler, request_of("t")));
    good = false;
    EXPECT_TRUE(ask(handler, request_of("t")));
    EXPECT_EQ(service.requests().size(), 1u);
    EXPECT_FALSE(ask(handler, request_of("other")));
    EXPECT_FALSE(ask(handler, request_of("t", "bob")));
    EXPECT_FALSE(ask(handler, request_of("other"))) << "refusals are not kept";
    EXPECT_EQ(service.requests().size(), 4u);
}

TEST(HttpAuth, ManyQuestionsUseFewConnections) {
    HttpServer service([](const std::string& request) {
        const std::size_t at = request.find(R"("user":")") + 8;
        return http_answer(200, R"({"user":")" + request.substr(at, request.find('"', at) - at) + "\"}");
    });
    service.keep_connections();
    const AsyncAuthHandler handler = http_auth(options_for(service.url()));
    Server server = started(quiet_server().worker_threads(4).with_auth_handler(handler));
    Events events;
    for (int i = 0; i < 20; ++i)
        connected(client_of(server.websocket_addr(), "user-" + std::to_string(i), events).token("t"));
    EXPECT_EQ(service.requests().size(), 20u);
    EXPECT_EQ(service.connections(), 1u) << "whichever worker asks takes the connection that is there";
    EXPECT_TRUE(ask(handler, request_of("t"))) << "and any other loop";
    EXPECT_EQ(service.connections(), 1u);
}

TEST(HttpAuth, AsksAgainWhereAKeptConnectionHasBeenClosed) {
    std::atomic<int> asked{0};
    HttpServer service(
        [&](const std::string&) { return ++asked == 2 ? std::string() : http_answer(200, R"({"user":"ann"})"); });
    service.keep_connections();
    HttpAuthOptions options = options_for(service.url());
    options.cache_for = 0ms;
    const AsyncAuthHandler handler = http_auth(options);
    EXPECT_TRUE(ask(handler, request_of("t")));
    EXPECT_TRUE(ask(handler, request_of("t"))) << "the second was closed on with the question on its way";
    EXPECT_EQ(asked, 3);
    EXPECT_EQ(service.connections(), 2u);
}

TEST(HttpAuth, AServiceOnThisMachineNeedsNoNameServer) {
    HttpServer service([](const std::string&) { return http_answer(200, R"({"user":"ann"})"); });
    const auto told = ask(http_auth(options_for(service.url("auth.localhost"))), request_of("t"));
    EXPECT_TRUE(told) << told.error().text;
}

TEST(HttpAuth, OverTlsTheServiceIsVerified) {
    Certificates certificates;
    const auto authority = certificates.authority("ca");
    const auto stranger = certificates.authority("stranger");
    const auto identity = certificates.make("service", {.common_name = "service"}, &authority);
    HttpServer service([](const std::string&) { return http_answer(200, R"({"user":"ann"})"); },
                       identity.certificate_file, identity.key_file);
    HttpAuthOptions options = options_for(service.url());
    options.ca_file = authority.certificate_file;
    const auto good = ask(http_auth(options), request_of("t"));
    EXPECT_TRUE(good) << good.error().text;
    options.url = service.url("localhost");
    EXPECT_TRUE(ask(http_auth(options), request_of("t")));
    options.ca_file = stranger.certificate_file;
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
    EXPECT_EQ(service.requests().size(), 2u) << "a stranger sees no token";
    const auto other =
        certificates.make("other", {.common_name = "other", .names = "DNS:elsewhere.example"}, &authority);
    HttpServer elsewhere([](const std::string&) { return http_answer(200, R"({"user":"ann"})"); },
                         other.certificate_file, other.key_file);
    options.ca_file = authority.certificate_file;
    options.url = elsewhere.url();
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
    EXPECT_TRUE(elsewhere.requests().empty());
    // Plain HTTP where TLS is spoken.
    options.url = "http://127.0.0.1:" + std::to_string(service.port()) + "/auth";
    EXPECT_EQ(ask(http_auth(options), request_of("t")).error().code, errc::busy);
}

TEST(HttpAuth, OptionsThatCannotBeUsedAreNamedByBuild) {
    const auto with = [](const std::string& url) {
        HttpAuthOptions options;
        options.url = url;
        return options;
    };
    EXPECT_EQ(build_error(with("http://127.0.0.1/auth")), "built");
    for (const char* url : {"", "127.0.0.1", "ftp://host/", "http:///x", "http://user:secret@host/",
                            "http://host/?key=secret", "http://host:0/", "http://host:99999/", "http://host:40x/",
                            "http://host:/", "http://::1/", "http://host/#x"}) {
        const std::string error = build_error(with(url));
        EXPECT_TRUE(error.starts_with("invalid_config: http_auth: url ")) << error;
        EXPECT_EQ(error.find("secret"), std::string::npos) << error;
    }
    HttpAuthOptions options = with("https://host/");
    options.ca_file = "/nowhere/ca.crt";
    EXPECT_NE(build_error(options).find("/nowhere/ca.crt"), std::string::npos);
    options = with("http://host/");
    options.authorization = "a\r\nX: b";
    EXPECT_TRUE(build_error(options).starts_with("invalid_config: http_auth: authorization"));
    options = with("http://host/");
    options.timeout = 0ms;
    EXPECT_TRUE(build_error(options).starts_with("invalid_config: http_auth: timeout"));
}

}  // namespace
}  // namespace flare::test
