// Autobahn cases 6: UTF-8 in text messages.
#include "codec_fixture.hpp"

namespace flare::transport::websocket::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

FLARE_CODEC_SUITE(Utf8);

const Seen kInvalid = violation(errc::invalid_utf8);

TEST_P(Utf8, Case6_1_1to3_EmptyTextAndEmptyFragments) {
    EXPECT_THAT(receive(peer.text("")), ElementsAre(text("")));
    EXPECT_THAT(receive(peer.text("", false) + peer.more("", false) + peer.more("", true)), ElementsAre(text("")));
    EXPECT_THAT(receive(peer.text("", false) + peer.more("middle", false) + peer.more("", true)),
                ElementsAre(text("middle")));
}

TEST_P(Utf8, Case6_2_ValidTextCutAnywhere) {
    const std::string words = "Hello-\xC2\xB5@\xC3\x9F\xC3\xB6\xC3\xA4\xC3\xBC\xC3\xA0\xC3\xA1-UTF-8!!\xF0\x9F\x92\xAC";
    EXPECT_THAT(receive(peer.text(words)), ElementsAre(text(words)));
    for (std::size_t cut = 0; cut <= words.size(); ++cut) {
        EXPECT_THAT(receive(peer.text(words.substr(0, cut), false) + peer.more(words.substr(cut), true)),
                    ElementsAre(text(words)))
            << cut;
    }
    std::string bytes = peer.text("", false);
    for (const char c : words) bytes += peer.more(std::string(1, c), false);
    EXPECT_THAT(receive(bytes + peer.more("", true)), ElementsAre(text(words)));
}

// Valid Greek, a surrogate, ASCII.
const std::string kGreek = "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5";
const std::string kSurrogate = "\xED\xA0\x80";

TEST_P(Utf8, Case6_3_InvalidTextWholeAndInSingleBytes) {
    const std::string words = kGreek + kSurrogate + "edited";
    EXPECT_THAT(receive(peer.text(words)), ElementsAre(kInvalid));
    std::string bytes = peer.text("", false);
    for (const char c : words) bytes += peer.more(std::string(1, c), false);
    EXPECT_THAT(receive(bytes + peer.more("", true)), ElementsAre(kInvalid));
}

TEST_P(Utf8, Case6_4_1_And6_4_2_FailsBeforeTheMessageIsComplete) {
    EXPECT_THAT(receive(peer.text(kGreek, false) + peer.more("\xF4\x90\x80\x80", false)), ElementsAre(kInvalid));
    EXPECT_THAT(receive(peer.text(kGreek + "\xF4", false) + peer.more("\x90", false)), ElementsAre(kInvalid));
}

TEST_P(Utf8, Case6_4_3_And6_4_4_FailsAtTheFirstWrongByteOfAFrame) {
    const std::string frame = peer.text(kGreek + "\xF4\x90\x80\x80" + "edited");
    const std::size_t head = role() == Role::server ? 6 : 2;
    EXPECT_THAT(receive(frame.substr(0, head + kGreek.size() + 1)), IsEmpty());
    EXPECT_THAT(receive(frame.substr(0, head + kGreek.size() + 2)), ElementsAre(kInvalid));
}

TEST_P(Utf8, Case6_5to6_7_And6_9_And6_22_And6_23_ValidSequences) {
    for (const std::string valid : {
             "Hello World", "Hello\xC2\xB5", "\xCE\xBA\xE1\xBD\xB9\xCF\x83\xCE\xBC\xCE\xB5", "\x7F", "\xC2\x80",
             "\xDF\xBF", "\xE0\xA0\x80", "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
             "\xEF\xBF\xBD", "\xF4\x8F\xBF\xBF", "\xEF\xBF\xBE", "\xF0\x9F\xBF\xBE",
             "\xF4\x8F\xBF\xBE",  // noncharacters are valid
         }) {
        EXPECT_THAT(receive(peer.text(valid)), ElementsAre(text(valid)));
    }
    EXPECT_THAT(receive(peer.text(std::string_view("\0", 1))), ElementsAre(text(std::string_view("\0", 1))));
}

TEST_P(Utf8, Case6_8_And6_10to6_21_InvalidSequences) {
    for (const std::string invalid : {
             "\xF8\x88\x80\x80\x80",
             "\xFC\x84\x80\x80\x80\x80",  // 5 and 6 bytes
             "\xF7\xBF\xBF\xBF",
             "\xF4\x90\x80\x80",  // above U+10FFFF
             "\x80",
             "\xBF",
             "\x80\xBF\x80\xBF",  // continuation bytes alone
             "\xC0 ",
             "\xDF ",
             "\xE0 ",
             "\xEF ",
             "\xF0 ",
             "\xF7 ",  // lonely start bytes
             "\xFE",
             "\xFF",
             "\xFE\xFE\xFF\xFF",  // impossible bytes
             "\xC0\xAF",
             "\xE0\x80\xAF",
             "\xF0\x80\x80\xAF",  // overlong forms
             "\xC1\xBF",
             "\xE0\x9F\xBF",
             "\xF0\x8F\xBF\xBF",
             "\xC0\x80",
             "\xE0\x80\x80",
             "\xF0\x80\x80\x80",
             "\xED\xA0\x80",
             "\xED\xAD\xBF",
             "\xED\xAE\x80",
             "\xED\xBF\xBF",  // surrogates
             "\xED\xA0\x80\xED\xB0\x80",
             "\xED\xAF\xBF\xED\xBF\xBF",
         }) {
        EXPECT_THAT(receive(peer.text(invalid)), ElementsAre(kInvalid)) << invalid;
        EXPECT_THAT(receive(peer.text("0123456789abcdef" + invalid)), ElementsAre(kInvalid)) << invalid;
    }
}

TEST_P(Utf8, Case6_12_MessagesThatEndInsideACharacter) {
    for (const std::string cut : {"\xC2", "\xE1\xBD", "\xE1", "\xF0\x9F\x92", "\xF4\x8F"}) {
        EXPECT_THAT(receive(peer.text(cut)), ElementsAre(kInvalid));
        EXPECT_THAT(receive(peer.text(cut, false) + peer.more("", true)), ElementsAre(kInvalid));
    }
}

TEST_P(Utf8, EachMessageStartsAfresh) {
    EXPECT_THAT(receive(peer.text("\xC3\xA9") + peer.binary("\xC3") + peer.text("a")),
                ElementsAre(text("\xC3\xA9"), binary("\xC3"), text("a")));
}

}  // namespace
}  // namespace flare::transport::websocket::test
