// What befalls a client: connections that break or fall silent, addresses that change, carriers that it opens, asks for
// and probes.
#include "sim/client_node.hpp"

#include <iterator>

namespace flare::sim {

using namespace std::chrono_literals;
using session::CarrierKey;

void ClientNode::cut(bool one_sided) {
    if (carriers_.empty()) return;
    world_.happened(one_sided ? "one-sided cut" : "cut");
    std::next(carriers_.begin(), static_cast<std::ptrdiff_t>(world_.chance.below(carriers_.size())))
        ->second.carrier->cut(one_sided);
}

void ClientNode::cut_before_welcome() {
    cut_at_batch_ = 1 + world_.chance.below(2);
    cut(false);
}

void ClientNode::black_hole() {
    if (carriers_.empty()) return;
    world_.happened("black hole");
    for (auto& [key, open] : carriers_) open.carrier->black_hole();
}

// Over the protocol that is not in use.
void ClientNode::open_another(bool standby) {
    const auto in_use = connectivity_->in_use();
    if (!session_->attached() || !in_use || carriers_.size() > 3 || !wanted_) return;
    world_.happened(standby ? "standby" : "second carrier");
    const Protocol other = *in_use == Protocol::quic ? Protocol::websocket : Protocol::quic;
    using Why = client::Plan::Why;
    connectivity_->made({open(other), other, standby ? Why::beside : Why::replace, 20ms, false}, world_.now());
    schedule();
}

// Sometimes again at once: what was said on one carrier may arrive after what was said later on another.
void ClientNode::activate_any() {
    activate_one();
    if (world_.chance.one_in(2)) later(world_.chance.between(0ms, 40ms), [this] { activate_one(); });
}

void ClientNode::activate_one() {
    for (const auto& [key, open] : carriers_) {
        if (key != session_->active() && is_ready(key) && session_->activate(key, world_.now())) {
            world_.happened("activate");
            connectivity_->welcomed(key, true, world_.now());
            break;
        }
    }
    schedule();
}

void ClientNode::ask_to_move() {
    if (connectivity_->status() != ClientStatus::connected || !wanted_) return;
    const auto& addresses = connecting_.addresses;
    const Protocol protocol = addresses[world_.chance.below(addresses.size())];
    if (!connectivity_->uses(protocol) && !connectivity_->is_moving()) {
        world_.happened("switch asked");
        connectivity_->switch_to(protocol, world_.now());
    } else {
        world_.happened("reconnect asked");
        connectivity_->reconnect(world_.now());
    }
    schedule();
}

void ClientNode::change_address() {
    world_.happened("address change");
    const auto found = carriers_.find(session_->active());
    const auto in_use = connectivity_->in_use();
    const bool has_connection = found != carriers_.end() && in_use;
    const bool moves = has_connection && *in_use == Protocol::quic && !world_.chance.one_in(3);
    if (has_connection && !moves) found->second.carrier->black_hole();
    connectivity_->network_changed(has_connection ? found->first : session::kNoCarrier, world_.now());
    schedule();
}

void ClientNode::probe() {
    for (const auto& [key, open] : carriers_) {
        for (std::size_t i = 0; i <= session::ClientSession::kMaxProbes; ++i) {
            if (const std::uint64_t id = session_->probe(key, i % 2 == 0 ? 0 : 1000); id != 0) probes_.emplace(key, id);
        }
    }
    world_.happened("probes");
    schedule();
}

void ClientNode::on_probe(CarrierKey key, std::uint64_t id) {
    world_.require(probes_.erase({key, id}) == 1, "a probe is answered once, where it was sent");
    world_.happened("probe answered");
    connectivity_->race().answered(key, id, world_.now());
}

void ClientNode::on_recovered(CarrierKey key) {
    world_.happened("recovered");
    if (key == session_->active()) connectivity_->recovered(key, world_.now());
}

}  // namespace flare::sim
