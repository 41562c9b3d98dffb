#include "client/connect/attempt.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace flare::client {

Plan make_plan(Plan::Why why, const std::vector<Protocol>& addresses, std::optional<Protocol> only,
               std::optional<Protocol> last, Effects& effects) {
    Plan plan;
    plan.why = why;
    std::vector<std::size_t> taking_part;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        if (only && addresses[i] != *only) continue;
        taking_part.push_back(i);
        racing::Entrant entrant = effects.standing(addresses[i]);
        entrant.doubtful = entrant.doubtful || last == addresses[i];
        plan.entrants.push_back(entrant);
    }
    for (const racing::Start& start : racing::plan(plan.entrants))
        plan.starts.push_back({taking_part[start.entrant], start.after});
    return plan;
}

Attempt::Attempt(std::vector<Protocol> addresses, std::chrono::milliseconds limit, Credential& credential,
                 Carriers& carriers, Effects& effects, ConnectListener& listener, Owner& owner)
    : addresses_(std::move(addresses)),
      limit_(limit),
      credential_(credential),
      carriers_(carriers),
      effects_(effects),
      listener_(listener),
      owner_(owner) {}

void Attempt::begin(Plan::Why why, std::optional<Protocol> only, std::optional<Protocol> last, session::TimePoint now) {
    effects_.take_back_early();
    dialling_.reset();
    began_ = now;
    Checked<std::string> token = credential_.for_attempt();
    if (!token) return owner_.came_to_nothing(token.error(), {}, now);
    effects_.begin_attempt(std::move(*token));
    under_way_ = true;
    failure_.reset();
    late_at_ = now + limit_;
    dialling_ = effects_.dial(make_plan(why, addresses_, only, last, effects_));
}

void Attempt::made(const MadeCarrier& made, session::TimePoint now) {
    session::TimePoint welcome_at = session::kNever;  // the soonest, of those that have said hello
    for (const auto& [other, carrier] : carriers_) {
        if (carrier.pending() && carrier.greeted) welcome_at = std::min(welcome_at, carrier.welcome_at);
    }
    CarrierState& carrier = carriers_[made.key];
    carrier.protocol = made.protocol;
    carrier.began = began_;
    carrier.welcome_at = now + made.round_trip;
    carrier.greeted = made.said_hello;
    if (carrier.greeted) return;
    if (carrier.welcome_at < welcome_at) {
        greet(made.key, carrier);
    } else {
        hedge_at_ = welcome_at + std::max(kHedgeSlack, made.round_trip);
    }
}

void Attempt::greet(session::CarrierKey key, CarrierState& carrier) {
    carrier.greeted = true;
    effects_.say_hello(key, false);
}

void Attempt::greet_reserves() {
    hedge_at_ = session::kNever;
    for (auto& [key, carrier] : carriers_) {
        if (carrier.pending() && !carrier.greeted) greet(key, carrier);
    }
}

bool Attempt::waits_for_welcome() const {
    return std::any_of(carriers_.begin(), carriers_.end(), [](const auto& each) { return each.second.pending(); });
}

void Attempt::gone(const Failure& failure, session::TimePoint now) {
    if (!under_way_) return;
    failure_ = failure;
    if (waits_for_welcome()) return greet_reserves();
    if (!dialling_ || !dialling_->pending()) nothing_connected(now);
}

void Attempt::exhausted(session::TimePoint now) {
    if (!waits_for_welcome()) nothing_connected(now);
}

void Attempt::nothing_connected(session::TimePoint now) {
    const Failure failure = failure_    ? *failure_
                            : dialling_ ? Failure(dialling_->code(), dialling_->failures())
                                        : Failure(errc::connection_lost);
    for (const Protocol protocol : std::set(addresses_.begin(), addresses_.end()))
        listener_.on_connect_failed(protocol);
    owner_.came_to_nothing(failure, {}, now);
}

void Attempt::timed_out(session::TimePoint now) {
    const bool no_welcome = waits_for_welcome();
    std::string text = "no session within " + std::to_string(limit_.count()) + " ms: ";
    if (no_welcome)
        text += "connected, but the server did not answer the Hello";
    else if (dialling_)
        text += dialling_->failures();
    if (no_welcome && dialling_ && addresses_.size() > 1) text += "; " + dialling_->failures();
    listener_.on_timed_out(no_welcome);
    owner_.came_to_nothing(Failure(errc::connect_timeout, text), {}, now);
}

void Attempt::end() {
    if (dialling_) dialling_->record_unanswered();
    stop();
    effects_.take_back_early();
    for (auto& [key, carrier] : carriers_) {
        if (!carrier.pending()) continue;
        carrier.closing = true;
        effects_.leave(key, "another connection was faster");
    }
}

void Attempt::stop() {
    under_way_ = false;
    dialling_.reset();
    late_at_ = session::kNever;
    hedge_at_ = session::kNever;
}

session::TimePoint Attempt::next_deadline() const { return std::min(late_at_, hedge_at_); }

void Attempt::on_time(session::TimePoint now) {
    if (now >= hedge_at_) greet_reserves();
    if (now >= late_at_) timed_out(now);
}

}  // namespace flare::client
