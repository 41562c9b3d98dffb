// Which client a proxy's HTTP header names.
//
// Protocol: RFC 7239 (Forwarded); X-Forwarded-For as nginx, HAProxy and others write it.
// Threads:  pure.
#pragma once

#include "transport/proxy/header_reader.hpp"
#include "transport/proxy/networks.hpp"

#include <cstdint>
#include <optional>
#include <string_view>

namespace flare::transport::proxy {

enum class ForwardedHeader : std::uint8_t { x_forwarded_for, forwarded };
std::string_view name(ForwardedHeader header) noexcept;

// `list`: all lines of the header, joined by commas in their order. Read from its end, which the trusted peer has
// written, on to the first address that is not trusted: that is the client. When all are trusted it is the first of
// them. Nothing: the list is empty, or the last trusted proxy names nobody ("unknown", an obfuscated name).
// Unreadable: an entry that had to be read cannot be, or a quote is not closed: whoever wrote that hides the client.
struct Client {
    bool readable = true;
    std::optional<Source> source;
};
Client client_of(ForwardedHeader header, std::string_view list, const Networks& trusted);

}  // namespace flare::transport::proxy
