// How a client becomes and stays connected.
#include "base/log.hpp"
#include "base/random.hpp"
#include "client/connect/heals.hpp"
#include "client/loop/client_loop.hpp"
#include "client/loop/link.hpp"
#include "wire/utf8.hpp"

#include <algorithm>
#include <exception>
#include <utility>

namespace flare::client {
namespace {

constexpr session::Duration kHedgeSlack = std::chrono::milliseconds(50);
constexpr const char* kNoToken = "the token is longer than 8192 bytes or not UTF-8, so that no Hello can carry it";

bool can_be_sent(std::string_view token) noexcept {
    return token.size() <= wire::kMaxTokenBytes && wire::is_utf8(token);
}

}  // namespace

// ---- what the application asks ----

void ClientLoop::connect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (status_ != ClientStatus::disconnected && status_ != ClientStatus::failed)
        return done(Failure(errc::already_connected));
    connect_waiters_.push_back(std::move(done));
    recorder_.add(recorder_.line("connect_asked"));
    was_connected_ = false;
    attempt_ = 0;
    set_status(ClientStatus::connecting);
    begin_connect();
}

void ClientLoop::reconnect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (status_ == ClientStatus::disconnected || status_ == ClientStatus::failed) return connect(std::move(done));
    connect_waiters_.push_back(std::move(done));
    if (status_ == ClientStatus::reconnecting) hurry();
    if (status_ != ClientStatus::connected) return;  // under way already
    reported_detached_ = true;
    recorder_.add(recorder_.line("reconnect_asked"));
    still_since_ = now();
    emit(event::Disconnected{Failure(errc::ok, "reconnect() was called")});
    set_status(ClientStatus::reconnecting);  // what drops from here on is not a loss of its own
    drop_links();
    attempt_ = 1;
    outage_began_ = now();
    emit(event::Reconnecting{attempt_, std::chrono::milliseconds(0)});
    begin_connect();
}

void ClientLoop::disconnect(std::function<void()> done) {
    if (closed_ || status_ == ClientStatus::disconnected) return done();
    disconnect_waiters_.push_back(std::move(done));
    recorder_.add(recorder_.line("disconnect_asked"));
    end_attempt();
    race_.pause();
    reconnect_timer_.cancel();
    reconnect_at_ = session::kNever;
    session_.disconnect(now());
    after_event();
}

void ClientLoop::on_disconnected(bool drained) {
    recorder_.add(recorder_.line("disconnected").add("drained", drained));
    drop_links();
    session_.fail_all(errc::not_connected, "the client has disconnected", now());
    const bool was_failed = status_ == ClientStatus::failed;
    set_status(ClientStatus::disconnected);
    complete_connect(Failure(errc::cancelled, "disconnect() was called"));
    if (!was_failed) emit(event::Disconnected{Failure(errc::ok, "disconnect() was called")});
    const auto waiters = std::move(disconnect_waiters_);
    disconnect_waiters_.clear();
    for (const auto& done : waiters) done();
}

void ClientLoop::close() {
    if (closed_) return;
    closed_ = true;
    addresses_.reset();
    connector_.reset();
    standby_connectors_.clear();
    race_.reset();
    session_timer_.cancel();
    connect_timer_.cancel();
    reconnect_timer_.cancel();
    hedge_timer_.cancel();
    complete_connect(Failure(errc::client_closed));
    complete_refresh(Failure(errc::client_closed));
    const auto sends = std::move(send_waiters_);
    send_waiters_.clear();
    for (const auto& [id, waiter] : sends) {
        SendResult result;
        result.message_id = id;
        result.error = errc::client_closed;
        result.error_message = explain(errc::client_closed);
        result.send_time = waiter.queued_at;
        if (waiter.done) waiter.done(std::move(result));
    }
    const auto waiters = std::move(disconnect_waiters_);
    disconnect_waiters_.clear();
    for (const auto& done : waiters) done();
    links_.clear();
    gone_.clear();
}

