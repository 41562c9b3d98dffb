// A server over sockets of this machine, and peers that may send anything.
#include "transport/http/server.hpp"
#include "support/event_loop.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace flare::transport::http {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// A TCP connection with nothing of ours on top of it.
class Peer {
public:
    explicit Peer(const boost::asio::ip::tcp::endpoint& to) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
        EXPECT_EQ(::connect(fd_, to.data(), static_cast<socklen_t>(to.size())), 0);
        ::fcntl(fd_, F_SETFL, O_NONBLOCK);
    }
    ~Peer() { close(); }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    void send(std::string_view bytes) const {
        EXPECT_EQ(::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
    }
    void finish() const { ::shutdown(fd_, SHUT_WR); }
    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }
    const std::string& received() {
        std::string block(65536, '\0');
        for (;;) {
            const ssize_t got = ::recv(fd_, block.data(), block.size(), 0);
            ended |= got == 0 || (got < 0 && errno == ECONNRESET);
            if (got <= 0) return text_;
            text_.append(block.data(), static_cast<std::size_t>(got));
        }
    }
    std::size_t answers() {
        std::size_t count = 0;
        received();
        for (std::size_t at = 0; (at = text_.find("HTTP/1.1 ", at)) != std::string::npos; ++at) ++count;
        return count;
    }
    bool ended = false;

private:
    int fd_;
    std::string text_;
};

class HttpServerTest : public ::testing::Test, protected ServerHandler {
protected:
    void open() {
        auto opened = Server::open(io, "127.0.0.1:0", nullptr, options, *this);
        ASSERT_TRUE(opened) << opened.error().text;
        server = std::move(*opened);
    }
    template <typename Condition>
    bool run_until(Condition condition) {
        return test::run_until(io, condition, 20s);
    }
    // Sends it, and reads until the server closes.
    std::string to_the_end(std::string_view bytes) {
        Peer asking(server->local_endpoint());
        asking.send(bytes);
        asking.finish();
        EXPECT_TRUE(run_until([&] { return asking.received(), asking.ended; })) << bytes;
        return asking.received();
    }

    std::optional<Response> refuse(const RequestHead& head, const std::string&) override {
        if (head.target != "/refused") return std::nullopt;
        return Response{403, "text/plain", "no\n"};
    }
    void on_request(Request request, Responder responder) override {
        requests.push_back(request);
        if (hook) hook();
        if (request.head.target == "/later") {
            waiting.push_back(std::move(responder));
        } else if (request.head.target != "/dropped") {
            responder.answer({200, "text/plain", request.head.method + " " + request.head.target + request.body});
        }
    }

    boost::asio::io_context io{1};
    ServerOptions options;
    std::unique_ptr<Server> server;
    std::vector<Request> requests;
    std::vector<Responder> waiting;
    std::function<void()> hook;
};

std::string get(const std::string& target, const std::string& more = {}) {
    return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + more + "\r\n";
}

TEST_F(HttpServerTest, AnswersRequestAfterRequestOnOneConnection) {
    open();
    Peer asking(server->local_endpoint());
    for (std::size_t i = 1; i <= 5; ++i) {
        asking.send(get("/" + std::to_string(i)));
        ASSERT_TRUE(run_until([&] { return asking.answers() == i; }));
        EXPECT_THAT(asking.received(), ::testing::EndsWith("GET /" + std::to_string(i)));
    }
    EXPECT_FALSE(asking.ended);
    EXPECT_THAT(asking.received(), HasSubstr("Connection: keep-alive\r\n"));
    EXPECT_THAT(asking.received(), HasSubstr("\r\nDate: "));
    EXPECT_EQ(requests[0].peer_address, "127.0.0.1");
    asking.send(get("/6", "Connection: close\r\n"));
    EXPECT_TRUE(run_until([&] { return asking.received(), asking.ended; }));
    EXPECT_EQ(asking.answers(), 6u);
}

TEST_F(HttpServerTest, ReadsBodiesInPieces) {
    open();
    Peer asking(server->local_endpoint());
    for (const char c : std::string("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
                                    "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")) {
        asking.send(std::string(1, c));
        io.poll();
    }
    ASSERT_TRUE(run_until([&] { return asking.answers() == 2; }));
    EXPECT_THAT(asking.received(), HasSubstr("POST /phello"));
    EXPECT_THAT(asking.received(), ::testing::EndsWith("POST /cabcde"));
}

TEST_F(HttpServerTest, AnswersRequestsThatCameTogetherInTheirOrder) {
    open();
    Peer asking(server->local_endpoint());
    std::string all = get("/later");
    for (int i = 0; i < 100; ++i) all += get("/" + std::to_string(i));
    asking.send(all);
    ASSERT_TRUE(run_until([&] { return waiting.size() == 1; }));
    EXPECT_EQ(requests.size(), 1u) << "one at a time";
    waiting[0].answer({200, "text/plain", "first"});
    ASSERT_TRUE(run_until([&] { return asking.answers() == 101; }));
    std::size_t at = asking.received().find("first");
    for (int i = 0; i < 100; ++i) {
        at = asking.received().find("\r\n\r\nGET /" + std::to_string(i), at);
        ASSERT_NE(at, std::string::npos) << i;
    }
}

