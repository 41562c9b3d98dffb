#include "sim/history.hpp"

#include "sim/attacker.hpp"
#include "sim/change_life.hpp"
#include "sim/choice_life.hpp"
#include "sim/cleaning_life.hpp"
#include "sim/client_node.hpp"
#include "sim/room_life.hpp"

#include <memory>
#include <vector>

namespace flare::sim {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kLookEvery = 37;  // steps, at invariants: a look takes as long as several
constexpr std::uint64_t kLookAtRoomsEvery = 5;

// Small bounds, so that they bind.
session::Settings make_settings(Chance& chance) {
    session::Settings settings;
    settings.lanes = static_cast<std::uint32_t>(1 + chance.below(4));
    if (chance.one_in(2)) {
        settings.max_unacked_frames = static_cast<std::uint32_t>(settings.lanes * (2 + chance.below(16)));
        settings.max_unacked_bytes = settings.lanes * (8u << 10) * (1 + chance.below(8));
    }
    settings.max_message_bytes = 1 << 20;
    settings.session_life = chance.one_in(3) ? Duration(8s) : Duration(60s);
    settings.heartbeat_interval = chance.between(1s, 4s);
    settings.heartbeat_timeout = 10s;
    settings.slow_consumer_after = 15s;
    settings.goodbye_limit = 5s;
    return settings;
}

// Of some, there is one way to the server; of some, several that are measured.
client::Connectivity::Settings make_connecting(Chance& chance) {
    client::Connectivity::Settings settings;
    if (!chance.one_in(4)) settings.addresses.push_back(Protocol::quic);
    settings.addresses.push_back(Protocol::websocket);
    settings.connection_timeout = 4s;
    settings.reconnect_delay = std::chrono::milliseconds(100 + chance.below(900));
    settings.auto_fallback = !chance.one_in(4);
    settings.race.protocols = settings.addresses;
    settings.race.measures = settings.addresses.size() > 1 && chance.one_in(2);
    settings.race.warm_standby = chance.one_in(2);
    settings.race.probes = static_cast<std::uint32_t>(1 + chance.below(5));
    settings.race.interval = chance.between(5s, 30s);
    return settings;
}

class Life {
public:
    // What is different from one history to the other.
    struct Kind {
        std::uint64_t seed = 0;
        bool impatient = false;  // the calls of some clients do not wait for ever while there is no connection
        bool asks = false;       // the server has conversations, and all clients but the last ask of them
        bool stores = false;     // the same, and it keeps them in a store
        bool devices = false;    // a user has two that know conversations
        bool large = false;      // rooms are large
        bool changes = false;    // three people change messages, rooms and each other's rights
        bool cleans = false;     // the server cuts logs and erases users, and people say what they have read
        bool chooses = false;    // users clear conversations, and choose something for them
    };
    Life(World& world, const Kind& kind)
        : world_(world),
          kind_(kind),
          settings_(make_settings(world.chance)),
          ledger_(world, settings_.dedupe_window),
          requests_(world, !kind.stores) {
        if (!kind.stores) return;
        book_ = std::make_unique<LogBook>(world, ledger_, requests_);
        store_ = std::make_unique<SimStore>(world, *book_);
    }

