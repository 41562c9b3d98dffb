// Sends 1,000 numbered messages and gets 1,000 numbered replies while its connection is cut in mid-stream, and counts
// what was lost, repeated or reordered. ./demo.sh runs it over ws:// through flaky_proxy.py, and over quic://, where it
// discards its connection, moves to another port, and has server_example discard its side of the connection.
//
//     ./cut_client ws://127.0.0.1:PORT [CA.crt] [--cuts N]     N: how many cuts must have happened (default 1)
//     ./cut_client quic://127.0.0.1:PORT CA.crt --cuts 2
#include <flare/client.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int kMessages = 1000;

// Everything the callback sees. Events come one after the other; the main thread waits for them.
class Story {
public:
    void operator()(const flare::Event& event) {
        const std::lock_guard lock(mutex_);
        if (const auto* received = std::get_if<flare::event::MessageReceived>(&event)) {
            numbers_.push_back(std::atoi(received->message.payload.str().c_str()));
        } else if (std::holds_alternative<flare::event::MessageSent>(event)) {
            ++acknowledged_;
        } else if (std::holds_alternative<flare::event::MessageFailed>(event)) {
            ++failed_;
            std::printf("%s\n", flare::to_string(event).c_str());
        } else if (!std::holds_alternative<flare::event::Heartbeat>(event)) {
            std::printf("event  %s   (%zu replies so far)\n", flare::to_string(event).c_str(), numbers_.size());
            turns_ += std::string(flare::name(event)) + " ";
        }
        std::fflush(stdout);
        changed_.notify_all();
    }
    bool wait() {
        std::unique_lock lock(mutex_);
        return changed_.wait_for(
            lock, 60s, [this] { return acknowledged_ + failed_ >= kMessages && numbers_.size() >= kMessages; });
    }
    // Prints the verdict. True: nothing lost, repeated or reordered, and the cuts were told as they should.
    bool verdict(int cuts_wanted) {
        const std::lock_guard lock(mutex_);
        const std::set<int> different(numbers_.begin(), numbers_.end());
        int reordered = 0;
        for (std::size_t i = 1; i < numbers_.size(); ++i) reordered += numbers_[i] < numbers_[i - 1] ? 1 : 0;
        const auto lost = kMessages - static_cast<int>(different.size()) + failed_;
        const auto repeated = static_cast<int>(numbers_.size() - different.size());
        int cuts = 0;
        const std::string turn = "Disconnected Reconnecting Reconnected ";
        for (std::size_t at = turns_.find(turn); at != std::string::npos; at = turns_.find(turn, at + 1)) ++cuts;
        std::printf("%d messages each way, %d acknowledged, %d cuts survived\n", kMessages, acknowledged_, cuts);
        if (cuts < cuts_wanted) std::printf("expected at least %d times: %s\n", cuts_wanted, turn.c_str());
        std::printf("lost=%d repeated=%d reordered=%d\n", lost, repeated, reordered);
        return lost == 0 && repeated == 0 && reordered == 0 && cuts >= cuts_wanted;
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::vector<int> numbers_;
    std::string turns_;
    int acknowledged_ = 0;
    int failed_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    std::string url;
    std::string authority;
    int cuts_wanted = 1;
    for (int i = 1; i < argc; ++i) {
        if (std::string(argv[i]) == "--cuts" && i + 1 < argc) {
            cuts_wanted = std::atoi(argv[++i]);
        } else {
            (url.empty() ? url : authority) = argv[i];
        }
    }
    if (url.empty()) {
        std::fprintf(stderr, "usage: cut_client ws://HOST:PORT|quic://HOST:PORT [CA.crt] [--cuts N]\n");
        return 2;
    }
    const bool quic = url.starts_with("quic://");
    flare::ServerAddresses addresses;
    if (quic) {
        addresses.with_quic_url(url);
    } else {
        addresses.with_websocket_url(url);
    }
    Story story;
    auto client = flare::ClientBuilder("demo_user")
                      .server_addresses(addresses)
                      .ca_file(authority)
                      .reconnect_delay(1s)
                      .with_event_callback(std::ref(story))
                      .build();
    if (!client) {
        std::fprintf(stderr, "cut_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (const auto connected = client->connect(); !connected) {
        std::fprintf(stderr, "cut_client: %s\n", connected.error().text.c_str());
        return 1;
    }
    for (int number = 0; number < kMessages; ++number) {
        const bool cut_by_server = quic && number == 730;
        const auto queued = client->post_message(
            "server", flare::Message(cut_by_server ? "cut" : "count", flare::Bytes(std::to_string(number))));
        if (!queued) {
            std::fprintf(stderr, "cut_client: message %d: %s\n", number, queued.error().text.c_str());
            return 1;
        }
        if (number % 50 == 49) std::this_thread::sleep_for(10ms);  // a conversation, not one burst
        if (quic && number == 330) (void)client->reconnect();
        if (quic && number == 530) std::printf("moving to another port: %s\n", client->migrate() ? "done" : "failed");
    }
    if (!story.wait()) std::fprintf(stderr, "cut_client: not everything arrived within a minute\n");
    client->disconnect();
    return story.verdict(cuts_wanted) ? 0 : 1;
}
