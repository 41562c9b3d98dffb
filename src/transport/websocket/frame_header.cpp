#include "transport/websocket/frame_header.hpp"

namespace flare::transport::websocket {
namespace {

constexpr std::uint8_t kFinalBit = 0x80;
constexpr std::uint8_t kMaskBit = 0x80;
constexpr std::uint8_t kLength16 = 126;
constexpr std::uint8_t kLength64 = 127;

std::size_t length_bytes(std::uint8_t second) noexcept {
    const auto length = static_cast<std::uint8_t>(second & 0x7F);
    return length == kLength64 ? 8 : length == kLength16 ? 2 : 0;
}

}  // namespace

std::size_t frame_head_bytes(std::uint8_t /*first*/, std::uint8_t second) noexcept {
    return 2 + length_bytes(second) + ((second & kMaskBit) != 0 ? 4u : 0u);
}

FrameHead decode_frame_head(const char* bytes) noexcept {
    const auto* at = reinterpret_cast<const std::uint8_t*>(bytes);
    FrameHead head;
    head.final = (at[0] & kFinalBit) != 0;
    head.reserved = static_cast<std::uint8_t>((at[0] >> 4) & 7);
    head.opcode = static_cast<Opcode>(at[0] & 15);
    head.masked = (at[1] & kMaskBit) != 0;
    const std::size_t extended = length_bytes(at[1]);
    if (extended == 0) {
        head.length = at[1] & 0x7F;
    } else {
        for (std::size_t i = 0; i < extended; ++i) head.length = (head.length << 8) | at[2 + i];
        head.shortest = extended == 2 ? head.length >= kLength16 : head.length > 0xFFFF;
    }
    if (head.masked) std::memcpy(head.key.data(), at + 2 + extended, head.key.size());
    return head;
}

std::size_t encode_frame_head(char* out, const FrameHead& head) noexcept {
    auto* at = reinterpret_cast<std::uint8_t*>(out);
    at[0] = static_cast<std::uint8_t>((head.final ? kFinalBit : 0) | (head.reserved << 4) |
                                      static_cast<std::uint8_t>(head.opcode));
    const std::uint8_t mask_bit = head.masked ? kMaskBit : 0;
    std::size_t size = 2;
    const auto put_length = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            at[size++] = static_cast<std::uint8_t>(head.length >> (8 * (count - 1 - i)));
        }
    };
    if (head.length < kLength16) {
        at[1] = static_cast<std::uint8_t>(mask_bit | head.length);
    } else if (head.length <= 0xFFFF) {
        at[1] = static_cast<std::uint8_t>(mask_bit | kLength16);
        put_length(2);
    } else {
        at[1] = static_cast<std::uint8_t>(mask_bit | kLength64);
        put_length(8);
    }
    if (head.masked) {
        std::memcpy(at + size, head.key.data(), head.key.size());
        size += head.key.size();
    }
    return size;
}

}  // namespace flare::transport::websocket