// ---- one attempt ----

Checked<std::string> ClientLoop::provided_token() const {
    try {
        std::string token = config_.token();
        if (can_be_sent(token)) return token;
        return Failure(errc::unauthenticated, kNoToken);
    } catch (const std::exception& error) {
        return Failure(errc::unauthenticated, std::string("the token provider failed: ") + error.what());
    }
}

void ClientLoop::begin_connect(std::optional<Protocol> only) {
    drop_early();
    connector_.reset();
    connect_began_ = now();
    Checked<std::string> token = config_.token ? provided_token() : std::string();
    if (!token) {
        refused_twice_ = false;  // the provider may do better when the network is back
        return status_ == ClientStatus::connected ? move_failed(token.error()) : attempt_failed(token.error(), {});
    }
    last_token_ = *token;
    session_.begin_attempt(std::move(*token));
    attempting_ = true;
    attempt_failure_.reset();
    connect_timer_.expires_after(config_.connection_timeout);
    connect_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->closed_ && self->attempting_) self->connect_timed_out();
    });
    memory_.look_at_network();
    connector_ = std::make_unique<Connector>(
        context_, config_, recorder_, starts(only, true), [this](wire::Batch& batch) { write_first_flight(batch); },
        [this](Connector::Made made) { connected_transport(std::move(made)); },
        [this] {
            if (!waits_for_welcome()) nothing_connected();
        });
}

std::vector<Connector::Start> ClientLoop::starts(std::optional<Protocol> only, bool recorded) {
    std::vector<const Url*> urls;
    std::vector<racing::Entrant> entrants;
    const std::optional<Protocol> favourite = memory_.winner();
    for (const Url& url : config_.addresses) {
        if (only && url.protocol != *only) continue;
        urls.push_back(&url);
        entrants.push_back({url.protocol, memory_.weight(url.protocol, config_.weight(url.protocol)),
                            favourite == url.protocol, failed_ == url.protocol || memory_.doubtful(url.protocol)});
    }
    std::vector<Connector::Start> starts;
    for (const racing::Start& start : racing::plan(entrants)) starts.push_back({urls[start.entrant], start.after});
    if (recorded) record_connecting(starts, entrants);
    return starts;
}

// A connection that may never be made takes the session's first flight along; another one may still win.
void ClientLoop::write_first_flight(wire::Batch& batch) {
    if (early_ != session::kNoCarrier || !session_.may_go_early()) return;
    early_ = next_key_++;
    session_.open(early_, now());
    session_.write(early_, batch, now());
}

void ClientLoop::drop_early() {
    if (early_ == session::kNoCarrier) return;
    session_.carrier_gone(early_, errc::connection_lost, "the early connection was not made", now());
    early_ = session::kNoCarrier;
}

// The first connection says hello. One that comes later does so too if its path is so much shorter that its Welcome
// will be there first; otherwise it stays in reserve.
void ClientLoop::connected_transport(Connector::Made made) {
    const transport::CarrierInfo& info = made.carrier->info();
    ProtocolMetrics& metrics = metrics_[info.protocol];
    metrics.early_data_accepted += info.early_data == transport::EarlyData::accepted ? 1u : 0u;
    metrics.early_data_rejected += info.early_data == transport::EarlyData::rejected ? 1u : 0u;
    if (info.protocol == Protocol::quic && info.early_data == transport::EarlyData::none) drop_early();
    const bool greeted = info.protocol == Protocol::quic && early_ != session::kNoCarrier;
    const session::CarrierKey key = greeted ? std::exchange(early_, session::kNoCarrier) : next_key_++;
    session::TimePoint welcome_at = session::kNever;  // the soonest, of those that have said hello
    for (const auto& [other, link] : links_) {
        if (link->pending() && link->greeted) welcome_at = std::min(welcome_at, link->welcome_at);
    }
    Link& link = *links_.emplace(key, std::make_unique<Link>(*this, key, std::move(made.carrier))).first->second;
    link.began = connect_began_;
    link.unsealed_because = std::move(made.unsealed_because);
    link.welcome_at = now() + made.round_trip;
    link.greeted = greeted;
    if (greeted) return after_event();
    if (link.welcome_at < welcome_at) {
        greet(link);
    } else {
        hedge_timer_.expires_at(welcome_at + std::max<session::Duration>(kHedgeSlack, made.round_trip));
        hedge_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
            const auto self = weak.lock();
            if (!error && self && !self->closed_) self->greet_reserves();
        });
    }
    after_event();
}

