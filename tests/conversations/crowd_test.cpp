// What a message costs does not grow with the members of its room: what is written is counted, and what is told.
#include "conversations/subscribing.hpp"

#include "store/sqlite/sqlite.hpp"

namespace flare::test {
namespace {

class Crowd : public Subscriptions {
protected:
    // Rooms of users who have never connected, and ann and bob. The server does not run.
    void fill(const std::vector<std::pair<std::string, std::size_t>>& rooms) {
        store::sqlite::Settings settings;
        settings.path = folder.path("flare.db");
        auto engine = store::sqlite::open(settings);
        ASSERT_TRUE(engine) << engine.error().text;
        std::size_t most = 0;
        for (const auto& [name, members] : rooms) most = std::max(most, members);
        store::WriteBatch batch;
        for (const char* const name : {"ann", "bob"}) batch.writes.push_back({store::NewUser{name}, {}});
        for (std::size_t i = 2; i < most; ++i) batch.writes.push_back({store::NewUser{"user" + std::to_string(i)}, {}});
        commit(**engine, batch);
        std::vector<store::Row> users;
        for (const store::Write& each : batch.writes) users.push_back(each.outcome.row);
        batch.clear();
        for (const auto& [name, members] : rooms) {
            store::Change made;
            made.key = model::ConversationKey::room(name);
            made.config.emplace().max_payload_bytes = 65'536;
            for (std::size_t i = 0; i < members; ++i)
                made.members.push_back({.user = users[i], .role = model::Role::member});
            batch.writes.push_back({std::move(made), {}});
        }
        commit(**engine, batch);
    }
    static void commit(store::Engine& engine, store::WriteBatch& batch) {
        store::WriteBatch* const group[] = {&batch};
        ASSERT_TRUE(engine.commit(group, 1'700'000'000'000));
        for (const store::Write& each : batch.writes) ASSERT_EQ(each.outcome.code, errc::ok);
    }
};

TEST_F(Crowd, AMessageIsOneRowAndAFrameForEachWhoLooks) {
    fill({{"few", 3}, {"crowd", 20'000}});
    ConversationLimits limits;
    limits.device_per_second = limits.conversation_per_second = limits.deliveries_per_second = 0;
    Server server = started(storing().conversation_limits(limits));
    Client ann = user(server.websocket_addr(), "ann", at_ann);
    Client bob = user(server.websocket_addr(), "bob", at_bob);
    for (const char* const room : {"room:few", "room:crowd"}) {
        (void)subscribe(bob, room);
        const auto members = ann.conversations().get(room);
        ASSERT_TRUE(members) << members.error().text;
        const ServerStats before = *server.stats();
        for (int i = 0; i < 10; ++i) ASSERT_TRUE(ann.send_text_message(room, std::to_string(i)).success);
        ASSERT_TRUE(at_bob.wait([&](const std::vector<Event>& seen) {
            return std::count_if(seen.begin(), seen.end(), [&](const Event& event) {
                       const auto* received = std::get_if<event::MessageReceived>(&event);
                       return received != nullptr && received->conversation == room;
                   }) == 10;
        })) << room;
        const ServerStats after = *server.stats();
        EXPECT_EQ(after.store.appends - before.store.appends, 10u) << room;
        EXPECT_EQ(after.store.changes - before.store.changes, 0u) << room;
        EXPECT_LE(after.feeds.frames - before.feeds.frames, 10u) << room;
    }
}

}  // namespace
}  // namespace flare::test
