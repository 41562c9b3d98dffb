// How a client connects: what the application asks, and what Connectivity decides, done with sockets.
#include "base/log.hpp"
#include "client/loop/client_loop.hpp"
#include "client/loop/link.hpp"

#include <utility>

namespace flare::client {

// ---- what the application asks ----

void ClientLoop::connect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (connectivity_.status() != ClientStatus::disconnected && connectivity_.status() != ClientStatus::failed)
        return done(Failure(errc::already_connected));
    connect_waiters_.push_back(std::move(done));
    recorder_.add(recorder_.line("connect_asked"));
    connectivity_.connect(now());
    after_event();
}

void ClientLoop::reconnect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    const ClientStatus status = connectivity_.status();
    if (status == ClientStatus::disconnected || status == ClientStatus::failed) return connect(std::move(done));
    connect_waiters_.push_back(std::move(done));
    if (status == ClientStatus::connected) {
        recorder_.add(recorder_.line("reconnect_asked"));
        still_since_ = now();
    }
    connectivity_.reconnect(now());
    after_event();
}

void ClientLoop::disconnect(std::function<void()> done) {
    if (closed_ || connectivity_.status() == ClientStatus::disconnected) return done();
    disconnect_waiters_.push_back(std::move(done));
    recorder_.add(recorder_.line("disconnect_asked"));
    connectivity_.disconnect(now());
    session_.disconnect(now());
    after_event();
}

void ClientLoop::on_disconnected(bool drained) {
    recorder_.add(recorder_.line("disconnected").add("drained", drained));
    const bool was_failed = connectivity_.status() == ClientStatus::failed;
    connectivity_.disconnected();
    if (!was_failed) emit(event::Disconnected{Failure(errc::ok, "disconnect() was called")});
    const auto waiters = std::move(disconnect_waiters_);
    disconnect_waiters_.clear();
    for (const auto& done : waiters) done();
}

void ClientLoop::switch_protocol(Protocol protocol, ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (!config_.has(protocol))
        return done(Failure(errc::protocol_unavailable, "server_addresses has no URL of this protocol"));
    if (connectivity_.status() != ClientStatus::connected) return done(Failure(errc::not_connected));
    if (connectivity_.uses(protocol)) return done(protocol);
    if (connectivity_.is_moving()) return done(Failure(errc::busy, "another connection is being made already"));
    switch_waiter_ = std::move(done);
    recorder_.add(recorder_.line("switch_asked").add("protocol", record_name(protocol)));
    connectivity_.switch_to(protocol, now());
    after_event();
}

