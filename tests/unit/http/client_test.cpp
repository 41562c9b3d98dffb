// Asking a server over sockets of this machine.
#include "transport/http/client.hpp"
#include "support/certificates.hpp"
#include "support/http_server.hpp"

#include <boost/asio/co_spawn.hpp>

#include <gtest/gtest.h>

#include <thread>

namespace flare::transport::http {
namespace {

using namespace std::chrono_literals;
using test::http_answer;
using test::HttpServer;

Endpoint endpoint_of(const HttpServer& server, bool repeatable = false) {
    Endpoint endpoint;
    endpoint.host = "127.0.0.1";
    endpoint.port = server.port();
    endpoint.host_header = "127.0.0.1";
    endpoint.timeout = 20s;
    endpoint.repeatable = repeatable;
    return endpoint;
}

// Waits on a loop of its own.
Checked<Answer> result_of(Task<Checked<Answer>> asking) {
    boost::asio::io_context loop;
    Checked<Answer> result = Failure(errc::internal, "no answer");
    boost::asio::co_spawn(loop, std::move(asking), [&](const std::exception_ptr& thrown, Checked<Answer> answer) {
        if (!thrown) result = std::move(answer);
    });
    loop.run();
    return result;
}
Checked<Answer> ask(const std::shared_ptr<Client>& client, const std::string& body = "question") {
    return result_of(Client::post(client, body));
}
Checked<Answer> ask(const std::shared_ptr<Client>& client, Question question) {
    return result_of(Client::ask(client, std::move(question)));
}

std::string body_of(const Checked<Answer>& answer) { return answer ? answer->body : answer.error().text; }

TEST(HttpClient, KeepsAConnectionForTheNextQuestionWhicheverLoopAsks) {
    HttpServer server([](const std::string&) { return http_answer(200, "yes"); });
    server.keep_connections();
    const auto client = std::make_shared<Client>(endpoint_of(server));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(body_of(ask(client)), "yes");
    EXPECT_EQ(server.connections(), 1u);
    EXPECT_EQ(server.requests().size(), 10u);
    EXPECT_EQ(server.requests()[0].find("Connection:"), std::string::npos);
    EXPECT_EQ(client->kept().count(), 1u);
}

TEST(HttpClient, AsksWithAMethodAPathAndFieldsAndHasThoseOfTheAnswer) {
    HttpServer server([](const std::string&) {
        return std::string("HTTP/1.1 429 x\r\nretry-after: 7\r\nContent-Length: 3\r\n\r\nyes");
    });
    server.keep_connections();
    const auto client = std::make_shared<Client>(endpoint_of(server));
    const auto answer = ask(client, Question{"GET", "/v1/users/a%2Fb?limit=1", {{"X-Key", "a b"}}, {}});
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->status, 429u);
    EXPECT_EQ(answer->fields.value("Retry-After"), "7");
    EXPECT_EQ(server.requests().front(),
              "GET /v1/users/a%2Fb?limit=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Key: a b\r\n\r\n");
    (void)ask(client, Question{"PATCH", "/v1/x", {}, "{}"});
    EXPECT_EQ(server.requests().back(), "PATCH /v1/x HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}");
    (void)ask(client, Question{"POST", {}, {}, {}});
    EXPECT_EQ(server.requests().back(), "POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n");
}

TEST(HttpClient, RefusesWhatWouldBeAnotherRequest) {
    HttpServer server([](const std::string&) { return http_answer(200, "yes"); });
    const auto client = std::make_shared<Client>(endpoint_of(server));
    for (const Question& bad : {Question{"GET", "/a HTTP/1.1\r\nX: y", {}, {}}, Question{"GET", "/a b", {}, {}},
                                Question{"GET /x", "/a", {}, {}}, Question{"GET", "/a", {{"X", "a\r\nY: b"}}, {}},
                                Question{"GET", "/a", {{"X\n", "a"}}, {}}, Question{"GET", "/a", {{"", "a"}}, {}}}) {
        const auto answer = ask(client, bad);
        EXPECT_TRUE(!answer && answer.error().code == errc::invalid_config) << bad.target;
    }
    EXPECT_EQ(server.connections(), 0u);
}

TEST(HttpClient, KeepsATlsConnection) {
    test::Certificates certificates;
    const auto authority = certificates.authority("ca");
    const auto identity = certificates.make("service", {.common_name = "service"}, &authority);
    HttpServer server([](const std::string&) { return http_answer(200, "yes"); }, identity.certificate_file,
                      identity.key_file);
    server.keep_connections();
    tls::ClientOptions trust;
    trust.ca_file = authority.certificate_file;
    Endpoint endpoint = endpoint_of(server);
    std::string text;
    endpoint.tls = *tls::ClientContext::load(trust, &text);
    const auto client = std::make_shared<Client>(std::move(endpoint));
    for (int i = 0; i < 5; ++i) EXPECT_EQ(body_of(ask(client)), "yes");
    EXPECT_EQ(server.connections(), 1u);
}

TEST(HttpClient, KeepsNoMoreConnectionsThanItMay) {
    std::unique_ptr<HttpServer> server;
    server = std::make_unique<HttpServer>([&](const std::string&) {
        server->hold();
        return http_answer(200, "yes");
    });
    server->keep_connections();
    Endpoint endpoint = endpoint_of(*server);
    endpoint.most_kept = 2;
    const auto client = std::make_shared<Client>(std::move(endpoint));
    std::vector<std::thread> threads;
    for (int i = 0; i < 5; ++i) threads.emplace_back([&] { EXPECT_EQ(body_of(ask(client)), "yes"); });
    ASSERT_TRUE(server->wait_for_requests(5));
    server->release();
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(server->connections(), 5u);
    EXPECT_EQ(client->kept().count(), 2u);
}

TEST(HttpClient, KeepsNoConnectionWhoseAnswerDoesNotAllowIt) {
    for (const std::string& answer :
         {std::string("HTTP/1.1 200 x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nyes"),
          std::string("HTTP/1.0 200 x\r\nContent-Length: 3\r\n\r\nyes"), std::string("HTTP/1.1 200 x\r\n\r\nyes"),
          http_answer(200, "yes") + "HTTP/1.1 200 x\r\nContent-Length: 3\r\n\r\nbad"}) {
        HttpServer server([&](const std::string&) { return answer; });
        if (answer.find("Content-Length") != std::string::npos) server.keep_connections();
        const auto client = std::make_shared<Client>(endpoint_of(server));
        EXPECT_EQ(body_of(ask(client)), "yes");
        EXPECT_EQ(body_of(ask(client)), "yes") << "an answer that nobody has asked for answers nothing";
        EXPECT_EQ(server.connections(), 2u) << answer;
    }
}

TEST(HttpClient, KeepsNothingWhereNothingMayStay) {
    HttpServer server([](const std::string&) { return http_answer(200, "yes"); });
    server.keep_connections();
    Endpoint endpoint = endpoint_of(server);
    endpoint.most_kept = 0;
    const auto none = std::make_shared<Client>(endpoint);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of(ask(none)), "yes");
    EXPECT_NE(server.requests()[0].find("\r\nConnection: close\r\n"), std::string::npos);
    endpoint.most_kept = 1;
    endpoint.keep_for = 0ms;
    const auto short_lived = std::make_shared<Client>(endpoint);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(body_of(ask(short_lived)), "yes");
    EXPECT_EQ(server.connections(), 4u);
}

