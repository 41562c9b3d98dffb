#include "client/connect/beside.hpp"

#include <utility>

namespace flare::client {
namespace {

constexpr const char* kNotNeeded = "no longer needed";

}  // namespace

void Beside::open_standby(Protocol protocol, racing::TimePoint now) {
    under_way_[protocol] = {effects_.dial(make_plan(Plan::Why::beside, addresses_, protocol, {}, effects_)), now};
}

void Beside::made(const MadeCarrier& made) {
    CarrierState& carrier = carriers_[made.key];
    carrier.protocol = made.protocol;
    if (const auto found = under_way_.find(made.protocol); found != under_way_.end())
        carrier.began = found->second.began;
    carrier.standby = true;
    carrier.greeted = true;
    effects_.say_hello(made.key, true);
}

void Beside::cancel_standby(Protocol protocol) {
    if (const auto found = under_way_.find(protocol); found != under_way_.end())
        found->second.dialling->record_unanswered();
    under_way_.erase(protocol);
    for (auto& [key, carrier] : carriers_) {
        if (carrier.standby && !carrier.ready && !carrier.closing && carrier.protocol == protocol) close_standby(key);
    }
}

void Beside::close_standby(session::CarrierKey key) {
    if (const auto found = carriers_.find(key); found != carriers_.end()) found->second.closing = true;
    effects_.leave(key, kNotNeeded);
}

}  // namespace flare::client
