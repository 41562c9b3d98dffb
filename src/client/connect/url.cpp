#include "client/connect/url.hpp"

#include "transport/url.hpp"

namespace flare::client {

std::string Url::host_header() const { return transport::host_header(host, port, scheme); }

std::string Url::shown() const { return scheme + "://" + host_header(); }

Checked<Url> parse_url(std::string_view text, std::string_view scheme) {
    const auto wrong = [&](const std::string& why) {
        return Failure(errc::invalid_config, "server_addresses: '" + std::string(text) + "' " + why);
    };
    const std::string form = std::string(scheme) + (scheme == "quic" ? "://host[:port]" : "://host[:port][/path]");
    auto parts = transport::parse_url(text);
    if (!parts) return wrong(parts.error().text + "; the form is " + form);
    if (parts->scheme != scheme) return wrong("must begin with " + std::string(scheme) + "://");
    if (parts->has_user) return wrong("must not carry a user or a password: use token()");
    Url url;
    url.text = text;
    url.scheme = std::move(parts->scheme);
    url.protocol = scheme == "quic" ? Protocol::quic : Protocol::websocket;
    url.secure = scheme != "ws";
    url.host = std::move(parts->authority.host);
    url.port = parts->authority.port.value_or(transport::default_port(scheme));
    if (url.protocol == Protocol::quic && !(parts->path.empty() && parts->query.empty()))
        return wrong("must have no path: QUIC URLs have none");
    if (!parts->path.empty()) url.path = std::move(parts->path);
    url.path += parts->query;
    return url;
}

}  // namespace flare::client
