#include "client/url.hpp"

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace flare::client {

std::string Url::host_header() const {
    const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
    return port == (secure ? 443 : 80) ? name : name + ":" + std::to_string(port);
}

Checked<Url> parse_url(std::string_view text, std::string_view scheme) {
    const auto wrong = [&](const std::string& why) {
        return Failure(errc::invalid_config, "server_addresses: '" + std::string(text) + "' " + why);
    };
    const auto parsed = boost::urls::parse_uri({text.data(), text.size()});
    const std::string form = std::string(scheme) + (scheme == "quic" ? "://host[:port]" : "://host[:port][/path]");
    if (!parsed) return wrong("is not a URL of the form " + form);
    const boost::urls::url_view& view = *parsed;
    if (std::string_view(view.scheme().data(), view.scheme().size()) != scheme)
        return wrong("must begin with " + std::string(scheme) + "://");
    Url url;
    url.text = text;
    url.protocol = scheme == "quic" ? Protocol::quic : Protocol::websocket;
    url.secure = scheme != "ws";
    const auto host = view.host_address();
    url.host.assign(host.data(), host.size());
    if (url.host.empty()) return wrong("has no host; the form is " + form);
    if (view.has_userinfo()) return wrong("must not carry a user or a password: use token()");
    url.port = url.secure ? 443 : 80;
    if (view.has_port()) {
        url.port = view.port_number();
        if (url.port == 0) return wrong("has no usable port");
    }
    if (url.protocol == Protocol::quic && !(view.encoded_path().empty() && !view.has_query()))
        return wrong("must have no path: QUIC has none");
    const auto path = view.encoded_path();
    if (!path.empty()) url.path.assign(path.data(), path.size());
    if (view.has_query()) {
        const auto query = view.encoded_query();
        url.path += "?" + std::string(query.data(), query.size());
    }
    return url;
}

}  // namespace flare::client