TEST(HttpClient, AsksOnANewConnectionWhereTheKeptOneHasEnded) {
    HttpServer server([](const std::string&) { return http_answer(200, "yes"); });
    const auto client = std::make_shared<Client>(endpoint_of(server, true));
    for (int i = 0; i < 20; ++i) EXPECT_EQ(body_of(ask(client)), "yes");  // closed before, or while it is asked
    EXPECT_EQ(server.connections(), 20u);
    EXPECT_EQ(server.requests().size(), 20u);
}

TEST(HttpClient, AsksAgainOnceAndOnlyWhatMayBeHeardTwice) {
    const auto asked = [](bool repeatable, std::size_t closed_from, std::size_t closed_to) {
        std::atomic<std::size_t> number{0};
        HttpServer server([&](const std::string&) {
            const std::size_t now = ++number;
            return now >= closed_from && now <= closed_to ? std::string() : http_answer(200, "yes");
        });
        server.keep_connections();
        const auto client = std::make_shared<Client>(endpoint_of(server, repeatable));
        std::string words;
        for (int i = 0; i < 2; ++i) {
            const auto answer = ask(client);
            words += answer ? answer->body + " " : std::string(name(answer.error().code)) + " ";
        }
        return words + std::to_string(server.requests().size());
    };
    EXPECT_EQ(asked(true, 2, 2), "yes yes 3");
    EXPECT_EQ(asked(false, 2, 2), "yes connection_lost 2") << "it may have been done already";
    EXPECT_EQ(asked(true, 2, 3), "yes connection_lost 3") << "once";
    EXPECT_EQ(asked(true, 1, 1), "connection_lost yes 2") << "a new connection was not closed for its age";
}

TEST(HttpClient, AHalfAnswerIsNotAskedForAgain) {
    std::atomic<int> number{0};
    HttpServer server([&](const std::string&) { return ++number == 2 ? "HTTP/1.1 2" : http_answer(200, "yes"); });
    server.keep_connections(2);
    const auto client = std::make_shared<Client>(endpoint_of(server, true));
    EXPECT_TRUE(ask(client));
    EXPECT_EQ(ask(client).error().code, errc::connection_lost);
    EXPECT_EQ(server.requests().size(), 2u);
}

TEST(HttpClient, GivesAKeptConnectionUpThatDoesNotAnswerInTime) {
    std::unique_ptr<HttpServer> server;
    std::atomic<int> number{0};
    server = std::make_unique<HttpServer>([&](const std::string&) {
        if (++number == 2) server->hold();
        return http_answer(200, "yes");
    });
    server->keep_connections();
    Endpoint endpoint = endpoint_of(*server, true);
    endpoint.timeout = 1s;
    const auto client = std::make_shared<Client>(std::move(endpoint));
    EXPECT_TRUE(ask(client));
    EXPECT_EQ(ask(client).error().code, errc::connect_timeout);
    EXPECT_EQ(client->kept().count(), 0u);
    EXPECT_TRUE(ask(client));
    EXPECT_EQ(server->connections(), 2u);
}

}  // namespace
}  // namespace flare::transport::http
