// The server's half of the upgrade: reading a request and deciding on it.
#include "transport/url.hpp"
#include "transport/websocket/deflate.hpp"
#include "transport/websocket/upgrade.hpp"
#include "transport/websocket/upgrade_header.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <optional>

namespace flare::transport::websocket {
namespace http = boost::beast::http;
namespace {

constexpr int kMaxEmptyLines = 4;  // before a request

// 16 bytes in base64 are 22 characters and two '='.
bool is_key(std::string_view key) noexcept {
    if (key.size() != 24 || key.substr(22) != "==") return false;
    return std::all_of(key.begin(), key.begin() + 22,
                       [](char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '/'; });
}

// The first of the client's subprotocols that is ours: the order is the client's wish.
std::optional<WireFormat> choose_format(const std::string& offered) {
    for (const auto& token : http::token_list{offered}) {
        if (to_std(token) == kProtobufSubprotocol) return WireFormat::protobuf;
        if (to_std(token) == kJsonSubprotocol) return WireFormat::json;
    }
    return std::nullopt;
}

}  // namespace

std::string_view subprotocol_of(WireFormat format) noexcept {
    return format == WireFormat::json ? kJsonSubprotocol : kProtobufSubprotocol;
}

std::string http_response(const HttpResponse& response, bool with_body, std::string_view headers) {
    const std::string_view reason = to_std(http::obsolete_reason(http::int_to_status(response.status)));
    std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
    text.append(reason).append("\r\nContent-Type: ").append(response.content_type);
    text.append("\r\nContent-Length: ").append(std::to_string(response.body.size()));
    text.append("\r\nConnection: close\r\n").append(headers).append("\r\n");
    if (with_body) text += response.body;
    return text;
}

std::string date_header(std::chrono::system_clock::time_point now) {
    static constexpr const char* kDays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
    static constexpr const char* kMonths[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                              "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    const std::time_t seconds = std::chrono::system_clock::to_time_t(now);
    std::tm parts{};
    gmtime_r(&seconds, &parts);
    std::array<char, 64> text{};  // not strftime(), which speaks the language of the process
    std::snprintf(text.data(), text.size(), "Date: %s, %02d %s %d %02d:%02d:%02d GMT\r\n", kDays[parts.tm_wday],
                  parts.tm_mday, kMonths[parts.tm_mon], parts.tm_year + 1900, parts.tm_hour, parts.tm_min,
                  parts.tm_sec);
    return text.data();
}

RequestReader::State RequestReader::refuse(unsigned status, std::string text, std::string_view headers) {
    HttpResponse response;
    response.status = status;
    response.body = std::move(text) + "\n";
    answer_ = http_response(response, true, headers);
    buffer_.clear();
    return State::refused;
}

RequestReader::State RequestReader::feed(std::string_view bytes) {
    std::size_t before = buffer_.size();
    buffer_.append(bytes);
    // Some clients end what they sent before with an empty line too many (RFC 9112 section 2.2).
    for (; empty_lines_ < kMaxEmptyLines && buffer_.starts_with("\r\n"); ++empty_lines_, before = 0)
        buffer_.erase(0, 2);
    if (buffer_.empty() || (buffer_ == "\r" && empty_lines_ < kMaxEmptyLines)) return State::incomplete;
    if (buffer_.starts_with("PROXY ") || buffer_.front() == '\0')
        return refuse(400, "a PROXY protocol header is taken from trusted proxies only, and this address is none");
    // A TLS ClientHello begins with 0x16; no method begins with anything but a letter.
    if (std::isalpha(static_cast<unsigned char>(buffer_.front())) == 0) {
        return refuse(400, buffer_.front() == '\x16' ? "this port speaks ws, not wss: TLS is not switched on here"
                                                     : "this is not an HTTP request");
    }
    const std::size_t end = header_end(buffer_, before);
    const bool whole = end != std::string_view::npos;
    if ((whole ? end : buffer_.size()) > max_bytes_) {
        return refuse(431, "the request header is longer than " + std::to_string(max_bytes_) + " bytes");
    }
    if (!whole) return State::incomplete;
    const std::string header = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return decide(header);
}

// The absolute form, which a proxy is asked with and every server has to take, becomes the origin form, and its host is
// the one that is asked (RFC 9112 section 3.2.2).
bool RequestReader::read_target() {
    if (target_.starts_with('/')) return true;
    auto parts = parse_url(target_);
    if (!parts || parts->has_user || parts->has_fragment || default_port(parts->scheme) == 0) return false;
    host_ = in_brackets(parts->authority.host);
    if (parts->authority.port) host_ += ":" + std::to_string(*parts->authority.port);
    target_ = (parts->path.empty() ? "/" : parts->path) + parts->query;
    return true;
}

RequestReader::State RequestReader::decide(std::string_view header) {
    http::request_parser<http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(max_bytes_, UINT32_MAX)));
    parser.eager(false);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(header.data(), header.size()), error);
    if (!error && !parser.is_header_done()) error = http::make_error_code(http::error::partial_message);
    if (error) return refuse(400, "bad HTTP request: " + error.message());

    const auto& request = parser.get();
    method_ = to_std(request.method_string());
    target_ = to_std(request.target());
    host_ = to_std(request[http::field::host]);
    if (!kept_name_.empty()) kept_ = joined(request, kept_name_);
    const bool modern = request.version() >= 11;
    const bool wants_upgrade = has_token(joined(request, http::field::upgrade), "websocket") ||
                               request.count(http::field::sec_websocket_key) != 0 ||
                               request.count(http::field::sec_websocket_version) != 0;
    if (request.count(http::field::host) > 1 || (modern && request[http::field::host].empty())) {
        return refuse(400, "exactly one Host header is needed");
    }
    if ((method_ == "GET" || method_ == "HEAD") && !read_target())
        return refuse(400, "the request target cannot be read");
    if (!wants_upgrade) {
        if (method_ == "GET" || method_ == "HEAD") return State::http;
        return refuse(405, "only GET and HEAD are answered here", "Allow: GET, HEAD\r\n");
    }

    if (!upgrades_) return refuse(400, "no WebSocket here: this address answers plain HTTP requests alone");
    if (method_ != "GET") return refuse(405, "a WebSocket upgrade is a GET request", "Allow: GET\r\n");
    if (!modern) return refuse(400, "a WebSocket upgrade needs HTTP/1.1");
    if (parser.chunked() || parser.content_length().value_or(0) != 0) {
        return refuse(400, "a WebSocket upgrade has no body");
    }
    if (!has_token(joined(request, http::field::upgrade), "websocket")) {
        return refuse(400, "the header \"Upgrade: websocket\" is missing");
    }
    if (!has_token(joined(request, http::field::connection), "upgrade")) {
        return refuse(400, "the header \"Connection: Upgrade\" is missing");
    }
    if (joined(request, http::field::sec_websocket_version) != "13") {
        return refuse(426, "WebSocket version 13 is needed", "Sec-WebSocket-Version: 13\r\n");
    }
    std::optional<std::string_view> origin;
    if (request.count(http::field::origin) > 1) return refuse(403, "at most one Origin header is allowed");
    if (request.count(http::field::origin) == 1) origin = to_std(request[http::field::origin]);
    if (auto objection = pages_.objection(host_, origin)) {
        refused_page_ = true;
        return refuse(403, std::move(*objection));
    }
    const std::string key = joined(request, http::field::sec_websocket_key);
    if (!is_key(key)) return refuse(400, "Sec-WebSocket-Key has to be 16 bytes in base64");
    const auto format = choose_format(joined(request, http::field::sec_websocket_protocol));
    if (!format) {
        return refuse(400,
                      "no subprotocol in common: offer flare.v1 (protobuf) or flare.v1.json (JSON) in "
                      "Sec-WebSocket-Protocol");
    }
    format_ = *format;
    const auto extension =
        deflate_ ? choose_deflate(joined(request, http::field::sec_websocket_extensions)) : std::nullopt;
    deflates_ = extension.has_value();
    answer_ =
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " +
        accept_of(key) + "\r\nSec-WebSocket-Protocol: " + std::string(subprotocol_of(format_)) +
        (extension ? "\r\nSec-WebSocket-Extensions: " + *extension : std::string()) + "\r\n\r\n";
    return State::upgrade;
}

}  // namespace flare::transport::websocket
