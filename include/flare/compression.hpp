// What compression has done, on either side: docs/compression.md.
#pragma once

#include <cstdint>

namespace flare {

// Counted since the client or the server was built.
struct CompressionStats {
    std::uint64_t compressed = 0;       // payloads that were compressed here ...
    std::uint64_t compressed_from = 0;  // ... their bytes before ...
    std::uint64_t compressed_to = 0;    // ... and after
    std::uint64_t inflated = 0;
    std::uint64_t inflated_from = 0;  // as they came
    std::uint64_t inflated_to = 0;
    std::uint64_t refused = 0;  // damaged, too large, or in an encoding that was not agreed
};

}  // namespace flare
