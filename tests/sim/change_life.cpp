#include "sim/change_life.hpp"

#include <algorithm>

namespace flare::sim {

using namespace std::chrono_literals;

void ChangeLife::plan() {
    plan(70, &ChangeLife::change_messages);
    plan(40, &ChangeLife::administer);
    plan(6, &ChangeLife::block);
    if (chance_.one_in(6)) plan(1, &ChangeLife::end_room);
}

void ChangeLife::plan(int times, void (ChangeLife::*what)()) {
    for (int i = 0; i < times; ++i) world_.after(chance_.between(2s, 55s), [this, what] { (this->*what)(); });
}

std::string ChangeLife::other_than(const std::string& user) {
    for (;;) {
        const std::string& other = people_[chance_.below(people_.size())];
        if (other != user) return other;
    }
}

ClientNode& ChangeLife::somebody_with_a_right(const std::string& room) {
    std::vector<ClientNode*> found;
    for (const auto& client : clients_) {
        const auto key = LogBook::key_of(client->user(), room);
        if (book_.role_of(client->user(), key) >= model::Role::moderator) found.push_back(client.get());
    }
    return found.empty() || chance_.one_in(4) ? anybody() : *found[chance_.below(found.size())];
}

void ChangeLife::change_messages() {
    ClientNode& client = anybody();
    std::string conversation = "room:a";
    if (chance_.one_in(3)) conversation = other_than(client.user());
    if (chance_.one_in(8)) conversation = "room:b";
    const std::uint64_t burst = chance_.one_in(6) ? 5 : 1;
    for (std::uint64_t n = 0; n < burst; ++n) {
        const Talker::Request request = changing_.think_of(client.user(), conversation);
        client.ask_for(chance_.uuid(), request);
        if (chance_.one_in(6)) client.ask_for(chance_.uuid(), changing_.think_again(request));
    }
}

void ChangeLife::administer() {
    const std::string room = chance_.one_in(4) ? "room:b" : "room:a";
    ClientNode& client = somebody_with_a_right(room);
    client.ask_for(chance_.uuid(), administering_.think_of(room, other_than(client.user()), server_.unix_ms()));
}

void ChangeLife::block() {
    ClientNode& client = anybody();
    client.ask_for(chance_.uuid(), administering_.block(other_than(client.user())));
}

void ChangeLife::end_room() {
    const std::string room = chance_.one_in(2) ? "room:b" : "room:a";
    somebody_with_a_right(room).ask_for(chance_.uuid(), Administering::end(room));
}

}  // namespace flare::sim
