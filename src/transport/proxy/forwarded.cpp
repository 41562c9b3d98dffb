#include "transport/proxy/forwarded.hpp"

#include <algorithm>
#include <charconv>
#include <string>
#include <vector>

namespace flare::transport::proxy {
namespace {

constexpr std::string_view kBlank = " \t";

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(kBlank);
    return from == text.npos ? std::string_view() : text.substr(from, text.find_last_not_of(kBlank) - from + 1);
}

bool equal_in_ascii(std::string_view text, std::string_view lower) {
    const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? static_cast<char>(a + 32) : a) == b; };
    return std::equal(text.begin(), text.end(), lower.begin(), lower.end(), same);
}

// What stands between the separators that are not in quotes; nothing: a quote is not closed.
std::optional<std::vector<std::string_view>> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    bool quoted = false;
    std::size_t from = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        if (quoted && text[at] == '\\') {
            ++at;
        } else if (text[at] == '"') {
            quoted = !quoted;
        } else if (!quoted && text[at] == separator) {
            parts.push_back(trimmed(text.substr(from, at - from)));
            from = at + 1;
        }
    }
    if (quoted) return std::nullopt;
    parts.push_back(trimmed(text.substr(from)));
    return parts;
}

// A quoted string's content, or the token itself; nothing: neither.
std::optional<std::string> plain_value(std::string_view text) {
    if (!text.starts_with('"')) {
        if (text.find('"') != text.npos) return std::nullopt;
        return std::string(text);
    }
    if (text.size() < 2 || !text.ends_with('"')) return std::nullopt;
    std::string value;
    for (std::size_t at = 1; at + 1 < text.size(); ++at) {
        if (text[at] == '"') return std::nullopt;
        if (text[at] == '\\' && ++at + 1 >= text.size()) return std::nullopt;
        value += text[at];
    }
    return value;
}

// The `for` of an element of Forwarded. Empty: it has none; nothing: it cannot be read.
std::optional<std::string> for_of(std::string_view element) {
    const auto pairs = split(element, ';');
    if (!pairs) return std::nullopt;
    std::optional<std::string> found;
    for (const std::string_view pair : *pairs) {
        if (pair.empty()) continue;
        const std::size_t equals = pair.find('=');
        if (equals == pair.npos) return std::nullopt;
        if (!equal_in_ascii(pair.substr(0, equals), "for")) continue;
        if (found) return std::nullopt;  // at most once (RFC 7239 section 4)
        if (found = plain_value(pair.substr(equals + 1)); !found) return std::nullopt;
    }
    return found ? found : std::string();
}

enum class Node : std::uint8_t { address, nobody, unreadable };

bool read_port(std::string_view text, std::uint16_t& port) {
    if (text.starts_with('_')) return text.size() > 1;  // obfuscated (RFC 7239 section 6.3)
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    return read.ec == std::errc() && read.ptr == text.data() + text.size();
}

// "192.0.2.1", "192.0.2.1:4711", "2001:db8::1", "[2001:db8::1]", "[2001:db8::1]:4711", "unknown", "_hidden".
Node read_node(std::string_view text, Source& source) {
    std::string_view host = text;
    std::string_view port;
    bool with_port = false;
    if (text.starts_with('[')) {
        const std::size_t close = text.find(']');
        if (close == text.npos) return Node::unreadable;
        host = text.substr(1, close - 1);
        const std::string_view rest = text.substr(close + 1);
        if (!rest.empty() && rest.front() != ':') return Node::unreadable;
        with_port = !rest.empty();
        port = rest.substr(with_port ? 1 : 0);
        if (host.find(':') == host.npos) return Node::unreadable;  // brackets are for IPv6
    } else if (const std::size_t colon = text.find(':'); colon != text.npos && colon == text.rfind(':')) {
        host = text.substr(0, colon);
        with_port = true;
        port = text.substr(colon + 1);
    }
    source.port = 0;
    if (with_port && !read_port(port, source.port)) return Node::unreadable;
    if (equal_in_ascii(host, "unknown") || (host.size() > 1 && host.front() == '_')) return Node::nobody;
    const auto address = parse_address(host);
    if (!address) return Node::unreadable;
    source.address = *address;
    return Node::address;
}

}  // namespace

std::string_view name(ForwardedHeader header) noexcept {
    return header == ForwardedHeader::forwarded ? "Forwarded" : "X-Forwarded-For";
}

Client client_of(ForwardedHeader header, std::string_view list, const Networks& trusted) {
    const Client unreadable{false, std::nullopt};
    const auto entries = split(list, ',');
    if (!entries) return unreadable;
    Client client;
    for (auto entry = entries->rbegin(); entry != entries->rend(); ++entry) {
        if (entry->empty()) continue;  // RFC 9110 section 5.6.1
        const auto node =
            header == ForwardedHeader::forwarded ? for_of(*entry) : std::optional<std::string>(std::string(*entry));
        if (!node) return unreadable;
        if (node->empty()) return client;  // an element without `for` names nobody
        Source source;
        switch (read_node(*node, source)) {
            case Node::unreadable: return unreadable;
            case Node::nobody: return client;
            case Node::address: break;
        }
        client.source = source;
        if (!trusted.contains(source.address)) break;
    }
    return client;
}

}  // namespace flare::transport::proxy
