#include "transport/websocket/page_rule.hpp"

#include "transport/host.hpp"
#include "transport/url.hpp"

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include <algorithm>

namespace flare::transport::websocket {
namespace {

// The header Host may have a colon without a port behind it (RFC 3986 section 3.2.3).
std::string_view without_empty_port(std::string_view host) {
    if (host.ends_with(':')) host.remove_suffix(1);
    return host;
}

// So that equal hosts are equal texts: no upper case, no dot at the end, addresses in their shortest form.
std::string canonical(const std::string& host) {
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(host, error);
    return error ? boost::to_lower_copy(certificate_name(host)) : address.to_string();
}

struct Origin {
    std::string scheme;
    std::string host;        // canonical
    std::uint16_t port = 0;  // 0: none is named, and the scheme has none of its own
    bool operator==(const Origin&) const = default;
};

// RFC 6454 section 6.2. Nothing: it is "null", or none.
std::optional<Origin> parse_origin(std::string_view text) {
    const auto parts = parse_url(text);
    if (!parts || parts->has_user || parts->has_fragment || !parts->path.empty() || !parts->query.empty())
        return std::nullopt;
    return Origin{parts->scheme, canonical(parts->authority.host),
                  parts->authority.port.value_or(default_port(parts->scheme))};
}

bool is_same(std::string_view one, std::string_view other) {
    const auto first = parse_origin(one);
    return first ? first == parse_origin(other) : boost::iequals(one, other);
}

bool is_named(std::span<const std::string> allowed, std::string_view origin) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](const std::string& each) { return each == "*" || is_same(each, origin); });
}

// It goes into an answer and a log: what is no plain name does not.
bool can_be_shown(std::string_view text) {
    return !text.empty() && text.size() <= 270 && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
               c == ':' || c == '_' || c == '/' || c == '[' || c == ']';
    });
}

// A page of the host that it asks. Where something before this server ends TLS, the server sees neither the scheme nor,
// perhaps, the port of the address that the browser asked: a port that Host does not name is that of the page's scheme.
bool is_own(std::string_view origin_text, std::string_view host_text, bool secure) {
    const auto origin = parse_origin(origin_text);
    const auto host = parse_authority(without_empty_port(host_text));
    if (!origin || !host) return false;
    const std::uint16_t usual = default_port(origin->scheme);
    if (usual == 0 || (secure && usual != default_port("https"))) return false;
    return origin->host == canonical(host->host) && origin->port == host->port.value_or(usual);
}

}  // namespace

bool is_origin(std::string_view text) {
    const std::size_t scheme_end = text.find("://");
    if (scheme_end == std::string_view::npos || text.find('/', scheme_end + 3) != std::string_view::npos) return false;
    // Applications have schemes of their own, some of them without a host ("file://").
    const std::string scheme = boost::to_lower_copy(std::string(text.substr(0, scheme_end)));
    return default_port(scheme) == 0 || parse_origin(text).has_value();
}

bool is_nobodys_name(std::string_view host) {
    if (host.empty()) return true;
    const auto place = parse_authority(without_empty_port(host));
    // A zone is not what a browser sends.
    if (!place || place->host.find('%') != std::string::npos) return false;
    return !known_addresses(place->host).empty();
}

std::optional<std::string> PageRule::objection(std::string_view host, std::optional<std::string_view> origin) const {
    if (origin && is_named(allowed_origins, *origin)) return std::nullopt;
    if (guards_names && !is_nobodys_name(host)) {
        const std::string name(without_empty_port(host));
        const bool named =
            !origin && (is_named(allowed_origins, "http://" + name) || is_named(allowed_origins, "https://" + name));
        if (!named) {
            return "this server asks nobody for a token, and any name but localhost may be that of a web page: use "
                   "localhost or "
                   "the address, or add " +
                   (can_be_shown(name) ? "http://" + name : "the origin (http://NAME:PORT)") +
                   " to allowed_origins on the server";
        }
    }
    if (origin && !is_own(*origin, host, secure)) {
        const std::string page = can_be_shown(*origin) ? std::string(*origin) : "this origin";
        return "pages of " + page + " may not connect: name it in allowed_origins on the server";
    }
    return std::nullopt;
}

}  // namespace flare::transport::websocket
