#include "session/client_session.hpp"

namespace flare::session {

ClientSession::ClientSession(ClientSettings settings, base::Random& random, Budget& budget,
                             ClientSessionListener& listener)
    : settings_(std::move(settings)),
      budget_(budget),
      listener_(listener),
      agreed_(settings_),
      credential_(random),
      outgoing_(settings_, agreed_, listener),
      requests_(settings_, agreed_, goodbye_, outgoing_, listener),
      health_(settings_, agreed_),
      inbound_(settings_, agreed_, goodbye_, outgoing_, requests_, listener),
      life_({settings_, listener, agreed_, tickets_, credential_, goodbye_, carriers_, outgoing_, requests_, health_}),
      attaching_({settings_, random, budget, listener, agreed_, tickets_, credential_, goodbye_, carriers_, outgoing_,
                  requests_, inbound_, life_}),
      io_({random, listener, agreed_, credential_, goodbye_, carriers_, health_, inbound_, life_, attaching_}),
      watch_({listener, agreed_, goodbye_, carriers_, outgoing_, requests_, health_, life_}) {}

// ---- carriers ----

void ClientSession::open(CarrierKey key, TimePoint now, bool standby) {
    if (credential_.attempt().is_nil()) begin_attempt({});
    carriers_.add(key, now, standby);
    listener_.output_ready(key);
}

void ClientSession::on_sign(CarrierKey key, Sign sign, TimePoint now) {
    ClientCarrier* const carrier = carriers_.attached_one(key);
    if (carrier == nullptr) return;
    if (sign == Sign::lives) return carrier->health.lives(now);
    if (carrier->health.doubt(now)) listener_.output_ready(key);
}

void ClientSession::carrier_gone(CarrierKey key, errc reason, const std::string& text, TimePoint now) {
    inbound_.at(now);
    if (carriers_.find(key) != nullptr) life_.detach(key, reason, text, now);
}

Result<void> ClientSession::activate(CarrierKey key, TimePoint now) {
    ClientCarrier* const carrier = carriers_.attached_one(key);
    if (carrier == nullptr) return errc::not_connected;
    if (key == active()) return {};
    life_.make_active(*carrier, now);
    listener_.output_ready(key);
    return {};
}

TimePoint ClientSession::heard_at(CarrierKey key) const noexcept {
    const ClientCarrier* const carrier = carriers_.find(key);
    return carrier == nullptr ? kNever : carrier->health.heard_at;
}

void ClientSession::renew_credential(std::string token) {
    credential_.renew(std::move(token));
    if (carriers_.sends()) listener_.output_ready(active());
}

// ---- messages ----

Result<void> ClientSession::send(const wire::MessageView& message, Priority priority, TimePoint now, Sending how) {
    inbound_.at(now);
    if (goodbye_.disconnecting()) return errc::shutting_down;
    const auto place = outgoing_.send(message, priority, now, how);
    if (!place) return place.error();
    requests_.go_on(now);  // with it goes what may go again before it, and with that the changes in between
    if (*place == Outgoing::Place::lane) life_.notify_output(now);
    return {};
}

void ClientSession::consumed(LaneIndex lane, std::uint64_t cost, TimePoint now) {
    inbound_.at(now);
    if (!agreed_.lanes) return;
    agreed_.lanes->consumed(lane, cost, now);
    if (carriers_.sends() && agreed_.lanes->has_output(now)) listener_.output_ready(active());
}

Result<void> ClientSession::request(const wire::RequestView& request, std::string_view conversation, TimePoint now) {
    inbound_.at(now);
    if (goodbye_.disconnecting()) return errc::shutting_down;
    const auto sent = requests_.send(request, conversation, now);
    if (sent) life_.notify_output(now);
    return sent;
}

std::size_t ClientSession::clear_queue(TimePoint now) {
    inbound_.at(now);
    const std::size_t cancelled = outgoing_.cancel_unsent();
    requests_.go_on(now);
    if (cancelled != 0) life_.notify_output(now);
    return cancelled;
}

void ClientSession::fail_all(errc never_sent, const std::string& text, TimePoint now) {
    inbound_.at(now);
    outgoing_.fail_all(never_sent, text, now);
    requests_.fail_all(never_sent, text);
}

// ---- life ----

void ClientSession::disconnect(TimePoint now) {
    inbound_.at(now);
    life_.disconnect(now);
}

void ClientSession::on_time(TimePoint now) {
    inbound_.at(now);
    watch_.on_time(now);
}

}  // namespace flare::session
