// Reading requests, whole and in pieces.
#include "transport/http/request_parser.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::transport::http {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// What a whole exchange of bytes came to.
struct Read {
    ParseState state = ParseState::incomplete;
    RequestHead head;
    std::string body;
    std::string rest;
    Refusal refusal;
};

constexpr std::size_t kMaxHead = 2048;
constexpr std::size_t kMaxBody = 1000;

Read read_in_pieces(std::string_view bytes, std::size_t step) {
    Read read;
    HeadParser head(kMaxHead);
    std::size_t used = 0;
    while (used < bytes.size() && read.state == ParseState::incomplete) {
        read.state = head.feed(bytes.substr(used, step));
        used += std::min(step, bytes.size() - used);
    }
    read.refusal = head.refusal();
    if (read.state != ParseState::done) return read;
    read.head = head.take_head();
    BodyParser body(read.head, kMaxBody);
    const std::string first = head.take_rest() + std::string(bytes.substr(used));
    used = 0;
    while (used < first.size() && body.state() == ParseState::incomplete) {
        body.feed(std::string_view(first).substr(used, step));
        used += std::min(step, first.size() - used);
    }
    read.state = body.state();
    read.refusal = body.refusal();
    read.body = body.take_body();
    read.rest = body.take_rest() + first.substr(used);
    return read;
}

// However it is cut, the same comes out.
Read read(std::string_view bytes, ParseState expected) {
    const Read whole = read_in_pieces(bytes, std::string_view::npos);
    EXPECT_EQ(whole.state, expected) << bytes << "\n" << whole.refusal.text;
    for (const std::size_t step : {1u, 2u, 3u, 7u}) {
        const Read pieces = read_in_pieces(bytes, step);
        EXPECT_EQ(pieces.state, whole.state) << bytes;
        EXPECT_EQ(pieces.refusal.status, whole.refusal.status) << bytes;
        EXPECT_EQ(pieces.refusal.text, whole.refusal.text) << bytes;
        EXPECT_EQ(pieces.head.target, whole.head.target) << bytes;
        EXPECT_EQ(pieces.body, whole.body) << bytes;
        if (expected == ParseState::done) {
            EXPECT_EQ(pieces.rest, whole.rest) << bytes;
        }
    }
    return whole;
}

std::string refused(std::string_view bytes) {
    const Read result = read(bytes, ParseState::refused);
    return std::to_string(result.refusal.status) + " " + result.refusal.text;
}

std::string post(const std::string& headers, const std::string& body = {}) {
    return "POST /a HTTP/1.1\r\nHost: a\r\n" + headers + "\r\n" + body;
}

TEST(RequestHead, IsReadWithItsFieldsAsTheyWereWritten) {
    const Read get =
        read("GET /a?b=c HTTP/1.1\r\nhOsT: example.com:80\r\nX-Tag: one\r\nx-tag: two\r\nEmpty:\r\n\r\nrest",
             ParseState::done);
    EXPECT_EQ(get.head.method, "GET");
    EXPECT_EQ(get.head.target, "/a?b=c");
    EXPECT_EQ(get.head.host, "example.com:80");
    EXPECT_TRUE(get.head.modern);
    EXPECT_TRUE(get.head.keeps);
    EXPECT_FALSE(get.head.has_body());
    EXPECT_EQ(get.head.fields.begin()->name, "hOsT");
    EXPECT_EQ(get.head.fields.count("X-TAG"), 2u);
    EXPECT_EQ(get.head.fields.value("x-tag"), "one");
    EXPECT_EQ(get.head.fields.joined("X-Tag"), "one, two");
    EXPECT_TRUE(get.head.fields.has_token("X-Tag", "TWO"));
    EXPECT_FALSE(get.head.fields.has_token("X-Tag", "on"));
    EXPECT_EQ(get.head.fields.count("Empty"), 1u);
    EXPECT_EQ(get.head.fields.value("none"), "");
    EXPECT_EQ(get.rest, "rest");
}

TEST(RequestHead, TellsWhetherTheConnectionStays) {
    const auto keeps = [](const std::string& line, const std::string& header) {
        return read(line + "\r\nHost: a\r\n" + header + "\r\n", ParseState::done).head.keeps;
    };
    EXPECT_TRUE(keeps("GET / HTTP/1.1", ""));
    EXPECT_FALSE(keeps("GET / HTTP/1.1", "Connection: close\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.1", "Connection: x, Close\r\n"));
    EXPECT_FALSE(keeps("GET / HTTP/1.0", ""));
    EXPECT_TRUE(keeps("GET / HTTP/1.0", "Connection: keep-alive\r\n"));
}

