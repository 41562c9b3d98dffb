// permessage-deflate: what is agreed on, the examples of RFC 7692, where its bit may stand, and bounds.
#include "codec_fixture.hpp"

#include "transport/websocket/deflate.hpp"
#include "transport/websocket/upgrade.hpp"

#include <zlib.h>

namespace flare::transport::websocket::test {
namespace {

using namespace std::string_literals;

constexpr const char* kAnswer = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

struct Offer {
    const char* offered;
    const char* answer;  // null: declined
};

TEST(DeflateOffer, IsTakenWhenItIsInOrderAndCanBeKept) {
    const std::string wide = std::string(kAnswer) + "; server_max_window_bits=15";
    for (const Offer& each : {
             Offer{"permessage-deflate", kAnswer},
             Offer{"permessage-deflate; client_max_window_bits", kAnswer},
             Offer{"permessage-deflate; client_max_window_bits=8", kAnswer},
             Offer{"permessage-deflate; client_max_window_bits=\"15\"", kAnswer},
             Offer{"permessage-deflate; server_no_context_takeover; client_no_context_takeover", kAnswer},
             Offer{"permessage-deflate; server_max_window_bits=15", wide.c_str()},
             Offer{"x-webkit-deflate-frame, permessage-deflate", kAnswer},
             Offer{"permessage-deflate; server_max_window_bits=10, permessage-deflate", kAnswer},
             Offer{"permessage-deflate; unheard_of, permessage-deflate; client_max_window_bits", kAnswer},
         }) {
        const auto answer = choose_deflate(each.offered);
        ASSERT_TRUE(answer) << each.offered;
        EXPECT_EQ(*answer, each.answer) << each.offered;
    }
}

TEST(DeflateOffer, IsDeclinedOtherwise) {
    for (const char* offered :
         {"", "permessage-bzip2", "permessage-deflate; unheard_of", "permessage-deflate; server_no_context_takeover=1",
          "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
          "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=14",
          "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=015",
          "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
          "permessage-deflate; client_max_window_bits=08", "permessage-deflate; client_max_window_bits=x", "; ;", "=",
          "permessage-deflate; =", "permessage-deflate permessage-deflate"}) {
        EXPECT_FALSE(choose_deflate(offered)) << offered;
    }
}

TEST(DeflateOffer, IsAnsweredInThe101OnlyWhereItIsOffered) {
    const std::string request =
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: flare.v1\r\n"
        "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    RequestReader with(16 * 1024, true);
    ASSERT_EQ(with.feed(request), RequestReader::State::upgrade);
    EXPECT_TRUE(with.deflates());
    EXPECT_NE(with.answer().find("\r\nSec-WebSocket-Extensions: "s + kAnswer + "\r\n\r\n"), std::string::npos);
    RequestReader without(16 * 1024);
    ASSERT_EQ(without.feed(request), RequestReader::State::upgrade);
    EXPECT_FALSE(without.deflates());
    EXPECT_EQ(without.answer().find("Extensions"), std::string::npos);
}

std::string inflated(std::string_view payload, std::size_t most = 1 << 20) {
    const auto made = inflate_message(payload, most);
    return made ? std::string(*made) : std::string(name(static_cast<errc>(made.error().value())));
}

TEST(Deflate, ReadsTheExamplesOfRfc7692Section7_2_3) {
    EXPECT_EQ(inflated("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
    EXPECT_EQ(inflated("\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s), "Hello") << "a block that is not compressed";
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00\x00"s), "Hello") << "a block that says that it is the last";
    EXPECT_EQ(inflated("\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00"s), "Hello") << "two blocks";
    EXPECT_EQ(inflated("\x00"s), "");
}

TEST(Deflate, EachMessageIsCompressedByItself) {
    std::string text;
    while (text.size() < 50'000) text += "a line of a chat, number " + std::to_string(text.size()) + "\n";
    const auto first = deflate_message(text);
    ASSERT_TRUE(first);
    const std::string once(*first);
    EXPECT_LT(once.size(), text.size() / 3);
    EXPECT_EQ(std::string(*deflate_message(text)), once) << "the second time it is not shorter";
    EXPECT_EQ(inflated(once), text);
    // A message that refers to what the one before it held is damaged.
    EXPECT_EQ(inflated("\xf2\x00\x11\x00\x00"s), "websocket_violation") << "RFC 7692, a shared window";
}

TEST(Deflate, WhatIsSmallLargeOrDoesNotShrinkGoesAsItIs) {
    EXPECT_FALSE(deflate_message(std::string(kDeflateFrom - 1, 'x')));
    EXPECT_TRUE(deflate_message(std::string(kDeflateFrom, 'x')));
    EXPECT_TRUE(deflate_message(std::string(kDeflateUpTo, 'x')));
    EXPECT_FALSE(deflate_message(std::string(kDeflateUpTo + 1, 'x')));
    std::string noise(5'000, '\0');
    std::uint32_t state = 1;
    for (char& each : noise) each = static_cast<char>((state = state * 1664525u + 1013904223u) >> 24);
    EXPECT_FALSE(deflate_message(noise));
}

TEST(Deflate, InflatesNoMoreThanItMay) {
    const std::string text(100'000, 'x');
    const std::string packed(*deflate_message(text));
    ASSERT_LT(packed.size(), 500u);
    EXPECT_EQ(inflated(packed, 100'000), text);
    EXPECT_EQ(inflated(packed, 99'999), "batch_too_large");
    EXPECT_EQ(inflated(packed, 10), "batch_too_large");
    EXPECT_EQ(inflated(packed, 0), "batch_too_large");
}

TEST(Deflate, AMessageOfManyBlocksIsReadUpToAsManyAsCompressorsMake) {
    // Of the fixed kind and empty: 10 bits, which begin at any bit of a byte.
    const auto blocks = [](std::size_t count) {
        std::string bytes((count * 10 + 3 + 7) / 8, '\0');
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t bit = i * 10 + 1;  // BFINAL 0, BTYPE 01, and the end of the block: seven zeros
            bytes[bit / 8] = static_cast<char>(bytes[bit / 8] | (1 << (bit % 8)));
        }
        return bytes;
    };
    for (const std::size_t count : {1u, 2u, 3u, 10u, 50u}) {
        const auto inflated = inflate_message(blocks(count), 1000);
        ASSERT_TRUE(inflated) << count << ": " << inflated.error().message();
        EXPECT_EQ(*inflated, "");
    }
    EXPECT_EQ(inflate_message(blocks(100'000), 1000).error(), errc::websocket_violation);
}

// What zlib's Z_FINISH makes of a text, by blocks of one compressor each.
std::string finished(std::string_view text) {
    z_stream stream{};
    EXPECT_EQ(deflateInit2(&stream, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY), Z_OK);
    std::string out(deflateBound(&stream, static_cast<uLong>(text.size())), '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
    stream.avail_in = static_cast<uInt>(text.size());
    stream.next_out = reinterpret_cast<Bytef*>(out.data());
    stream.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(::deflate(&stream, Z_FINISH), Z_STREAM_END);
    out.resize(out.size() - stream.avail_out);
    deflateEnd(&stream);
    return out;
}

// RFC 7692 sections 7.2.1 and 7.2.3.4: BFINAL ends a stream, not the message.
TEST(Deflate, AMessageMayHaveSeveralLastBlocks) {
    const std::string hello = "\xf3\x48\xcd\xc9\xc9\x07\x00"s;  // with BFINAL
    const std::string end = "\x00"s;                            // an empty block, without its last four bytes
    EXPECT_EQ(inflated(hello + hello + end), "HelloHello");
    EXPECT_EQ(inflated(hello + hello), "HelloHello") << "the padding may be missing";
    EXPECT_EQ(inflated(hello + "\xf2\x48\xcd\xc9\xc9\x07\x00"s), "HelloHello") << "and then one that is not the last";
    EXPECT_EQ(inflated("\xf2\x48\x05\x00\x00\x00\xff\xff"s + hello + end), "HeHello");
    EXPECT_EQ(inflated("\x01\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f"s + hello + end), "HelloHello") << "stored";
    EXPECT_EQ(inflated("\x01\x00\x00\xff\xff"s + hello + end), "Hello") << "an empty one before";
    EXPECT_EQ(inflated(hello + "\x01"s), "Hello") << "the tail is the end of an empty last block";
    std::string text;
    while (text.size() < 200'000) text += "line " + std::to_string(text.size() * 7919) + "\n";
    std::string packed;
    for (std::size_t at = 0; at < text.size(); at += 50'000) packed += finished(text.substr(at, 50'000));
    EXPECT_EQ(inflated(packed + end), text.substr(0, text.size()));
    EXPECT_EQ(inflated(packed + end, text.size() - 1), "batch_too_large");
}

TEST(Deflate, TheWindowStaysBehindALastBlock) {
    // "Hello" with BFINAL, and a block that copies the five bytes before it.
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00"s + "\x02\x13\x00\x00"s), "HelloHello");
    EXPECT_EQ(inflated("\x02\x13\x00\x00"s), "websocket_violation") << "the next message begins with none";
    EXPECT_EQ(inflated("\xf2\x48\xcd\xc9\xc9\x07\x00"s), "Hello");
}

TEST(Deflate, AMessageThatIsCutIsAViolation) {
    for (const std::string& packed :
         {"\xf2\x48\xcd\xc9\xc9\x07\x00"s, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00"s}) {
        for (std::size_t cut = 1; cut + 1 < packed.size(); ++cut)
            EXPECT_NE(inflated(packed.substr(0, cut)), "Hello") << cut;
    }
    EXPECT_EQ(inflated("\x00\x05\x00\xfa\xff\x48"s), "websocket_violation");
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9"s), "websocket_violation");
}

TEST(Deflate, LastBlocksAreCountedAsBlocks) {
    std::string bytes;
    for (int i = 0; i < 100'000; ++i) bytes += "\x03\x00"s;  // empty, with BFINAL
    EXPECT_EQ(inflated(bytes), "websocket_violation");
    EXPECT_EQ(inflated(bytes.substr(0, 60)), "");
}

TEST(Deflate, WhatIsNoDeflateIsAViolation) {
    EXPECT_EQ(inflated("\xff\xff\xff"s), "websocket_violation");
    EXPECT_EQ(inflated("\xf3\x48\xcd\xc9\xc9\x07\x00garbage"s), "websocket_violation") << "behind a last block";
    const std::string packed(*deflate_message(std::string(5'000, 'x')));
    for (std::size_t cut = 0; cut < packed.size(); ++cut) (void)inflated(packed.substr(0, cut));
}

FLARE_CODEC_SUITE(DeflateBit);

TEST_P(DeflateBit, StandsOnTheFirstFrameOfAMessage) {
    Parser parser(role(), accept, max_message_bytes);
    parser.allow_compressed();
    const std::string bytes = peer.frame(2, "packed", true, 4) + peer.text("plain") +
                              peer.frame(1, "\xff\xfe", false, 4) + peer.ping("between") + peer.more("\xfd", true) +
                              peer.binary("plain again");
    EXPECT_EQ(receive(parser, bytes),
              (Events{binary("packed"), text("plain"), ping("between"), text("\xff\xfe\xfd"), binary("plain again")}))
        << "a compressed text is not UTF-8 before it is inflated";
}

TEST_P(DeflateBit, IsAViolationAnywhereElse) {
    const auto received = [&](const std::string& bytes, bool agreed) {
        Parser parser(role(), accept, max_message_bytes);
        if (agreed) parser.allow_compressed();
        return receive(parser, bytes).back();
    };
    EXPECT_EQ(received(peer.frame(2, "x", true, 4), false), violation());
    EXPECT_EQ(received(peer.frame(2, "x", false, 4) + peer.frame(0, "y", true, 4), true), violation());
    EXPECT_EQ(received(peer.frame(9, "x", true, 4), true), violation());
    EXPECT_EQ(received(peer.frame(8, "", true, 4), true), violation());
    EXPECT_EQ(received(peer.frame(2, "x", true, 2), true), violation());
    EXPECT_EQ(received(peer.frame(2, "x", true, 5), true), violation());
    EXPECT_EQ(received(peer.frame(3, "x", true, 4), true), violation());
    EXPECT_EQ(received(peer.text("\xff\xfe"), true), violation(errc::invalid_utf8)) << "not compressed: checked";
}

}  // namespace
}  // namespace flare::transport::websocket::test
