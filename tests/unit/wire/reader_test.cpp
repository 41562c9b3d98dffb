#include "wire/reader.hpp"

#include "support.hpp"

#include "wire/writer.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace flare::wire::test {
namespace {

TEST(Varint, OfEveryLengthComesBack) {
    for (unsigned bits = 0; bits <= 64; ++bits) {
        for (const std::uint64_t nudge : {~0ull, 0ull, 1ull}) {
            const std::uint64_t value = (bits == 64 ? 0 : 1ull << bits) + nudge;
            char bytes[10];
            const std::size_t size = static_cast<std::size_t>(put_varint(bytes, value) - bytes);
            EXPECT_EQ(size, varint_size(value));
            for (const std::size_t behind : {std::size_t{0}, std::size_t{1}, std::size_t{20}}) {
                const auto block = std::make_unique<char[]>(size + behind);
                std::copy_n(bytes, size, block.get());
                Reader reader({block.get(), size + behind});
                std::uint64_t back = 0;
                ASSERT_TRUE(reader.take(back)) << value;
                EXPECT_EQ(back, value);
                EXPECT_EQ(reader.left(), behind);
            }
        }
    }
}

TEST(Varint, ThatDoesNotEndOrIsTooWideIsRefused) {
    for (const char* hex : {"", "80", "ffff", "ffffffffffffffffff", "ffffffffffffffffff02", "80808080808080808080",
                            "8080808080808080808000", "ffffffffffffffffffff01"}) {
        const std::string bytes = from_hex(hex);
        Reader reader(bytes);
        std::uint64_t value = 0;
        EXPECT_FALSE(reader.take(value)) << hex;
    }
    Reader widest(std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10));
    std::uint64_t value = 0;
    EXPECT_TRUE(widest.take(value));
    EXPECT_EQ(value, ~0ull);
}

TEST(Reader, PassesOverUnknownFieldsOfEveryWireType) {
    const std::string bytes = from_hex("4801 490102030405060708 4a03616263 4d01020304 0807");
    Reader reader(bytes);
    std::uint64_t value = 0;
    while (reader.next()) {
        if (reader.tag() == number_tag(1)) {
            value = reader.number();
        } else {
            reader.skip(1);
        }
    }
    EXPECT_FALSE(reader.failed());
    EXPECT_EQ(value, 7u);
}

TEST(Reader, RefusesFieldsThatCannotBe) {
    for (const char* hex :
         {"00", "07", "4b4c", "4e", "4f", "49010203", "4d0102", "4a05616263", "80", "808080808001", "8080808010 00"}) {
        const std::string bytes = from_hex(hex);
        Reader reader(bytes);
        while (reader.next()) {
        }
        EXPECT_EQ(reader.error(), errc::malformed_frame) << hex;
    }
}

TEST(Reader, RemembersTheFirstFailureAndReadsNothingAfterIt) {
    const std::string bytes = from_hex("0a01ff 0807");
    Reader reader(bytes);
    ASSERT_TRUE(reader.next());
    reader.text(10);
    EXPECT_EQ(reader.error(), errc::invalid_utf8);
    reader.fail();
    EXPECT_EQ(reader.error(), errc::invalid_utf8);
    EXPECT_FALSE(reader.next());
}

}  // namespace
}  // namespace flare::wire::test
