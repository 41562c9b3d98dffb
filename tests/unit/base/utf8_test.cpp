#include "base/utf8.hpp"

#include <gtest/gtest.h>

#include <string>

namespace flare::base::test {
namespace {

// Straight from the table of RFC 3629 section 4, to compare the fast one with.
bool by_the_book(std::string_view text) {
    std::size_t at = 0;
    const auto tail = [&](unsigned char low, unsigned char high) {
        if (at == text.size()) return false;
        const auto byte = static_cast<unsigned char>(text[at++]);
        return byte >= low && byte <= high;
    };
    while (at < text.size()) {
        const auto first = static_cast<unsigned char>(text[at++]);
        bool good = false;
        if (first < 0x80)
            good = true;
        else if (first >= 0xc2 && first <= 0xdf)
            good = tail(0x80, 0xbf);
        else if (first == 0xe0)
            good = tail(0xa0, 0xbf) && tail(0x80, 0xbf);
        else if (first == 0xed)
            good = tail(0x80, 0x9f) && tail(0x80, 0xbf);
        else if (first >= 0xe1 && first <= 0xef)
            good = tail(0x80, 0xbf) && tail(0x80, 0xbf);
        else if (first == 0xf0)
            good = tail(0x90, 0xbf) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
        else if (first >= 0xf1 && first <= 0xf3)
            good = tail(0x80, 0xbf) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
        else if (first == 0xf4)
            good = tail(0x80, 0x8f) && tail(0x80, 0xbf) && tail(0x80, 0xbf);
        if (!good) return false;
    }
    return true;
}

TEST(Utf8, AgreesWithTheStandardOnEverySequenceOfThreeBytes) {
    for (unsigned first = 0; first < 256; ++first) {
        for (unsigned second = 0; second < 256; ++second) {
            for (unsigned third = 0; third < 256; third += 1 + (first < 0x80 ? 17 : 0)) {
                const std::string text{static_cast<char>(first), static_cast<char>(second), static_cast<char>(third)};
                ASSERT_EQ(is_utf8(text), by_the_book(text)) << first << ' ' << second << ' ' << third;
            }
        }
    }
}

TEST(Utf8, AgreesWithTheStandardOnFourBytesAtTheBordersOfEachRange) {
    const unsigned borders[] = {0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xff};
    for (unsigned first = 0xe0; first < 256; ++first) {
        for (const unsigned b : borders) {
            for (const unsigned c : borders) {
                for (const unsigned d : borders) {
                    const std::string text{static_cast<char>(first), static_cast<char>(b), static_cast<char>(c),
                                           static_cast<char>(d)};
                    ASSERT_EQ(is_utf8(text), by_the_book(text));
                }
            }
        }
    }
}

TEST(Utf8, SeesABadByteAtEveryPlaceOfATextOfEveryLength) {
    for (std::size_t length = 1; length < 70; ++length) {
        ASSERT_TRUE(is_utf8(std::string(length, 'a')));
        for (std::size_t at = 0; at < length; ++at) {
            std::string text(length, 'a');
            text[at] = '\xff';
            ASSERT_FALSE(is_utf8(text)) << length << ' ' << at;
        }
    }
    EXPECT_TRUE(is_utf8(""));
}

TEST(Utf8, OfAFragmentedTextIsCheckedAcrossItsFragments) {
    const std::string text = "a\xc3\xa9\xe2\x98\x80\xf0\x9f\x98\x80z";
    for (std::size_t first = 0; first <= text.size(); ++first) {
        for (std::size_t second = first; second <= text.size(); ++second) {
            Utf8Validator validator;
            EXPECT_TRUE(validator.feed(text.substr(0, first)));
            EXPECT_TRUE(validator.feed(text.substr(first, second - first)));
            EXPECT_TRUE(validator.feed(text.substr(second)));
            EXPECT_TRUE(validator.complete());
        }
    }
    Utf8Validator surrogate;
    EXPECT_TRUE(surrogate.feed("\xed"));
    EXPECT_FALSE(surrogate.feed("\xa0"));  // wrong before the character is complete
    Utf8Validator open;
    EXPECT_TRUE(open.feed("\xf0\x9f"));
    EXPECT_FALSE(open.complete());
}

}  // namespace
}  // namespace flare::base::test
