#include "transport/http/request_parser.hpp"
#include "transport/url.hpp"

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <algorithm>
#include <cctype>

namespace flare::transport::http {
namespace beast_http = boost::beast::http;
namespace {

constexpr int kMaxEmptyLines = 4;  // before a request

// A line that begins with a blank goes on with the one before it (obs-fold).
bool is_folded(std::string_view header) noexcept {
    return header.find("\r\n ") != std::string_view::npos || header.find("\r\n\t") != std::string_view::npos;
}

}  // namespace

ParseState HeadParser::refuse(unsigned status, std::string text) {
    refusal_ = {status, std::move(text)};
    buffer_.clear();
    return ParseState::refused;
}

ParseState HeadParser::feed(std::string_view bytes) {
    std::size_t before = buffer_.size();
    buffer_.append(bytes);
    // Some clients end what they sent before with an empty line too many (RFC 9112 section 2.2).
    for (; empty_lines_ < kMaxEmptyLines && buffer_.starts_with("\r\n"); ++empty_lines_, before = 0)
        buffer_.erase(0, 2);
    if (buffer_.empty() || (buffer_ == "\r" && empty_lines_ < kMaxEmptyLines)) return ParseState::incomplete;
    if (buffer_.starts_with("PROXY ") || buffer_.front() == '\0')
        return refuse(400, "a PROXY protocol header is taken from trusted proxies only, and this address is none");
    // A TLS ClientHello begins with 0x16; no method begins with anything but a letter.
    if (std::isalpha(static_cast<unsigned char>(buffer_.front())) == 0) {
        return refuse(400, buffer_.front() == '\x16' ? "this port speaks ws, not wss: TLS is not switched on here"
                                                     : "this is not an HTTP request");
    }
    const std::size_t end = header_end(buffer_, before);
    const bool whole = end != std::string_view::npos;
    if ((whole ? end : buffer_.size()) > max_bytes_)
        return refuse(431, "the request header is longer than " + std::to_string(max_bytes_) + " bytes");
    if (!whole) return ParseState::incomplete;
    const std::string header = buffer_.substr(0, end);
    buffer_.erase(0, end);
    return decide(header);
}

ParseState HeadParser::decide(std::string_view header) {
    beast_http::request_parser<beast_http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(max_bytes_, UINT32_MAX)));
    parser.body_limit(boost::none);  // BodyParser's to judge
    parser.eager(false);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(header.data(), header.size()), error);
    if (!error && !parser.is_header_done()) error = beast_http::make_error_code(beast_http::error::partial_message);
    if (error) return refuse(400, "bad HTTP request: " + error.message());
    if (is_folded(header)) return refuse(400, "bad HTTP request: a header line is folded");

    const auto& request = parser.get();
    head_.method = to_std(request.method_string());
    head_.target = to_std(request.target());
    head_.modern = request.version() >= 11;
    head_.keeps = parser.keep_alive();
    head_.chunked = parser.chunked();
    head_.content_length = parser.content_length().value_or(0);
    for (const auto& field : request) head_.fields.add(to_std(field.name_string()), to_std(field.value()));
    head_.host = head_.fields.value("Host");
    if (head_.fields.count("Host") > 1 || (head_.modern && head_.host.empty()))
        return refuse(400, "exactly one Host header is needed");
    if (!read_target()) return refuse(400, "the request target cannot be read");
    std::string wrong = read_framing();
    if (!wrong.empty()) return refuse(400, std::move(wrong));
    return ParseState::done;
}

// Beast refuses a request with both lengths, and lengths that contradict each other; it takes "3, 3".
std::string HeadParser::read_framing() {
    if (head_.fields.value("Content-Length").find_first_not_of("0123456789") != std::string_view::npos)
        return "bad HTTP request: Content-Length is no number";
    if (head_.fields.count("Content-Length") > 1) return "bad HTTP request: more than one Content-Length";
    const std::size_t codings = head_.fields.count("Transfer-Encoding");
    if (codings == 0) return {};
    const bool is_chunked = boost::beast::iequals(to_beast(head_.fields.value("Transfer-Encoding")), "chunked");
    if (codings > 1 || !is_chunked || !head_.modern)
        return "bad HTTP request: the only Transfer-Encoding is chunked, once, in HTTP/1.1";
    return {};
}

// The absolute form, which a proxy is asked with and every server has to take, becomes the origin form, and its host is
// the one that is asked (RFC 9112 section 3.2.2).
bool HeadParser::read_target() {
    if (head_.target.starts_with('/')) return true;
    if (head_.method == "CONNECT" || (head_.method == "OPTIONS" && head_.target == "*")) return true;
    auto parts = transport::parse_url(head_.target);
    if (!parts || parts->has_user || parts->has_fragment || default_port(parts->scheme) == 0) return false;
    head_.host = in_brackets(parts->authority.host);
    if (parts->authority.port) head_.host += ":" + std::to_string(*parts->authority.port);
    head_.target = (parts->path.empty() ? "/" : parts->path) + parts->query;
    return true;
}

}  // namespace flare::transport::http
