#include "session/server_session.hpp"

#include "base/assert.hpp"
#include "session/message_flow.hpp"
#include "session/refusal.hpp"
#include "session/request_flow.hpp"

#include <algorithm>

namespace flare::session {
namespace {

// What a session without traffic takes, with what its server keeps beside it; names come on top.
constexpr std::size_t kSessionBytes = 3072;
constexpr std::size_t kNameCopies = 3;

// To the budget, for the session itself.
std::size_t charge_of(const ServerSession& session) noexcept {
    return kSessionBytes + kNameCopies * (session.user().size() + session.device().size()) + session.claims().size();
}

}  // namespace

ServerSession::ServerSession(const Settings& settings, Budget& budget, MessageFlow& messages, RequestFlow& requests,
                             Device& owner, Who who, const Agreed& agreed)
    : budget_(budget),
      messages_(messages),
      requests_(requests),
      owner_(owner),
      who_(std::move(who)),
      agreed_(agreed),
      settings_(settings),
      lane_set_(settings, agreed.lanes, budget, *this,
                agreed.conversations ? wire::FrameKind::request : wire::FrameKind::none) {
    timer.session = this;
    budget_.take_anyway(charge_of(*this));
}

ServerSession::~ServerSession() {
    if (!farewell_.ended()) budget_.give(charge_of(*this));
}

// Its claims are bounded, and small beside a session: taken even when little is left, as the session itself is.
void ServerSession::take(const SessionCredential& credential, TimePoint now) {
    budget_.give(claims().size());
    budget_.take_anyway(credential.claims.size());
    credential_.take(credential, settings_.credential_warning, now);
}

boost::container::small_vector<CarrierKey, 4> ServerSession::carriers() const {
    boost::container::small_vector<CarrierKey, 4> keys;
    for (const Attached& carrier : attachments_) keys.push_back(carrier.key);
    return keys;
}

void ServerSession::send_on(CarrierKey key, TimePoint now) {
    attachments_.send_on(key);
    farewell_.say_again();
    lane_set_.rewind(now);
}

void ServerSession::discard() noexcept {
    lane_set_.discard();
    attachments_.notices().clear();
    budget_.give(charge_of(*this));
}

std::size_t ServerSession::held_bytes() const noexcept { return charge_of(*this) + lane_set_.held_bytes(); }

TimePoint ServerSession::starved_since() const noexcept {
    const TimePoint since = lane_set_.starved_since();
    return active() == kNoCarrier || since == kNever ? kNever : std::max(since, attachments_.attached_at());
}

TimePoint ServerSession::next_deadline(bool writes) const noexcept {
    TimePoint next = std::min(farewell_.deadline(), credential_.next_deadline());
    for (const Attached& carrier : attachments_) next = std::min(next, carrier.heard_at + settings_.heartbeat_timeout);
    if (attachments_.detached_at() != kNever)
        next = std::min(next, attachments_.detached_at() + settings_.session_life);
    if (active() != kNoCarrier) {
        if (!writes) next = std::min(next, lane_set_.next_deadline());
        if (const TimePoint since = starved_since(); since != kNever)
            next = std::min(next, since + settings_.slow_consumer_after);
    }
    return next;
}

void ServerSession::on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) {
    messages_.receive(*this, lane, data, whole, cost);
}

void ServerSession::on_request(LaneIndex lane, const wire::RequestView& request, const Bytes& whole,
                               std::uint64_t cost) {
    requests_.receive(*this, lane, request, whole, cost);
}

void ServerSession::on_refused(LaneIndex lane, wire::FrameKind kind, const Uuid& id, errc code) {
    if (kind == wire::FrameKind::request) return requests_.refuse(*this, lane, id, code);
    // Without a time: what was under way behind it is acted on, and a repeat would come after that.
    messages_.refuse(*this, lane, id, make_refusal(code, {}));
}

void ServerSession::on_acked(std::uint64_t token, std::uint32_t feed) { requests_.acked(*this, feed, token); }

std::size_t ServerSession::check_invariants() const {
    if (farewell_.ended()) return 0;  // what it held was freed when it ended
    attachments_.check_invariants();
    credential_.check_invariants();
    for (const Attached& carrier : attachments_)
        FLARE_INVARIANT(carrier.offered <= tickets_.issued(), "a ticket was offered that was never issued");
    work_.check_invariants(lanes());
    return charge_of(*this) + lane_set_.check_invariants();
}

}  // namespace flare::session
