// Autobahn cases 5 (fragmentation), 9 (limits), 10 (automatic fragmentation).
#include "codec_fixture.hpp"

#include <algorithm>

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

FLARE_CODEC_SUITE(Fragmentation);

TEST_P(Fragmentation, Case5_1_And5_2_ControlFramesAreNotFragmented) {
    EXPECT_THAT(receive(peer.frame(9, "fragment1", false) + peer.more("fragment2", true)), ElementsAre(violation()));
    EXPECT_THAT(receive(peer.frame(10, "fragment1", false) + peer.more("fragment2", true)), ElementsAre(violation()));
}

TEST_P(Fragmentation, Case5_3to5_5_TwoFragments) {
    EXPECT_THAT(receive(peer.text("fragment1", false) + peer.more("fragment2", true)),
                ElementsAre(text("fragment1fragment2")));
}

TEST_P(Fragmentation, Case5_6to5_8_APingBetweenFragmentsComesFirst) {
    EXPECT_THAT(receive(peer.text("fragment1", false) + peer.ping("ping") + peer.more("fragment2", true)),
                ElementsAre(ping("ping"), text("fragment1fragment2")));
}

TEST_P(Fragmentation, Case5_9to5_14_NothingToContinue) {
    for (const bool final : {true, false}) {
        EXPECT_THAT(receive(peer.more("non-continuation", final) + peer.text("Hello, world!")),
                    ElementsAre(violation()));
    }
}

TEST_P(Fragmentation, Case5_15_NothingToContinueAfterACompleteMessage) {
    EXPECT_THAT(receive(peer.text("fragment1", false) + peer.more("fragment2", true) + peer.more("fragment3", false) +
                        peer.text("fragment4")),
                ElementsAre(text("fragment1fragment2"), violation()));
}

TEST_P(Fragmentation, Case5_16_And5_17_StartsWithAContinuation) {
    EXPECT_THAT(receive(peer.more("fragment1", false) + peer.text("fragment2", false) + peer.more("fragment3", true)),
                ElementsAre(violation()));
    EXPECT_THAT(receive(peer.more("fragment1", true) + peer.text("fragment2", false) + peer.more("fragment3", true)),
                ElementsAre(violation()));
}

TEST_P(Fragmentation, Case5_18_ANewMessageInsideAFragmentedOne) {
    EXPECT_THAT(receive(peer.text("fragment1", false) + peer.text("fragment2", true)), ElementsAre(violation()));
    EXPECT_THAT(receive(peer.binary("fragment1", false) + peer.binary("fragment2", false)), ElementsAre(violation()));
}

TEST_P(Fragmentation, Case5_19_And5_20_FiveFragmentsWithPingsBetween) {
    EXPECT_THAT(
        receive(peer.text("fragment1", false) + peer.more("fragment2", false) + peer.ping("pongme 1!") +
                peer.more("fragment3", false) + peer.more("fragment4", false) + peer.ping("pongme 2!") +
                peer.more("fragment5", true)),
        ElementsAre(ping("pongme 1!"), ping("pongme 2!"), text("fragment1fragment2fragment3fragment4fragment5")));
}

TEST_P(Fragmentation, EmptyFragmentsAnywhere) {
    EXPECT_THAT(receive(peer.binary("", false) + peer.more("", false) + peer.more("x", false) + peer.more("", true)),
                ElementsAre(binary("x")));
}

TEST_P(Fragmentation, ACloseBetweenFragmentsIsTheEnd) {
    EXPECT_THAT(receive(peer.binary("fragment1", false) + peer.close(1000) + peer.more("fragment2", true)),
                ElementsAre(closed(1000)));
}

TEST_P(Fragmentation, GoesOnInADetachedParser) {
    // A connection may move to another thread between any two bytes.
    const std::string bytes = peer.binary("frag", false) + peer.ping("p") + peer.more("ment", true) + peer.text("end");
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        Parser first(role(), accept, max_message_bytes);
        Events events = receive(first, bytes.substr(0, cut));
        Parser second = first.detach();
        const Events rest = receive(second, bytes.substr(cut));
        events.insert(events.end(), rest.begin(), rest.end());
        EXPECT_THAT(events, ElementsAre(ping("p"), binary("fragment"), text("end"))) << cut;
        EXPECT_THAT(receive(first, peer.binary("x")), IsEmpty());
    }
}

