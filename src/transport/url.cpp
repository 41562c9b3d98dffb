#include "transport/url.hpp"

#include "transport/host.hpp"

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/ip/address_v6.hpp>
#include <boost/url/parse.hpp>

#include <algorithm>
#include <charconv>

namespace flare::transport {
namespace {

constexpr std::size_t kMaxNameBytes = 253;  // RFC 1035 section 2.3.4, without the dot at the end
constexpr std::size_t kMaxLabelBytes = 63;

Failure wrong(const char* why) { return {errc::invalid_config, why}; }

bool is_alphanumeric(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// Nothing: it is no port. Digits alone: no sign, no space, nothing behind them.
std::optional<std::uint16_t> parse_port(std::string_view text) noexcept {
    std::uint16_t port = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (text.empty() || read.ec != std::errc{} || read.ptr != text.data() + text.size()) return std::nullopt;
    return port;
}

// Letters, digits, '-' and '_' between dots, perhaps with one dot at the end. Escapes are none: what they stand for
// would go into headers and logs.
bool is_name(std::string_view host) noexcept {
    if (host.ends_with('.')) host.remove_suffix(1);
    if (host.empty() || host.size() > kMaxNameBytes) return false;
    std::size_t label = 0;
    for (const char c : host) {
        if (c == '.' ? label == 0 : !(is_alphanumeric(c) || c == '-' || c == '_')) return false;
        label = c == '.' ? 0 : label + 1;
        if (label > kMaxLabelBytes) return false;
    }
    return label != 0;
}

bool is_zone(std::string_view zone) noexcept {
    return !zone.empty() && std::all_of(zone.begin(), zone.end(), [](char c) {
        return is_alphanumeric(c) || c == '-' || c == '.' || c == '_' || c == '~';
    });
}

// What is in brackets: "::1", "fe80::1%eth0", or "fe80::1%25eth0", as RFC 6874 section 2 writes it in a URL.
std::optional<std::string> parse_ipv6(std::string_view text) {
    const std::size_t percent = text.find('%');
    const std::string_view digits = text.substr(0, percent);
    boost::system::error_code error;
    (void)boost::asio::ip::make_address_v6(std::string(digits), error);
    if (error) return std::nullopt;
    if (percent == std::string_view::npos) return std::string(text);
    std::string_view zone = text.substr(percent + 1);
    if (zone.size() > 2 && zone.starts_with("25")) zone.remove_prefix(2);
    if (!is_zone(zone)) return std::nullopt;
    return std::string(digits) + "%" + std::string(zone);
}

}  // namespace

Checked<Authority> parse_authority(std::string_view text) {
    Authority made;
    std::size_t end = text.find(':');
    if (text.starts_with('[')) {
        const std::size_t bracket = text.find(']');
        auto address = bracket == std::string_view::npos ? std::nullopt : parse_ipv6(text.substr(1, bracket - 1));
        if (!address) return wrong("has no IPv6 address in its brackets");
        made.host = std::move(*address);
        end = bracket + 1;
        if (end < text.size() && text[end] != ':') return wrong("has characters between the bracket and the port");
    } else {
        if (end != text.rfind(':')) return wrong("has more than one colon: IPv6 addresses are written in brackets");
        made.host = text.substr(0, end);
        if (!made.host.empty() && !is_name(made.host))
            return wrong(
                "has no usable host: a name consists of letters, digits, '-', '_' and dots; write an internationalized "
                "name as xn--...");
    }
    if (end >= text.size()) return made;
    made.port = parse_port(text.substr(end + 1));
    if (!made.port) return wrong("has no usable port: it is a number up to 65535");
    return made;
}

bool is_host(std::string_view text) { return is_name(text) || parse_ipv6(text).has_value(); }

Checked<UrlParts> parse_url(std::string_view text) {
    UrlParts parts;
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos) return wrong("is not a URL");
    parts.scheme = boost::to_lower_copy(std::string(text.substr(0, scheme_end)));
    std::string_view authority = text.substr(scheme_end + 3);
    const std::size_t rest_begin = std::min(authority.find_first_of("/?#"), authority.size());
    const std::string rest(authority.substr(rest_begin));
    authority = authority.substr(0, rest_begin);
    // Scheme, path and query by the grammar; the host is read below, as Boost.URL knows no zones.
    const std::string without_host = parts.scheme + "://h" + rest;
    const auto parsed = boost::urls::parse_uri(without_host);
    if (!parsed) return wrong("is not a URL");

    if (const std::size_t user_end = authority.rfind('@'); user_end != std::string_view::npos) {
        parts.has_user = true;
        authority.remove_prefix(user_end + 1);
    }
    auto place = parse_authority(authority);
    if (!place) return place.error();
    if (place->host.empty()) return wrong("has no host");
    if (place->port == 0) return wrong("has no usable port: it is a number from 1 to 65535");
    parts.authority = std::move(*place);
    parts.path = std::string(parsed->encoded_path());
    if (parsed->has_query()) parts.query = "?" + std::string(parsed->encoded_query());
    parts.has_fragment = parsed->has_fragment();
    return parts;
}

std::uint16_t default_port(std::string_view scheme) noexcept {
    if (scheme == "http" || scheme == "ws") return 80;
    return scheme == "https" || scheme == "wss" || scheme == "quic" ? 443 : 0;
}

std::string in_brackets(const std::string& host) {
    return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

std::string host_header(const std::string& host, std::uint16_t port, std::string_view scheme) {
    const std::string name = in_brackets(without_zone(host));
    return port == default_port(scheme) ? name : name + ":" + std::to_string(port);
}

}  // namespace flare::transport
