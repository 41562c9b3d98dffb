// Autobahn cases 7: closing, as far as the codec sees it; and the close codes.
#include "codec_fixture.hpp"

#include "base/utf8.hpp"

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;

FLARE_CODEC_SUITE(Closing);

TEST_P(Closing, Case7_1_1_AfterAMessage) {
    EXPECT_THAT(receive(peer.text("Hello World!") + peer.close(1000)), ElementsAre(text("Hello World!"), closed(1000)));
}

TEST_P(Closing, Case7_1_2to7_1_4_NothingIsSeenAfterIt) {
    EXPECT_THAT(receive(peer.close(1000) + peer.close(1000)), ElementsAre(closed(1000)));
    EXPECT_THAT(receive(peer.close(1000) + peer.ping("x")), ElementsAre(closed(1000)));
    EXPECT_THAT(receive(peer.close(1000) + peer.text("x")), ElementsAre(closed(1000)));
}

TEST_P(Closing, Case7_1_6_AfterALargeMessage) {
    const std::string payload(256 * 1024, 'B');
    EXPECT_EQ(receive(peer.text(payload) + peer.text("Hello World!") + peer.close(1000) + peer.ping("")),
              (Events{text(payload), text("Hello World!"), closed(1000)}));
}

TEST_P(Closing, Case7_3_1_WithoutAPayload) { EXPECT_THAT(receive(peer.frame(8, "")), ElementsAre(closed(0))); }

TEST_P(Closing, Case7_3_2_WithHalfACode) { EXPECT_THAT(receive(peer.frame(8, "a")), ElementsAre(violation())); }

TEST_P(Closing, Case7_3_3to7_3_5_WithAReason) {
    EXPECT_THAT(receive(peer.close(1000)), ElementsAre(closed(1000)));
    EXPECT_THAT(receive(peer.close(1000, "Hello World!")), ElementsAre(closed(1000, "Hello World!")));
    EXPECT_THAT(receive(peer.close(1000, std::string(123, '*'))), ElementsAre(closed(1000, std::string(123, '*'))));
}

TEST_P(Closing, Case7_3_6_WithAReasonThatIsTooLong) {
    EXPECT_THAT(receive(peer.close(1000, std::string(124, '*'))), ElementsAre(violation()));
}

TEST_P(Closing, Case7_5_1_WithAReasonThatIsNotUtf8) {
    EXPECT_THAT(receive(peer.close(1000, "\xCE\xBA\xED\xA0\x80")), ElementsAre(violation(errc::invalid_utf8)));
}

TEST_P(Closing, Case7_7_ValidCodes) {
    for (const int code :
         {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999}) {
        EXPECT_THAT(receive(peer.close(code)), ElementsAre(closed(static_cast<std::uint16_t>(code)))) << code;
    }
}

TEST_P(Closing, Case7_9_And7_13_InvalidCodes) {
    for (const int code : {0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535}) {
        EXPECT_THAT(receive(peer.close(code)), ElementsAre(violation())) << code;
        EXPECT_THAT(receive(peer.close(code, "reason")), ElementsAre(violation())) << code;
    }
}

TEST(CloseCode, OfEachErrorComesBackAsItself) {
    for (const errc code :
         {errc::ok, errc::shutting_down, errc::websocket_violation, errc::invalid_utf8, errc::batch_too_large,
          errc::busy, errc::malformed_frame, errc::malformed_json, errc::session_replaced, errc::internal}) {
        const std::uint16_t number = close_code_of(code);
        EXPECT_TRUE(is_sendable_close_code(number)) << number;
        EXPECT_EQ(errc_of_close_code(number, WireFormat::protobuf), code) << number;
    }
    EXPECT_EQ(close_code_of(errc::malformed_json), 4116);
}

TEST(CloseCode, OfTheWrongKindOfMessageDependsOnTheFormat) {
    EXPECT_EQ(close_code_of(errc::text_on_binary), 1003);
    EXPECT_EQ(close_code_of(errc::binary_on_text), 1003);
    EXPECT_EQ(errc_of_close_code(1003, WireFormat::protobuf), errc::text_on_binary);
    EXPECT_EQ(errc_of_close_code(1003, WireFormat::json), errc::binary_on_text);
}

TEST(CloseCode, WithoutAMeaningOfOursIsClosedByPeer) {
    for (const int code : {1008, 1010, 1011, 1014, 3000, 3999}) {
        EXPECT_EQ(errc_of_close_code(static_cast<std::uint16_t>(code), WireFormat::protobuf), errc::closed_by_peer)
            << code;
    }
    EXPECT_EQ(errc_of_close_code(kNoCloseCode, WireFormat::protobuf), errc::ok);
}

TEST(ClosePayload, CutsTheTextAtACharacter) {
    std::string words(122, 'x');
    words += "\xC3\xA9";
    EXPECT_EQ(close_payload(1000, words), std::string("\x03\xE8") + std::string(122, 'x'));
    EXPECT_EQ(close_payload(kNoCloseCode, "ignored"), "");
}

TEST(ClosePayload, IsUtf8WhateverTheTextIs) {
    const std::string payload = close_payload(4116, "a\xFF\xC3\xA9\xE1\xBD");
    EXPECT_EQ(payload.substr(2), "a?\xC3\xA9??");
    EXPECT_TRUE(base::is_utf8(close_payload(1000, std::string(500, '\xF0')).substr(2)));
}

}  // namespace
}  // namespace flare::transport::websocket::test
