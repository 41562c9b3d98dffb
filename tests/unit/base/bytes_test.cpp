#include <flare/bytes.hpp>

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace flare::test {
namespace {

TEST(Bytes, CopiesWhatItIsMadeFrom) {
    std::string text = "hello";
    const Bytes bytes(text);
    text[0] = 'j';
    EXPECT_EQ(bytes, "hello");
    EXPECT_EQ(bytes.str(), "hello");
    EXPECT_EQ(bytes.size(), 5u);
    EXPECT_EQ(bytes.span().size(), 5u);
    const Bytes again(bytes.span());
    EXPECT_EQ(again, bytes);
    EXPECT_NE(again.data(), bytes.data());
}

TEST(Bytes, EmptyOnesHoldNothing) {
    for (const Bytes& empty : {Bytes(), Bytes(""), Bytes(std::string()), Bytes::make(0, [](char*) { FAIL(); })}) {
        EXPECT_TRUE(empty.empty());
        EXPECT_EQ(empty.data(), nullptr);
        EXPECT_EQ(empty, "");
        EXPECT_EQ(empty.slice(0, 5), "");
        EXPECT_EQ(empty.share({}), "");
    }
}

TEST(Bytes, CopiesAndPartsShareTheMemory) {
    Bytes part;
    const char* memory = nullptr;
    {
        const Bytes whole("hello, world");
        memory = whole.data();
        const Bytes copy = whole;
        EXPECT_EQ(copy.data(), memory);
        part = whole.slice(7);
    }
    EXPECT_EQ(part, "world");  // lives on although the whole is gone
    EXPECT_EQ(part.data(), memory + 7);
}

TEST(Bytes, SlicesAreClippedToWhatIsThere) {
    const Bytes bytes("abc");
    EXPECT_EQ(bytes.slice(1, 1), "b");
    EXPECT_EQ(bytes.slice(1, 99), "bc");
    EXPECT_EQ(bytes.slice(3), "");
    EXPECT_EQ(bytes.slice(4), "");
    EXPECT_EQ(bytes.slice(4).data(), nullptr);
    EXPECT_EQ(bytes.slice(0), bytes);
}

TEST(Bytes, ShareFindsTheViewInTheMemory) {
    const Bytes bytes("one two three");
    const std::string_view two = bytes.view().substr(4, 3);
    EXPECT_EQ(bytes.share(two), "two");
    EXPECT_EQ(bytes.share(two).data(), two.data());
}

TEST(Bytes, MoveAndSwapLeaveTheOtherSideUsable) {
    Bytes a("a");
    Bytes b("bb");
    a.swap(b);
    EXPECT_EQ(a, "bb");
    EXPECT_EQ(b, "a");
    const Bytes moved = std::move(a);
    EXPECT_EQ(moved, "bb");
    EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): a moved-from Bytes is empty
    a = moved;
    EXPECT_EQ(a, moved);
    Bytes& same = a;
    a = same;
    EXPECT_EQ(a, "bb");
}

TEST(Bytes, AreCountedAcrossThreads) {
    const Bytes shared(std::string(100, 's'));
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([copy = shared] {
            for (int n = 0; n < 10'000; ++n) {
                const Bytes another = copy;
                ASSERT_EQ(another.slice(50).size(), 50u);
            }
        });
    }
    for (std::thread& each : threads) each.join();
    EXPECT_EQ(shared.size(), 100u);
}

}  // namespace
}  // namespace flare::test
