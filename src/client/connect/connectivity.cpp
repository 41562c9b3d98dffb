#include "client/connect/connectivity.hpp"

#include "base/log.hpp"
#include "session/planted.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace flare::client {

using session::CarrierKey;
using session::Fault;
using session::kNoCarrier;
using session::TimePoint;

namespace {

bool has_a_choice(const std::vector<Protocol>& addresses) {
    return std::set(addresses.begin(), addresses.end()).size() > 1;
}

}  // namespace

Connectivity::Connectivity(Settings settings, base::Random& random, Credential& credential, Effects& effects,
                           Race::Track& track, ConnectListener& listener)
    : Beside(settings.addresses, carriers_, effects),
      settings_(std::move(settings)),
      may_fall_back_(settings_.auto_fallback && has_a_choice(settings_.addresses)),
      random_(random),
      credential_(credential),
      effects_(effects),
      listener_(listener),
      attempt_(settings_.addresses, settings_.connection_timeout, credential, carriers_, effects, listener, *this),
      outage_(settings_.reconnect_delay),
      race_(settings_.race, *this, track) {}

// ---- what the application asks ----

void Connectivity::connect(TimePoint now) {
    was_connected_ = false;
    outage_.cancel();
    set_status(ClientStatus::connecting);
    begin({}, now);
}

void Connectivity::reconnect(TimePoint now) {
    if (status_ == ClientStatus::reconnecting) outage_.hurry(now, attempt_.began());
    if (status_ != ClientStatus::connected) return;  // under way already
    told_lost_ = true;
    set_status(ClientStatus::reconnecting);  // what drops from here on is not a loss of its own
    listener_.on_lost(ConnectListener::Loss::asked, Failure(errc::ok, "reconnect() was called"), true);
    drop();
    outage_.begin(now);
    listener_.on_reconnecting(outage_.attempt(), {}, false);
    begin({}, now);
}

void Connectivity::disconnect(TimePoint now) {
    disconnecting_ = true;
    attempt_.end();
    race_.pause(now);
    outage_.cancel();
    replacement_.again_at = session::kNever;
}

void Connectivity::disconnected() {
    disconnecting_ = false;
    drop();
    effects_.fail_all("the client has disconnected");
    set_status(ClientStatus::disconnected);
    effects_.answer_connect(Failure(errc::cancelled, "disconnect() was called"));
}

void Connectivity::switch_to(Protocol protocol, TimePoint now) {
    switching_ = true;
    const std::optional<CarrierKey> standby = race_.standby();
    const auto found = standby ? carriers_.find(*standby) : carriers_.end();
    if (found != carriers_.end() && found->second.protocol == protocol && effects_.activate(*standby))
        return carry_on(*standby, Why::asked, true, now);
    race_.pause(now);
    begin(protocol, now);
}

void Connectivity::stop() {
    attempt_.stop();
    Beside::stop();
    race_.reset();
    outage_.cancel();
    replacement_.again_at = session::kNever;
    switching_ = false;
}

void Connectivity::set_status(ClientStatus status) {
    status_ = status;
    if (status != ClientStatus::connected) switching_ = false;  // it is answered with what becomes of the connection
    listener_.on_status(status);
}

// ---- attempts ----

void Connectivity::begin(std::optional<Protocol> only, TimePoint now) {
    const Plan::Why why = replacement_.falling_back               ? Plan::Why::fallback
                          : replacement_.suspect != kNoCarrier    ? Plan::Why::replace
                          : switching_                            ? Plan::Why::asked
                          : status_ == ClientStatus::reconnecting ? Plan::Why::again
                                                                  : Plan::Why::first;
    attempt_.begin(why, only, replacement_.failed, now);
}

void Connectivity::made(const MadeCarrier& carrier, TimePoint now) {
    carrier.why == Plan::Why::beside ? Beside::made(carrier) : attempt_.made(carrier, now);
}

void Connectivity::exhausted(Plan::Why why, Protocol protocol, TimePoint now) {
    if (why != Plan::Why::beside) return attempt_.exhausted(now);
    over(protocol);
    race_.standby_failed(protocol, now);
}

void Connectivity::came_to_nothing(const Failure& failure, std::chrono::milliseconds retry_after, TimePoint now) {
    if (status_ == ClientStatus::connected) return move_failed(failure, now);  // the session lives, or may
    attempt_.end();
    drop();
    last_failure_ = failure;
    if (status_ == ClientStatus::connecting || !credential_.may_heal(failure.code)) return give_up(failure);
    if (status_ != ClientStatus::reconnecting) return;
    if (retry_after.count() == 0) outage_.attempt_failed();
    schedule(retry_after, now);
    if (retry_after.count() > 0 || status_ != ClientStatus::reconnecting) return;
    effects_.answer_connect(failure);  // the attempts go on, perhaps for ever: a call does not
}

void Connectivity::refused(CarrierKey key, const Failure& failure, std::chrono::milliseconds retry_after,
                           TimePoint now) {
    const auto found = carriers_.find(key);
    if (found != carriers_.end() && found->second.standby) return race_.standby_failed(found->second.protocol, now);
    if (status_ != ClientStatus::connected) credential_.refused(failure.code);
    came_to_nothing(failure, retry_after, now);
}

