#include "sim/room_life.hpp"

namespace flare::sim {

using namespace std::chrono_literals;

void RoomLife::plan() {
    plan_people();
    for (int i = 0; i < 12; ++i) world_.after(world_.chance.between(1s, 55s), [this] { run_server(); });
    const std::uint64_t troubles = world_.chance.below(8);
    for (std::uint64_t i = 0; i < troubles; ++i)
        world_.after(world_.chance.between(500ms, 55s), [this] { trouble_store(); });
    if (world_.chance.one_in(4)) plan_copy();
}

std::vector<std::string> RoomLife::others_of(const ClientNode& client) const {
    std::vector<std::string> others = people_;
    std::erase(others, client.user());
    return others;
}

void RoomLife::plan_people() {
    world_.after(world_.chance.between(1s, 8s),
                 [this] { clients_.front()->talk({"room:a"}, others_of(*clients_.front())); });
    for (int i = 0; i < 70; ++i) {
        world_.after(world_.chance.between(500ms, 55s), [this] {
            ClientNode& client = anybody();
            const std::uint64_t burst = world_.chance.one_in(10) ? 12 : 1;
            for (std::uint64_t n = 0; n < burst; ++n) client.talk({"room:a", "room:a", "room:b"}, others_of(client));
        });
    }
    for (int i = 0; i < 12; ++i) {
        world_.after(world_.chance.between(2s, 55s), [this] { anybody().listen({"room:a", "room:a", "room:b"}); });
    }
    if (!world_.chance.one_in(3)) return;
    world_.after(world_.chance.between(5s, 50s), [this] {
        world_.happened("flood");
        ClientNode& client = anybody();
        for (int n = 0; n < 130; ++n) client.send("room:a", 60);
    });
}

void RoomLife::plan_copy() {
    const Duration copied = world_.chance.between(5s, 40s);
    world_.after(copied, [this] { store_.back_up(); });
    world_.after(copied + world_.chance.between(100ms, 15s), [this, backup = world_.chance.one_in(2)] {
        if (store_.has_copy()) server_.restore_and_restart(backup);
    });
}

// What its application does in rooms.
void RoomLife::run_server() {
    const std::string room = world_.chance.one_in(4) ? "room:b" : "room:a";
    const store::Row user = book_.row_of(world_.chance.one_in(2) ? "ann" : "bob");
    const std::uint64_t until = server_.unix_ms() + world_.chance.below(8'000);
    const std::uint64_t kind = world_.chance.below(5);
    if (kind == 0) return server_.announce({"room:a", "room:b"});
    if (user == 0) return;  // nobody of this name has been here
    switch (kind) {
        case 1: return server_.change(room, im::command::Mute{user, world_.chance.one_in(2) ? until : 0});
        case 2: return server_.change(room, im::command::Remove{user});
        default: return server_.change(room, im::command::Add{{{user, 0}}, model::Role::member});
    }
}

void RoomLife::crash() {
    world_.happened("server crash");
    server_.crash_and_restart();
}

// What is under way comes again in new sessions while the store has it, or while nobody knows whether it is in the log.
void RoomLife::lose_sessions_meanwhile() {
    for (int n = 0; n < 4; ++n) anybody().send("room:a", 80);
    world_.after(world_.chance.between(50ms, 600ms), [this] {
        world_.happened("kick while messages are in the store");
        server_.kick();
        server_.kick();
    });
}

void RoomLife::trouble_store() {
    switch (world_.chance.below(8)) {
        case 0: return store_.fail_next();
        case 1: store_.fail_next(); return world_.after(world_.chance.between(0ms, 500ms), [this] { crash(); });
        case 2:
            store_.fill(true);
            return world_.after(world_.chance.between(500ms, 8s), [this] { store_.fill(false); });
        case 3:
        case 4: store_.fail_next(true); return lose_sessions_meanwhile();
        case 5:
            world_.happened("slow store");
            store_.slow_down(world_.chance.between(50ms, 6s));
            if (world_.chance.one_in(2)) lose_sessions_meanwhile();
            return world_.after(world_.chance.between(1s, 10s), [this] { store_.slow_down(0ms); });
        default: return crash();
    }
}

}  // namespace flare::sim
