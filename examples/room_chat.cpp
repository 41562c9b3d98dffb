// A room on a server with a store, all in this process: alice and bob talk, a bot answers, and carol, who joins late,
// is told everything from the first entry on.
//
//     ./room_chat [room_chat.db]
#include <flare/client.hpp>
#include <flare/printable.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <thread>

namespace {

std::atomic<int> heard{0};

// Prints what a user hears in the room.
flare::EventCallback printing(const std::string& user) {
    return [user](const flare::Event& event) {
        const auto* received = std::get_if<flare::event::MessageReceived>(&event);
        if (received == nullptr || !received->stored) return;
        std::printf("%s hears %s: %s (entry %llu)\n", user.c_str(), received->message.from.c_str(),
                    flare::printable(received->message.payload.view()).c_str(),
                    static_cast<unsigned long long>(received->stored->position.offset));
        ++heard;
    };
}

// The first one makes the room. Entries from before and from now on arrive in the same way.
flare::Checked<flare::Client> enter(const std::string& url, const std::string& user, flare::EventCallback callback) {
    const auto addresses = flare::ServerAddresses().with_websocket_url(url);
    auto client =
        flare::ClientBuilder(user).server_addresses(addresses).with_event_callback(std::move(callback)).build();
    if (!client) return client.error();
    if (auto connected = client->connect(); !connected) return connected.error();
    flare::Conversations& rooms = client->conversations();
    flare::RoomOptions open;
    open.with_join(flare::JoinPolicy::open).with_visibility(flare::HistoryVisibility::all);
    const auto room = user == "alice" ? rooms.create("room:lunch", open) : rooms.join("room:lunch");
    if (!room) return room.error();
    const auto from_the_first = flare::SubscribeOptions().with_after({room->head.epoch, 0});
    if (auto begun = rooms.subscribe("room:lunch", from_the_first); !begun) return begun.error();
    return client;
}
bool wait_for(int messages) {
    for (int i = 0; i < 500 && heard < messages; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(20));
    return heard == messages;
}

int failed(const std::string& text) { return std::fprintf(stderr, "room_chat: %s\n", text.c_str()), 1; }

}  // namespace

int main(int argc, char** argv) {
    const std::string file = argc > 1 ? argv[1] : "room_chat.db";
    std::filesystem::remove(file);
    auto server =
        flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").store(flare::sqlite(file)).build();
    if (!server) return failed(server.error().text);
    if (auto started = server->start(); !started) return failed(started.error().text);
    const std::string url = "ws://" + server->websocket_addr();
    auto alice = enter(url, "alice", printing("alice"));
    auto bob = enter(url, "bob", printing("bob"));
    flare::Client* self = nullptr;  // of the bot, which hears no messages of its own
    auto bot = enter(url, "bot", [&self](const flare::Event& event) {
        const auto* received = std::get_if<flare::event::MessageReceived>(&event);
        if (received != nullptr && received->message.payload == "what is there?")
            (void)self->post_message(received->conversation, flare::Message("text", "soup"));
    });
    if (!alice || !bob || !bot) return failed((!alice ? alice : !bob ? bob : bot).error().text);
    self = &*bot;
    const flare::SendResult sent = alice->send_text_message("room:lunch", "what is there?");
    if (!sent.success) return failed(sent.error_message);
    if (!wait_for(3)) return failed("somebody has not heard it all");  // alice hears the bot, bob hears both
    auto carol = enter(url, "carol", printing("carol"));
    return carol && wait_for(5) ? 0 : failed("carol has not heard it all");
}
