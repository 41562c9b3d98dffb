// A conversation that moves between QUIC and WebSocket while it goes on: 1,000 numbered messages and their numbered
// replies, and what was lost, repeated or reordered. With --race the client moves by itself, when its connection is of
// no use any more; without it, it is told to.
//
//     ./switch_client quic://127.0.0.1:4010 ws://127.0.0.1:4000 certs/ca.crt [--race]
#include <flare/client.hpp>

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

using namespace std::chrono_literals;

namespace {

constexpr int kMessages = 1000;
constexpr int kSwitchEvery = 200;
constexpr int kSwitches = kMessages / kSwitchEvery;

std::mutex mutex;
std::condition_variable changed;
std::vector<int> numbers;
int switches = 0;
bool lost_connection = false;

void on_event(const flare::Event& event) {
    const std::lock_guard lock(mutex);
    if (const auto* received = std::get_if<flare::event::MessageReceived>(&event)) {
        numbers.push_back(std::atoi(received->message.payload.str().c_str()));
        changed.notify_all();
    } else if (std::holds_alternative<flare::event::Disconnected>(event)) {
        lost_connection = true;
    } else if (std::holds_alternative<flare::event::ProtocolSwitched>(event)) {
        ++switches;
        std::printf("event  %s   (%zu replies so far)\n", flare::to_string(event).c_str(), numbers.size());
    }
}

}  // namespace

int main(int argc, char** argv) {
    const bool race = argc == 5 && std::string(argv[4]) == "--race";
    if (argc != 4 && !race) {
        std::fprintf(stderr, "usage: switch_client QUIC_URL WEBSOCKET_URL CA_FILE [--race]\n");
        return 2;
    }
    auto client =
        flare::ClientBuilder("switch_user")
            .server_addresses(flare::ServerAddresses().with_quic_url(argv[1]).with_websocket_url(argv[2]))
            .protocol_selection_mode(race ? flare::ProtocolSelection::auto_racing : flare::ProtocolSelection::manual)
            .ca_file(argv[3])
            .with_event_callback(on_event)
            .build();
    if (!client) {
        std::fprintf(stderr, "switch_client: %s\n", client.error().text.c_str());
        return 1;
    }
    if (const auto connected = client->connect(); !connected) {
        std::fprintf(stderr, "switch_client: %s\n", connected.error().text.c_str());
        return 1;
    }
    for (int i = 0; i < kMessages; ++i) {
        flare::Message message("number", flare::Bytes(std::to_string(i)));
        if (!client->post_message("server", std::move(message))) return 1;
        if (race) std::this_thread::sleep_for(2ms);
        if (race || i % kSwitchEvery != kSwitchEvery / 2) continue;
        const bool on_quic = client->get_current_protocol() == flare::Protocol::quic;
        const auto moved = client->switch_protocol(on_quic ? flare::Protocol::websocket : flare::Protocol::quic);
        if (!moved) {
            std::fprintf(stderr, "switch_client: %s\n", moved.error().text.c_str());
            return 1;
        }
    }
    std::unique_lock lock(mutex);
    changed.wait_for(lock, 60s, [] { return numbers.size() >= kMessages; });
    std::vector<int> times(kMessages, 0);
    int reordered = 0;
    for (std::size_t i = 0; i < numbers.size(); ++i) {
        ++times[static_cast<std::size_t>(numbers[i])];
        if (i > 0 && numbers[i] < numbers[i - 1]) ++reordered;
    }
    int lost = 0;
    int repeated = 0;
    for (const int count : times) {
        lost += count == 0 ? 1 : 0;
        repeated += count > 1 ? count - 1 : 0;
    }
    const bool as_expected = race ? switches >= 1 && !lost_connection : switches == kSwitches;
    lock.unlock();
    client->disconnect();
    std::printf("%d messages each way, %d switches\nlost=%d repeated=%d reordered=%d\n", kMessages, switches, lost,
                repeated, reordered);
    return lost == 0 && repeated == 0 && reordered == 0 && as_expected ? 0 : 1;
}
