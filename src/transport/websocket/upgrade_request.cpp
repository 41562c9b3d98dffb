// The server's half of the upgrade: reading a request and deciding on it.
#include "transport/http/response.hpp"
#include "transport/websocket/deflate.hpp"
#include "transport/websocket/upgrade.hpp"

#include <algorithm>
#include <cctype>
#include <optional>

namespace flare::transport::websocket {
namespace {

// 16 bytes in base64 are 22 characters and two '='.
bool is_key(std::string_view key) noexcept {
    if (key.size() != 24 || key.substr(22) != "==") return false;
    return std::all_of(key.begin(), key.begin() + 22,
                       [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/'; });
}

// The first of the client's subprotocols that is ours: the order is the client's wish.
std::optional<WireFormat> choose_format(const std::string& offered) {
    for (const auto& token : boost::beast::http::token_list{offered}) {
        if (http::to_std(token) == kProtobufSubprotocol) return WireFormat::protobuf;
        if (http::to_std(token) == kJsonSubprotocol) return WireFormat::json;
    }
    return std::nullopt;
}

}  // namespace

std::string_view subprotocol_of(WireFormat format) noexcept {
    return format == WireFormat::json ? kJsonSubprotocol : kProtobufSubprotocol;
}

RequestReader::State RequestReader::refuse(unsigned status, std::string text, http::Fields fields) {
    http::Response response;
    response.status = status;
    response.body = std::move(text) + "\n";
    response.fields = std::move(fields);
    answer_ = http::write_response(response);
    return State::refused;
}

RequestReader::State RequestReader::feed(std::string_view bytes) {
    switch (parser_.feed(bytes)) {
        case http::ParseState::incomplete: return State::incomplete;
        case http::ParseState::refused: return refuse(parser_.refusal().status, parser_.refusal().text);
        case http::ParseState::done: break;
    }
    return decide();
}

RequestReader::State RequestReader::decide() {
    const http::RequestHead& request = head();
    const http::Fields& fields = request.fields;
    const bool wants_upgrade = fields.has_token("Upgrade", "websocket") || fields.count("Sec-WebSocket-Key") != 0 ||
                               fields.count("Sec-WebSocket-Version") != 0;
    if (!wants_upgrade) {
        if (request.method == "GET" || request.method == "HEAD") return State::http;
        return refuse(405, "only GET and HEAD are answered here", {{"Allow", "GET, HEAD"}});
    }

    if (request.method != "GET") return refuse(405, "a WebSocket upgrade is a GET request", {{"Allow", "GET"}});
    if (!request.modern) return refuse(400, "a WebSocket upgrade needs HTTP/1.1");
    if (request.has_body()) return refuse(400, "a WebSocket upgrade has no body");
    if (!fields.has_token("Upgrade", "websocket")) {
        return refuse(400, "the header \"Upgrade: websocket\" is missing");
    }
    if (!fields.has_token("Connection", "upgrade")) {
        return refuse(400, "the header \"Connection: Upgrade\" is missing");
    }
    if (fields.joined("Sec-WebSocket-Version") != "13") {
        return refuse(426, "WebSocket version 13 is needed", {{"Sec-WebSocket-Version", "13"}});
    }
    std::optional<std::string_view> origin;
    if (fields.count("Origin") > 1) return refuse(403, "at most one Origin header is allowed");
    if (fields.count("Origin") == 1) origin = fields.value("Origin");
    if (auto objection = pages_.objection(request.host, origin)) {
        refused_page_ = true;
        return refuse(403, std::move(*objection));
    }
    const std::string key = fields.joined("Sec-WebSocket-Key");
    if (!is_key(key)) return refuse(400, "Sec-WebSocket-Key has to be 16 bytes in base64");
    const auto format = choose_format(fields.joined("Sec-WebSocket-Protocol"));
    if (!format) {
        return refuse(400,
                      "no subprotocol in common: offer flare.v1 (protobuf) or flare.v1.json (JSON) in "
                      "Sec-WebSocket-Protocol");
    }
    format_ = *format;
    const auto extension = deflate_ ? choose_deflate(fields.joined("Sec-WebSocket-Extensions")) : std::nullopt;
    deflates_ = extension.has_value();
    answer_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        accept_of(key) + "\r\nSec-WebSocket-Protocol: " + std::string(subprotocol_of(format_)) +
        (extension ? "\r\nSec-WebSocket-Extensions: " + *extension : std::string()) + "\r\n\r\n";
    return State::upgrade;
}

}  // namespace flare::transport::websocket
