// The HTTP exchange of both sides, without sockets.
#include "transport/websocket/upgrade.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace flare::transport::websocket {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::string_view kKey = "dGhlIHNhbXBsZSBub25jZQ==";

struct Request {
    std::string line = "GET /chat HTTP/1.1";
    std::string host = "Host: server.example.com\r\n";
    std::string upgrade = "Upgrade: websocket\r\n";
    std::string connection = "Connection: Upgrade\r\n";
    std::string key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    std::string version = "Sec-WebSocket-Version: 13\r\n";
    std::string protocol = "Sec-WebSocket-Protocol: flare.v1\r\n";
    std::string more;
    std::string str() const {
        return line + "\r\n" + host + upgrade + connection + key + version + protocol + more + "\r\n";
    }
};

// Delivers whole and byte by byte; both must come to the same.
RequestReader read(const std::string& bytes, RequestReader::State expected, std::size_t max_bytes = 16 * 1024) {
    RequestReader whole(max_bytes);
    EXPECT_EQ(whole.feed(bytes), expected) << bytes << whole.answer();
    RequestReader pieces(max_bytes);
    auto state = RequestReader::State::incomplete;
    std::size_t used = 0;
    while (used < bytes.size() && state == RequestReader::State::incomplete)
        state = pieces.feed(bytes.substr(used++, 1));
    EXPECT_EQ(state, expected) << bytes;
    EXPECT_EQ(pieces.answer(), whole.answer());
    return whole;
}

TEST(UpgradeRequest, IsAnsweredAsInRfc6455Section1_3) {
    const RequestReader reader = read(Request{}.str(), RequestReader::State::upgrade);
    EXPECT_EQ(reader.answer(),
              "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
              "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: flare.v1\r\n\r\n");
    EXPECT_EQ(reader.format(), WireFormat::protobuf);
}

TEST(UpgradeRequest, TakesTheFirstSubprotocolOfTheClientThatIsOurs) {
    Request request;
    request.protocol = "Sec-WebSocket-Protocol: mqtt, flare.v1.json, flare.v1\r\n";
    EXPECT_EQ(read(request.str(), RequestReader::State::upgrade).format(), WireFormat::json);
    request.protocol = "Sec-WebSocket-Protocol: flare.v2\r\nSec-WebSocket-Protocol: flare.v1, flare.v1.json\r\n";
    EXPECT_EQ(read(request.str(), RequestReader::State::upgrade).format(), WireFormat::protobuf);
}

// RFC 6455 section 10.2: browsers say where a page comes from, and others cannot be told from browsers that lie.
TEST(UpgradeRequest, PagesComeFromTheHostThatIsAskedOrFromAnOriginThatIsNamed) {
    const std::vector<std::string> named{"https://app.example.com", "http://localhost:8080"};
    const std::vector<std::string> all{"*"};
    const auto answer = [](const std::string& headers, std::span<const std::string> allowed) {
        Request request;
        request.host = "Host: chat.example.com:4000\r\n";
        request.more = headers;
        RequestReader reader(16 * 1024, false, {allowed, false});
        (void)reader.feed(request.str());
        return reader.answer().substr(9, 3);
    };
    EXPECT_EQ(answer("", {}), "101");
    EXPECT_EQ(answer("Origin: https://chat.example.com:4000\r\n", {}), "101");
    EXPECT_EQ(answer("Origin: https://CHAT.example.com:4000\r\n", {}), "101");
    for (const char* stranger : {"https://evil.example", "https://chat.example.com", "https://chat.example.com:40000",
                                 "https://evil-chat.example.com:4000", "null", "chat.example.com:4000", ""}) {
        EXPECT_EQ(answer("Origin: " + std::string(stranger) + "\r\n", {}), "403") << stranger;
        EXPECT_EQ(answer("Origin: " + std::string(stranger) + "\r\n", all), "101") << stranger;
    }
    EXPECT_EQ(answer("Origin: https://app.example.com\r\n", named), "101");
    EXPECT_EQ(answer("Origin: http://localhost:8080\r\n", named), "101");
    EXPECT_EQ(answer("Origin: http://app.example.com\r\n", named), "403");
    EXPECT_EQ(answer("Origin: https://app.example.com.evil.example\r\n", named), "403");
    EXPECT_EQ(answer("Origin: https://app.example.com\r\nOrigin: https://evil.example\r\n", named), "403");
}

