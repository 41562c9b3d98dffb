#include "lab/child.hpp"
#include "lab/contestant.hpp"
#include "lab/stage.hpp"

#include <unistd.h>

#include <charconv>
#include <stdexcept>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

const std::string kFolder = FLARE_SOURCE_DIR "/tests/lab/peers/";
const std::string kServer = Network::kServer;

class Flare final : public Contestant {
public:
    Flare(std::chrono::milliseconds round_trip, Reach reach) : stage_(round_trip) {
        stage_.make(stage_.client_builder(reach));
        if (const auto connected = stage_.connect(); !connected) throw std::runtime_error(connected.error().text);
    }
    Network& network() override { return stage_.network; }
    Arrivals& at_server() override { return stage_.at_server; }
    Arrivals& at_client() override { return stage_.at_client; }
    std::string transport() override {
        return stage_.client().get_current_protocol() == Protocol::quic ? "udp" : "tcp";
    }
    void start_traffic(double per_second) override { stage_.start_traffic(per_second); }
    std::pair<std::uint64_t, std::uint64_t> stop_traffic() override { return stage_.stop_sending(); }

private:
    Stage stage_;
};

// A broker of its own, if it needs one, and two programs of tests/lab/peers, which speak as peer.js says.
class Peer final : public Contestant {
public:
    using Command = std::vector<std::string>;

    Peer(std::chrono::milliseconds round_trip, const Command& broker, const Command& server, const Command& client) {
        if (::access((kFolder + "node_modules").c_str(), R_OK) != 0)
            throw std::runtime_error("its packages are missing: scripts/setup.sh --peers");
        network_.round_trip(round_trip);
        if (!broker.empty()) {
            network_.on_server([&] { broker_ = std::make_unique<Child>(broker, [](std::string_view) {}); });
            std::this_thread::sleep_for(1s);
        }
        network_.on_server([&] { server_.start(node(server)); });
        server_.wait_until_ready();
        network_.on_client([&] { client_.start(node(client)); });
        client_.wait_until_ready();
    }
    Network& network() override { return network_; }
    Arrivals& at_server() override { return server_.arrivals; }
    Arrivals& at_client() override { return client_.arrivals; }
    std::string transport() override { return "tcp"; }
    void start_traffic(double per_second) override {
        server_.child->say("start " + std::to_string(per_second));
        client_.child->say("start " + std::to_string(per_second));
    }
    std::pair<std::uint64_t, std::uint64_t> stop_traffic() override { return {client_.stop(), server_.stop()}; }

private:
    struct Side {
        Arrivals arrivals;
        std::mutex mutex;
        std::condition_variable changed;
        bool ready = false;
        std::optional<std::uint64_t> sent;
        std::unique_ptr<Child> child;  // last: it tells the others

        void start(Command command) {
            child = std::make_unique<Child>(std::move(command), [this](std::string_view line) { hear(line); });
        }
        void hear(std::string_view line) {
            const auto number = [&] {
                std::uint64_t value = 0;
                std::from_chars(line.data() + line.find(' ') + 1, line.data() + line.size(), value);
                return value;
            };
            if (line.starts_with("got ")) return arrivals.add(number());
            const std::lock_guard lock(mutex);
            if (line == "ready") ready = true;
            if (line.starts_with("sent ")) sent = number();
            changed.notify_all();
        }
        void wait_until_ready() {
            std::unique_lock lock(mutex);
            if (!changed.wait_for(lock, 10s, [&] { return ready; })) throw std::runtime_error("it does not connect");
        }
        std::uint64_t stop() {
            child->say("stop");
            std::unique_lock lock(mutex);
            if (!changed.wait_for(lock, 10s, [&] { return sent.has_value(); }))
                throw std::runtime_error("it does not stop");
            return *sent;
        }
    };

    static Command node(Command script) {
        script.front() = kFolder + script.front();
        script.insert(script.begin(), "node");
        return script;
    }

    Network network_;
    std::unique_ptr<Child> broker_;
    Side server_, client_;
};

}  // namespace

std::unique_ptr<Contestant> flare_with_both(std::chrono::milliseconds round_trip) {
    return std::make_unique<Flare>(round_trip, Reach::both);
}
std::unique_ptr<Contestant> flare_with_websocket(std::chrono::milliseconds round_trip) {
    return std::make_unique<Flare>(round_trip, Reach::websocket);
}
std::unique_ptr<Contestant> socketio(std::chrono::milliseconds round_trip) {
    return std::make_unique<Peer>(round_trip, Peer::Command{}, Peer::Command{"socketio.js", "server", "4000"},
                                  Peer::Command{"socketio.js", "client", "http://" + kServer + ":4000"});
}
std::unique_ptr<Contestant> socketio_with_recovery(std::chrono::milliseconds round_trip) {
    return std::make_unique<Peer>(round_trip, Peer::Command{},
                                  Peer::Command{"socketio.js", "server", "4000", "recovery"},
                                  Peer::Command{"socketio.js", "client", "http://" + kServer + ":4000"});
}
std::unique_ptr<Contestant> mqtt(std::chrono::milliseconds round_trip) {
    return std::make_unique<Peer>(round_trip, Peer::Command{"mosquitto", "-c", kFolder + "mosquitto.conf"},
                                  Peer::Command{"mqtt.js", "server", "mqtt://127.0.0.1:4000"},
                                  Peer::Command{"mqtt.js", "client", "mqtt://" + kServer + ":4000"});
}
std::unique_ptr<Contestant> nats(std::chrono::milliseconds round_trip) {
    return std::make_unique<Peer>(round_trip, Peer::Command{"nats-server", "--port", "4000", "--log", "/dev/null"},
                                  Peer::Command{"nats.js", "server", "127.0.0.1:4000"},
                                  Peer::Command{"nats.js", "client", kServer + ":4000"});
}

}  // namespace flare::lab
