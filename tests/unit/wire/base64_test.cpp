#include "wire/base64.hpp"

#include "support.hpp"

#include <gtest/gtest.h>

namespace flare::wire::test {
namespace {

TEST(Base64, AgreesWithTheExamplesOfRfc4648) {
    const std::pair<const char*, const char*> kExamples[] = {{"", ""},
                                                             {"f", "Zg=="},
                                                             {"fo", "Zm8="},
                                                             {"foo", "Zm9v"},
                                                             {"foob", "Zm9vYg=="},
                                                             {"fooba", "Zm9vYmE="},
                                                             {"foobar", "Zm9vYmFy"}};
    for (const auto& [bytes, text] : kExamples) {
        EXPECT_EQ(to_base64(bytes), text);
        EXPECT_EQ(from_base64(text), bytes);
    }
}

TEST(Base64, BringsEveryByteBack) {
    for (std::size_t size = 0; size < 300; ++size) {
        const std::string bytes = counting(size, 200);
        EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    }
}

TEST(Base64, ReadsTheUrlAlphabetAndNeedsNoPadding) {
    EXPECT_EQ(from_base64("-_8"), "\xfb\xff");
    EXPECT_EQ(from_base64("+/8="), "\xfb\xff");
    EXPECT_EQ(from_base64("Zg"), "f");
}

TEST(Base64, RefusesWhatIsNotBase64) {
    for (const char* text : {"A", "AAAAA", "Zg=", "Zg===", "=", "====", "Z=g=", "Zm 8=", "Zm\xc3\xb6", "Zm8=Zm8="}) {
        EXPECT_EQ(from_base64(text), std::nullopt) << text;
    }
}

}  // namespace
}  // namespace flare::wire::test
