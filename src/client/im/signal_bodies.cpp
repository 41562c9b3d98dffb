#include "client/im/signal_bodies.hpp"

#include <utility>

namespace flare::client {
namespace {

Checked<> check_signal_name(const std::string& name) {
    if (!name.empty() && wire::is_name(name)) return {};
    return Failure(errc::invalid_name, "a name is empty, longer than 256 bytes or not UTF-8: correct it");
}

// The one body of an answer.
template <typename Body>
Checked<Body> signal_body_of(const Answer& answer) {
    if (answer.code != errc::ok) return Failure(answer.code, answer.text);
    if (answer.bodies.size() == 1) {
        if (auto body = wire::im::decode<Body>(answer.bodies.front().view())) return std::move(*body);
    }
    return Failure(errc::malformed_frame, "the server's answer cannot be read: update the older side");
}

}  // namespace

// ---- what is asked ----

Checked<Call> typing_call(const std::string& conversation, bool on) {
    if (auto checked = check_signal_name(conversation); !checked) return checked.error();
    return Call{wire::Verb::typing, conversation, wire::im::encode(wire::im::Typing{conversation, {}, on})};
}

Call away_call(bool away) {
    const auto state = away ? wire::im::Presence::away : wire::im::Presence::online;
    return {wire::Verb::presence_set, {}, wire::im::encode(wire::im::PresenceSet{state})};
}

Checked<Call> presence_call(wire::Verb verb, const std::vector<std::string>& users) {
    if (users.size() > kMostPresences)
        return Failure(errc::too_many_subscriptions, "a call names at most 1,000 users: name fewer");
    wire::im::PresenceUsers body;
    for (const std::string& user : users) {
        if (auto checked = check_signal_name(user); !checked) return checked.error();
        body.users.emplace_back(user);
    }
    return Call{verb, {}, wire::im::encode(body)};
}

Checked<Call> occupancy_call(const std::string& conversation) {
    if (auto checked = check_signal_name(conversation); !checked) return checked.error();
    return Call{wire::Verb::occupancy_get, conversation, wire::im::encode(wire::im::ConversationRef{conversation})};
}

// ---- what is answered ----

Presence presence_of(const wire::im::PresenceState& told) {
    Presence presence;
    presence.user = told.user;
    presence.state = static_cast<PresenceState>(told.state);
    if (told.last_active_ms != 0) presence.last_active = wire::to_time(told.last_active_ms);
    return presence;
}

Checked<PresenceAnswer> read_presence(const Answer& answer) {
    const auto body = signal_body_of<wire::im::PresenceSnapshot>(answer);
    if (!body) return body.error();
    PresenceAnswer read;
    read.lease_ms = body->lease_ms;
    read.states.reserve(body->states.size());
    for (const auto& each : body->states) read.states.push_back(presence_of(each));
    return read;
}

Checked<Occupancy> read_occupancy(const Answer& answer) {
    const auto body = signal_body_of<wire::im::Occupancy>(answer);
    if (!body) return body.error();
    return Occupancy{body->online, body->members};
}

Checked<> read_signal_done(const Answer& answer) {
    const auto body = signal_body_of<wire::im::Done>(answer);
    if (!body) return body.error();
    return {};
}

}  // namespace flare::client
