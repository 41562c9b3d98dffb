#include "sim/cleaning_life.hpp"

#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

CleaningLife::CleaningLife(World& world, std::uint64_t seed, LogBook& book, const Clients& clients,
                           std::vector<std::string> people)
    : world_(world), clients_(clients), people_(std::move(people)), chance_(~seed ^ 0x5eed) {
    retention_.rooms = some_rules();
    retention_.direct = some_rules();
    retention_.interval = std::chrono::milliseconds(200 + chance_.below(3'000));
    book.cleans_up({retention_.rooms, retention_.direct, retention_.interval});
}

// Nothing, few entries or what is young.
store::RetentionRules CleaningLife::some_rules() {
    store::RetentionRules rules;
    if (chance_.one_in(4)) return rules;
    if (!chance_.one_in(3)) rules.entries = chance_.one_in(6) ? 1 + chance_.below(4) : 5 + chance_.below(60);
    if (rules.entries == 0 || chance_.one_in(4)) rules.age_ms = 1'000 * (3 + chance_.below(40));
    return rules;
}

template <typename What>
void CleaningLife::plan(int times, Duration from, What what) {
    for (int i = 0; i < times; ++i) world_.after(chance_.between(from, 55s), [this, what] { (this->*what)(); });
}

void CleaningLife::plan(ServerNode& server, SimStore& store) {
    server_ = &server;
    store_ = &store;
    plan(40, 2s, &CleaningLife::read);
    plan(15, 2s, &CleaningLife::mark_unread);
    if (!chance_.one_in(3)) plan(1 + static_cast<int>(chance_.below(3)), 10s, &CleaningLife::erase);
}

void CleaningLife::read() { anybody().read(chance_); }

void CleaningLife::mark_unread() {
    ClientNode& client = anybody();
    client.mark_unread(chance_);
    // Another device may have read it meanwhile, or this one the next moment.
    if (chance_.one_in(3)) anybody().read(chance_);
}

// Also once more, while it is being done; and the server may come to its end at any point.
void CleaningLife::erase() {
    const std::string user = people_[chance_.below(people_.size())];
    server_->erase(user);
    if (chance_.one_in(3)) world_.after(chance_.between(0ms, 800ms), [this, user] { server_->erase(user); });
    if (chance_.one_in(2)) world_.after(chance_.between(0ms, 1500ms), [this] { disturb(); });
}

void CleaningLife::disturb() {
    if (chance_.one_in(3)) store_->fail_next();
    if (chance_.one_in(3)) return;
    world_.happened("crash while somebody is erased");
    server_->crash_and_restart();
}

void CleaningLife::ask_at_rest() {
    for (const auto& client : clients_)
        for (int i = 0; i < 4; ++i) client->ask_readers(chance_);
}

}  // namespace flare::sim
