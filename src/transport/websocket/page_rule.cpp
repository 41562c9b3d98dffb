#include "transport/websocket/page_rule.hpp"

#include "transport/host.hpp"

#include <boost/algorithm/string/predicate.hpp>
#include <boost/url/parse.hpp>

#include <algorithm>

namespace flare::transport::websocket {
namespace {

bool is_named(std::span<const std::string> allowed, std::string_view origin) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](const std::string& each) { return each == "*" || boost::iequals(each, origin); });
}

// It goes into an answer and a log: what is no plain name does not.
bool can_be_shown(std::string_view host) {
    return host.size() <= 262 && std::all_of(host.begin(), host.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
                      c == '-' || c == ':' || c == '_';
           });
}

// A page of the host that it asks.
bool is_own(std::string_view origin, std::string_view host) {
    const std::size_t scheme_end = origin.find("://");
    return scheme_end != std::string_view::npos && boost::iequals(origin.substr(scheme_end + 3), host);
}

}  // namespace

bool is_nobodys_name(std::string_view host) {
    if (host.empty()) return true;
    const auto authority = boost::urls::parse_authority(host);
    // What is escaped is no name that a browser sends.
    if (!authority || authority->has_userinfo() || host.find('%') != std::string_view::npos) return false;
    if (authority->host_type() == boost::urls::host_type::ipvfuture) return false;  // RFC 3986 section 3.2.2: none yet
    return !known_addresses(std::string(authority->host_address())).empty();
}

std::optional<std::string> PageRule::objection(std::string_view host, std::optional<std::string_view> origin) const {
    if (origin && is_named(allowed_origins, *origin)) return std::nullopt;
    if (guards_names && !is_nobodys_name(host)) {
        const std::string name(host);
        const bool named =
            !origin && (is_named(allowed_origins, "http://" + name) || is_named(allowed_origins, "https://" + name));
        if (!named) {
            return "this server asks nobody for a token, and any name but localhost may be that of a web page: use "
                   "localhost or "
                   "the address, or add " +
                   (can_be_shown(host) ? "http://" + name : "the origin (http://NAME:PORT)") +
                   " to allowed_origins on the server";
        }
    }
    if (origin && !is_own(*origin, host))
        return "pages of this origin may not connect: name it in allowed_origins on the server";
    return std::nullopt;
}

}  // namespace flare::transport::websocket
