// The guide's chapter about rooms and history.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <filesystem>

int main() {
    std::filesystem::remove("rooms.db");
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").store(flare::sqlite("rooms.db")).build();
    if (!server || !server->start()) return 1;
    const auto addresses = flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr());
    std::atomic<int> heard{0};
    const auto keep = [&heard](const std::string& conversation, const flare::Position& position,
                               const flare::Message& message) {
        std::printf("%s %llu %s: %s\n", conversation.c_str(), static_cast<unsigned long long>(position.offset),
                    message.from.c_str(), message.payload.str().c_str());
        ++heard;
    };
    // snippet: hear
    const auto hear = [&](const flare::Event& event) {
        const auto* received = std::get_if<flare::event::MessageReceived>(&event);
        if (received == nullptr || !received->stored) return;
        keep(received->conversation, received->stored->position, received->message);  // in one transaction
    };
    auto alice = flare::ClientBuilder("alice").server_addresses(addresses).with_event_callback(hear).build();
    // end
    auto bob = flare::ClientBuilder("bob").server_addresses(addresses).build();
    if (!alice || !bob || !alice->connect() || !bob->connect()) return 1;

    // snippet: room
    flare::Conversations& conversations = alice->conversations();
    auto room =
        conversations.create("room:lunch", flare::RoomOptions().with_title("Lunch").with_join(flare::JoinPolicy::open));
    if (!room) return std::printf("%s\n", room.error().text.c_str()), 1;  // conversation_exists, for example

    auto joined = bob->conversations().join("room:lunch");
    flare::SendResult sent = bob->send_text_message("room:lunch", "soup today");
    if (sent.stored) std::printf("at offset %llu\n", static_cast<unsigned long long>(sent.stored->position.offset));
    // end
    trying::expect(joined && joined->members == 2 && sent.success, "bob has spoken");
    trying::expect(sent.stored && sent.stored->position.offset == 3, "behind the entries of the creation and the join");

    // snippet: subscribe
    auto begun = conversations.subscribe("room:lunch");  // or behind a position: SubscribeOptions().with_after(...)
    if (!begun) return std::printf("%s\n", begun.error().text.c_str()), 1;  // unknown_conversation, for example
    sent = bob->send_text_message("room:lunch", "and salad");
    // end
    trying::eventually([&heard] { return heard == 1; }, "alice hears it");

    // snippet: history
    flare::HistoryQuery query;  // the newest entries first, a page at a time
    for (bool more = true; more;) {
        auto page = conversations.history("room:lunch", query);
        if (!page) return std::printf("%s\n", page.error().text.c_str()), 1;
        for (const flare::Entry& entry : page->entries) {  // in the order of the log
            if (entry.kind == flare::EntryKind::message)
                std::printf("%s: %s\n", entry.from.c_str(), entry.payload.str().c_str());
        }
        more = page->more;
        if (more) query = flare::HistoryQuery::before(page->entries.front().offset);
    }
    // end
    const auto all = conversations.history("room:lunch", flare::HistoryQuery::after(0));
    trying::expect(all && all->entries.size() == 4 && all->entries[2].payload == "soup today", "it is in the log");

    // snippet: members
    auto left = bob->conversations().leave("room:lunch");
    auto members = conversations.members("room:lunch");
    // end
    trying::expect(left && members && members->members.size() == 1, "alice is alone");
    alice->disconnect();
    bob->disconnect();
    server->stop();
    std::filesystem::remove("rooms.db");
}
