#include "wire/reader.hpp"

namespace flare::wire {

Reader::LongVarint Reader::long_varint(const char* at, const char* end) noexcept {
    std::uint64_t value = 0;
    unsigned shift = 0;
    // As long as the number cannot be too wide, nine bytes.
    for (const char* safe = end - at > 9 ? at + 9 : end; at != safe; shift += 7) {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(*at++));
        value |= (byte & 0x7f) << shift;
        if (byte < 0x80) return {at, value};
    }
    // The tenth byte has room for one bit.
    if (at == end || static_cast<unsigned char>(*at) > 1) return {};
    value |= static_cast<std::uint64_t>(*at) << 63;
    return {at + 1, value};
}

}  // namespace flare::wire
