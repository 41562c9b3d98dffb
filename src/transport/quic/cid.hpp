// Connection ids as keys of maps.
//
// Protocol: RFC 9000 section 5.1.
#pragma once

#include <ngtcp2/ngtcp2.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

namespace flare::transport::quic {

// A connection id: at most 20 bytes (RFC 9000 section 17.2).
struct Cid {
    Cid(const std::uint8_t* data, std::size_t count) : size(static_cast<std::uint8_t>(std::min(count, bytes.size()))) {
        std::copy_n(data, size, bytes.begin());
    }
    bool operator==(const Cid&) const = default;

    std::array<std::uint8_t, NGTCP2_MAX_CIDLEN> bytes{};
    std::uint8_t size;
};

// Keyed: strangers choose the first id of a connection.
struct CidHash {
    std::size_t operator()(const Cid& cid) const noexcept;
};

}  // namespace flare::transport::quic
