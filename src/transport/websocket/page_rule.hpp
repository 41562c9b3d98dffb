// Which web pages may speak to a server, by the two headers that a browser writes and a page cannot choose: Host, the
// name by which the server was asked, and Origin, whose page asks.
//
// Protocol: RFC 9110 section 7.2 (Host), RFC 6454 sections 4 and 6 (Origin); docs/websocket.md, "Web pages".
// Threads:  pure functions.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace flare::transport::websocket {

// Whether `host`, as the header has it ("localhost:4000", "[::1]"), is a name that nobody can own: an address,
// localhost, or a name below it. Any other name may belong to a web page, which has it lead to this machine (DNS
// rebinding). Empty: no browser asked (HTTP/1.0 without the header), so no page did.
bool is_nobodys_name(std::string_view host);

// Whether allowed_origins may have it: "https://app.example.com", without a path; "*" and "null" are none.
bool is_origin(std::string_view text);

struct PageRule {
    // "https://app.example.com"; "*": all. Lives longer.
    std::span<const std::string> allowed_origins;
    // Other names than nobody's are refused, unless their page may connect: for servers that believe whoever reaches
    // them.
    bool guards_names = false;
    // The server itself ends TLS: pages of http:// are not its own then.
    bool secure = false;

    // Why this request may not connect; nothing: it may. `origin`: the header; nothing: there is none, so this is no
    // page. Hosts are the same whatever their case and a dot at their end; a port that is not named is the scheme's.
    std::optional<std::string> objection(std::string_view host, std::optional<std::string_view> origin) const;
};

}  // namespace flare::transport::websocket
