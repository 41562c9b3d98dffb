#include "transport/turn_writes.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace flare::transport {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct Log {
    std::vector<std::string> sent;
};

struct Writer final : TurnWrites::Writer {
    Writer(TurnWrites& writes, Log& log, std::string name) : writes_(writes), log_(log), name_(std::move(name)) {}
    void send_now(std::string_view bytes) override { log_.sent.push_back(name_ + ":" + std::string(bytes)); }
    bool add(std::string_view bytes) {
        char* const to = writes_.add(*this, bytes.size());
        if (to != nullptr) bytes.copy(to, bytes.size());
        return to != nullptr;
    }

private:
    TurnWrites& writes_;
    Log& log_;
    std::string name_;
};

class TurnWritesTest : public ::testing::Test {
protected:
    TurnWrites writes;
    Log log;
    Writer a{writes, log, "a"};
    Writer b{writes, log, "b"};
};

TEST_F(TurnWritesTest, KeepsNothingWhenNoTurnRuns) {
    EXPECT_FALSE(a.add("x"));
    writes.flush();
    EXPECT_THAT(log.sent, IsEmpty());
}

TEST_F(TurnWritesTest, SendsAtTheEndOfTheTurnInOrder) {
    {
        const TurnWrites::Turn turn(writes);
        EXPECT_TRUE(a.add("1"));
        EXPECT_TRUE(b.add("2"));
        EXPECT_TRUE(a.add("3"));
        EXPECT_THAT(log.sent, IsEmpty());
    }
    EXPECT_THAT(log.sent, ElementsAre("a:1", "b:2", "a:3"));
    EXPECT_FALSE(a.add("x"));
}

TEST_F(TurnWritesTest, SendsWhatOneWriterAddsInARowTogether) {
    {
        const TurnWrites::Turn turn(writes);
        a.add("1");
        a.add("2");
        b.add("3");
    }
    EXPECT_THAT(log.sent, ElementsAre("a:12", "b:3"));
}

TEST_F(TurnWritesTest, ATurnInATurnSendsNothing) {
    const TurnWrites::Turn turn(writes);
    {
        const TurnWrites::Turn within(writes);
        a.add("1");
    }
    EXPECT_THAT(log.sent, IsEmpty());
    b.add("2");
    writes.flush();
    EXPECT_THAT(log.sent, ElementsAre("a:1", "b:2"));
    writes.flush();
    EXPECT_EQ(log.sent.size(), 2u);
    EXPECT_TRUE(a.add("3"));
}

TEST_F(TurnWritesTest, TakesNoLargeWrite) {
    const TurnWrites::Turn turn(writes);
    EXPECT_TRUE(a.add(std::string(TurnWrites::kMostBytes, 'x')));
    EXPECT_FALSE(a.add(std::string(TurnWrites::kMostBytes + 1, 'x')));
}

TEST_F(TurnWritesTest, SendsWhenItHasAsManyWritesAsItMayKeep) {
    const TurnWrites::Turn turn(writes);
    for (std::size_t i = 0; i < TurnWrites::kMostWrites; ++i) (i % 2 == 0 ? a : b).add("1");
    EXPECT_THAT(log.sent, IsEmpty());
    b.add("2");  // behind the last one, which is its own
    EXPECT_THAT(log.sent, IsEmpty());
    a.add("3");
    ASSERT_EQ(log.sent.size(), TurnWrites::kMostWrites);
    EXPECT_EQ(log.sent.back(), "b:12");
}

TEST_F(TurnWritesTest, SendsWhenItHasAsManyBytesAsItMayKeep) {
    const TurnWrites::Turn turn(writes);
    const std::string large(TurnWrites::kMostBytes, 'x');
    for (std::size_t i = 0; i < TurnWrites::kBytes / large.size(); ++i) a.add(large);
    EXPECT_THAT(log.sent, IsEmpty());
    a.add("1");
    ASSERT_EQ(log.sent.size(), 1u);
    EXPECT_EQ(log.sent.front().size(), 2 + TurnWrites::kBytes);
    writes.flush();
    EXPECT_EQ(log.sent.back(), "a:1");
}

}  // namespace
}  // namespace flare::transport
