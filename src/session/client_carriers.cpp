#include "session/client_carriers.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace flare::session {

ClientCarrier& ClientCarriers::add(CarrierKey key, TimePoint now, bool standby) {
    auto carrier = std::make_unique<ClientCarrier>();
    carrier->key = key;
    carrier->standby = standby;
    carrier->health.heard_at = now;
    all_.push_back(std::move(carrier));
    return *all_.back();
}

void ClientCarriers::remove(CarrierKey key) noexcept {
    std::erase_if(all_, [&](const auto& carrier) { return carrier->key == key; });
    if (key == active_) stop_sending();
}

ClientCarriers::All ClientCarriers::take_all() noexcept {
    stop_sending();
    return std::exchange(all_, {});
}

ClientCarrier* ClientCarriers::find(CarrierKey key) const noexcept {
    const auto found = std::find_if(all_.begin(), all_.end(), [&](const auto& carrier) { return carrier->key == key; });
    return found == all_.end() ? nullptr : found->get();
}

ClientCarrier* ClientCarriers::attached_one(CarrierKey key) const noexcept {
    ClientCarrier* const carrier = find(key);
    return carrier != nullptr && carrier->attached() ? carrier : nullptr;
}

bool ClientCarriers::attached() const noexcept {
    return std::any_of(all_.begin(), all_.end(), [](const auto& carrier) { return carrier->attached(); });
}

ClientCarrier* ClientCarriers::newest_attached() const noexcept {
    const auto found =
        std::find_if(all_.rbegin(), all_.rend(), [](const auto& carrier) { return carrier->attached(); });
    return found == all_.rend() ? nullptr : found->get();
}

bool ClientCarriers::another_waits(const ClientCarrier& carrier) const noexcept {
    return std::any_of(all_.begin(), all_.end(), [&](const auto& other) {
        return other.get() != &carrier && other->state == ClientCarrier::State::hello_sent;
    });
}

bool ClientCarriers::one_hurried() const noexcept {
    return std::any_of(all_.begin(), all_.end(), [](const auto& carrier) { return carrier->first_epoch != 0; });
}

bool ClientCarriers::send_on(ClientCarrier& carrier) noexcept {
    active_ = carrier.key;
    for (const auto& other : all_) other->activate_epoch = 0;  // overtaken before it was written
    carrier.standby = false;
    const bool sends_already = carrier.first_epoch != 0 && carrier.first_epoch == epoch_;
    carrier.activate_epoch = sends_already ? carrier.first_epoch : next_epoch();
    return !sends_already;
}

void ClientCarriers::check_invariants(bool session) const {
    std::set<CarrierKey> keys;
    for (const auto& carrier : all_) {
        FLARE_INVARIANT(keys.insert(carrier->key).second, "a carrier is attached twice");
        FLARE_INVARIANT(carrier->state != ClientCarrier::State::closing, "a carrier was closed and stays");
        FLARE_INVARIANT(!carrier->attached() || session, "a carrier is attached to no session");
        FLARE_INVARIANT(carrier->activate_epoch <= epoch_ && carrier->first_epoch <= epoch_, "an epoch comes again");
        FLARE_INVARIANT(carrier->probes.size() <= ClientCarrier::kMaxProbes, "more probes are open than may be");
        FLARE_INVARIANT(carrier->key != active_ || carrier->attached(), "it sends and was not welcomed");
    }
    FLARE_INVARIANT(active_ == kNoCarrier || keys.contains(active_), "a carrier sends that is not attached");
}

}  // namespace flare::session
