// Compression statistics of either side. See docs/compression.md.
#pragma once

#include <cstdint>

namespace flare {

// Counted since the client or the server was built.
struct CompressionStats {
    std::uint64_t compressed = 0;       // payloads compressed here
    std::uint64_t compressed_from = 0;  // their bytes before
    std::uint64_t compressed_to = 0;    // their bytes after
    std::uint64_t inflated = 0;         // payloads decompressed here
    std::uint64_t inflated_from = 0;    // their bytes as received
    std::uint64_t inflated_to = 0;      // their bytes after
    std::uint64_t refused = 0;          // damaged, too large, or in an encoding that was not negotiated
};

}  // namespace flare