TEST_P(Fragmentation, DetachingLeavesTheViewsOfTheLastEventAlone) {
    Parser parser(role(), accept, max_message_bytes);
    std::string bytes = peer.binary("fragments that are too long for a small string, ", false) +
                        peer.more("joined in the parser's own memory", true);
    std::span<char> input(bytes);
    const Event event = parser.next(input);
    const Parser moved = parser.detach();
    EXPECT_EQ(event.payload, "fragments that are too long for a small string, joined in the parser's own memory");
    EXPECT_EQ(moved.held_bytes(), 0u);
}

FLARE_CODEC_SUITE(Limits);

TEST_P(Limits, Case9_1_And9_2_LargeMessagesInOneFrame) {
    for (const std::size_t size : {64u << 10, 256u << 10, 1u << 20, 4u << 20}) {
        if (byte_by_byte() && size > (1u << 20)) continue;
        std::string payload(size, 'x');
        for (std::size_t i = 0; i < size; i += 101) payload[i] = static_cast<char>('a' + i % 26);
        EXPECT_EQ(receive(peer.text(payload)), Events{text(payload)}) << size;
        EXPECT_EQ(receive(peer.binary(payload)), Events{binary(payload)}) << size;
    }
}

TEST_P(Limits, Case9_3_And9_4_LargeMessagesInFragmentsOfEachSize) {
    const std::string payload(1u << 20, '*');
    for (const std::size_t fragment : {64u, 256u, 1024u, 4096u, 65536u, 1u << 20}) {
        if (byte_by_byte() && fragment > 64) continue;
        std::string bytes;
        for (std::size_t at = 0; at < payload.size(); at += fragment) {
            bytes += peer.frame(at == 0 ? 2 : 0, payload.substr(at, fragment), at + fragment >= payload.size());
        }
        EXPECT_EQ(receive(bytes), Events{binary(payload)}) << fragment;
    }
}

TEST_P(Limits, Case9_7_And9_8_ManySmallMessages) {
    std::string bytes;
    for (int i = 0; i < 1000; ++i) bytes += peer.text("0123456789abcdef");
    const Events events = receive(bytes);
    EXPECT_EQ(events.size(), 1000u);
    EXPECT_TRUE(
        std::all_of(events.begin(), events.end(), [](const Seen& seen) { return seen == text("0123456789abcdef"); }));
}

TEST_P(Limits, Case10_1_1_65536BytesInFragmentsOf1300) {
    const std::string payload(65536, '*');
    std::string bytes;
    for (std::size_t at = 0; at < payload.size(); at += 1300) {
        bytes += peer.frame(at == 0 ? 1 : 0, payload.substr(at, 1300), at + 1300 >= payload.size());
    }
    EXPECT_EQ(receive(bytes), Events{text(payload)});
}

TEST_P(Limits, TakesAMessageAtTheLimitAndRefusesOneAbove) {
    max_message_bytes = 1000;
    EXPECT_THAT(receive(peer.binary(std::string(1000, 'x'))), ElementsAre(binary(std::string(1000, 'x'))));
    EXPECT_THAT(receive(peer.binary(std::string(1001, 'x'))), ElementsAre(violation(errc::batch_too_large)));
}

TEST_P(Limits, CountsAllFragmentsOfAMessage) {
    max_message_bytes = 1000;
    const std::string half(500, 'x');
    EXPECT_THAT(receive(peer.binary(half, false) + peer.more(half, false) + peer.more("", true)),
                ElementsAre(binary(half + half)));
    EXPECT_THAT(receive(peer.binary(half, false) + peer.more(half, false) + peer.more("x", true)),
                ElementsAre(violation(errc::batch_too_large)));
}

TEST_P(Limits, RefusesAnAnnouncedLengthWithoutStoringAnything) {
    max_message_bytes = 1000;
    const std::string frame = peer.binary(std::string(70'000, 'x'));
    Parser parser(role(), accept, max_message_bytes);
    const std::size_t head = role() == Role::server ? 14 : 10;
    EXPECT_THAT(receive(parser, frame.substr(0, head)), ElementsAre(violation(errc::batch_too_large)));
    EXPECT_EQ(parser.held_bytes(), 0u);
}

TEST_P(Limits, HoldsNoMoreThanWhatArrivedOfAMessage) {
    Parser parser(role(), accept, max_message_bytes);
    receive(parser, peer.binary(std::string(1u << 20, 'x')).substr(0, 100));
    EXPECT_LE(parser.held_bytes(), 100u);
}

}  // namespace
}  // namespace flare::transport::websocket::test