void ClientLoop::greet(Link& link) {
    link.greeted = true;
    session_.open(link.key, now(), link.standby);
}

void ClientLoop::greet_reserves() {
    for (const auto& [key, link] : links_) {
        if (link->pending() && !link->greeted) greet(*link);
    }
    after_event();
}

bool ClientLoop::waits_for_welcome() const {
    return std::any_of(links_.begin(), links_.end(), [](const auto& each) { return each.second->pending(); });
}

// A carrier that was made for this attempt has ended before it was welcomed.
void ClientLoop::pending_link_closed(const Failure& failure) {
    if (!attempting_) return;
    attempt_failure_ = failure;
    if (waits_for_welcome()) return greet_reserves();
    if (!connector_ || !connector_->pending()) nothing_connected();
}

// Every address has failed.
void ClientLoop::nothing_connected() {
    const Failure failure = attempt_failure_ ? *attempt_failure_
                            : connector_     ? Failure(connector_->code(), connector_->failures())
                                             : Failure(errc::connection_lost);
    for (const Protocol protocol : config_.protocols()) ++metrics_[protocol].connect_failures;
    status_ == ClientStatus::connected ? move_failed(failure) : attempt_failed(failure, {});
}

void ClientLoop::connect_timed_out() {
    std::string text = "no session within " + std::to_string(config_.connection_timeout.count()) + " ms: ";
    if (waits_for_welcome())
        text += "the connection stands, but the server did not answer the hello";
    else if (connector_)
        text += connector_->failures();
    if (waits_for_welcome() && connector_ && config_.addresses.size() > 1) text += "; " + connector_->failures();
    const Failure failure(errc::connect_timeout, text);
    recorder_.add(recorder_.line("timed_out").add("no_welcome", waits_for_welcome()));
    status_ == ClientStatus::connected ? move_failed(failure) : attempt_failed(failure, {});
}

// The attempt is over, one way or the other: what it has left open goes.
void ClientLoop::end_attempt() {
    attempting_ = false;
    if (connector_) connector_->record_unanswered();
    connector_.reset();
    connect_timer_.cancel();
    hedge_timer_.cancel();
    drop_early();
    for (const auto& [key, link] : links_) {
        if (!link->pending()) continue;
        session_.carrier_gone(key, errc::connection_lost, "another connection was faster", now());
        close_carrier(key, errc::ok, "another connection was faster");
    }
}

// This attempt came to nothing. retry_after: the server asked for time, which is no failure of the attempt.
void ClientLoop::attempt_failed(const Failure& failure, std::chrono::milliseconds retry_after) {
    end_attempt();
    drop_links();
    last_failure_ = failure;
    if (status_ == ClientStatus::connecting || !may_heal(failure.code)) return give_up(failure);
    if (status_ != ClientStatus::reconnecting) return;
    if (retry_after.count() == 0) ++attempt_;
    schedule_reconnect(retry_after);
    if (retry_after.count() > 0 || status_ != ClientStatus::reconnecting) return;
    // The attempts go on, perhaps for ever: a call does not.
    complete_connect(failure);
    complete_refresh(Failure(errc::not_connected));
}

