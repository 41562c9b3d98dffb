// Logs that are cut by the rules of retention, while clients write: a server with a store, and real time.
#include "conversations/subscribing.hpp"

#include <gmock/gmock.h>

namespace flare::test {
namespace {

using ::testing::ElementsAre;

class Retention : public Subscriptions {
protected:
    ServerBuilder keeping(RetentionRules rooms, RetentionRules direct = {}) {
        return storing().retention(rooms, direct).retention_interval(1s);
    }
    static std::uint64_t first_of(Client& client, const std::string& name) {
        const auto page = client.conversations().history(name);
        EXPECT_TRUE(page) << page.error().text;
        return page ? page->head.first : 0;
    }
    static bool comes_to(Client& client, const std::string& name, std::uint64_t first) {
        return eventually([&] { return first_of(client, name) == first; });
    }
};

TEST_F(Retention, KeepsTheNewestEntriesOfARoomAndOfADirectConversation) {
    Server server = started(keeping({.entries = 10}, {.entries = 3}));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann, &bob});  // offsets 1 and 2
    for (int i = 0; i < 20; ++i) {
        ASSERT_TRUE(ann.send_text_message("room:tea", std::to_string(i)).success);
        if (i < 6) {
            ASSERT_TRUE(ann.send_text_message("bob", std::to_string(i)).success);
        }
    }
    ASSERT_TRUE(comes_to(ann, "room:tea", 13));
    ASSERT_TRUE(comes_to(bob, "ann", 4));
    EXPECT_EQ(texts_of(*bob.conversations().history("room:tea")), numbers(10, 20));
    EXPECT_EQ(texts_of(*bob.conversations().history("ann")), numbers(3, 6));
    EXPECT_EQ(refused(bob.conversations().history("room:tea", HistoryQuery::after(5))), errc::history_pruned);
    // Who had come so far continues without noticing; who was behind hears of the gap.
    const auto behind = bob.conversations().subscribe(
        "room:tea", SubscribeOptions().with_after({bob.conversations().history("room:tea")->head.epoch, 3}));
    ASSERT_TRUE(behind) << behind.error().text;
    ASSERT_TRUE(behind->gap);
    EXPECT_EQ(behind->gap->reason, HistoryGapReason::pruned);
    // A message that is gone is not changed any more.
    EXPECT_EQ(refused(ann.conversations().edit_message("room:tea", {0, 4}, {"", Bytes("again")})),
              errc::history_pruned);
}

TEST_F(Retention, GoesOnWhileOthersWriteAndAfterAStart) {
    const ServerBuilder builder = keeping({.entries = 50});
    std::uint64_t last = 0;
    for (const bool again : {false, true}) {
        Server server = started(builder);
        Client ann = user(server.websocket_addr(), "ann", at_ann);
        if (!again) make_open_room(ann);
        for (int i = 0; i < 700; ++i) {
            const SendResult sent = ann.send_text_message("room:tea", "x");
            ASSERT_TRUE(sent.success) << sent.error_message;
            last = sent.stored->position.offset;
        }
        ASSERT_TRUE(comes_to(ann, "room:tea", last - 49));
        server.stop();
    }
    const auto report = check_store(folder.path("flare.db"));
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->fault_count, 0u);
}

TEST_F(Retention, AnAgeAndBytesCountToo) {
    Server server = started(keeping({.age = 2s}, {.bytes = 100}));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&ann});
    ASSERT_TRUE(ann.send_text_message("room:tea", "old").success);
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(ann.send_text_message("bob", std::string(40, 'x')).success);
    ASSERT_TRUE(comes_to(bob, "ann", 2));
    ASSERT_TRUE(eventually([&] { return texts_of(*ann.conversations().history("room:tea")).empty(); }));
    ASSERT_TRUE(ann.send_text_message("room:tea", "new").success);
    EXPECT_THAT(texts_of(*ann.conversations().history("room:tea")), ElementsAre("new"));
}

TEST_F(Retention, TheApplicationHasTheLastWordOnAConversation) {
    Server server =
        started(keeping({.entries = 5})
                    .with_retention_policy([](const RetainedConversation& which) -> std::optional<RetentionRules> {
                        if (which.room == "room:archive") return RetentionRules{};
                        if (which.first == "ann" && which.second == "bob") return RetentionRules{.entries = 1};
                        return std::nullopt;
                    }));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    ASSERT_TRUE(ann.conversations().create("room:archive"));
    ASSERT_TRUE(ann.conversations().create("room:tea"));
    for (int i = 0; i < 10; ++i)
        for (const char* const to : {"room:archive", "room:tea", "bob"})
            ASSERT_TRUE(ann.send_text_message(to, std::to_string(i)).success);
    ASSERT_TRUE(comes_to(ann, "room:tea", 7));
    ASSERT_TRUE(comes_to(ann, "bob", 10));
    EXPECT_EQ(first_of(ann, "room:archive"), 1u);
}

}  // namespace
}  // namespace flare::test