TEST(UpgradeRequest, OfANameThatLeadsHereIsRefusedWhereNamesAreGuarded) {
    RequestReader reader(16 * 1024, false, {{}, true});
    EXPECT_EQ(reader.feed(Request{}.str()), RequestReader::State::refused);
    EXPECT_THAT(reader.answer(), StartsWith("HTTP/1.1 403 "));
    EXPECT_THAT(reader.answer(), HasSubstr("add http://server.example.com to allowed_origins"));
    Request forwarded;
    forwarded.more = "X-Forwarded-Host: localhost\r\nForwarded: host=localhost\r\n";
    RequestReader again(16 * 1024, false, {{}, true});
    EXPECT_EQ(again.feed(forwarded.str()), RequestReader::State::refused) << "any page can write these headers";
}

TEST(UpgradeRequest, TakesListsAndAnyCase) {
    Request request;
    request.upgrade = "UPGRADE: h2c, WebSocket\r\n";
    request.connection = "connection: keep-alive, upgrade\r\n";
    read(request.str(), RequestReader::State::upgrade);
}

TEST(UpgradeRequest, KeepsTheBytesBehindIt) {
    RequestReader reader(16 * 1024);
    EXPECT_EQ(reader.feed(Request{}.str() + "frames"), RequestReader::State::upgrade);
    EXPECT_EQ(reader.take_rest(), "frames");
}

struct Refusal {
    const char* name;
    void (*change)(Request& request);
    const char* status;
    const char* text;
};
void PrintTo(const Refusal& refusal, std::ostream* out) { *out << refusal.name; }

class UpgradeRefusal : public ::testing::TestWithParam<Refusal> {};

TEST_P(UpgradeRefusal, SaysWhy) {
    Request request;
    GetParam().change(request);
    const RequestReader reader = read(request.str(), RequestReader::State::refused);
    EXPECT_THAT(reader.answer(), StartsWith(std::string("HTTP/1.1 ") + GetParam().status));
    EXPECT_THAT(reader.answer(), HasSubstr(GetParam().text));
    EXPECT_THAT(reader.answer(), HasSubstr("Connection: close\r\n"));
}