void ClientLoop::give_up(const Failure& failure) {
    const bool reconnecting = status_ == ClientStatus::reconnecting;
    recorder_.add(recorder_.line("gave_up").add("code", name(failure.code)));
    recorder_.no_session();
    session_.fail_all(errc::not_connected, failure.text, now());
    set_status(ClientStatus::failed);
    ++stats_.error_count;
    if (reconnecting) {
        emit(event::ReconnectFailed{
            Failure(errc::reconnect_failed, std::string(explain(errc::reconnect_failed)) + ": " + failure.text)});
    } else {
        emit(event::Error{failure});
    }
    complete_connect(failure);
    after_event();
}

void ClientLoop::complete_connect(const Checked<Protocol>& result) {
    const auto waiters = std::move(connect_waiters_);
    connect_waiters_.clear();
    for (const ConnectDone& done : waiters) done(result);
    complete_switch(Failure(errc::not_connected));
}

void ClientLoop::drop_links() {
    drop_early();
    race_.reset();
    standby_connectors_.clear();
    for (auto& [key, link] : links_) {
        count_bytes(*link->carrier);
        gone_.push_back(std::move(link));
    }
    links_.clear();
    for (const auto& link : gone_) {
        link->carrier->set_handler(nullptr);
        session_.carrier_gone(link->key, errc::connection_lost, "dropped", now());
    }
    suspect_ = session::kNoCarrier;
    if (gone_.empty() || flush_posted_) return;
    flush_posted_ = true;
    boost::asio::post(context_, [self = shared_from_this()] { self->flush(); });
}

// No connection is left.
void ClientLoop::lost(const Failure& reason) {
    stats_.protocol.reset();
    race_.pause();
    if (!reported_detached_) {
        reported_detached_ = true;
        ++stats_.error_count;
        const bool again = config_.auto_reconnect && may_heal(reason.code);
        recorder_.add(recorder_.line("no_connection").add("code", name(reason.code)).add("again", again));
        set_status(again ? ClientStatus::reconnecting : ClientStatus::disconnected);
        emit(event::Disconnected{reason});
        if (!again) {
            end_attempt();
            session_.fail_all(errc::not_connected, reason.text, now());
            return complete_connect(reason);
        }
    }
    attempt_ = 1;
    outage_began_ = now();
    last_failure_ = reason;
    end_attempt();
    schedule_reconnect({});
}

// slot: when the server said to come back, which is spread over its clients already; 0: it said nothing.
void ClientLoop::schedule_reconnect(std::chrono::milliseconds slot) {
    if (attempt_ > config_.max_reconnect_attempts) {
        return give_up(Failure(last_failure_.code, std::to_string(config_.max_reconnect_attempts) +
                                                       " attempts, the last: " + last_failure_.text));
    }
    auto delay = backoff_.before(attempt_, now() - outage_began_, base::system_random().next_u64());
    // A connection that has just worked most likely works again: the first attempt comes soon, spread a little.
    if (attempt_ == 1) delay /= 8;
    if (slot.count() > 0) delay = slot;
    recorder_.add(
        recorder_.line("reconnecting").add("attempt", attempt_).ms("delay_ms", delay).add("slot", slot.count() > 0));
    emit(event::Reconnecting{attempt_, delay});
    reconnect_at(now() + delay);
    if (slot.count() > 0) reconnect_at_ = session::kNever;  // the server expects it then, and not before
}

void ClientLoop::reconnect_at(session::TimePoint at) {
    reconnect_at_ = at;
    reconnect_timer_.expires_at(at);
    reconnect_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (error || !self || self->closed_ || self->status_ != ClientStatus::reconnecting) return;
        self->reconnect_at_ = session::kNever;
        self->begin_connect();
    });
}

// The next attempt at once, if that is no haste; not before the server's slot.
void ClientLoop::hurry() {
    if (reconnect_at_ == session::kNever) return;
    reconnect_at(std::min(reconnect_at_, std::max(now(), connect_began_ + config_.reconnect_delay)));
}

// The same token refused a second time: its provider has no other.
bool ClientLoop::may_heal(errc code) const { return heals(code, config_.token_may_change && !refused_twice_); }