TEST(RequestHead, TheAbsoluteFormIsReadAsTheOriginForm) {
    const auto asked = [](const std::string& line) {
        const RequestHead head = read(line + "\r\nHost: other.example\r\n\r\n", ParseState::done).head;
        return head.target + " " + head.host;
    };
    EXPECT_EQ(asked("GET http://server.example:4000/healthz?x=1 HTTP/1.1"), "/healthz?x=1 server.example:4000");
    EXPECT_EQ(asked("GET HTTP://Server.example HTTP/1.1"), "/ Server.example");
    EXPECT_EQ(asked("GET https://[::1]:1 HTTP/1.1"), "/ [::1]:1");
    EXPECT_EQ(asked("GET http://h?x HTTP/1.1"), "/?x h");
    EXPECT_EQ(asked("GET http://h/ HTTP/1.0"), "/ h");
    EXPECT_EQ(asked("GET //h/healthz HTTP/1.1"), "//h/healthz other.example") << "the origin form";
    EXPECT_EQ(asked("OPTIONS * HTTP/1.1"), "* other.example");
    EXPECT_EQ(asked("CONNECT h:80 HTTP/1.1"), "h:80 other.example");
    for (const char* target : {"healthz", "*", "http://", "http:///healthz", "http://h:99999/", "http://ann@h/",
                               "ftp://h/", "h:80", "http://h#x", "http://a%0d/"}) {
        for (const char* method : {"GET ", "POST "})
            EXPECT_EQ(refused(std::string(method) + target + " HTTP/1.1\r\nHost: other.example\r\n\r\n"),
                      "400 the request target cannot be read");
    }
}

// RFC 9112 section 2.2.
TEST(RequestHead, MayHaveEmptyLinesBeforeIt) {
    const std::string request = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    EXPECT_EQ(read("\r\n" + request, ParseState::done).head.target, "/healthz");
    read("\r\n\r\n\r\n\r\n" + request, ParseState::done);
    read("\r\n\r\n\r\n\r\n\r\n" + request, ParseState::refused);
    read("\r" + request, ParseState::refused);
    read("\n" + request, ParseState::refused);
    read(" " + request, ParseState::refused);
    read("\r\n\x16\x03\x01", ParseState::refused);
    HeadParser parser(kMaxHead);
    parser.feed("\r\n");
    EXPECT_FALSE(parser.begun());
    parser.feed("\r\nG");
    EXPECT_TRUE(parser.begun());
}

TEST(RequestHead, ThatIsNoHttpIsRefusedAtItsFirstByte) {
    EXPECT_THAT(refused("\x16\x03\x01\x02"), HasSubstr("not wss"));
    EXPECT_THAT(refused(std::string_view("\0\0\x80", 3)), HasSubstr("PROXY protocol"));
    EXPECT_THAT(refused("PROXY TCP4 192.0.2.1"), HasSubstr("PROXY protocol"));
    EXPECT_THAT(refused("\x80"), HasSubstr("not an HTTP request"));
}

