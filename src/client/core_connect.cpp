// How a client becomes and stays connected.
#include "base/log.hpp"
#include "base/random.hpp"
#include "client/core.hpp"
#include "client/link.hpp"

#include <exception>
#include <utility>

namespace flare::client {
namespace {

// Repeating will not help: the application must do something.
bool is_final(errc code) {
    const boost::system::error_code error = code;
    return error == errcond::auth || error == errcond::protocol || error == errcond::config;
}

}  // namespace

// ---- what the application asks ----

void Core::connect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (status_ != ClientStatus::disconnected && status_ != ClientStatus::failed)
        return done(Failure(errc::already_connected));
    connect_waiters_.push_back(std::move(done));
    was_connected_ = false;
    attempt_ = 0;
    set_status(ClientStatus::connecting);
    begin_connect();
}

void Core::reconnect(ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (status_ == ClientStatus::disconnected || status_ == ClientStatus::failed) return connect(std::move(done));
    connect_waiters_.push_back(std::move(done));
    if (status_ != ClientStatus::connected) return;  // under way already
    reported_detached_ = true;
    emit(event::Disconnected{Failure(errc::ok, "reconnect() was called")});
    set_status(ClientStatus::reconnecting);  // what drops from here on is not a loss of its own
    drop_links();
    attempt_ = 1;
    emit(event::Reconnecting{attempt_, std::chrono::milliseconds(0)});
    begin_connect();
}

void Core::disconnect(std::function<void()> done) {
    if (closed_ || status_ == ClientStatus::disconnected) return done();
    disconnect_waiters_.push_back(std::move(done));
    connector_.reset();
    connect_timer_.cancel();
    reconnect_timer_.cancel();
    session_.disconnect(now());
    after_event();
}

void Core::on_disconnected(bool) {
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

void Core::close() {
    if (closed_) return;
    closed_ = true;
    addresses_.reset();
    connector_.reset();
    session_timer_.cancel();
    connect_timer_.cancel();
    reconnect_timer_.cancel();
    complete_connect(Failure(errc::client_closed));
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

void Core::begin_connect(std::optional<Protocol> only) {
    drop_early();
    std::string token;
    try {
        if (config_.token) token = config_.token();
    } catch (const std::exception& error) {
        return attempt_failed(Failure(errc::unauthenticated, std::string("the token provider failed: ") + error.what()),
                              {});
    }
    session_.begin_attempt(std::move(token));
    connect_began_ = now();
    connect_timer_.expires_after(config_.connection_timeout);
    connect_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->closed_) self->connect_timed_out();
    });
    connector_ = std::make_unique<Connector>(
        context_, config_, only, [this](wire::Batch& batch) { write_first_flight(batch); },
        [this](std::unique_ptr<transport::Carrier> carrier, const Failure& failure) {
            connected_transport(std::move(carrier), failure);
        });
}

// A connection that may never be made takes the session's first flight along; another one may still win.
void Core::write_first_flight(wire::Batch& batch) {
    if (early_ != session::kNoCarrier || !session_.may_go_early()) return;
    early_ = next_key_++;
    session_.open(early_, now());
    session_.write(early_, batch, now());
}

void Core::drop_early() {
    if (early_ == session::kNoCarrier) return;
    session_.carrier_gone(early_, errc::connection_lost, "the early connection was not made", now());
    early_ = session::kNoCarrier;
}

void Core::connected_transport(std::unique_ptr<transport::Carrier> carrier, const Failure& failure) {
    finished_connector_ = std::move(connector_);  // its callback is running
    if (!carrier) {
        drop_early();
        for (auto& [protocol, metrics] : metrics_) ++metrics.connect_failures;
        if (status_ == ClientStatus::connected) {  // it was to replace another
            suspect_ = session::kNoCarrier;
            complete_switch(failure);
            return after_event();
        }
        return attempt_failed(failure, {});
    }
    const transport::EarlyData early_data = carrier->info().early_data;
    ProtocolMetrics& metrics = metrics_[carrier->info().protocol];
    metrics.early_data_accepted += early_data == transport::EarlyData::accepted ? 1u : 0u;
    metrics.early_data_rejected += early_data == transport::EarlyData::rejected ? 1u : 0u;
    if (early_data == transport::EarlyData::none) drop_early();
    const bool greeted = early_ != session::kNoCarrier;
    const session::CarrierKey key = greeted ? std::exchange(early_, session::kNoCarrier) : next_key_++;
    links_.emplace(key, std::make_unique<Link>(*this, key, std::move(carrier)));
    if (!greeted) session_.open(key, now());
    after_event();
}

