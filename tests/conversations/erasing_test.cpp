// A user is erased: whatever they wrote is deleted, everywhere and to the end, whatever happens to the server.
#include "conversations/subscribing.hpp"

#include <gmock/gmock.h>

namespace flare::test {
namespace {

using ::testing::Each;

class Erasing : public Subscriptions {
protected:
    static bool is_deleted(const Entry& entry) { return entry.deleted && entry.payload.str().empty(); }
    // All that `from` has written, as `reader` sees it, is deleted.
    static bool nothing_is_left(Client& reader, const std::string& name, const std::string& from) {
        for (HistoryQuery query = HistoryQuery::after(0, 200);;) {
            const auto page = reader.conversations().history(name, query);
            EXPECT_TRUE(page) << page.error().text;
            if (!page) return false;
            for (const Entry& entry : page->entries)
                if (entry.kind == EntryKind::message && entry.from == from && !is_deleted(entry)) return false;
            if (!page->more) return true;
            query = HistoryQuery::after(page->entries.back().offset, 200);
        }
    }
};

TEST_F(Erasing, DeletesWhatTheUserWroteAndTellsEverybody) {
    Server server = started(storing());
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    gather({&bob, &ann});
    ASSERT_TRUE(ann.send_text_message("bob", "secret").success);
    (void)subscribe(bob, "ann");
    std::vector<std::uint64_t> offsets;
    for (int i = 0; i < 120; ++i) {
        const SendResult sent = ann.send_text_message("room:tea", "secret");
        ASSERT_TRUE(sent.success) << sent.error_message;
        offsets.push_back(sent.stored->position.offset);
        ASSERT_TRUE(ann.send_text_message("bob", "secret").success);
        ASSERT_TRUE(bob.send_text_message("room:tea", "mine").success);
    }
    ASSERT_TRUE(ann.conversations().edit_message("room:tea", {0, offsets.front()}, {"", Bytes("secret, again")}));
    const auto erased = server.erase("ann");
    ASSERT_TRUE(erased) << erased.error().text;
    ASSERT_TRUE(
        eventually([&] { return nothing_is_left(bob, "room:tea", "ann") && nothing_is_left(bob, "ann", "ann"); }));
    // Bob's are there, and bob was told of each that is not.
    std::size_t mine = 0;
    for (HistoryQuery query = HistoryQuery::after(0, 200);;) {
        const auto page = bob.conversations().history("room:tea", query);
        ASSERT_TRUE(page);
        for (const Entry& entry : page->entries) mine += entry.from == "bob" && entry.payload.str() == "mine";
        if (!page->more) break;
        query = HistoryQuery::after(page->entries.back().offset, 200);
    }
    EXPECT_EQ(mine, 120u);
    EXPECT_TRUE(at_bob.wait([&](const std::vector<Event>& seen) {
        std::size_t told = 0;
        for (const Event& event : seen) {
            const auto* changed = std::get_if<event::MessageChanged>(&event);
            told += changed != nullptr && changed->what == event::MessageChanged::What::deleted &&
                    changed->by == "server";  // as history says
        }
        return told == 241;
    }));
    // And is alone in the room now.
    EXPECT_TRUE(eventually([&] {
        const auto members = bob.conversations().members("room:tea");
        return members && members->members.size() == 1;
    }));
    EXPECT_TRUE(at_ann.wait_for<event::Disconnected>());
}

TEST_F(Erasing, GoesOnAfterAStartAndLeavesAGoodStore) {
    {
        Server server = started(storing());
        Client ann = user(server.websocket_addr(), "ann", at_ann);
        Client bob = user(server.websocket_addr(), "bob", at_bob);
        make_open_room(bob);
        join(ann);
        for (int i = 0; i < 1'000; ++i) ASSERT_TRUE(ann.post_message("room:tea", {"text", Bytes("secret")}));
        ASSERT_TRUE(ann.send_text_message("room:tea", "the last").success);
        ASSERT_TRUE(server.erase("ann"));
        server.stop();
    }
    {
        Server server = started(storing());
        Client bob = user(server.websocket_addr(), "bob", at_bob);
        EXPECT_FALSE(nothing_is_left(bob, "room:tea", "ann")) << "it was stopped too late to show anything";
        ASSERT_TRUE(eventually([&] { return nothing_is_left(bob, "room:tea", "ann"); }));
        server.stop();
    }
    const auto report = check_store(folder.path("flare.db"));
    ASSERT_TRUE(report) << report.error().text;
    EXPECT_EQ(report->fault_count, 0u);
}

TEST_F(Erasing, WhoeverWasNeverThereCannotBeErased) {
    Server server = started(storing());
    EXPECT_EQ(refused(server.erase("nobody")), errc::unknown_target);
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    EXPECT_TRUE(server.erase("ann")) << "who has written nothing can";
    Server without = started(quiet_server());
    EXPECT_EQ(refused(without.erase("ann")), errc::not_supported);
}

}  // namespace
}  // namespace flare::test
