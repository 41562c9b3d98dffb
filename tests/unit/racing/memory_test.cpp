#include "racing/memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace flare::racing {
namespace {

using namespace std::chrono_literals;

constexpr auto kQuic = Protocol::quic;
constexpr auto kWebsocket = Protocol::websocket;
const Memory::Time kNow = Memory::Time(std::chrono::seconds(1'700'000'000));
const std::string kHome = "192.168.1.0/24|chat.example";
const std::string kWork = "10.0.0.0/24|chat.example";

TEST(Memory, KnowsTheLastWinnerOfEachNetwork) {
    Memory memory;
    EXPECT_FALSE(memory.winner(kHome, kNow));
    memory.won(kHome, kQuic, kNow);
    memory.won(kWork, kWebsocket, kNow);
    memory.won(kHome, kWebsocket, kNow + 1s);
    EXPECT_EQ(memory.winner(kHome, kNow + 2s), kWebsocket);
    EXPECT_EQ(memory.winner(kWork, kNow + 2s), kWebsocket);
    memory.won(kHome, kQuic, kNow + 3s);
    EXPECT_EQ(memory.winner(kHome, kNow + 4s), kQuic);
    EXPECT_FALSE(memory.winner(kHome, kNow + Memory::kWinnerLife + 4s)) << "too long ago";
}

TEST(Memory, AWinnerThatFailsIsNoneAndInDoubtForAWhile) {
    Memory memory;
    memory.won(kHome, kQuic, kNow);
    memory.failed(kHome, kQuic, kNow + 1min);
    EXPECT_FALSE(memory.winner(kHome, kNow + 1min));
    EXPECT_TRUE(memory.doubtful(kHome, kQuic, kNow + 1min));
    EXPECT_FALSE(memory.doubtful(kWork, kQuic, kNow + 1min)) << "that is another network";
    EXPECT_FALSE(memory.doubtful(kHome, kQuic, kNow + 1min + Memory::kDoubtLife));
    memory.failed(kHome, kQuic, kNow + 2min);
    EXPECT_TRUE(memory.doubtful(kHome, kQuic, kNow + 2min + Memory::kDoubtLife)) << "the second failure counts longer";
    EXPECT_FALSE(memory.doubtful(kHome, kQuic, kNow + 2min + 2 * Memory::kDoubtLife));
    memory.won(kHome, kQuic, kNow + 3min);
    EXPECT_FALSE(memory.doubtful(kHome, kQuic, kNow + 3min));
    for (int i = 0; i < 1000; ++i) memory.failed(kHome, kQuic, kNow);
    EXPECT_FALSE(memory.doubtful(kHome, kQuic, kNow + Memory::kDoubtLife * 64)) << "the doubling ends";
}

TEST(Memory, MovesAWeightHalfWayToWhatWasMeasuredAndForgets) {
    Memory memory;
    EXPECT_EQ(memory.weight(kHome, kQuic, 0.7, kNow), 0.7);
    memory.measured(kHome, {{kQuic, 0.1}, {kWebsocket, 0.9}}, kNow);
    EXPECT_NEAR(memory.weight(kHome, kQuic, 0.7, kNow), 0.4, 1e-9);
    EXPECT_NEAR(memory.weight(kHome, kWebsocket, 0.3, kNow), 0.6, 1e-9);
    EXPECT_NEAR(memory.weight(kHome, kQuic, 0.7, kNow + Memory::kHalfLife), 0.55, 1e-9);
    EXPECT_NEAR(memory.weight(kHome, kQuic, 0.7, kNow + 20 * Memory::kHalfLife), 0.7, 1e-3);
    EXPECT_NEAR(memory.weight(kHome, kQuic, 0.7, kNow - 1h), 0.4, 1e-9) << "a clock that was set back";
    memory.measured(kHome, {{kQuic, 0.5}, {kWebsocket, 0.5}}, kNow);
    EXPECT_NEAR(memory.weight(kHome, kQuic, 0.7, kNow), 0.5, 1e-9) << "one race does not outweigh those before";
}

TEST(Memory, SurvivesAsText) {
    Memory memory;
    memory.won(kHome, kWebsocket, kNow);
    memory.failed(kHome, kQuic, kNow + 1s);
    memory.measured(kWork, {{kQuic, 0.75}, {kWebsocket, 0.25}}, kNow);
    Memory read;
    ASSERT_TRUE(read.read(memory.text()));
    EXPECT_EQ(read.text(), memory.text());
    EXPECT_EQ(read.winner(kHome, kNow), kWebsocket);
    EXPECT_TRUE(read.doubtful(kHome, kQuic, kNow + 2s));
    EXPECT_NEAR(read.weight(kWork, kQuic, 0.25, kNow), 0.5, 1e-9);
}

TEST(Memory, TakesNothingFromAnotherFormatAndLeavesOutLinesThatMakeNoSense) {
    Memory memory;
    memory.won(kHome, kQuic, kNow);
    for (const char* text : {"", "flare-racing 2\n", "hello\n", "\n\n"}) {
        EXPECT_FALSE(memory.read(text)) << text;
        EXPECT_EQ(memory.winner(kHome, kNow), kQuic) << "nothing is changed";
    }
    const std::string good = kHome + " websocket 0.500 1700000000 1700000000 0 0\n";
    for (const char* line : {"x", "a quic", "a quic 2.0 0 0 0 0", "a quic nan 0 0 0 0", "a quic 0.5 -1 0 0 0",
                             "a quic 0.5 9223372036854775807 0 0 0", "a tcp 0.5 0 0 0 0", "a quic 0.5 0 0 0 0 more",
                             "a quic 0.5 0 0 0 -1x"}) {
        Memory other;
        EXPECT_TRUE(other.read("flare-racing 1\n" + std::string(line) + "\n" + good)) << line;
        EXPECT_EQ(other.winner(kHome, kNow), kWebsocket) << line;
        EXPECT_FALSE(other.winner("a", kNow)) << line;
    }
}

TEST(Memory, ForgetsTheNetworkUsedLongestAgo) {
    Memory memory;
    for (std::size_t i = 0; i <= Memory::kMaxNetworks; ++i)
        memory.won("net" + std::to_string(i), kQuic, kNow + std::chrono::seconds(i));
    EXPECT_FALSE(memory.winner("net0", kNow + 1min));
    EXPECT_TRUE(memory.winner("net1", kNow + 1min));
    std::string text = memory.text();
    for (int i = 0; i < 1000; ++i) text += "more" + std::to_string(i) + " quic 0.5 1 1 0 0\n";
    Memory read;
    ASSERT_TRUE(read.read(text));
    const std::string kept = read.text();
    EXPECT_EQ(std::count(kept.begin(), kept.end(), '\n'), static_cast<long>(Memory::kMaxNetworks) + 1);
}

}  // namespace
}  // namespace flare::racing
