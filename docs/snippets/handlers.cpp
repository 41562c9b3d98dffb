// The guide's chapter about handlers: what a server does with messages.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>
#include <charconv>
#include <stdexcept>

// snippet: kinds
// Runs on the handler pool, so it may block. Returns a reply, nothing, or an error for the sender.
flare::HandlerResult square(const flare::SessionInfo&, const flare::Message& message) {
    int number = 0;
    const std::string text = message.payload.str();
    if (std::from_chars(text.data(), text.data() + text.size(), number).ec != std::errc())
        return flare::Failure(flare::errc::forbidden, "square: a number is needed");
    return flare::Message("square", std::to_string(number * number));
}

// A coroutine on the session's event loop: it waits without blocking the loop.
flare::Task<flare::HandlerResult> tell_bob(flare::Server& server, flare::SessionInfo sender, flare::Message message) {
    flare::Message note("note", sender.user + " says " + message.payload.str());
    flare::Checked<flare::DeliveryReport> told = co_await server.async_send("bob", std::move(note));
    if (!told) co_return told.error();  // bob is offline, or his queue is full
    co_return flare::HandlerResult();   // no reply, only the receipt
}
// end

// snippet: hooks
class Presence final : public flare::EventHandler {
public:
    void on_user_connected(const flare::SessionInfo& session) override { online += session.user == "alice"; }
    void on_user_disconnected(const flare::SessionInfo&, const flare::Failure&) override { ++left; }
    void on_heartbeat(const flare::SessionInfo&) override {}

    std::atomic<int> online{0};
    std::atomic<int> left{0};
};
// end

int main() {
    auto presence = std::make_shared<Presence>();
    // snippet: register
    flare::Server* running = nullptr;  // what the coroutine uses; set before the first client can come
    flare::ServerBuilder builder;
    builder.websocket_only()
        .websocket_addr("127.0.0.1:0")
        .on_message_type("square", square)
        .on_message_type("tell-bob",
                         [&running](flare::SessionInfo sender, flare::Message message) {
                             return tell_bob(*running, std::move(sender), std::move(message));
                         })
        // Runs directly on the event loop: for handlers that return within microseconds.
        .on_message_type(
            "ping", [](const flare::SessionInfo&, const flare::Message&) { return flare::Message("pong", {}); },
            flare::Execution::worker)
        // Every other type.
        .with_message_handler([](const flare::SessionInfo&, const flare::Message& message) -> flare::HandlerResult {
            return flare::Failure(flare::errc::not_supported, "no handler for " + message.type);
        })
        .with_event_handler(presence)
        .handler_threads(8);
    auto server = builder.build();
    if (!server) return 1;
    running = &*server;
    if (!server->start()) return 1;
    // end

    std::atomic<int> squares{0};
    std::atomic<int> notes{0};
    const auto url = flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr());
    auto alice = flare::ClientBuilder("alice")
                     .server_addresses(url)
                     .with_event_callback([&squares](const flare::Event& event) {
                         const auto* received = std::get_if<flare::event::MessageReceived>(&event);
                         if (received != nullptr && received->message.payload == "49") ++squares;
                     })
                     .build();
    auto bob = flare::ClientBuilder("bob")
                   .server_addresses(url)
                   .with_event_callback([&notes](const flare::Event& event) {
                       const auto* received = std::get_if<flare::event::MessageReceived>(&event);
                       if (received != nullptr && received->message.type == "note") ++notes;
                   })
                   .build();
    if (!alice || !bob || !alice->connect()) return 1;

    // snippet: refused
    flare::SendResult sent = alice->send_message("server", flare::Message("square", "seven"));
    if (!sent.success) std::printf("%s\n", sent.error_message.c_str());  // square: a number is needed
    // end
    trying::expect(sent.error == flare::errc::forbidden, "the handler's code reaches the sender");
    trying::expect(sent.error_message == "square: a number is needed", "and so does its text");

    trying::expect(alice->send_message("server", flare::Message("square", "7")).success, "square");
    trying::expect(alice->send_message("server", flare::Message("ping", "")).success, "ping");
    trying::expect(alice->send_message("server", flare::Message("other", "")).error == flare::errc::not_supported,
                   "other types have their handler");
    trying::expect(alice->send_message("server", flare::Message("tell-bob", "hi")).error == flare::errc::user_offline,
                   "bob is not there");
    if (!bob->connect()) return 1;
    trying::expect(alice->send_message("server", flare::Message("tell-bob", "hi")).success, "bob is there");
    trying::eventually([&] { return squares == 1 && notes == 1; }, "the answer and the note arrive");
    alice->disconnect();
    trying::eventually([&] { return presence->online == 1 && presence->left == 1; }, "hooks tell of alice");
}
