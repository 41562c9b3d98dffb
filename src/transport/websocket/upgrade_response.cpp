// The client's half of the upgrade: the request, and what to make of the answer.
#include "transport/websocket/upgrade.hpp"

#include "base/random.hpp"

#include <flare/printable.hpp>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>

namespace flare::transport::websocket {
namespace beast_http = boost::beast::http;
namespace {

using http::has_token;
using http::header_end;
using http::to_std;

// All fields of one name as one list.
std::string joined(const beast_http::fields& fields, beast_http::field name) {
    std::string list;
    const auto range = fields.equal_range(name);
    for (auto at = range.first; at != range.second; ++at) {
        if (!list.empty()) list += ", ";
        list += to_std(at->value());
    }
    return list;
}

// How much of a refusing answer's body is shown to people.
constexpr std::size_t kShownBodyBytes = 300;

std::string base64(const unsigned char* data, std::size_t size) {
    std::string text(4 * ((size + 2) / 3) + 1, '\0');
    const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), data, static_cast<int>(size));
    text.resize(static_cast<std::size_t>(length));
    return text;
}

// One line of what may come from anybody and have several.
std::string one_line(std::string_view text) {
    std::string line(text);
    std::replace_if(
        line.begin(), line.end(), [](char c) { return c == '\r' || c == '\n' || c == '\t'; }, ' ');
    while (!line.empty() && line.back() == ' ') line.pop_back();
    return printable(line);
}

}  // namespace

std::string redirect_of(unsigned status, std::string_view location) {
    const bool redirects = status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
    if (!redirects || location.empty()) return {};
    const bool cut = location.size() > kShownBodyBytes;
    return ", which leads to " + one_line(location.substr(0, kShownBodyBytes)) + (cut ? "..." : "") +
           ": Flare follows no redirects: use the address that it leads to (wss:// for https://)";
}

std::string make_key() {
    std::array<std::uint8_t, 16> raw{};
    base::system_random().fill(raw);
    return base64(raw.data(), raw.size());
}

std::string accept_of(std::string_view key) {
    std::string text(key);
    text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";  // RFC 6455 section 1.3
    std::array<unsigned char, SHA_DIGEST_LENGTH> digest{};
    SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
    return base64(digest.data(), digest.size());
}

std::string upgrade_request(const ConnectTarget& target, std::string_view key) {
    std::string text = "GET " + (target.path.empty() ? "/" : target.path) + " HTTP/1.1\r\nHost: " + target.host_header;
    text.append("\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    text.append(key).append("\r\nSec-WebSocket-Protocol: ").append(subprotocol_of(target.format)).append("\r\n\r\n");
    return text;
}

ResponseReader::State ResponseReader::refuse(errc code, std::string text) {
    error_.code = code;
    error_.text = std::move(text);
    buffer_.clear();
    return State::refused;
}

ResponseReader::State ResponseReader::feed(std::string_view bytes) {
    std::size_t unseen = buffer_.size();
    buffer_.append(bytes);
    while (status_line_.empty()) {
        constexpr std::string_view kStart = "HTTP/1.";
        const std::size_t seen = std::min(buffer_.size(), kStart.size());
        if (std::string_view(buffer_).substr(0, seen) != kStart.substr(0, seen)) {
            return refuse(errc::bad_upgrade, "the peer does not answer in HTTP: is this the right port?");
        }
        const std::size_t end = header_end(buffer_, std::exchange(unseen, 0));
        const bool whole = end != std::string_view::npos;
        if (interim_.bytes() + (whole ? end : buffer_.size()) > max_bytes_) {
            return refuse(errc::bad_upgrade,
                          "the answer's header is longer than " + std::to_string(max_bytes_) + " bytes");
        }
        if (!whole) return State::incomplete;
        const std::string header = buffer_.substr(0, end);
        buffer_.erase(0, end);
        const State state = decide(header);
        if (state != State::incomplete) return state;
    }
    return buffer_.size() >= body_bytes_ ? refuse_status() : State::incomplete;
}

ResponseReader::State ResponseReader::end() {
    if (!status_line_.empty()) return refuse_status();
    return refuse(errc::connection_lost, "the peer closed the connection before it answered the upgrade");
}

ResponseReader::State ResponseReader::refuse_status() {
    std::string text = "the server answered " + status_line_;
    const std::string body = one_line(std::string_view(buffer_).substr(0, kShownBodyBytes));
    if (!body.empty()) text += ": " + body;
    return refuse(errc::bad_upgrade, std::move(text));
}

// incomplete: refused with a status, whose body is still to be read; or an interim answer, with nothing in
// status_line_.
ResponseReader::State ResponseReader::decide(std::string_view header) {
    beast_http::response_parser<beast_http::empty_body> parser;
    parser.header_limit(static_cast<std::uint32_t>(std::min<std::size_t>(max_bytes_, UINT32_MAX)));
    parser.eager(false);
    parser.skip(true);
    boost::system::error_code error;
    parser.put(boost::asio::buffer(header.data(), header.size()), error);
    if (!error && !parser.is_header_done()) error = beast_http::make_error_code(beast_http::error::partial_message);
    if (error) return refuse(errc::bad_upgrade, "bad HTTP answer: " + error.message());

    const auto& response = parser.get();
    if (http::InterimAnswers::is_one(response.result_int())) {
        if (interim_.pass(header.size())) return State::incomplete;
        return refuse(errc::bad_upgrade, "the server sends interim answers (" + std::to_string(response.result_int()) +
                                             ") and no end of them");
    }
    if (response.result_int() != 101) {
        status_line_ = std::to_string(response.result_int()) + " " + one_line(to_std(response.reason()));
        const std::string elsewhere = redirect_of(response.result_int(), to_std(response[beast_http::field::location]));
        if (!elsewhere.empty()) return refuse(errc::bad_upgrade, "the server answered " + status_line_ + elsewhere);
        std::uint64_t length = 0;
        for (const char c : to_std(response[beast_http::field::content_length])) {
            if (c < '0' || c > '9' || length > kShownBodyBytes) break;
            length = length * 10 + static_cast<std::uint64_t>(c - '0');
        }
        body_bytes_ = static_cast<std::size_t>(std::min<std::uint64_t>(length, kShownBodyBytes));
        return State::incomplete;
    }
    if (!has_token(joined(response, beast_http::field::upgrade), "websocket") ||
        !has_token(joined(response, beast_http::field::connection), "upgrade")) {
        return refuse(errc::bad_upgrade, "the answer 101 does not upgrade to websocket");
    }
    if (joined(response, beast_http::field::sec_websocket_accept) != accept_of(key_)) {
        return refuse(errc::bad_upgrade,
                      "the answer's Sec-WebSocket-Accept does not belong to our key: is a proxy "
                      "answering in the server's place?");
    }
    if (response.count(beast_http::field::sec_websocket_extensions) != 0) {
        return refuse(errc::bad_upgrade, "the server chose an extension that was not offered");
    }
    const std::string chosen = joined(response, beast_http::field::sec_websocket_protocol);
    if (chosen != subprotocol_of(format_)) {
        return refuse(errc::subprotocol_missing,
                      "the server did not choose the subprotocol " + std::string(subprotocol_of(format_)) +
                          (chosen.empty() ? std::string(": it is not a Flare server") : ", but " + one_line(chosen)));
    }
    return State::upgraded;
}

}  // namespace flare::transport::websocket