    void live() {
        const bool poor = world_.chance.one_in(8);
        if (poor) world_.happened("small budget");
        if (poor && book_) book_->memory_is_short();
        std::optional<ServerNode::Kept> kept;
        if (store_) kept.emplace(ServerNode::Kept{*store_, *book_, kind_.large});
        if (kind_.cleans) {
            cleaning_ = std::make_unique<CleaningLife>(world_, kind_.seed, *book_, clients_, people());
            kept->retention = cleaning_->retention();
        }
        server_ = std::make_unique<ServerNode>(world_, ledger_, requests_, settings_, poor ? 100'000 : 1u << 30,
                                               kind_.asks, kept);
        attacker_ = std::make_unique<Attacker>(world_, *server_);
        std::size_t count = 2 + world_.chance.below(2);
        if (kind_.devices) count = 4;
        if (kind_.changes) count = kind_.devices ? 5 : 4;
        for (std::size_t i = 0; i < count; ++i) {
            session::ClientSettings client;
            static_cast<session::Settings&>(client) = settings_;
            if (world_.chance.one_in(4)) client.max_unacked_frames = settings_.lanes * 8;  // sides need not agree
            client.user = user_of(i, count);
            client.device = "d" + std::to_string(i);
            client.retry_delay = 1s;
            client.suspect_early = world_.chance.one_in(2);  // as when there is another way to the server
            client.send_timeout = kind_.impatient && i != 0 ? Duration(2s) : Duration::zero();
            client.retry_count = 1000;  // giving up is tested elsewhere; here everything must arrive
            client.conversations = (kind_.asks || store_) && i + 1 != count;
            clients_.push_back(std::make_unique<ClientNode>(world_, ledger_, requests_, book_.get(), *server_, client,
                                                            make_connecting(world_.chance), 1u << 30));
            clients_.back()->start();
        }
        world_.after_each([this] { check_invariants(); });
        const TimePoint peace = world_.now() + 60s;
        plan_messages();
        if (kind_.asks) plan_requests();
        if (store_) {
            rooms_ = std::make_unique<RoomLife>(world_, *server_, *book_, *store_, clients_, people());
            rooms_->plan();
        }
        if (kind_.changes) {
            changes_ = std::make_unique<ChangeLife>(world_, kind_.seed, *book_, *server_, clients_, people());
            changes_->plan();
        }
        if (cleaning_) cleaning_->plan(*server_, *store_);
        if (kind_.chooses) {
            choices_ = std::make_unique<ChoiceLife>(world_, kind_.seed, clients_);
            choices_->plan();
        }
        plan_trouble();
        world_.run_until(peace);
        end_trouble();
        world_.run_until(world_.now() + 130s);
        if (cleaning_) cleaning_->ask_at_rest();
        world_.run_until(world_.now() + 20s);
        // A server with little memory takes one of many requests at a time; each is sent again after a second.
        for (int minutes = 0; minutes < 10 && requests_.without_outcome() != 0; ++minutes)
            world_.run_until(world_.now() + 60s);
        world_.run_until(world_.now() + 5s);  // the last answer may have come just now
        for (const auto& client : clients_) client->check_at_rest();
        server_->check_at_rest(clients_.size());
        if (store_) store_->check_at_rest();
        world_.require(ledger_.without_outcome() == 0, "every message has its outcome");
        world_.require(requests_.without_outcome() == 0, "every request has its outcome");
        for (const auto& [id, letters] : ledger_.taken()) ledger_.compare(id, false);
        for (const auto& client : clients_) client->tear_down();
        server_->tear_down();
        check_invariants();
    }

private:
    std::vector<std::string> people() const {
        return kind_.changes ? std::vector<std::string>{"ann", "bob", "cat"} : std::vector<std::string>{"ann", "bob"};
    }
    // Of `count` clients.
    std::string user_of(std::size_t client, std::size_t count) const {
        if (client == 1) return "bob";
        if (!kind_.changes || client == 0 || client + 1 == count) return "ann";
        return client == 2 ? "cat" : "bob";
    }

    void check_invariants() {
        if (++steps_ % kLookAtRoomsEvery == 0) server_->check_conversations();
        if (steps_ % kLookEvery != 0) return;
        server_->check_invariants();
        for (const auto& client : clients_) client->check_invariants();
    }

    ClientNode& anybody() { return *clients_[world_.chance.below(clients_.size())]; }

    std::string a_target(ClientNode& client) {
        if (!store_) return world_.chance.one_in(3) ? (client.user() == "ann" ? "bob" : "ann") : "server";
        switch (world_.chance.below(8)) {
            case 0:
            case 1: return "server";
            case 2:
            case 3: return client.user() == "ann" ? "bob" : "ann";
            case 4: return world_.chance.one_in(4) ? client.user() : "room:b";
            default: return "room:a";
        }
    }

    void plan_messages() {
        for (int i = 0; i < 100; ++i) {
            world_.after(world_.chance.between(0s, 55s), [this] {
                ClientNode& client = anybody();
                const std::size_t size =
                    world_.chance.one_in(25) ? 70'000 + world_.chance.below(60'000) : 60 + world_.chance.below(800);
                const std::string target = a_target(client);
                const std::uint64_t burst = world_.chance.one_in(10) ? 12 : 1;
                for (std::uint64_t n = 0; n < burst; ++n) client.send(target, n == 0 ? size : 100);
            });
        }
        for (int i = 0; i < 40; ++i) {
            world_.after(world_.chance.between(1s, 55s), [this] {
                server_->push(world_.chance.one_in(2) ? "ann" : "bob");
                server_->check_bounds();
            });
        }
    }

