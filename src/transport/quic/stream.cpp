#include "transport/quic/stream.hpp"

namespace flare::transport::quic {

std::optional<std::uint64_t> PartReader::varint(std::string_view& bytes, bool& malformed) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        const auto byte = static_cast<std::uint8_t>(bytes[i]);
        value |= std::uint64_t{byte & 0x7fu} << (7 * i);
        if ((byte & 0x80u) == 0) {
            bytes.remove_prefix(i + 1);
            return value;
        }
        if (i == 4) {  // no length and no channel is as large
            malformed = true;
            return std::nullopt;
        }
    }
    return std::nullopt;
}

PartReader::State PartReader::next(std::string_view& bytes, std::size_t max_bytes, std::string_view& part) {
    std::string_view rest = bytes;
    bool malformed = false;
    const auto length = varint(rest, malformed);
    if (!length) return malformed ? State::malformed : State::incomplete;
    if (*length > max_bytes) return State::too_large;
    if (rest.size() < *length) return State::incomplete;
    part = rest.substr(0, static_cast<std::size_t>(*length));
    bytes = rest.substr(static_cast<std::size_t>(*length));
    return State::part;
}

}  // namespace flare::transport::quic
