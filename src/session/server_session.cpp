#include "session/server_session.hpp"

#include "base/assert.hpp"
#include "session/session_table.hpp"

#include <algorithm>

namespace flare::session {
namespace {

// What a session without traffic takes, with what its server keeps beside it; names come on top.
constexpr std::size_t kSessionBytes = 3072;
constexpr std::size_t kNameCopies = 3;

}  // namespace

ServerSession::ServerSession(SessionTable& table, SessionId id, std::string user, std::string device, Platform platform,
                             std::uint32_t lanes)
    : table_(table),
      id_(id),
      user_(std::move(user)),
      device_(std::move(device)),
      platform_(platform),
      settings_(table.settings()),
      lane_set_((settings_.lanes = lanes, settings_), lanes, table.budget_, *this) {
    timer_.session = this;
    charge_ = kSessionBytes + kNameCopies * (user_.size() + device_.size());
    table_.budget_.take_anyway(charge_);
}

ServerSession::~ServerSession() { table_.budget_.give(charge_); }

// Bounded, and small beside a session: taken even when little is left, as the session itself is.
void ServerSession::set_claims(const Bytes& claims) {
    table_.budget_.give(claims_.size());
    table_.budget_.take_anyway(claims.size());
    charge_ = charge_ - claims_.size() + claims.size();
    claims_ = claims;
}

boost::container::small_vector<CarrierKey, 4> ServerSession::carriers() const {
    boost::container::small_vector<CarrierKey, 4> keys;
    for (const Attached& carrier : carriers_) keys.push_back(carrier.key);
    return keys;
}

ServerSession::Attached* ServerSession::carrier(CarrierKey key) {
    const auto found =
        std::find_if(carriers_.begin(), carriers_.end(), [&](const Attached& c) { return c.key == key; });
    return found == carriers_.end() ? nullptr : &*found;
}

void ServerSession::on_data(LaneIndex lane, const wire::DataView& data, const Bytes& whole, std::uint64_t cost) {
    table_.receive(*this, lane, data, whole, cost);
}

void ServerSession::on_message_refused(LaneIndex lane, const Uuid& id, errc code) {
    Receipt receipt;
    receipt.status = wire::ReceiptStatus::refused;
    // Without a time: what was under way behind it is acted on, and a repeat would come after that.
    receipt.code = code;
    table_.refuse_message(*this, lane, id, receipt);
}

std::size_t ServerSession::check_invariants() const {
    for (const Attached& carrier : carriers_) {
        FLARE_INVARIANT(carrier.key != kNoCarrier, "a carrier has no name");
        FLARE_INVARIANT(std::count_if(carriers_.begin(), carriers_.end(),
                                      [&](const auto& other) { return other.key == carrier.key; }) == 1,
                        "a carrier is attached twice");
        FLARE_INVARIANT(used_.has(carrier.epoch), "a Hello has attached a carrier and does not count as used");
        FLARE_INVARIANT(carrier.offered <= next_generation_, "a ticket was offered that was never issued");
    }
    FLARE_INVARIANT(
        active_ == kNoCarrier || ended_ ||
            std::any_of(carriers_.begin(), carriers_.end(), [&](const auto& each) { return each.key == active_; }),
        "a carrier sends that is not attached");
    FLARE_INVARIANT(ended_ || carriers_.empty() == (detached_at_ != kNever), "detached and attached at once");
    FLARE_INVARIANT(!goodbye_said_ || goodbye_, "a goodbye was said that nobody wanted");
    FLARE_INVARIANT(warn_at_ == kNever || warn_at_ <= expires_at_, "the warning comes after the end");
    FLARE_INVARIANT(charge_ >= claims_.size() || ended_, "the claims are not charged");
    for (const auto& [lane, cost] : deferred_) FLARE_INVARIANT(lane < lanes(), "credit waits for a lane that is not");
    return ended_ ? 0 : charge_ + lane_set_.check_invariants();  // what it held was freed when it ended
}

}  // namespace flare::session