void Connectivity::schedule(std::chrono::milliseconds slot, TimePoint now) {
    if (outage_.attempt() > settings_.max_reconnect_attempts) {
        return give_up(Failure(last_failure_.code, std::to_string(settings_.max_reconnect_attempts) +
                                                       " attempts, the last: " + last_failure_.text));
    }
    const auto delay = outage_.plan(slot, now, random_.next_u64());
    if (session::planted(Fault::attempt_never_made)) outage_.cancel();
    listener_.on_reconnecting(outage_.attempt(), delay, slot.count() > 0);
}

void Connectivity::give_up(const Failure& failure) {
    const bool was_reconnecting = status_ == ClientStatus::reconnecting;
    outage_.cancel();
    effects_.fail_all(failure.text);
    set_status(ClientStatus::failed);
    listener_.on_gave_up(failure, was_reconnecting);
    effects_.answer_connect(failure);
}

// ---- a carrier is welcomed ----

void Connectivity::welcomed(CarrierKey key, bool resumed, TimePoint now) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    const bool asked =
        switching_ && replacement_.failed != found->second.protocol && replacement_.suspect == kNoCarrier;
    const bool moves = status_ == ClientStatus::connected;
    carry_on(key, !moves ? Why::first : asked ? Why::asked : Why::fallback, resumed, now);
}

void Connectivity::standby_welcomed(CarrierKey key, TimePoint now) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    CarrierState& carrier = found->second;
    carrier.ready = true;
    over(carrier.protocol);
    listener_.on_attached(key, carrier.protocol, now - carrier.began, true);
    race_.standby_ready(carrier.protocol, key, now - carrier.began, now);
}

// This carrier has the session from now on.
void Connectivity::carry_on(CarrierKey key, Why why, bool resumed, TimePoint now) {
    CarrierState& carrier = carriers_.at(key);
    InUse news{key, carrier.protocol, in_use_, why, resumed, InUse::News::moved, now - carrier.began};
    if (!std::exchange(carrier.ready, true)) listener_.on_attached(key, carrier.protocol, news.took, false);
    carrier.standby = false;
    if (attempt_.under_way()) {
        for (const Protocol each : settings_.race.protocols) {
            if (each == carrier.protocol || !attempt_.failed(each)) continue;
            listener_.on_connect_failed(each);
            effects_.remember_failed(each);
        }
    }
    attempt_.end();
    outage_.cancel();
    replacement_.again_at = session::kNever;
    const std::optional<Protocol> failed = std::exchange(replacement_.failed, std::nullopt);
    if (failed && failed != carrier.protocol && why == Why::fallback) {
        race_.failed_in_use(*failed, now);
        effects_.remember_failed(*failed);
    }
    if (why == Why::first || why == Why::better) effects_.remember_won(carrier.protocol);
    replacement_.suspect = kNoCarrier;
    replacement_.falling_back = false;
    in_use_ = carrier.protocol;
    if (status_ != ClientStatus::connected) {
        news.news = was_connected_ ? InUse::News::again : InUse::News::first;
        was_connected_ = true;
        told_lost_ = false;
        credential_.accepted();
        set_status(ClientStatus::connected);
    }
    listener_.on_in_use(news);
    race_.in_use(news.protocol, key, why, news.took, now);
    if (news.news != InUse::News::moved) return effects_.answer_connect(news.protocol);
    if (std::exchange(switching_, false)) effects_.answer_switch(news.protocol);
}

// ---- the connection in use fails ----

void Connectivity::detached(const Failure& reason, TimePoint now) {
    if (status_ != ClientStatus::connected || disconnecting_) return;
    if (!may_fall_back_ || !credential_.may_heal(reason.code)) return lost(reason, now);
    base::log().info("the connection over {} has failed ({}): trying every protocol", name(*in_use_), reason.text);
    replacement_.falling_back = true;
    replacement_.reason = reason;
    replacement_.suspect = kNoCarrier;
    replacement_.failed = in_use_;
    race_.pause(now);
    begin({}, now);
}

void Connectivity::suspected(CarrierKey key, TimePoint now) {
    if (attempt_.under_way() || status_ != ClientStatus::connected) return;
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    base::log().debug("no acknowledgement on connection {}: opening a replacement", key);
    listener_.on_suspected(key);
    replace(key, found->second.protocol, now);
}

// Another connection takes the place of one that is attached. `failed`: the protocol that is at fault.
void Connectivity::replace(CarrierKey key, std::optional<Protocol> failed, TimePoint now) {
    replacement_.failed = may_fall_back_ ? failed : std::nullopt;
    const std::optional<CarrierKey> standby = race_.standby();
    const auto takes_over = [&] {
        return session::planted(Fault::standby_not_activated) || effects_.activate(*standby);
    };
    if (standby && may_fall_back_ && carriers_.contains(*standby) && takes_over())
        return carry_on(*standby, Why::fallback, true, now);
    replacement_.suspect = key;
    race_.pause(now);
    begin({}, now);
}

