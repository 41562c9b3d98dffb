#include "transport/websocket/frame_header.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace flare::transport::websocket {
namespace {

TEST(FrameHeader, HasTheBytesOfTheExamplesInRfc6455Section5_7) {
    std::array<char, kMaxFrameHeaderBytes> out{};
    const auto bytes = [&](const FrameHead& head) {
        return std::string(out.data(), encode_frame_head(out.data(), head));
    };
    FrameHead head;
    head.opcode = Opcode::text;
    head.length = 5;
    EXPECT_EQ(bytes(head), "\x81\x05");
    head.masked = true;
    head.key = {0x37, 0xfa, 0x21, 0x3d};
    EXPECT_EQ(bytes(head), "\x81\x85\x37\xfa\x21\x3d");
    head = {};
    head.length = 256;
    EXPECT_EQ(bytes(head), std::string("\x82\x7E\x01\x00", 4));
    head.length = 65536;
    EXPECT_EQ(bytes(head), std::string("\x82\x7F\x00\x00\x00\x00\x00\x01\x00\x00", 10));
}

TEST(FrameHeader, ComesBackAsItWas) {
    std::array<char, kMaxFrameHeaderBytes> out{};
    for (const std::uint64_t length : {0ull, 125ull, 126ull, 65535ull, 65536ull, 1ull << 40}) {
        for (const bool masked : {false, true}) {
            FrameHead head;
            head.final = masked;
            head.opcode = Opcode::ping;
            head.masked = masked;
            head.length = length;
            if (masked) head.key = {1, 2, 3, 4};
            const std::size_t size = encode_frame_head(out.data(), head);
            EXPECT_EQ(frame_head_bytes(static_cast<std::uint8_t>(out[0]), static_cast<std::uint8_t>(out[1])), size);
            const FrameHead back = decode_frame_head(out.data());
            EXPECT_EQ(back.final, head.final);
            EXPECT_EQ(back.opcode, head.opcode);
            EXPECT_EQ(back.masked, head.masked);
            EXPECT_EQ(back.key, head.key);
            EXPECT_EQ(back.length, length);
            EXPECT_TRUE(back.shortest);
        }
    }
}

TEST(Mask, IsTheXorOfEachByteWithItsByteOfTheKey) {
    std::mt19937 random(7);
    const MaskKey key = {0x12, 0x34, 0x56, 0x78};
    for (std::size_t size = 0; size < 70; ++size) {
        for (std::size_t position = 0; position < 5; ++position) {
            std::string payload(size, '\0');
            for (char& c : payload) c = static_cast<char>(random());
            std::string expected = payload;
            for (std::size_t i = 0; i < size; ++i)
                expected[i] = static_cast<char>(payload[i] ^ key[(position + i) % 4]);
            std::string masked(size, '\0');
            mask_into(masked.data(), payload.data(), size, key, position);
            EXPECT_EQ(masked, expected);
            mask_into(masked.data(), masked.data(), size, key, position);
            EXPECT_EQ(masked, payload);
        }
    }
}

}  // namespace
}  // namespace flare::transport::websocket