TEST(RequestHead, TooLongIsRefusedBeforeItEnds) {
    EXPECT_THAT(refused("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(3000, 'x')), StartsWith("431 "));
    std::string lines = "GET / HTTP/1.1\r\n";
    for (int i = 0; i < 500; ++i) lines += "A: b\r\n";
    EXPECT_THAT(refused(lines), StartsWith("431 "));
    EXPECT_THAT(refused("GET /" + std::string(3000, 'x')), StartsWith("431 "));
}

TEST(RequestHead, MalformedIsRefused) {
    const std::string host = "Host: a\r\n";
    for (const std::string& bytes :
         {"G(T / HTTP/1.1\r\n" + host + "\r\n", "GET /a b HTTP/1.1\r\n" + host + "\r\n",
          "GET / HTTP/9\r\n" + host + "\r\n", "GET / HTTP/1.1\r\n" + host + "no colon here\r\n\r\n",
          "GET / HTTP/1.1\r\n" + host + std::string("X: a\0b\r\n\r\n", 10),
          "GET / HTTP/1.1\r\n" + host + "X : a\r\n\r\n", "GET  HTTP/1.1\r\n" + host + "\r\n",
          "GET / HTTP/1.1\r\n" + host + ": a\r\n\r\n", "GET / HTTP/1.1\r\n" + host + "X: a\rb\r\n\r\n",
          "GET / HTTP/1.1\r\n" + host + "X: a\nY: b\r\n\r\n", "GET / HTTP/1.1\n" + host + "\r\n",
          "GET / HTTP/1.1\r\n" + host + "X: a\r\n b\r\n\r\n", "GET / HTTP/1.1\r\n" + host + "X: a\r\n\tb\r\n\r\n",
          "GET / HTTP/1.1\r\n X: a\r\n" + host + "\r\n"})
        EXPECT_THAT(refused(bytes), StartsWith("400 bad HTTP request: ")) << bytes;
    for (const std::string& hosts : {std::string(), std::string("Host:\r\n"), host + host})
        EXPECT_EQ(refused("GET / HTTP/1.1\r\n" + hosts + "\r\n"), "400 exactly one Host header is needed");
    EXPECT_EQ(read("GET / HTTP/1.0\r\n\r\n", ParseState::done).head.host, "");
}

// Whoever reads the length in another way than the proxy before it takes the body for a request.
TEST(RequestHead, WithMoreThanOneLengthIsRefused) {
    for (const char* headers : {"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                                "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n",
                                "Content-Length: 3\r\nContent-Length: 4\r\n",
                                "Content-Length: 3\r\nContent-Length: 3\r\n",
                                "Content-Length: 3, 3\r\n",
                                "Content-Length: +3\r\n",
                                "Content-Length: -3\r\n",
                                "Content-Length: 0x3\r\n",
                                "Content-Length: 3 3\r\n",
                                "Content-Length:\r\n",
                                "Content-Length: 99999999999999999999\r\n",
                                "Transfer-Encoding: gzip\r\n",
                                "Transfer-Encoding: gzip, chunked\r\n",
                                "Transfer-Encoding: chunked, gzip\r\n",
                                "Transfer-Encoding: chunked, chunked\r\n",
                                "Transfer-Encoding: xchunked\r\n",
                                "Transfer-Encoding:\r\n",
                                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                                "Transfer-Encoding : chunked\r\n",
                                "Transfer-Encoding: identity\r\n",
                                "Transfer-Encoding:\r\n chunked\r\n",
                                "Transfer-Encoding: \vchunked\r\n"})
        EXPECT_THAT(refused(post(headers, "abc")), StartsWith("400 bad HTTP request: ")) << headers;
    EXPECT_THAT(refused("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), StartsWith("400 bad HTTP request: "));
}

TEST(RequestBody, IsAsLongAsItsHeaderSays) {
    const Read five = read(post("Content-Length: 5\r\n", "helloGET /"), ParseState::done);
    EXPECT_EQ(five.body, "hello");
    EXPECT_EQ(five.rest, "GET /");
    EXPECT_EQ(read(post("Content-Length: 0\r\n", "GET /"), ParseState::done).rest, "GET /");
    EXPECT_EQ(read(post("", "GET /"), ParseState::done).rest, "GET /");
    read(post("Content-Length: 5\r\n", "hell"), ParseState::incomplete);
    EXPECT_EQ(read(post("Content-Length: 1000\r\n", std::string(1000, 'x')), ParseState::done).body.size(), 1000u);
}

TEST(RequestBody, OfChunksIsPutTogether) {
    const Read chunks = read(post("Transfer-Encoding: Chunked\r\n",
                                  "5\r\nhello\r\n00c ; x=\"y\"\r\n world\r\n\r\n..\r\n0\r\nX: trailer\r\n\r\nrest"),
                             ParseState::done);
    EXPECT_EQ(chunks.body, "hello world\r\n\r\n..");
    EXPECT_EQ(chunks.rest, "rest");
    EXPECT_EQ(read(post("Transfer-Encoding: chunked\r\n", "A\r\n0123456789\r\n0\r\n\r\n"), ParseState::done).body,
              "0123456789");
    read(post("Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n"), ParseState::incomplete);
}

TEST(RequestBody, TooLongIsRefusedBeforeItIsTaken) {
    EXPECT_EQ(refused(post("Content-Length: 1001\r\n")), "413 the body is longer than 1000 bytes");
    EXPECT_THAT(refused(post("Content-Length: 18446744073709551616\r\n")), StartsWith("400 bad HTTP request: "));
    EXPECT_EQ(refused(post("Content-Length: 18446744073709551614\r\n")), "413 the body is longer than 1000 bytes");
    EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", "3e9\r\n")), "413 the body is longer than 1000 bytes");
    EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", "ffffffffffffffff1\r\n")),
              "413 the body is longer than 1000 bytes");
    EXPECT_EQ(refused(post("Transfer-Encoding: chunked\r\n", "1\r\na\r\n3e8\r\n")),
              "413 the body is longer than 1000 bytes");
    std::string trailers = "0\r\n";
    for (int i = 0; i < 1000; ++i) trailers += "A: b\r\n";
    EXPECT_THAT(refused(post("Transfer-Encoding: chunked\r\n", trailers)), HasSubstr("too long"));
    EXPECT_THAT(refused(post("Transfer-Encoding: chunked\r\n", "1;" + std::string(300, 'x'))), HasSubstr("too long"));
}

TEST(RequestBody, OfMalformedChunksIsRefused) {
    for (const std::string& body :
         {std::string("\r\n"), std::string("x\r\n"), std::string("-1\r\n"), std::string("+1\r\na\r\n"),
          std::string("0x1\r\n"), std::string(" 1\r\na\r\n"), std::string("1 a\r\n"), std::string("1\na\n"),
          std::string("\n"), std::string("1\r\nab\r\n"), std::string("1\r\na\n"), std::string("2\r\na\r\n0\r\n\r\n"),
          std::string("1\0\r\n", 4), std::string("1;a\0\r\n", 6), std::string("1\r\r\n"),
          std::string("0\r\nX: a\n\r\n"), std::string("0\r\n\n")})
        EXPECT_THAT(refused(post("Transfer-Encoding: chunked\r\n", body)), StartsWith("400 bad HTTP request: "))
            << body;
}

}  // namespace
}  // namespace flare::transport::http
