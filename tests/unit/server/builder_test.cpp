// What ServerBuilder::build() makes of limits, at their edges.
#include <flare/server.hpp>

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace flare::server::test {
namespace {

std::string refusal(const ServerBuilder& builder) {
    const auto built = builder.build();
    if (built) return {};
    EXPECT_EQ(built.error().code, errc::invalid_config);
    return built.error().text;
}
bool names(const std::string& text, const std::string& field) { return text.starts_with(field + ": "); }

TEST(Builder, RefusesTwoListenersOfOneConfigurationOnOnePort) {
    const auto both = [](const std::string& websocket, const std::string& admin) {
        return refusal(ServerBuilder().websocket_only().websocket_addr(websocket).admin_addr(admin));
    };
    for (const auto& [websocket, admin] :
         std::vector<std::pair<std::string, std::string>>{{"127.0.0.1:4000", "127.0.0.1:4000"},
                                                          {"0.0.0.0:4000", "127.0.0.1:4000"},
                                                          {"127.0.0.1:4000", "0.0.0.0:4000"},
                                                          {":4000", "127.0.0.1:4000"},
                                                          {":4000", "[::1]:4000"},
                                                          {"[::1]:4000", ":4000"},
                                                          {"[::]:4000", "[::1]:4000"},
                                                          {":4000", "0.0.0.0:4000"}}) {
        EXPECT_TRUE(names(both(websocket, admin), "admin_addr")) << websocket << " and " << admin;
    }
    for (const auto& [websocket, admin] :
         std::vector<std::pair<std::string, std::string>>{{"127.0.0.1:4000", "127.0.0.1:4001"},
                                                          {"127.0.0.1:0", "127.0.0.1:0"},
                                                          {"127.0.0.1:4000", "127.0.0.2:4000"},
                                                          {"[::]:4000", "127.0.0.1:4000"},
                                                          {"127.0.0.1:4000", "[::1]:4000"}}) {
        EXPECT_EQ(both(websocket, admin), "") << websocket << " and " << admin;
    }
    EXPECT_EQ(refusal(ServerBuilder().quic_only().quic_addr("127.0.0.1:4000").admin_addr("127.0.0.1:4000")), "")
        << "UDP and TCP";
}

TEST(Builder, HoldsLimitsOfConversationsToWhatTheServerCanDo) {
    const auto said = [](const auto& change) {
        ConversationLimits limits;
        change(limits);
        return refusal(ServerBuilder().conversation_limits(limits));
    };
    EXPECT_EQ(said([](ConversationLimits& limits) {
                  limits = {1'000'000, 10'000'000, 0,         0,  100'000'000, 1'000'000'000,
                            10'000,    1u << 20,   1'000'000, {}, {}};
              }),
              "");
    EXPECT_EQ(said([](ConversationLimits& limits) { limits = {0, 0, 0, 0, 0, 0, 0, 1, 1, {"app-*"}, {"*-admin"}}; }),
              "");
    for (const auto& [wrong, field] : std::vector<std::pair<ConversationLimits, std::string>>{
             {{.device_per_second = 1'000'001}, "device_per_second"},
             {{.device_burst = 10'000'001}, "device_burst"},
             {{.device_per_second = 0, .device_burst = 1}, "device_burst"},
             {{.conversation_per_second = 1'000'001}, "conversation_per_second"},
             {{.deliveries_per_second = 100'000'001}, "deliveries_per_second"},
             {{.direct_per_hour = 10'001}, "direct_per_hour"},
             {{.max_payload_bytes = 0}, "max_payload_bytes"},
             {{.max_payload_bytes = (1u << 20) + 1}, "max_payload_bytes"},
             {{.max_members = 0}, "max_members"},
             {{.room_makers = {""}}, "room_makers"},
             {{.open_room_makers = {"a*b"}}, "open_room_makers"}}) {
        const std::string text = refusal(ServerBuilder().conversation_limits(wrong));
        EXPECT_TRUE(names(text, "conversation_limits")) << field << ": " << text;
        EXPECT_NE(text.find(field), std::string::npos) << text;
    }
    Store store = sqlite("flare.db");
    store.cache_bytes = (1u << 20) - 1;
    EXPECT_TRUE(names(refusal(ServerBuilder().store(store)), "store"));
}

TEST(Builder, HoldsABatchToTheLargestFrameAndTheProtocol) {
    EXPECT_EQ(refusal(ServerBuilder().max_batch_bytes(135'168)), "");
    EXPECT_EQ(refusal(ServerBuilder().max_batch_bytes(1u << 20)), "");
    EXPECT_TRUE(names(refusal(ServerBuilder().max_batch_bytes(135'167)), "max_batch_bytes"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_batch_bytes((1u << 20) + 1)), "max_batch_bytes"));
}

TEST(Builder, HoldsWhatIsUnderWayAboveALeast) {
    EXPECT_EQ(refusal(ServerBuilder().max_unacked(64, 65'536)), "");
    EXPECT_TRUE(names(refusal(ServerBuilder().max_unacked(63, 65'536)), "max_unacked"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_unacked(64, 65'535)), "max_unacked"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_unacked(64, (1ull << 30) + 1)), "max_unacked"));
}

TEST(Builder, GivesAQueueRoomForTwoMessagesInWhicheverOrderItIsTold) {
    EXPECT_EQ(refusal(ServerBuilder().max_queued(16, 20'000).max_message_bytes(10'000)), "");
    EXPECT_EQ(refusal(ServerBuilder().max_message_bytes(10'000).max_queued(16, 20'000)), "");
    EXPECT_TRUE(names(refusal(ServerBuilder().max_message_bytes(10'001).max_queued(16, 20'000)), "max_queued"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_queued(16, 20'000)), "max_queued"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_queued(15, 64u << 20)), "max_queued"));
    EXPECT_EQ(refusal(ServerBuilder().max_message_bytes(1ull << 30)), "") << "the default grows with it";
}

TEST(Builder, HoldsABurstToTheLargestMessage) {
    EXPECT_EQ(refusal(ServerBuilder().max_message_bytes(10'000).max_bytes_per_second(1, 10'000)), "");
    EXPECT_TRUE(names(refusal(ServerBuilder().max_message_bytes(10'000).max_bytes_per_second(1, 9'999)),
                      "max_bytes_per_second"));
    EXPECT_EQ(refusal(ServerBuilder().max_bytes_per_second(1)), "") << "the burst follows max_message_bytes";
    EXPECT_TRUE(names(refusal(ServerBuilder().max_bytes_per_second(0, 1)), "max_bytes_per_second"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_bytes_per_second((1ull << 32) + 1)), "max_bytes_per_second"));
    EXPECT_TRUE(names(refusal(ServerBuilder().max_messages_per_second(0, 1)), "max_messages_per_second"));
    EXPECT_EQ(refusal(ServerBuilder().max_messages_per_second(1, 1)), "");
}

}  // namespace
}  // namespace flare::server::test
