// Autobahn cases 1 (framing), 2 (pings and pongs), 3 (reserved bits), 4 (opcodes).
#include "codec_fixture.hpp"

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

FLARE_CODEC_SUITE(Framing);

TEST_P(Framing, Case1_1_1to8_TextOfEachLengthForm) {
    for (const std::size_t size : {0u, 125u, 126u, 127u, 128u, 65535u, 65536u}) {
        const std::string payload(size, '*');
        EXPECT_THAT(receive(peer.text(payload)), ElementsAre(text(payload))) << size;
    }
}

TEST_P(Framing, Case1_2_1to8_BinaryOfEachLengthForm) {
    for (const std::size_t size : {0u, 125u, 126u, 127u, 128u, 65535u, 65536u}) {
        const std::string payload(size, '\xFE');
        EXPECT_THAT(receive(peer.binary(payload)), ElementsAre(binary(payload))) << size;
    }
}

TEST_P(Framing, ManyMessagesInOneRead) {
    std::string bytes;
    Events expected;
    for (int i = 0; i < 200; ++i) {
        const std::string payload(static_cast<std::size_t>(i), static_cast<char>(i));
        bytes += peer.binary(payload);
        expected.push_back(binary(payload));
    }
    EXPECT_EQ(receive(bytes), expected);
}

TEST_P(Framing, RefusesALengthThatIsNotInItsShortestForm) {
    const int mask_bit = role() == Role::server ? 0x80 : 0;
    const std::string key = role() == Role::server ? "abcd" : "";
    const auto head = [&](int second, std::string_view length) {
        return std::string("\x82") + static_cast<char>(mask_bit | second) + std::string(length) + key;
    };
    using namespace std::string_view_literals;
    EXPECT_THAT(receive(head(126, "\x00\x7D"sv)), ElementsAre(violation()));
    EXPECT_THAT(receive(head(127, "\x00\x00\x00\x00\x00\x00\xFF\xFF"sv)), ElementsAre(violation()));
    EXPECT_THAT(receive(head(127, "\x80\x00\x00\x00\x00\x01\x00\x00"sv)), ElementsAre(violation()));
}

TEST_P(Framing, RefusesTheWrongMasking) {
    // RFC 6455 section 5.1: a client masks, a server does not.
    const FramePeer wrong{role() == Role::server ? Role::client : Role::server};
    EXPECT_THAT(receive(wrong.binary("x")), ElementsAre(violation()));
    EXPECT_THAT(receive(wrong.ping("")), ElementsAre(violation()));
}

TEST_P(Framing, AnnouncesAFaultBeforeThePayloadArrives) {
    const std::string frame = peer.frame(3, std::string(1000, 'x'));
    EXPECT_THAT(receive(frame.substr(0, 2)), ElementsAre(violation()));
}

TEST_P(Framing, SwallowsWhatFollowsAViolation) {
    EXPECT_THAT(receive(peer.frame(3, "") + peer.binary("x") + peer.close(1000)), ElementsAre(violation()));
}

TEST_P(Framing, RefusesTextWhereOnlyBinaryIsSpokenAndTheOtherWayRound) {
    accept = Accept::binary;
    EXPECT_THAT(receive(peer.text("x")), ElementsAre(violation(errc::text_on_binary)));
    accept = Accept::text;
    EXPECT_THAT(receive(peer.binary("x")), ElementsAre(violation(errc::binary_on_text)));
}

FLARE_CODEC_SUITE(Pings);

TEST_P(Pings, Case2_1_Empty) { EXPECT_THAT(receive(peer.ping("")), ElementsAre(ping(""))); }

TEST_P(Pings, Case2_2_SmallText) {
    EXPECT_THAT(receive(peer.ping("Hello, world!")), ElementsAre(ping("Hello, world!")));
}

TEST_P(Pings, Case2_3_NotUtf8) {
    const std::string payload{'\0', '\xFF', '\xFE', '\xFD', '\0', '\xFF'};
    EXPECT_THAT(receive(peer.ping(payload)), ElementsAre(ping(payload)));
}

TEST_P(Pings, Case2_4_And2_6_Of125Bytes) {
    const std::string payload(125, '\xFE');
    EXPECT_THAT(receive(peer.ping(payload)), ElementsAre(ping(payload)));
}

TEST_P(Pings, Case2_5_Of126BytesIsRefused) {
    EXPECT_THAT(receive(peer.ping(std::string(126, '\xFE'))), ElementsAre(violation()));
}

TEST_P(Pings, Case2_7to2_9_UnsolicitedPongs) {
    EXPECT_THAT(receive(peer.pong("") + peer.pong("unsolicited") + peer.ping("x")),
                ElementsAre(pong(""), pong("unsolicited"), ping("x")));
}

TEST_P(Pings, Case2_10_And2_11_TenInARow) {
    std::string bytes;
    Events expected;
    for (int i = 0; i < 10; ++i) {
        bytes += peer.ping("payload-" + std::to_string(i));
        expected.push_back(ping("payload-" + std::to_string(i)));
    }
    EXPECT_EQ(receive(bytes), expected);
}

FLARE_CODEC_SUITE(ReservedBits);

TEST_P(ReservedBits, Case3_1_SmallTextWithRsv3) {
    EXPECT_THAT(receive(peer.frame(1, "Hello, world!", true, 1)), ElementsAre(violation()));
}

TEST_P(ReservedBits, Case3_2to3_4_AfterAGoodMessageAndBeforeAPing) {
    for (const int bits : {2, 3, 4}) {
        EXPECT_THAT(receive(peer.text("good") + peer.frame(1, "bad", true, bits) + peer.ping("")),
                    ElementsAre(text("good"), violation()));
    }
}

TEST_P(ReservedBits, Case3_5to3_7_OnBinaryPingAndClose) {
    EXPECT_THAT(receive(peer.frame(2, std::string(8, '\xFF'), true, 5)), ElementsAre(violation()));
    EXPECT_THAT(receive(peer.frame(9, "Hello, world!", true, 6)), ElementsAre(violation()));
    EXPECT_THAT(receive(peer.frame(8, "", true, 7)), ElementsAre(violation()));
}

FLARE_CODEC_SUITE(Opcodes);

TEST_P(Opcodes, Case4_1_1to5_ReservedDataOpcodes) {
    for (int opcode = 3; opcode <= 7; ++opcode) {
        EXPECT_THAT(receive(peer.frame(opcode, "")), ElementsAre(violation())) << opcode;
        EXPECT_THAT(receive(peer.text("good") + peer.frame(opcode, "payload") + peer.ping("")),
                    ElementsAre(text("good"), violation()))
            << opcode;
    }
}

TEST_P(Opcodes, Case4_2_1to5_ReservedControlOpcodes) {
    for (int opcode = 11; opcode <= 15; ++opcode) {
        EXPECT_THAT(receive(peer.frame(opcode, "")), ElementsAre(violation())) << opcode;
        EXPECT_THAT(receive(peer.text("good") + peer.frame(opcode, "payload") + peer.ping("")),
                    ElementsAre(text("good"), violation()))
            << opcode;
    }
}

TEST_P(Opcodes, NothingIsSeenOfAnUnfinishedFrame) {
    const std::string frame = peer.binary("payload");
    for (std::size_t size = 0; size < frame.size(); ++size) EXPECT_THAT(receive(frame.substr(0, size)), IsEmpty());
}

}  // namespace
}  // namespace flare::transport::websocket::test