INSTANTIATE_TEST_SUITE_P(
    All, UpgradeRefusal,
    ::testing::Values(
        Refusal{"NoHost", [](Request& r) { r.host.clear(); }, "400 ", "Host"},
        Refusal{"EmptyHost", [](Request& r) { r.host = "Host:\r\n"; }, "400 ", "Host"},
        Refusal{"TwoHosts", [](Request& r) { r.host += r.host; }, "400 ", "Host"},
        Refusal{"NoUpgrade", [](Request& r) { r.upgrade.clear(); }, "400 ", "Upgrade: websocket"},
        Refusal{"OtherUpgrade", [](Request& r) { r.upgrade = "Upgrade: h2c\r\n"; }, "400 ", "Upgrade: websocket"},
        Refusal{"NoConnection", [](Request& r) { r.connection.clear(); }, "400 ", "Connection: Upgrade"},
        Refusal{"OtherConnection", [](Request& r) { r.connection = "Connection: close\r\n"; }, "400 ",
                "Connection: Upgrade"},
        Refusal{"NoKey", [](Request& r) { r.key.clear(); }, "400 ", "Sec-WebSocket-Key"},
        Refusal{"ShortKey", [](Request& r) { r.key = "Sec-WebSocket-Key: c2hvcnQ=\r\n"; }, "400 ", "16 bytes"},
        Refusal{"KeyNotBase64", [](Request& r) { r.key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j!!==\r\n"; }, "400 ",
                "16 bytes"},
        Refusal{"TwoKeys", [](Request& r) { r.key += r.key; }, "400 ", "16 bytes"},
        Refusal{"NoVersion", [](Request& r) { r.version.clear(); }, "426 ", "Sec-WebSocket-Version: 13\r\n"},
        Refusal{"OldVersion", [](Request& r) { r.version = "Sec-WebSocket-Version: 8\r\n"; }, "426 ",
                "Sec-WebSocket-Version: 13\r\n"},
        Refusal{"NoSubprotocol", [](Request& r) { r.protocol.clear(); }, "400 ",
                "flare.v1 (protobuf) or flare.v1.json"},
        Refusal{"OtherSubprotocols", [](Request& r) { r.protocol = "Sec-WebSocket-Protocol: mqtt, flare.v10\r\n"; },
                "400 ", "flare.v1 (protobuf) or flare.v1.json"},
        Refusal{"Post", [](Request& r) { r.line = "POST / HTTP/1.1"; }, "405 ", "Allow: GET\r\n"},
        Refusal{"Http1_0", [](Request& r) { r.line = "GET / HTTP/1.0"; }, "400 ", "HTTP/1.1"},
        Refusal{"Body", [](Request& r) { r.more = "Content-Length: 5\r\n"; }, "400 ", "body"},
        Refusal{"Chunked", [](Request& r) { r.more = "Transfer-Encoding: chunked\r\n"; }, "400 ", "body"},
        Refusal{"TwoLengths", [](Request& r) { r.more = "Content-Length: 0\r\nContent-Length: 9\r\n"; }, "400 ",
                "bad HTTP request"},
        Refusal{"BadMethod", [](Request& r) { r.line = "G(T / HTTP/1.1"; }, "400 ", "bad HTTP request"},
        Refusal{"BadTarget", [](Request& r) { r.line = "GET /a b HTTP/1.1"; }, "400 ", "bad HTTP request"},
        Refusal{"BadVersion", [](Request& r) { r.line = "GET / HTTP/9"; }, "400 ", "bad HTTP request"},
        Refusal{"BadHeader", [](Request& r) { r.more = "no colon here\r\n"; }, "400 ", "bad HTTP request"},
        Refusal{"NullInHeader", [](Request& r) { r.more = std::string("X: a\0b\r\n", 8); }, "400 ",
                "bad HTTP request"}),
    [](const auto& refusal) { return std::string(refusal.param.name); });

TEST(PlainRequest, GetAndHeadAreHandedOn) {
    const RequestReader get = read("GET /healthz?x=1 HTTP/1.1\r\nHost: a\r\n\r\n", RequestReader::State::http);
    EXPECT_EQ(get.head().method, "GET");
    EXPECT_EQ(get.head().target, "/healthz?x=1");
    EXPECT_EQ(read("HEAD / HTTP/1.0\r\n\r\n", RequestReader::State::http).head().method, "HEAD");
}

// RFC 9112 section 3.2.2: the host of the target is the one that is asked.
TEST(UpgradeRequest, OfTheAbsoluteFormAsksTheHostOfItsTarget) {
    Request upgrade;
    upgrade.line = "GET ws://evil.example/chat HTTP/1.1";
    upgrade.host = "Host: localhost\r\n";
    RequestReader reader(16 * 1024, false, {{}, true});
    EXPECT_EQ(reader.feed(upgrade.str()), RequestReader::State::refused);
    upgrade.line = "GET ws://localhost:4000/chat HTTP/1.1";
    read(upgrade.str(), RequestReader::State::upgrade);
}

TEST(UpgradeRequest, MayHaveEmptyLinesBeforeIt) { read("\r\n" + Request{}.str(), RequestReader::State::upgrade); }

TEST(PlainRequest, OtherMethodsAreRefused) {
    EXPECT_THAT(
        read("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", RequestReader::State::refused).answer(),
        StartsWith("HTTP/1.1 405 "));
}

TEST(PlainRequest, ThatIsNoHttpIsRefusedAtItsFirstByte) {
    EXPECT_THAT(read("\x16\x03\x01\x02", RequestReader::State::refused).answer(), HasSubstr("not wss"));
    EXPECT_THAT(read(std::string("\0\0\x80", 3), RequestReader::State::refused).answer(), StartsWith("HTTP/1.1 400 "));
}

// ---- the client's half ----

std::string good_answer() {
    return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
           "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: flare.v1\r\n\r\n";
}

ConnectError refused(const std::string& bytes, bool end = false) {
    ResponseReader whole(std::string(kKey), WireFormat::protobuf, 4096);
    auto state = whole.feed(bytes);
    if (state == ResponseReader::State::incomplete && end) state = whole.end();
    EXPECT_EQ(state, ResponseReader::State::refused);
    ResponseReader pieces(std::string(kKey), WireFormat::protobuf, 4096);
    state = ResponseReader::State::incomplete;
    for (std::size_t i = 0; i < bytes.size() && state == ResponseReader::State::incomplete; ++i) {
        state = pieces.feed(bytes.substr(i, 1));
    }
    if (state == ResponseReader::State::incomplete && end) pieces.end();
    EXPECT_EQ(pieces.error().code, whole.error().code);
    EXPECT_EQ(pieces.error().text, whole.error().text);
    return whole.error();
}

std::string replaced(std::string text, const std::string& what, const std::string& by) {
    const std::size_t at = text.find(what);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, what.size(), by);
}