void ClientLoop::note_refused_token(errc code) {
    if (!is_of_token(code)) return;
    refused_twice_ = refused_token_ == last_token_;
    refused_token_ = last_token_;
}

void ClientLoop::on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const Failure failure(code, text.empty() ? std::string(explain(code)) : text);
    Link* link = find(key);
    record_failure("refused", code, failure.text, retry_after_ms);
    if (link != nullptr && link->standby) return race_.standby_failed(link->carrier->info().protocol);
    if (status_ == ClientStatus::connected) return move_failed(failure);  // the session may live on another carrier
    // The refused carrier closes in good order; only the attempt is over.
    if (link != nullptr) {
        auto kept = std::move(links_.find(key)->second);
        links_.erase(key);
        kept->carrier->set_handler(nullptr);
        gone_.push_back(std::move(kept));
    }
    note_refused_token(code);
    attempt_failed(failure, std::chrono::milliseconds(retry_after_ms));
}

void ClientLoop::refresh_token(std::string token, std::function<void(Checked<>)> done) {
    complete_refresh(Failure(errc::cancelled, "another token has taken the place of this one"));
    if (closed_) return done(Failure(errc::client_closed));
    if (!session_.id()) return done(Failure(errc::not_connected));
    if (!can_be_sent(token)) return done(Failure(errc::unauthenticated, kNoToken));
    refresh_waiter_ = std::move(done);
    last_token_ = token;
    session_.renew_credential(std::move(token));
}

void ClientLoop::complete_refresh(const Checked<>& result) {
    if (const auto done = std::exchange(refresh_waiter_, nullptr)) done(result);
}

void ClientLoop::on_credential(const wire::CredentialState& state) {
    recorder_.add(recorder_.line("credential")
                      .add("what", !state.answer            ? "expires"
                                   : state.code == errc::ok ? "renewed"
                                                            : "refused")
                      .add("code", name(state.code))
                      .ms("expires_in_ms", std::chrono::milliseconds(state.expires_in_ms)));
    if (state.answer) {
        if (state.code == errc::ok) return complete_refresh({});
        const Failure failure(state.code, state.text.empty() ? std::string(explain(state.code)) : state.text);
        if (!refresh_waiter_) emit(event::Error{failure});  // the provider's
        return complete_refresh(failure);
    }
    emit(event::TokenExpiring{std::chrono::milliseconds(state.expires_in_ms)});
    if (!config_.token || refresh_waiter_) return;
    Checked<std::string> token = provided_token();
    if (!token) return emit(event::Error{token.error()});
    if (*token == last_token_) return;  // it has nothing newer
    last_token_ = *token;
    session_.renew_credential(std::move(*token));
}

// A session that is over takes no other token: the next one is asked for its own.
void ClientLoop::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    complete_refresh(Failure(code == errc::ok ? errc::session_ended : code, text));
    const Failure reason(code == errc::ok ? errc::session_ended : code,
                         text.empty() ? std::string(explain(code == errc::ok ? errc::session_ended : code)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    record_failure("ended", reason.code, reason.text, retry_after_ms);
    if (code == errc::shutting_down) emit(event::Draining{retry_after, reason.text});
    const bool again = config_.auto_reconnect && may_heal(reason.code);
    stats_.protocol.reset();
    race_.pause();
    end_attempt();  // a connection that is being made would be there before its time
    falling_back_ = false;
    suspect_ = session::kNoCarrier;
    reported_detached_ = true;
    set_status(again ? ClientStatus::reconnecting : ClientStatus::disconnected);
    emit(event::Disconnected{reason});
    if (!again) {
        session_.fail_all(errc::not_connected, reason.text, now());
        return complete_connect(reason);
    }
    attempt_ = 1;
    outage_began_ = now();
    last_failure_ = reason;
    schedule_reconnect(retry_after);
}

}  // namespace flare::client
