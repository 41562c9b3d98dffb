#include "wire/reader.hpp"

namespace flare::wire {

Reader::LongVarint Reader::long_varint(const char* at, const char* end) noexcept {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && at != end; shift += 7) {
        const auto byte = static_cast<unsigned char>(*at++);
        if (shift == 63 && byte > 1) break;  // more than 64 bits
        value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
        if (byte < 0x80) return {at, value};
    }
    return {};
}

}  // namespace flare::wire
