// The devices of users that take pushes.
#include "store/memory/data.hpp"
#include "store/rules.hpp"

#include <algorithm>

namespace flare::store::memory {

const Data::PushDevices* Data::push_devices(Row user) const {
    const auto found = push_devices_.find(user);
    return found == push_devices_.end() ? nullptr : &found->second;
}

void Data::push(const PushChange& change, Outcome& outcome) {
    outcome.row = change.user;
    const auto undo_of = [this](Row user) {
        undo_.emplace_back([this, user, before = push_devices_[user]] { push_devices_[user] = before; });
    };
    if (change.token.empty()) {
        undo_of(change.user);
        PushDevices& devices = push_devices_[change.user];
        const std::size_t before = devices.size();
        if (change.device.empty()) {
            devices.clear();
        } else {
            devices.erase(change.device);
        }
        outcome.repeat = devices.size() == before;
        return;
    }
    if (full_) {
        outcome.code = errc::storage_full;
        return;
    }
    for (auto& [user, devices] : push_devices_) {
        const auto taken = std::ranges::find_if(devices, [&](const auto& each) {
            const PushDevice& device = each.second;
            return device.token == change.token && device.service == change.service && device.app == change.app;
        });
        if (taken == devices.end()) continue;
        undo_of(user);
        devices.erase(taken);
    }
    undo_of(change.user);
    give_stamp();
    PushDevices& devices = push_devices_[change.user];
    devices[change.device] = {change.device, change.service, change.token, change.app, stamp_};
    if (devices.size() > kMostPushDevices)
        devices.erase(std::ranges::min_element(devices, {}, [](const auto& each) { return each.second.stamp; }));
    outcome.stamp = stamp_;
}

}  // namespace flare::store::memory
