#include "store/sqlite/block.hpp"

namespace flare::store::sqlite {

std::string_view Block::encode(std::string& to) const {
    to.clear();
    const auto put = [&](std::uint64_t value) {
        for (; value > 0x7f; value >>= 7) to += static_cast<char>(value | 0x80);
        to += static_cast<char>(value);
    };
    put(base_);
    for (std::uint32_t i = 1; i < count_; ++i) put(behind_[i] - behind_[i - 1]);
    return to;
}

bool Block::decode(std::uint64_t first, std::string_view bytes, Block& to) noexcept {
    Block made(first);
    std::uint64_t row = 0;
    std::size_t at = 0;
    while (at < bytes.size()) {
        std::uint64_t value = 0;
        for (int shift = 0;; shift += 7) {
            if (at == bytes.size() || shift > 56) return false;
            const auto byte = static_cast<std::uint8_t>(bytes[at++]);
            value |= std::uint64_t{byte & 0x7fu} << shift;
            if (byte < 0x80) break;
        }
        row += value;
        if (value == 0 || made.full_for(row)) return false;
        made.add(row);
    }
    if (made.empty()) return false;
    to = made;
    return true;
}

}  // namespace flare::store::sqlite