void Connectivity::recovered(CarrierKey key, TimePoint now) {
    if (replacement_.suspect == key && attempt_.under_way() && !attempt_.waits_for_welcome()) {
        attempt_.end();
        replacement_.suspect = kNoCarrier;
        replacement_.failed.reset();
    }
    if (attempt_.under_way()) return;
    replacement_.again_at = session::kNever;
    race_.resume(now);
}

// The other connection could not be had.
void Connectivity::move_failed(const Failure& failure, TimePoint now) {
    attempt_.end();
    const CarrierKey suspect = std::exchange(replacement_.suspect, kNoCarrier);
    replacement_.failed.reset();
    if (std::exchange(replacement_.falling_back, false)) {
        // Why the session has no connection, and why there is no other.
        drop();
        if (session::planted(Fault::failed_fallback_untold)) return;
        return lost(!credential_.may_heal(failure.code)
                        ? failure
                        : Failure(replacement_.reason.code, replacement_.reason.text + "; " + failure.text),
                    now);
    }
    if (std::exchange(switching_, false)) effects_.answer_switch(failure);
    if (suspect == kNoCarrier) return race_.resume(now);
    if (!carriers_.contains(suspect)) return;
    // An attempt that took as long as the delay was no haste.
    replacement_.again = suspect;
    replacement_.again_at = attempt_.began() + settings_.reconnect_delay;
}

// No connection is left.
void Connectivity::lost(const Failure& reason, TimePoint now) {
    in_use_.reset();
    race_.pause(now);
    if (!told_lost_) {
        leave_session(ConnectListener::Loss::broken, reason);
        if (status_ != ClientStatus::reconnecting) return;
    }
    outage_.begin(now);
    last_failure_ = reason;
    attempt_.end();
    schedule({}, now);
}

void Connectivity::ended(const Failure& reason, std::chrono::milliseconds retry_after, TimePoint now) {
    in_use_.reset();
    race_.pause(now);
    attempt_.end();  // a connection that is being made would be there before its time
    replacement_.falling_back = false;
    replacement_.suspect = kNoCarrier;
    leave_session(ConnectListener::Loss::ended, reason);
    if (status_ != ClientStatus::reconnecting) return;
    outage_.begin(now);
    last_failure_ = reason;
    schedule(retry_after, now);
}

// The application hears of the loss, and whether anything is done about it.
void Connectivity::leave_session(ConnectListener::Loss loss, const Failure& reason) {
    told_lost_ = true;
    const bool again = settings_.auto_reconnect && credential_.may_heal(reason.code);
    set_status(again ? ClientStatus::reconnecting : ClientStatus::disconnected);
    listener_.on_lost(loss, reason, again);
    if (again) return;
    attempt_.end();
    effects_.fail_all(reason.text);
    effects_.answer_connect(reason);
}

void Connectivity::drop() {
    effects_.take_back_early();
    race_.reset();
    Beside::stop();
    carriers_.clear();
    effects_.drop_carriers();
    replacement_.suspect = kNoCarrier;
}

// ---- what happens to connections ----

void Connectivity::closing(CarrierKey key) {
    if (const auto found = carriers_.find(key); found != carriers_.end()) found->second.closing = true;
}

void Connectivity::gone(CarrierKey key, const Failure& why, TimePoint now) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    const CarrierState carrier = found->second;
    carriers_.erase(found);
    race_.gone(key, now);
    if (carrier.standby && !carrier.ready && !carrier.closing) {
        over(carrier.protocol);
        race_.standby_failed(carrier.protocol, now);
    } else if (carrier.pending()) {
        attempt_.gone(why, now);
    }
}

void Connectivity::network_changed(CarrierKey left_behind, TimePoint now) {
    if (status_ == ClientStatus::reconnecting) {
        outage_.renew(now);
        return outage_.hurry(now, attempt_.began());
    }
    const auto found = carriers_.find(left_behind);
    if (found == carriers_.end() || status_ != ClientStatus::connected) return;
    race_.network_changed(now);
    if (found->second.protocol != Protocol::quic && !attempt_.under_way())
        replace(left_behind, std::nullopt, now);  // TCP cannot move
}

void Connectivity::move_to(CarrierKey key, racing::TimePoint now) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end() || attempt_.under_way() || !effects_.activate(key)) return;
    base::log().info("the session moves to {}, which scores better", name(found->second.protocol));
    carry_on(key, Why::better, true, now);
}

// ---- time ----

TimePoint Connectivity::next_deadline() const {
    return std::min({attempt_.next_deadline(), outage_.next_deadline(), replacement_.again_at, race_.next_deadline()});
}

void Connectivity::on_time(TimePoint now) {
    attempt_.on_time(now);
    if (now >= replacement_.again_at) {
        replacement_.again_at = session::kNever;
        if (effects_.active() == replacement_.again) suspected(replacement_.again, now);
    }
    if (outage_.take_due(now) && status_ == ClientStatus::reconnecting) begin({}, now);
    race_.on_time(now);
}

}  // namespace flare::client
