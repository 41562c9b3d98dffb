#include "wire/reader.hpp"

namespace flare::wire {

Reader::LongVarint Reader::long_varint(const char* at, const char* end) noexcept {
    const char* const safe = end - at > 9 ? at + 9 : end;  // so long the number cannot be too wide
    std::uint64_t value = 0;
    unsigned shift = 0;
    const auto take = [&] {
        const auto byte = static_cast<std::uint64_t>(static_cast<unsigned char>(*at++));
        value |= (byte & 0x7f) << shift;
        shift += 7;
        return byte < 0x80;
    };
    // Numbers and credits of a lane have three or four bytes: without a loop they take half as long.
    if (end - at >= 4 && (take() || take() || take() || take())) return {at, value};
    while (at != safe) {
        if (take()) return {at, value};
    }
    // The tenth byte has room for one bit.
    if (at == end || static_cast<unsigned char>(*at) > 1) return {};
    value |= static_cast<std::uint64_t>(*at) << 63;
    return {at + 1, value};
}

}  // namespace flare::wire
