#include <flare/signals.hpp>

#include "client/im/asking.hpp"
#include "client/im/signal_bodies.hpp"

#include <utility>

namespace flare {
namespace {

using SignalLoop = client::ClientLoop;
using States = std::vector<Presence>;

// The names are checked before anything crosses to the loop.
auto following(std::vector<std::string> users) {
    return [users = std::move(users)](SignalLoop& on, auto done) {
        on.with_signals([&](client::SignalState& signals) { signals.presence().subscribe(users, std::move(done)); });
    };
}
auto unfollowing(std::vector<std::string> users) {
    return [users = std::move(users)](SignalLoop& on, auto done) {
        on.with_signals([&](client::SignalState& signals) { signals.presence().unsubscribe(users, std::move(done)); });
    };
}
auto looking_away(bool away) {
    return [away](SignalLoop& on, auto done) {
        on.with_signals([&](client::SignalState& signals) { signals.set_away(away, std::move(done)); });
    };
}
Checked<client::Call> follow_call(const std::vector<std::string>& users) {
    return client::presence_call(wire::Verb::presence_subscribe, users);
}
Checked<client::Call> look_call(const std::vector<std::string>& users) {
    return client::presence_call(wire::Verb::presence_get, users);
}
Checked<States> read_states(const client::Answer& answer) {
    auto read = client::read_presence(answer);
    if (!read) return read.error();
    return std::move(read->states);
}

}  // namespace

Signals::Signals(std::shared_ptr<client::ClientLoop> loop) : loop_(std::move(loop)) {}
Signals::~Signals() = default;

Checked<> Signals::typing(std::string conversation, bool on) {
    if (const auto checked = client::typing_call(conversation, on); !checked) return checked.error();
    boost::asio::post(loop_->context(), [loop = loop_, conversation = std::move(conversation), on] {
        loop->with_signals([&](client::SignalState& signals) { signals.typing().say(conversation, on); });
    });
    return {};
}

Checked<> Signals::set_away(bool away) { return client::run<void>(loop_, client::away_call(away), looking_away(away)); }
Checked<States> Signals::subscribe_presence(std::vector<std::string> users) {
    const auto checked = follow_call(users);
    return client::run<States>(loop_, checked, following(std::move(users)));
}
Checked<> Signals::unsubscribe_presence(std::vector<std::string> users) {
    const auto checked = follow_call(users);
    return client::run<void>(loop_, checked, unfollowing(std::move(users)));
}
Checked<States> Signals::presence(std::vector<std::string> users) {
    return client::ask<States>(loop_, look_call(users), read_states);
}
Checked<Occupancy> Signals::occupancy(std::string conversation) {
    return client::ask<Occupancy>(loop_, client::occupancy_call(conversation), client::read_occupancy);
}

// ---- for coroutines ----

Task<Checked<>> Signals::async_set_away(bool away) {
    return client::async_run<void>(loop_, client::away_call(away), looking_away(away));
}
Task<Checked<States>> Signals::async_subscribe_presence(std::vector<std::string> users) {
    auto checked = follow_call(users);
    return client::async_run<States>(loop_, std::move(checked), following(std::move(users)));
}
Task<Checked<>> Signals::async_unsubscribe_presence(std::vector<std::string> users) {
    auto checked = follow_call(users);
    return client::async_run<void>(loop_, std::move(checked), unfollowing(std::move(users)));
}
Task<Checked<States>> Signals::async_presence(std::vector<std::string> users) {
    return client::async_ask<States>(loop_, look_call(users), read_states);
}
Task<Checked<Occupancy>> Signals::async_occupancy(std::string conversation) {
    return client::async_ask<Occupancy>(loop_, client::occupancy_call(conversation), client::read_occupancy);
}

}  // namespace flare