void ClientLoop::close() {
    if (closed_) return;
    closed_ = true;
    addresses_.reset();
    connectivity_.stop();
    timer_.cancel();
    complete_refresh(Failure(errc::client_closed));
    answer_connect(Failure(errc::client_closed));
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

void ClientLoop::answer_connect(const Checked<Protocol>& result) {
    const auto waiters = std::move(connect_waiters_);
    connect_waiters_.clear();
    for (const ConnectDone& done : waiters) done(result);
    answer_switch(Failure(errc::not_connected));
    if (!result) complete_refresh(Failure(errc::not_connected));
}

void ClientLoop::answer_switch(const Checked<Protocol>& result) {
    if (const ConnectDone done = std::exchange(switch_waiter_, nullptr)) done(result);
}

// ---- connections ----

void ClientLoop::begin_attempt(std::string token) {
    session_.begin_attempt(std::move(token));
    memory_.look_at_network();
}

std::unique_ptr<Dialling> ClientLoop::dial(const Plan& plan) {
    const bool beside = plan.why == Plan::Why::beside;
    if (!beside) record_connecting(plan);
    std::vector<Connector::Start> starts;
    for (const Plan::Start& start : plan.starts) starts.push_back({&config_.addresses[start.address], start.after});
    const auto first_flight = [this](wire::Batch& batch) { write_first_flight(batch); };
    return std::make_unique<Connector>(
        context_, config_, recorder_, starts, beside ? std::function<void(wire::Batch&)>() : first_flight,
        [this, why = plan.why](Connector::Made made) { connected(why, std::move(made)); },
        [this, why = plan.why, protocol = starts.front().url->protocol] {
            connectivity_.exhausted(why, protocol, now());
            after_event();
        });
}

// A connection that may never be made takes the session's first flight along; another one may still win.
void ClientLoop::write_first_flight(wire::Batch& batch) {
    if (early_ != session::kNoCarrier || !session_.may_go_early()) return;
    early_ = next_key_++;
    session_.open(early_, now());
    session_.write(early_, batch, now());
}

void ClientLoop::take_back_early() {
    if (early_ == session::kNoCarrier) return;
    session_.carrier_gone(early_, errc::connection_lost, "the early connection was not made", now());
    early_ = session::kNoCarrier;
}

void ClientLoop::connected(Plan::Why why, Connector::Made made) {
    const transport::CarrierInfo& info = made.carrier->info();
    MadeCarrier carrier{session::kNoCarrier, info.protocol, why, made.round_trip, false};
    if (why != Plan::Why::beside) {
        ProtocolMetrics& metrics = metrics_[info.protocol];
        metrics.early_data_accepted += info.early_data == transport::EarlyData::accepted ? 1u : 0u;
        metrics.early_data_rejected += info.early_data == transport::EarlyData::rejected ? 1u : 0u;
        if (info.protocol == Protocol::quic && info.early_data == transport::EarlyData::none) take_back_early();
        carrier.said_hello = info.protocol == Protocol::quic && early_ != session::kNoCarrier;
    }
    carrier.key = carrier.said_hello ? std::exchange(early_, session::kNoCarrier) : next_key_++;
    auto link = std::make_unique<Link>(*this, carrier.key, std::move(made.carrier));
    link->unsealed_because = std::move(made.unsealed_because);
    links_.emplace(carrier.key, std::move(link));
    connectivity_.made(carrier, now());
    after_event();
}

void ClientLoop::say_hello(session::CarrierKey key, bool standby) { session_.open(key, now(), standby); }

void ClientLoop::leave(session::CarrierKey key, const std::string& text) {
    session_.carrier_gone(key, errc::connection_lost, text, now());
    close_carrier(key, errc::ok, text);
}

void ClientLoop::drop_carriers() {
    for (auto& [key, link] : links_) {
        count_bytes(*link->carrier);
        gone_.push_back(std::move(link));
    }
    links_.clear();
    for (const auto& link : gone_) {
        link->carrier->set_handler(nullptr);
        session_.carrier_gone(link->key, errc::connection_lost, "dropped", now());
    }
    if (gone_.empty() || flush_posted_) return;
    flush_posted_ = true;
    boost::asio::post(context_, [self = shared_from_this()] { self->flush(); });
}

bool ClientLoop::activate(session::CarrierKey key) { return session_.activate(key, now()).has_value(); }

void ClientLoop::fail_all(const std::string& text) { session_.fail_all(errc::not_connected, text, now()); }

racing::Entrant ClientLoop::standing(Protocol protocol) {
    return {protocol, weight(protocol), memory_.winner() == protocol, memory_.doubtful(protocol)};
}

// ---- what comes of it ----

void ClientLoop::on_connect_failed(Protocol protocol) { ++metrics_[protocol].connect_failures; }

void ClientLoop::on_timed_out(bool no_welcome) {
    recorder_.add(recorder_.line("timed_out").add("no_welcome", no_welcome));
}

void ClientLoop::on_lost(Loss loss, const Failure& reason, bool again) {
    if (loss == Loss::broken) {
        ++stats_.error_count;
        recorder_.add(recorder_.line("no_connection").add("code", name(reason.code)).add("again", again));
    }
    emit(event::Disconnected{reason});
}

void ClientLoop::on_reconnecting(std::uint32_t attempt, std::chrono::milliseconds delay, bool slot) {
    if (delay.count() > 0)  // else reconnect() was called, which has a line
        recorder_.add(recorder_.line("reconnecting").add("attempt", attempt).ms("delay_ms", delay).add("slot", slot));
    emit(event::Reconnecting{attempt, delay});
}

void ClientLoop::on_gave_up(const Failure& failure, bool was_reconnecting) {
    recorder_.add(recorder_.line("gave_up").add("code", name(failure.code)));
    recorder_.no_session();
    ++stats_.error_count;
    if (was_reconnecting) {
        emit(event::ReconnectFailed{
            Failure(errc::reconnect_failed, std::string(explain(errc::reconnect_failed)) + ": " + failure.text)});
    } else {
        emit(event::Error{failure});
    }
}

void ClientLoop::on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const Failure failure(code, text.empty() ? std::string(explain(code)) : text);
    record_failure("refused", code, failure.text, retry_after_ms);
    connectivity_.refused(key, failure, std::chrono::milliseconds(retry_after_ms), now());
}

// A session that is over takes no other token: the next one is asked for its own.
void ClientLoop::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const errc why = code == errc::ok ? errc::session_ended : code;
    complete_refresh(Failure(why, text));
    const Failure reason(why, text.empty() ? std::string(explain(why)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    record_failure("ended", reason.code, reason.text, retry_after_ms);
    if (code == errc::shutting_down) emit(event::Draining{retry_after, reason.text});
    connectivity_.ended(reason, retry_after, now());
}

// ---- the credential of a session ----

void ClientLoop::refresh_token(std::string token, std::function<void(Checked<>)> done) {
    complete_refresh(Failure(errc::cancelled, "another token has taken the place of this one"));
    if (closed_) return done(Failure(errc::client_closed));
    if (!session_.id()) return done(Failure(errc::not_connected));
    if (const auto usable = Credential::check(token); !usable) return done(usable.error());
    refresh_waiter_ = std::move(done);
    credential_.sent(token);
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
    if (!credential_.has_provider() || refresh_waiter_) return;
    Checked<std::string> token = credential_.provided();
    if (!token) return emit(event::Error{token.error()});
    if (*token == credential_.last()) return;  // it has nothing newer
    credential_.sent(*token);
    session_.renew_credential(std::move(*token));
}

}  // namespace flare::client
