// What the limit of open files leaves: docs/operations.md, "Limits of the system"; and max_memory_bytes: "Memory".
#include "server/capacity.hpp"

#include <gtest/gtest.h>

namespace flare::server::test {
namespace {

Config holding(std::uint32_t max_connections) {
    Config config;
    config.max_connections = max_connections;
    config.max_connections_named = true;
    return config;
}

bool mentions(const std::optional<std::string>& text, const std::string& word) {
    return text && text->find(word) != std::string::npos;
}

TEST(Files, LeaveRoomForConnectionsBeyondThoseKeptForOtherThings) {
    EXPECT_EQ(files_for_connections(1024), 768u);
    EXPECT_EQ(files_for_connections(kReservedFiles + 1), 1u);
    EXPECT_EQ(files_for_connections(kReservedFiles), 1u);
    EXPECT_EQ(files_for_connections(10), 1u);
    EXPECT_EQ(files_for_connections(UINT32_MAX), UINT32_MAX);
}

TEST(Files, TooFewForWhatWasAskedForAreWarnedOf) {
    const auto warning = shortage_of_files(holding(2000), 257);
    for (const char* word : {"2000", "257", "room for 1 WebSocket connection;", "ulimit -n", "2256"})
        EXPECT_TRUE(mentions(warning, word)) << word << " in: " << warning.value_or("");
    EXPECT_TRUE(mentions(shortage_of_files(holding(2000), 2255), "1999"));
    EXPECT_FALSE(shortage_of_files(holding(2000), 2256));
    EXPECT_FALSE(shortage_of_files(holding(2000), UINT32_MAX));
}

TEST(Files, TheDefaultOfAllThereAreWarnsOnlyWhenHardlyAnyAreLeft) {
    EXPECT_FALSE(shortage_of_files(Config(), 1024));
    EXPECT_TRUE(shortage_of_files(Config(), 300));
}

TEST(Files, OfNoConcernWithoutWebSocket) {
    Config config = holding(2000);
    config.websocket = false;
    EXPECT_FALSE(shortage_of_files(config, 257));
}

TEST(Memory, TooLittleForWhatWasAskedForIsWarnedOf) {
    Config config = holding(100'000);
    config.max_memory_bytes = 1ull << 30;
    const auto warning = shortage_of_memory(config, 40 * 1024);
    for (const char* word : {"100000", "room for 13107 connections over QUIC", "7813 MiB"})
        EXPECT_TRUE(mentions(warning, word)) << word << " in: " << warning.value_or("");
    config.quic = false;
    EXPECT_TRUE(mentions(shortage_of_memory(config, 20 * 1024), "26214 connections over WebSocket"));
    config.max_memory_bytes = 7813ull << 20;
    EXPECT_FALSE(shortage_of_memory(config, 40 * 1024));
}

TEST(Memory, TheDefaultOfConnectionsWarnsOnlyWhenHardlyAnyFit) {
    Config config;
    EXPECT_FALSE(shortage_of_memory(config, 40 * 1024));
    config.max_memory_bytes = 4u << 20;
    EXPECT_TRUE(mentions(shortage_of_memory(config, 40 * 1024), "room for 51 connections"));
}

}  // namespace
}  // namespace flare::server::test
