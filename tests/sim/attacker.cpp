#include "sim/attacker.hpp"

#include <algorithm>
#include <limits>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

std::optional<wire::Hello> hello_in(const std::string& batch) {
    std::string_view rest;
    auto hello = session::read_hello(batch, rest);
    if (!hello) return std::nullopt;
    return std::move(*hello);
}

}  // namespace

std::shared_ptr<Carrier> Attacker::connect(ServerNode::Who who) {
    auto carrier = std::make_shared<Carrier>(world_, false);
    server_.accept(carrier, who);
    world_.after(20s, [carrier] { carrier->cut(false); });
    return carrier;
}

void Attacker::replay(const std::vector<Said>& heard, const char* what, std::size_t batches) {
    if (heard.empty()) return;
    const Said& said = heard[world_.chance.below(heard.size())];
    if (!hello_in(said.front())) return;
    world_.happened(what);
    const auto carrier = connect(ServerNode::Who::repeater);
    for (std::size_t i = 0; i < std::min(batches, said.size()); ++i) carrier->send(Side::client, said[i]);
}

void Attacker::replay_hello(const std::vector<Said>& heard) { replay(heard, "replayed hello", 1); }

void Attacker::replay_beginning(const std::vector<Said>& heard) {
    replay(heard, "replayed beginning", std::numeric_limits<std::size_t>::max());
}

void Attacker::forge_hello(const std::vector<Said>& heard) {
    for (const Said& said : heard) {
        auto hello = hello_in(said.front());
        if (!hello || !hello->resume) continue;
        world_.happened("forged hello");
        hello->attempt_id = world_.chance.uuid();
        hello->epoch += 1000;
        hello->resume->mac = world_.chance.bytes(32);
        wire::Batch batch;
        batch.add({}, wire::encode(*hello));
        connect(ServerNode::Who::forger)->send(Side::client, batch.str());
        return;
    }
}

const Carrier* Attacker::any_heard() const {
    const auto& all = server_.overheard();
    if (all.empty()) return nullptr;
    const Carrier* const heard = all[world_.chance.below(all.size())].get();
    return heard->sent_by_client.empty() ? nullptr : heard;
}

std::string Attacker::made_up(const wire::Hello& heard) const {
    wire::Hello hello = heard;
    hello.token.clear();
    hello.resume.reset();
    hello.received.clear();
    hello.attempt_id = world_.chance.uuid();
    hello.epoch += 1000;
    for (const auto& carrier : server_.overheard()) {
        for (const std::string& batch : carrier->sent_by_client) {
            const auto said = hello_in(batch);
            if (!said || said->ticket_proof.empty() || said->user != hello.user) continue;
            hello.ticket_proof = said->ticket_proof;
            if (world_.chance.one_in(2)) continue;
            hello.attempt_id = said->attempt_id;  // as the proof covers them
            hello.epoch = said->epoch;
        }
    }
    wire::Batch batch;
    batch.add({}, wire::encode(hello));
    return batch.str();
}

void Attacker::add_pieces(Carrier& carrier) {
    for (std::uint64_t i = 1 + world_.chance.below(6); i > 0; --i) {
        const Carrier* const heard = any_heard();
        if (heard == nullptr) continue;
        carrier.send(Side::client, heard->sent_by_client[world_.chance.below(heard->sent_by_client.size())]);
    }
}

void Attacker::attack() {
    const Carrier* const heard = any_heard();
    if (heard == nullptr) return;
    const std::vector<std::string> said = heard->sent_by_client;
    const auto hello = hello_in(said.front());
    if (!hello) return;
    auto carrier = std::make_shared<Carrier>(world_, world_.chance.one_in(3));
    server_.accept(carrier, ServerNode::Who::repeater);
    carrier->send(Side::client, said.front());
    switch (world_.chance.below(5)) {
        case 0: world_.happened("repeated hello"); break;
        case 1:
            world_.happened("repeated carrier");
            for (std::size_t i = 1; i < said.size(); ++i) carrier->send(Side::client, said[i]);
            break;
        case 2:
            world_.happened("pieces of carriers");
            add_pieces(*carrier);
            break;
        case 3:
            world_.happened("made-up second hello");
            world_.after(world_.chance.between(50ms, 500ms), [this, carrier, next = made_up(*hello)] {
                carrier->send(Side::client, next);
                if (world_.chance.one_in(2)) add_pieces(*carrier);
            });
            break;
        default:
            world_.happened("repeated second hello");
            if (const Carrier* const another = any_heard()) {
                for (const std::string& batch : another->sent_by_client) {
                    if (!hello_in(batch)) continue;
                    world_.after(world_.chance.between(50ms, 500ms),
                                 [carrier, batch] { carrier->send(Side::client, batch); });
                }
            }
    }
    world_.after(20s, [carrier] { carrier->cut(false); });
}

void Attacker::attack_soon() {
    for (std::uint64_t i = world_.chance.below(5); i > 0; --i) {
        world_.after(world_.chance.between(1ms, 9s), [this] { attack(); });
    }
}

}  // namespace flare::sim