TEST_F(HttpServerTest, AnHeadHasNoBody) {
    open();
    const std::string answer = to_the_end("HEAD /x HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_THAT(answer, HasSubstr("Content-Length: 7\r\n"));
    EXPECT_THAT(answer, ::testing::EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, ARequestThatIsDroppedIsAnswered500) {
    open();
    EXPECT_THAT(to_the_end(get("/dropped", "Connection: close\r\n")), StartsWith("HTTP/1.1 500 "));
}

TEST_F(HttpServerTest, WhatItRefusesClosesTheConnection) {
    open();
    EXPECT_THAT(to_the_end("GET / HTTP/9\r\n\r\n" + get("/")), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(to_the_end("\x16\x03\x01"), StartsWith("HTTP/1.1 400 "));
    EXPECT_THAT(to_the_end(get("/", "X: " + std::string(20'000, 'x') + "\r\n")), StartsWith("HTTP/1.1 431 "));
    EXPECT_THAT(to_the_end("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 70000\r\n\r\n" + std::string(70'000, 'x')),
                StartsWith("HTTP/1.1 413 "));
    EXPECT_THAT(to_the_end("POST /refused HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n"),
                StartsWith("HTTP/1.1 403 "));
    EXPECT_TRUE(requests.empty());
}

TEST_F(HttpServerTest, ContinuesABodyThatWaitsForIt) {
    open();
    Peer asking(server->local_endpoint());
    asking.send("POST /p HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n");
    ASSERT_TRUE(run_until([&] { return asking.received() == "HTTP/1.1 100 Continue\r\n\r\n"; }));
    asking.send("hello");
    EXPECT_TRUE(run_until([&] { return asking.received().ends_with("POST /phello"); }));
}

TEST_F(HttpServerTest, AConnectionServesSoManyRequestsAndNoMore) {
    options.max_requests = 3;
    open();
    std::string all;
    for (int i = 0; i < 5; ++i) all += get("/");
    Peer asking(server->local_endpoint());
    asking.send(all);
    asking.finish();
    EXPECT_TRUE(run_until([&] { return asking.received(), asking.ended; }));
    EXPECT_EQ(asking.answers(), 3u);
    EXPECT_EQ(requests.size(), 3u);
}

TEST_F(HttpServerTest, WhatIsIdleTooLongIsClosedAndWhatIsSlowIsToldSo) {
    options.idle_timeout = 20ms;
    options.request_timeout = 50ms;
    open();
    Peer idle(server->local_endpoint());
    idle.send(get("/"));
    Peer slow(server->local_endpoint());
    slow.send("GET / HT");
    Peer half(server->local_endpoint());
    half.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhal");
    EXPECT_TRUE(run_until([&] { return idle.received(), idle.ended; }));
    EXPECT_EQ(idle.answers(), 1u);
    EXPECT_TRUE(run_until([&] { return slow.answers() == 1 && half.answers() == 1; }));
    EXPECT_THAT(slow.received(), StartsWith("HTTP/1.1 408 "));
    EXPECT_THAT(half.received(), StartsWith("HTTP/1.1 408 "));
    EXPECT_TRUE(run_until([&] { return slow.received(), half.received(), slow.ended && half.ended; }));
}

TEST_F(HttpServerTest, AnAnswerThatDoesNotComeInTimeIs503AndComesToNothingLater) {
    options.answer_timeout = 20ms;
    open();
    Peer asking(server->local_endpoint());
    asking.send(get("/later"));
    ASSERT_TRUE(run_until([&] { return asking.answers() == 1; }));
    EXPECT_THAT(asking.received(), StartsWith("HTTP/1.1 503 "));
    asking.send(get("/later"));
    ASSERT_TRUE(run_until([&] { return waiting.size() == 2; }));
    waiting[0].answer({200, "text/plain", "late"});  // and is not taken for the answer to the second request
    ASSERT_TRUE(run_until([&] { return asking.answers() == 2; }));
    EXPECT_THAT(asking.received(), Not(HasSubstr("late")));
}

TEST_F(HttpServerTest, ANewConnectionTakesThePlaceOfTheOneThatIsIdleLongest) {
    options.max_connections = 2;
    open();
    Peer first(server->local_endpoint());
    first.send(get("/"));
    ASSERT_TRUE(run_until([&] { return first.answers() == 1; }));
    Peer second(server->local_endpoint());
    second.send(get("/later"));
    ASSERT_TRUE(run_until([&] { return waiting.size() == 1; }));
    Peer third(server->local_endpoint());
    third.send(get("/later"));
    ASSERT_TRUE(run_until([&] { return waiting.size() == 2; }));
    EXPECT_TRUE(run_until([&] { return first.received(), first.ended; }));
    Peer fourth(server->local_endpoint());
    EXPECT_TRUE(run_until([&] { return fourth.received(), fourth.ended; })) << "the others are at work";
    EXPECT_EQ(fourth.answers(), 0u);
}

TEST_F(HttpServerTest, MayGoWhileItIsAskedAndBeforeItHasAnswered) {
    open();
    Peer waits(server->local_endpoint());
    waits.send(get("/later"));
    ASSERT_TRUE(run_until([&] { return waiting.size() == 1; }));
    hook = [&] { server.reset(); };
    Peer asking(server->local_endpoint());
    asking.send(get("/"));
    EXPECT_TRUE(run_until([&] { return asking.received(), asking.ended; }));
    waiting[0].answer({200, "text/plain", "late"});
    EXPECT_EQ(asking.answers(), 0u);
}

TEST_F(HttpServerTest, APeerThatHasGoneTakesNoPlace) {
    options.max_connections = 1;
    open();
    for (int i = 0; i < 3; ++i) {
        Peer going(server->local_endpoint());
        going.send("GET / HT");
        going.finish();
        EXPECT_TRUE(run_until([&] { return going.received(), going.ended; }));
    }
    EXPECT_THAT(to_the_end(get("/", "Connection: close\r\n")), StartsWith("HTTP/1.1 200 "));
}

}  // namespace
}  // namespace flare::transport::http