void Core::connect_timed_out() {
    if (switch_waiter_ && status_ == ClientStatus::connected) {  // the connection in use is none the worse
        connector_.reset();
        suspect_ = session::kNoCarrier;
        return complete_switch(Failure(errc::connect_timeout, "no session over the other protocol in time"));
    }
    std::string text = "no session within " + std::to_string(config_.connection_timeout.count()) + " ms";
    if (connector_) {
        const std::string failures = connector_->failures();
        for (const Url& url : config_.addresses) text += "; " + url.text;
        if (!failures.empty()) text += "; " + failures;
    } else {
        text += ": the connection stands, but the server did not answer the hello";
    }
    attempt_failed(Failure(errc::connect_timeout, text), {});
}

// This attempt came to nothing. retry_after: the server asked for time, which is no failure of the attempt.
void Core::attempt_failed(const Failure& failure, std::chrono::milliseconds retry_after) {
    connector_.reset();
    connect_timer_.cancel();
    drop_links();
    last_failure_ = failure;
    if (status_ == ClientStatus::connecting || is_final(failure.code)) return give_up(failure);
    if (status_ != ClientStatus::reconnecting) return;
    if (retry_after.count() == 0) ++attempt_;
    schedule_reconnect(retry_after);
}

void Core::give_up(const Failure& failure) {
    const bool reconnecting = status_ == ClientStatus::reconnecting;
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

void Core::complete_connect(const Checked<Protocol>& result) {
    const auto waiters = std::move(connect_waiters_);
    connect_waiters_.clear();
    for (const ConnectDone& done : waiters) done(result);
    complete_switch(Failure(errc::not_connected));
}

void Core::switch_protocol(Protocol protocol, ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (!config_.has(protocol))
        return done(Failure(errc::protocol_unavailable, "server_addresses has no URL of this protocol"));
    if (status_ != ClientStatus::connected) return done(Failure(errc::not_connected));
    if (stats_.protocol == protocol) return done(protocol);
    if (connector_ || switch_waiter_ || suspect_ != session::kNoCarrier)
        return done(Failure(errc::busy, "another connection is being made already"));
    switch_waiter_ = std::move(done);
    suspect_ = session_.active();
    begin_connect(protocol);
}

Checked<> Core::migrate(const std::string& local_address) {
    boost::system::error_code wrong;
    boost::asio::ip::address from;
    if (!local_address.empty()) from = boost::asio::ip::make_address(local_address, wrong);
    if (wrong) return Failure(errc::invalid_config, "'" + local_address + "' is no IP address");
    Link* const link = find(session_.active());
    if (link == nullptr) return Failure(errc::not_connected);
    const auto moved = transport::quic::migrate(*link->carrier, from);
    if (!moved) return Failure(static_cast<errc>(moved.error().value()));
    base::log().debug("the QUIC connection moves to another socket");
    return {};
}

// Packets of the connection in use may leave from another address now, or its own may be gone.
void Core::addresses_changed() {
    Link* const link = find(session_.active());
    if (closed_ || link == nullptr) return;
    const transport::CarrierInfo& info = link->carrier->info();
    const std::string source = source_address_to(info.peer_address);
    if (source.empty() || source == info.local_address) return;
    base::log().info("this machine's address changed from {} to {}", info.local_address, source);
    if (migrate({})) return;
    if (info.protocol != Protocol::quic) on_suspect(link->key);  // TCP cannot move
}

void Core::complete_switch(const Checked<Protocol>& result) {
    if (!switch_waiter_) return;
    const ConnectDone done = std::move(switch_waiter_);
    switch_waiter_ = nullptr;
    done(result);
}

void Core::drop_links() {
    drop_early();
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

// ---- what the session tells ----

void Core::on_ready(session::CarrierKey key, bool resumed) {
    connect_timer_.cancel();
    Link* link = find(key);
    if (link == nullptr) return;
    const Protocol protocol = link->carrier->info().protocol;
    const std::optional<Protocol> before = stats_.protocol;
    stats_.protocol = protocol;
    stats_.last_activity = std::chrono::system_clock::now();
    const bool was_ready = status_ == ClientStatus::connected;
    const bool fresh = !link->ready;
    if (fresh) {
        link->ready = true;
        ++metrics_[protocol].connects;
        metrics_[protocol].connection_latency = now() - connect_began_;
    }
    if (suspect_ != session::kNoCarrier && suspect_ != key) {
        // The session has moved; the carrier that had fallen silent goes.
        const session::CarrierKey old = suspect_;
        suspect_ = session::kNoCarrier;
        session_.carrier_gone(old, errc::connection_lost, "replaced", now());
        close_carrier(old, errc::ok, "replaced");
    }
    if (was_ready) {
        if (before && *before != protocol) emit(event::ProtocolSwitched{*before, protocol});
        complete_switch(protocol);
        return publish();
    }
    set_status(ClientStatus::connected);
    if (!addresses_) addresses_ = std::make_unique<AddressMonitor>(context_, [this] { addresses_changed(); });
    reported_detached_ = false;
    if (!was_connected_) {
        was_connected_ = true;
        stats_.connection_time = now() - connect_began_;
        emit(event::Connected{protocol});
        if (!told_unavailable_) {
            told_unavailable_ = true;
            for (const auto& each : config_.unavailable) emit(each);
        }
    } else {
        ++stats_.reconnect_count;
        emit(event::Reconnected{protocol, resumed});
    }
    attempt_ = 0;
    complete_connect(protocol);
}

void Core::on_detached(errc reason, const std::string& text) {
    if (closed_ || status_ != ClientStatus::connected || !disconnect_waiters_.empty()) return;
    lost(Failure(reason, text));
}

// No connection is left.
void Core::lost(const Failure& reason) {
    stats_.protocol.reset();
    if (!reported_detached_) {
        reported_detached_ = true;
        ++stats_.error_count;
        const bool again = config_.auto_reconnect && !is_final(reason.code);
        set_status(again ? ClientStatus::reconnecting : ClientStatus::disconnected);
        emit(event::Disconnected{reason});
        if (!again) {
            connector_.reset();
            session_.fail_all(errc::not_connected, reason.text, now());
            return complete_connect(reason);
        }
    }
    attempt_ = 1;
    last_failure_ = reason;
    connector_.reset();
    schedule_reconnect({});
}

void Core::schedule_reconnect(std::chrono::milliseconds at_least) {
    if (attempt_ > config_.max_reconnect_attempts) {
        return give_up(Failure(last_failure_.code, std::to_string(config_.max_reconnect_attempts) +
                                                       " attempts, the last: " + last_failure_.text));
    }
    auto delay = backoff_.before(attempt_, base::system_random().next_u64());
    // A connection that has just worked most likely works again: the first attempt comes soon, spread a little.
    if (attempt_ == 1) delay /= 8;
    delay = std::max(delay, at_least);
    emit(event::Reconnecting{attempt_, delay});
    reconnect_timer_.expires_after(delay);
    reconnect_timer_.async_wait([weak = weak_from_this()](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && !self->closed_ && self->status_ == ClientStatus::reconnecting) self->begin_connect();
    });
}

void Core::on_refused(session::CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) {
    if (key == suspect_ || status_ == ClientStatus::connected) {  // the session lives on another carrier
        return complete_switch(Failure(code, text));
    }
    const Failure failure(code, text.empty() ? std::string(explain(code)) : text);
    // The refused carrier closes in good order; only the attempt is over.
    if (Link* link = find(key)) {
        auto kept = std::move(links_.find(key)->second);
        links_.erase(link->key);
        kept->carrier->set_handler(nullptr);
        gone_.push_back(std::move(kept));
    }
    attempt_failed(failure, std::chrono::milliseconds(retry_after_ms));
}

void Core::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    const Failure reason(code == errc::ok ? errc::session_ended : code,
                         text.empty() ? std::string(explain(code)) : text);
    const std::chrono::milliseconds retry_after(retry_after_ms);
    if (code == errc::shutting_down) emit(event::Draining{retry_after, reason.text});
    const bool again = config_.auto_reconnect && !is_final(reason.code);
    stats_.protocol.reset();
    reported_detached_ = true;
    set_status(again ? ClientStatus::reconnecting : ClientStatus::disconnected);
    emit(event::Disconnected{reason});
    if (!again) {
        session_.fail_all(errc::not_connected, reason.text, now());
        return complete_connect(reason);
    }
    attempt_ = 1;
    last_failure_ = reason;
    schedule_reconnect(retry_after);
}

void Core::on_suspect(session::CarrierKey key) {
    if (closed_ || connector_ || status_ != ClientStatus::connected) return;
    base::log().debug("no acknowledgement on connection {}: opening another", key);
    suspect_ = key;
    begin_connect();
}

}  // namespace flare::client