    // Sometimes more at once than may be open.
    void plan_requests() {
        for (int i = 0; i < 50; ++i) {
            world_.after(world_.chance.between(0s, 55s), [this] {
                ClientNode& client = anybody();
                const std::size_t size =
                    world_.chance.one_in(20) ? 70'000 + world_.chance.below(60'000) : 60 + world_.chance.below(800);
                const std::string about = world_.chance.one_in(4) ? "" : world_.chance.one_in(2) ? "room:a" : "room:b";
                const std::uint64_t burst = world_.chance.one_in(8) ? 14 : 1;
                for (std::uint64_t n = 0; n < burst; ++n)
                    client.ask(about, n == 0 ? size : 100 + n, world_.chance.one_in(2));
            });
        }
    }

    void plan_trouble() {
        const std::uint64_t troubles = world_.chance.below(14);
        for (std::uint64_t i = 0; i < troubles; ++i) {
            const std::uint64_t kind = world_.chance.below(25);
            world_.after(world_.chance.between(500ms, 55s), [this, kind] { trouble(kind); });
        }
    }

    void trouble(std::uint64_t kind) {
        ClientNode& client = anybody();
        switch (kind) {
            case 0: return client.cut(false);
            case 1: return client.cut(true);
            case 2: return client.cut_before_welcome();
            case 3: return client.black_hole();
            case 4: return client.open_another(true);
            case 5: return client.open_another(false);
            case 6: return client.activate_any();
            case 7: return attacker_->replay_hello(client.heard());
            case 8: return attacker_->replay_beginning(client.heard());
            case 9: return attacker_->forge_hello(client.heard());
            case 10: client.late_hello(); return client.cut(false);
            case 11:
                world_.happened("server crash");
                attacker_->attack_soon();
                return server_->crash_and_restart();
            case 12: return client.crash_and_restart();
            case 13:
                world_.happened("clock jump");
                return world_.leap(std::chrono::seconds(20 + world_.chance.below(80)));
            case 14:
                world_.happened("slow consumer");
                client.stop_consuming(true);
                return world_.after(world_.chance.between(2s, 25s), [&client] { client.stop_consuming(false); });
            case 15: world_.happened("kick"); return server_->kick();
            case 16: return client.disconnect();
            case 17: return client.probe();
            case 18:
                world_.happened("server restart in order");
                attacker_->attack_soon();
                return server_->shut_down_and_restart();
            case 19: return attacker_->attack_soon();
            case 20: attacker_->attack_soon(); return client.cut(false);
            case 21: return attacker_->attack();
            case 22: return client.ask_to_move();
            case 23: return client.change_address();
            default:
                world_.happened("stuck handlers");
                server_->stop_handling(true);
                return world_.after(4s, [this] { server_->stop_handling(false); });
        }
    }

    void end_trouble() {
        if (store_) store_->end_trouble();
        server_->stop_handling(false);
        for (const auto& client : clients_) client->stop_consuming(false);
    }

    World& world_;
    const Kind kind_;
    std::uint64_t steps_ = 0;
    session::Settings settings_;
    Ledger ledger_;
    RequestLedger requests_;
    std::unique_ptr<LogBook> book_;    // null: the server has no store
    std::unique_ptr<SimStore> store_;  // likewise
    std::unique_ptr<ServerNode> server_;
    std::unique_ptr<Attacker> attacker_;
    std::vector<std::unique_ptr<ClientNode>> clients_;
    std::unique_ptr<RoomLife> rooms_;         // null: the server has no store
    std::unique_ptr<ChangeLife> changes_;     // null: nobody changes anything
    std::unique_ptr<CleaningLife> cleaning_;  // null: nothing is removed
    std::unique_ptr<ChoiceLife> choices_;     // null: nobody chooses anything
};

}  // namespace

History live_through(std::uint64_t seed, bool print) {
    World world(seed, print);
    History history;
    history.seed = seed;
    try {
        Life(world, {.seed = seed,
                     .impatient = seed % 4 == 0,
                     .asks = seed % 5 < 2 && !has_cleaning(seed) && !has_choices(seed),
                     .stores = has_store(seed),
                     .devices = has_devices(seed),
                     .large = has_large_rooms(seed),
                     .changes = has_changes(seed),
                     .cleans = has_cleaning(seed),
                     .chooses = has_choices(seed)})
            .live();
    } catch (const Violation& violation) {
        history.violation = violation.what();
    } catch (const std::exception& error) {
        history.violation = std::string("an exception: ") + error.what();
    }
    history.trace_hash = world.trace_hash();
    history.faults = world.faults;
    return history;
}

}  // namespace flare::sim