TEST(UpgradeAnswer, IsTakenWithTheBytesBehindIt) {
    ResponseReader reader(std::string(kKey), WireFormat::protobuf, 4096);
    EXPECT_EQ(reader.feed(good_answer() + "frames"), ResponseReader::State::upgraded);
    EXPECT_EQ(reader.take_rest(), "frames");
}

// RFC 9110 section 15.2: a client has to pass over them, whether it knows them or not.
TEST(UpgradeAnswer, ComesAfterInterimAnswers) {
    const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    const std::string kProcessing = "HTTP/1.1 102 Processing\r\nServer: x\r\n\r\n";
    const std::string kHints = "HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\nContent-Length: 5\r\n\r\n";
    const std::string kUnknown = "HTTP/1.1 199 \r\n\r\n";
    for (const std::string& before : {kContinue, kProcessing, kHints, kUnknown, kContinue + kProcessing + kHints}) {
        for (const std::size_t step : {std::size_t{1}, std::size_t{7}, std::string::npos}) {
            ResponseReader reader(std::string(kKey), WireFormat::protobuf, 4096);
            const std::string bytes = before + good_answer() + "frames";
            auto state = ResponseReader::State::incomplete;
            std::size_t used = 0;
            while (used < bytes.size() && state == ResponseReader::State::incomplete) {
                state = reader.feed(std::string_view(bytes).substr(used, step));
                used = step > bytes.size() ? bytes.size() : used + step;
            }
            EXPECT_EQ(state, ResponseReader::State::upgraded) << before << reader.error().text;
            EXPECT_EQ(reader.take_rest() + bytes.substr(std::min(used, bytes.size())), "frames");
        }
    }
}

TEST(UpgradeAnswer, InterimAnswersWithoutEndAreRefused) {
    const std::string kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
    std::string many;
    for (int i = 0; i < 16; ++i) many += kContinue;
    ResponseReader most(std::string(kKey), WireFormat::protobuf, 4096);
    EXPECT_EQ(most.feed(many + good_answer()), ResponseReader::State::upgraded);
    EXPECT_EQ(refused(many + kContinue + good_answer()).code, errc::bad_upgrade);
    const std::string large = "HTTP/1.1 103 Early Hints\r\nX: " + std::string(1500, 'x') + "\r\n\r\n";
    EXPECT_EQ(refused(large + large + large + good_answer()).code, errc::bad_upgrade);
    EXPECT_EQ(refused(kContinue + "220 ssh").code, errc::bad_upgrade);
    EXPECT_EQ(refused(kContinue, true).code, errc::connection_lost);
    EXPECT_THAT(refused(kContinue + "HTTP/1.1 403 Forbidden\r\n\r\n").text, HasSubstr("403 Forbidden"));
}

