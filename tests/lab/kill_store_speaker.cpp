// The child processes of the scenario kill-store: a server with a store, and clients that send at a fixed rate.
#include "lab/kill_store.hpp"
#include "lab/lab.hpp"
#include "lab/stored_server.hpp"

#include <flare/client.hpp>

#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <exception>
#include <memory>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kDrain = 60s;  // for the outcome of what is under way at the end

// A text that a compressed session compresses: everybody's begins with what it is.
std::string text_of(int client, std::uint64_t number) {
    std::string text = client_name(client) + ' ' + std::to_string(number);
    while (text.size() < 600) text += " and so on";
    return text;
}

class Speaker {
public:
    Speaker(int client, const std::string& address, Journal& journal, const std::vector<Sent>& before)
        : client_(client), journal_(journal) {
        for (const Sent& each : before) {
            if (each.client != client) continue;
            next_ = each.number + 1;
            if (!each.stored && each.refused.empty()) again_.push_back(each);
        }
        auto built = ClientBuilder(client_name(client))
                         .server_addresses(ServerAddresses().with_websocket_url("ws://" + address))
                         .device_id("speaker")
                         .compression(client % 4 < 2)  // half of the rooms' members, and of the pairs
                         .reconnect_delay(20ms)
                         .with_event_callback([this](const Event& event) { on_event(event); })
                         .build();
        if (!built) throw std::runtime_error(built.error().text);
        connection_ = std::make_unique<Client>(std::move(*built));
    }

    void connect() {
        const auto until = Clock::now() + kDrain;
        while (!connection_->connect() && Clock::now() < until) std::this_thread::sleep_for(50ms);
        for (const Sent& each : again_) post(each.number, each.id);
    }
    void say_next() {
        Sent sent;
        sent.client = client_;
        sent.number = next_++;
        sent.id = Uuid::v7();
        journal_.sent(sent);
        post(sent.number, sent.id);
    }
    std::size_t under_way() const { return connection_->get_message_queue_length(); }
    void disconnect() { connection_->disconnect(); }

private:
    void post(std::uint64_t number, const Uuid& id) {
        Message message("text", text_of(client_, number));
        message.id = id;
        const auto posted = connection_->post_message(target_of(client_, number), std::move(message));
        if (!posted) journal_.refused(id, posted.error().text);
    }
    void on_event(const Event& event) {
        if (const auto* sent = std::get_if<event::MessageSent>(&event); sent != nullptr && sent->stored)
            journal_.stored(sent->message_id, sent->stored->position);
        if (const auto* failed = std::get_if<event::MessageFailed>(&event))
            journal_.refused(failed->message_id, failed->error.text);
    }

    const int client_;
    Journal& journal_;
    std::uint64_t next_ = 0;
    std::vector<Sent> again_;
    std::unique_ptr<Client> connection_;
};

}  // namespace

// A line on standard input ends the talking; what is under way is waited for.
int lab_speak(const std::string& address, int first, int count, const std::string& journal_path) {
    const std::vector<Sent> before = Journal::read(journal_path);
    Journal journal(journal_path);
    std::vector<std::unique_ptr<Speaker>> speakers;
    for (int client = first; client < first + count; ++client)
        speakers.push_back(std::make_unique<Speaker>(client, address, journal, before));
    for (const auto& each : speakers) each->connect();
    std::puts("talking");
    std::atomic<bool> enough{false};
    std::thread listener([&enough] {
        char ignored = 0;
        while (::read(STDIN_FILENO, &ignored, 1) < 0) {
        }
        enough = true;
    });
    for (auto due = Clock::now(); !enough; due += 1000ms / kSendsPerSecond) {
        std::this_thread::sleep_until(due);
        for (const auto& each : speakers) each->say_next();
    }
    listener.join();
    const auto until = Clock::now() + kDrain;
    std::size_t left = 1;
    while (left != 0 && Clock::now() < until) {
        std::this_thread::sleep_for(10ms);
        left = 0;
        for (const auto& each : speakers) left += each->under_way();
    }
    for (const auto& each : speakers) each->disconnect();
    std::printf("silent %zu\n", left);
    return 0;
}

int lab_serve_stored(const std::string& address, const std::string& file) {
    return serve_until_killed(stored_server(address, file));
}

}  // namespace flare::lab
