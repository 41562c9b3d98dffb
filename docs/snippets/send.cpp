// The guide's chapter about sending, and about what became of it.
#include "trying.hpp"

#include <flare/client.hpp>
#include <flare/server.hpp>

#include <atomic>

int main() {
    auto server = flare::ServerBuilder().websocket_only().websocket_addr("127.0.0.1:0").build();
    if (!server || !server->start()) return 1;
    std::atomic<int> answers{0};
    std::atomic<int> outcomes{0};
    auto client = flare::ClientBuilder("alice")
                      .server_addresses(flare::ServerAddresses().with_websocket_url("ws://" + server->websocket_addr()))
                      .max_message_bytes(1 << 20)
                      .with_event_callback([&](const flare::Event& event) {
                          answers += std::holds_alternative<flare::event::MessageReceived>(event);
                          outcomes += std::holds_alternative<flare::event::MessageSent>(event);
                      })
                      .build();
    if (!client || !client->connect()) return 1;

    // snippet: send
    flare::SendResult text = client->send_text_message("server", "hello");
    flare::SendResult bytes = client->send_binary_message("server", flare::Bytes("\x89PNG"), "picture");

    flare::Message order("order", R"({"pizza":"margherita"})");
    order.priority = flare::Priority::high;  // overtakes queued messages, never sent ones
    order.id = flare::Uuid::v7();            // default: generated when it is sent
    flare::SendResult ordered = client->send_message("server", order);
    // end
    trying::expect(text.success && bytes.success && ordered.success, "all three are handled");
    trying::expect(ordered.message_id == order.id, "the id is the one that was given");

    // snippet: result
    flare::SendResult sent = client->send_text_message("bob", "are you there?");
    if (sent.success) {
        std::printf("after %lld us\n", static_cast<long long>(sent.latency.count() / 1000));
    } else if (sent.error == flare::errc::user_offline) {
        std::printf("bob is away\n");
    } else if (sent.retry_after.count() > 0) {
        std::printf("again in %lld ms\n", static_cast<long long>(sent.retry_after.count()));
    } else {
        std::printf("%s\n", sent.error_message.c_str());
    }
    // end
    trying::expect(sent.error == flare::errc::user_offline, "bob is away");

    // snippet: again
    flare::SendResult again = client->send_message("server", order);  // the same id again
    // end
    trying::expect(again.success, "the receipt is given again");

    // snippet: batch
    std::vector<flare::Message> menu;
    for (const char* dish : {"soup", "salad", "stew"}) {
        flare::Message message("dish", dish);
        message.to = "server";
        menu.push_back(std::move(message));
    }
    std::vector<flare::SendResult> results = client->send_batch(std::move(menu));  // one result per message, in order
    // end
    trying::expect(results.size() == 3 && results[0].success && results[1].success && results[2].success, "a batch");

    // snippet: post
    flare::Checked<flare::Uuid> queued = client->post_message("server", flare::Message("log", "opened"));
    if (!queued) std::printf("%s\n", queued.error().text.c_str());  // failed at once, with outbox_full for example
    std::size_t waiting = client->get_message_queue_length();
    // end
    trying::expect(queued.has_value() && waiting <= 1, "posted");
    trying::eventually([&] { return outcomes == 8; }, "its outcome is an event, as those before");

    // snippet: too-large
    flare::SendResult huge = client->send_binary_message("server", flare::Bytes(std::string(2 << 20, 'x')));
    // huge.error is message_too_large: nothing was sent
    // end
    trying::expect(huge.error == flare::errc::message_too_large, "too large");
    trying::eventually([&] { return answers == 7; }, "every message was answered once");

    server->stop();
    trying::eventually([&] { return client->get_status() == flare::ClientStatus::reconnecting; }, "the server is away");
    // snippet: clear
    (void)client->post_message("server", flare::Message("log", "alone"));  // waits until the connection is back
    std::size_t forgotten = client->clear_message_queue();                 // each fails with `cancelled`
    // end
    trying::expect(forgotten == 1 && client->get_message_queue_length() == 0, "the queue is empty");
}