TEST(UpgradeAnswer, WithAnotherStatusIsBadUpgradeAndShowsTheServersWords) {
    const ConnectError error = refused("HTTP/1.1 400 Bad Request\r\nContent-Length: 12\r\n\r\nno such day\n");
    EXPECT_EQ(error.code, errc::bad_upgrade);
    EXPECT_EQ(error.text, "the server answered 400 Bad Request: no such day");
    EXPECT_EQ(refused("HTTP/1.1 503 Busy\r\n\r\n").text, "the server answered 503 Busy");
    EXPECT_EQ(refused("HTTP/1.1 403 No\r\nContent-Length: 9\r\n\r\nhalf", true).text,
              "the server answered 403 No: half");
    EXPECT_EQ(refused("HTTP/1.1 302 Found\r\nLocation: /x\r\n\r\n").code, errc::bad_upgrade);
    for (const char* status : {"301", "302", "303", "307", "308"}) {
        const std::string text = refused("HTTP/1.1 " + std::string(status) +
                                         " Moved\r\nLocation: https://new.example/\xe2\x80\xae\r\n"
                                         "Content-Length: 3\r\n\r\nbye")
                                     .text;
        EXPECT_NE(
            text.find("the server answered " + std::string(status) + " Moved, which leads to https://new.example/"),
            std::string::npos)
            << text;
        EXPECT_EQ(text.find("\xe2\x80\xae"), std::string::npos) << text;  // U+202E turns what follows around
    }
    EXPECT_EQ(refused("HTTP/1.1 301 Moved\r\nContent-Length: 0\r\n\r\n").text, "the server answered 301 Moved");
    EXPECT_LT(refused("HTTP/1.1 302 Found\r\nLocation: /" + std::string(3000, 'x') + "\r\n\r\n").text.size(), 600u);
}

TEST(UpgradeAnswer, ThatDoesNotProveTheKeyIsBadUpgrade) {
    const ConnectError error = refused(replaced(good_answer(), "s3pPL", "AAAAA"));
    EXPECT_EQ(error.code, errc::bad_upgrade);
    EXPECT_THAT(error.text, HasSubstr("Sec-WebSocket-Accept"));
    EXPECT_EQ(refused(replaced(good_answer(), "Sec-WebSocket-Accept", "X-Accept")).code, errc::bad_upgrade);
}

TEST(UpgradeAnswer, WithoutUpgradeOrConnectionIsBadUpgrade) {
    EXPECT_EQ(refused(replaced(good_answer(), "Upgrade: websocket\r\n", "")).code, errc::bad_upgrade);
    EXPECT_EQ(refused(replaced(good_answer(), "Connection: Upgrade\r\n", "")).code, errc::bad_upgrade);
}

TEST(UpgradeAnswer, WithoutOurSubprotocolIsSubprotocolMissing) {
    EXPECT_EQ(refused(replaced(good_answer(), "Sec-WebSocket-Protocol: flare.v1\r\n", "")).code,
              errc::subprotocol_missing);
    const ConnectError other = refused(replaced(good_answer(), "flare.v1", "flare.v1.json"));
    EXPECT_EQ(other.code, errc::subprotocol_missing);
    EXPECT_THAT(other.text, HasSubstr("flare.v1.json"));
}

TEST(UpgradeAnswer, WithAnExtensionThatWasNotOfferedIsBadUpgrade) {
    EXPECT_EQ(refused(replaced(good_answer(), "Upgrade: websocket\r\n",
                               "Upgrade: websocket\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"))
                  .code,
              errc::bad_upgrade);
}

TEST(UpgradeAnswer, ThatIsNoHttpOrTooLongOrCutIsRefused) {
    EXPECT_THAT(refused("SSH-2.0-OpenSSH_9.2\r\n").text, HasSubstr("right port"));
    EXPECT_THAT(refused("HTTP/1.1 101 x\r\nX: " + std::string(5000, 'x')).text, HasSubstr("longer than"));
    EXPECT_EQ(refused("HTTP/1.1 1", true).code, errc::connection_lost);
    EXPECT_EQ(refused("HTTP/1.1 what\r\n\r\n").code, errc::bad_upgrade);
}

TEST(UpgradeRequestOfTheClient, IsTakenByTheServersHalf) {
    ConnectTarget target;
    target.host_header = "example.com:4000";
    target.path = "/ws?x";
    target.format = WireFormat::json;
    const std::string key = make_key();
    const RequestReader reader = read(upgrade_request(target, key), RequestReader::State::upgrade);
    EXPECT_EQ(reader.head().target, "/ws?x");
    ResponseReader response(key, WireFormat::json, 4096);
    EXPECT_EQ(response.feed(reader.answer()), ResponseReader::State::upgraded);
    EXPECT_NE(make_key(), key);
}

}  // namespace
}  // namespace flare::transport::websocket
