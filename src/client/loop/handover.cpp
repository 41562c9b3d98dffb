// How a session goes from one connection to another: welcomed, fallen back, switched, raced, moved to another address.
#include "base/log.hpp"
#include "client/loop/client_loop.hpp"
#include "client/loop/link.hpp"

#include <utility>

namespace flare::client {

// ---- a carrier is welcomed ----

void ClientLoop::on_ready(session::CarrierKey key, bool resumed) {
    if (Link* link = find(key)) {
        const bool asked =
            switch_waiter_ && failed_ != link->carrier->info().protocol && suspect_ == session::kNoCarrier;
        const bool ready = status_ == ClientStatus::connected;
        carry_on(*link, !ready ? Race::Why::first : asked ? Race::Why::asked : Race::Why::fallback, resumed);
    }
}

void ClientLoop::on_standby(session::CarrierKey key) {
    Link* link = find(key);
    if (link == nullptr) return;
    const Protocol protocol = link->carrier->info().protocol;
    link->ready = true;
    ++metrics_[protocol].connects;
    metrics_[protocol].connection_latency = now() - link->began;
    standby_connectors_.erase(protocol);
    if (const auto times = recorder_.worth_a_line(std::string(name(protocol)) + " beside", "attached")) {
        recorder_.add(recorder_.line("beside")
                          .add("protocol", record_name(protocol))
                          .add("carrier", key)
                          .add("times", times)
                          .ms("took_ms", now() - link->began));
    }
    race_.standby_ready(protocol, key, now() - link->began);
}

// This carrier has the session from now on.
void ClientLoop::carry_on(Link& link, Race::Why why, bool resumed) {
    const session::CarrierKey key = link.key;
    const Protocol protocol = link.carrier->info().protocol;
    const session::Duration latency = now() - (link.began == session::TimePoint{} ? connect_began_ : link.began);
    if (!link.ready) {
        link.ready = true;
        ++metrics_[protocol].connects;
        metrics_[protocol].connection_latency = latency;
    }
    link.standby = false;
    if (attempting_) {
        for (const Protocol each : config_.protocols()) {
            if (connector_ && each != protocol && connector_->failed(each)) {
                ++metrics_[each].connect_failures;
                memory_.failed(each);
            }
        }
    }
    end_attempt();
    reconnect_timer_.cancel();
    const std::optional<Protocol> failed = std::exchange(failed_, std::nullopt);
    if (failed && failed != protocol && why == Race::Why::fallback) {
        race_.failed_in_use(*failed);
        memory_.failed(*failed);
    }
    if (why == Race::Why::first || why == Race::Why::better) memory_.won(protocol);
    suspect_ = session::kNoCarrier;
    falling_back_ = false;
    const std::optional<Protocol> before = stats_.protocol;
    record_in_use(link, why, resumed, before);
    stats_.protocol = protocol;
    stats_.last_activity = std::chrono::system_clock::now();
    race_.in_use(protocol, key, why, latency);
    const std::string unsealed = link.unsealed_because;
    if (status_ == ClientStatus::connected) {
        if (before && *before != protocol) emit(event::ProtocolSwitched{*before, protocol});
        tell_unsealed(unsealed);
        complete_switch(protocol);
        return after_event();
    }
    set_status(ClientStatus::connected);
    if (!addresses_) addresses_ = std::make_unique<AddressMonitor>(context_, [this] { addresses_changed(); });
    reported_detached_ = false;
    refused_token_.reset();
    refused_twice_ = false;
    if (!was_connected_) {
        was_connected_ = true;
        stats_.connection_time = now() - connect_began_;
        emit(event::Connected{protocol});
        if (!told_unavailable_) {
            told_unavailable_ = true;
            for (const auto& each : config_.unavailable) emit(each);
            tell_compression();
        }
    } else {
        ++stats_.reconnect_count;
        emit(event::Reconnected{protocol, resumed});
    }
    tell_unsealed(unsealed);
    attempt_ = 0;
    complete_connect(protocol);
}

// Once for each time that the session comes to be unsealed.
void ClientLoop::tell_unsealed(const std::string& because) {
    if (!because.empty() && !told_unsealed_) emit(event::CapabilityUnavailable{"encryption", because});
    told_unsealed_ = !because.empty();
}

void ClientLoop::tell_compression() {
    if (!config_.session.compression) return;
    const wire::Encodings agreed = session_.encodings();
    if (agreed == 0) {
        emit(event::CapabilityUnavailable{"compression", "the server does not offer it: messages go as they are"});
    } else if (!config_.session.compression->dictionary_id().empty() &&
               !wire::has(agreed, wire::Encoding::zstd_dictionary)) {
        emit(event::CapabilityUnavailable{
            "compression_dictionary", "the server does not have this dictionary: messages are compressed without one"});
    }
}

// ---- the connection in use fails ----

bool ClientLoop::may_fall_back() const { return config_.racing.auto_fallback && config_.protocols().size() > 1; }

void ClientLoop::on_detached(errc reason, const std::string& text) {
    if (closed_ || status_ != ClientStatus::connected || !disconnect_waiters_.empty()) return;
    const Failure failure(reason, text);
    record_failure("detached", reason, text);
    if (!may_fall_back() || !may_heal(reason)) return lost(failure);
    base::log().info("the connection over {} has failed ({}): trying every protocol", name(*stats_.protocol), text);
    falling_back_ = true;
    fallback_reason_ = failure;
    suspect_ = session::kNoCarrier;
    failed_ = stats_.protocol;
    race_.pause();
    begin_connect();
}

void ClientLoop::on_suspect(session::CarrierKey key) {
    if (closed_ || attempting_ || status_ != ClientStatus::connected) return;
    const Link* link = find(key);
    if (link == nullptr) return;
    base::log().debug("no acknowledgement on connection {}: another one takes its place", key);
    record_suspicion(*link);
    replace(key, link->carrier->info().protocol);
}

// Another connection takes the place of one that is attached. `failed`: the protocol that is at fault.
void ClientLoop::replace(session::CarrierKey key, std::optional<Protocol> failed) {
    failed_ = may_fall_back() ? failed : std::nullopt;
    if (const auto standby = race_.standby(); standby && may_fall_back()) {
        Link* link = find(*standby);
        if (link != nullptr && session_.activate(*standby, now())) return carry_on(*link, Race::Why::fallback, true);
    }
    suspect_ = key;
    race_.pause();
    begin_connect();
}

void ClientLoop::on_recovered(session::CarrierKey key) {
    if (key != session_.active()) return;
    recorder_.add(
        recorder_.line("recovered")
            .add("carrier", key)
            .ms("still_ms", still_since_ == session::kNever ? session::Duration::zero() : now() - still_since_));
    still_since_ = session::kNever;
    if (suspect_ == key && attempting_ && !waits_for_welcome()) {
        end_attempt();
        suspect_ = session::kNoCarrier;
        failed_.reset();
    }
    if (!attempting_) {
        reconnect_timer_.cancel();
        race_.resume();
    }
}

// The other connection could not be had.
void ClientLoop::move_failed(const Failure& failure) {
    end_attempt();
    const session::CarrierKey suspected = std::exchange(suspect_, session::kNoCarrier);
    failed_.reset();
    if (std::exchange(falling_back_, false)) {
        // Why the session has no connection, and why there is no other.
        drop_links();
        return lost(!may_heal(failure.code)
                        ? failure
                        : Failure(fallback_reason_.code, fallback_reason_.text + "; " + failure.text));
    }
    complete_switch(failure);
    if (suspected == session::kNoCarrier) race_.resume();
    if (suspected == session::kNoCarrier || !find(suspected)) return after_event();
    // An attempt that took as long as the delay was no haste.
    reconnect_timer_.expires_at(connect_began_ + config_.reconnect_delay);
    reconnect_timer_.async_wait([weak = weak_from_this(), suspected](const boost::system::error_code& error) {
        const auto self = weak.lock();
        if (!error && self && self->session_.active() == suspected) self->on_suspect(suspected);
    });
    after_event();
}

void ClientLoop::on_slow(session::CarrierKey key, session::Duration age) {
    if (const Link* link = find(key)) {
        flight::Line line = recorder_.line("slow");
        line.add("protocol", record_name(link->carrier->info().protocol)).ms("age_ms", age);
        record_path(line, *link->carrier);
        recorder_.add(line);
    }
    race_.slow(age);
}

// ---- what the application asks ----

void ClientLoop::switch_protocol(Protocol protocol, ConnectDone done) {
    if (closed_) return done(Failure(errc::client_closed));
    if (!config_.has(protocol))
        return done(Failure(errc::protocol_unavailable, "server_addresses has no URL of this protocol"));
    if (status_ != ClientStatus::connected) return done(Failure(errc::not_connected));
    if (stats_.protocol == protocol && !falling_back_) return done(protocol);
    if (attempting_ || switch_waiter_) return done(Failure(errc::busy, "another connection is being made already"));
    switch_waiter_ = std::move(done);
    recorder_.add(recorder_.line("switch_asked").add("protocol", record_name(protocol)));
    const auto standby = race_.standby();
    Link* link = standby ? find(*standby) : nullptr;
    if (link != nullptr && link->carrier->info().protocol == protocol && session_.activate(*standby, now()))
        return carry_on(*link, Race::Why::asked, true);
    race_.pause();
    begin_connect(protocol);
}

void ClientLoop::complete_switch(const Checked<Protocol>& result) {
    if (!switch_waiter_) return;
    const ConnectDone done = std::move(switch_waiter_);
    switch_waiter_ = nullptr;
    done(result);
}

Checked<> ClientLoop::migrate(const std::string& local_address) {
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
void ClientLoop::addresses_changed() {
    if (!closed_ && status_ == ClientStatus::reconnecting) {
        outage_began_ = now();  // perhaps the network is back, or will be soon
        return hurry();
    }
    Link* const link = find(session_.active());
    if (closed_ || link == nullptr || status_ != ClientStatus::connected) return;
    const transport::CarrierInfo& info = link->carrier->info();
    const std::string source = source_address_to(info.peer_address);
    if (source.empty() || source == info.local_address) return;
    base::log().info("this machine's address changed from {} to {}", info.local_address, source);
    race_.network_changed();
    const bool migrates = migrate({}).has_value();
    recorder_.add(recorder_.line("address_changed")
                      .add("protocol", record_name(info.protocol))
                      .add("from", info.local_address)
                      .add("to", source)
                      .add("migrates", migrates));
    still_since_ = session_.queue_length() != 0 ? session_.heard_at(link->key) : now();
    if (migrates) return;
    if (info.protocol != Protocol::quic && !attempting_) replace(link->key, std::nullopt);  // TCP cannot move
}

// ---- the race behind the session ----

void ClientLoop::open_standby(Protocol protocol) {
    const auto began = now();
    standby_connectors_[protocol] = std::make_unique<Connector>(
        context_, config_, recorder_, starts(protocol, false), nullptr,
        [this, began](Connector::Made made) {
            const session::CarrierKey key = next_key_++;
            Link& link =
                *links_.emplace(key, std::make_unique<Link>(*this, key, std::move(made.carrier))).first->second;
            link.standby = true;
            link.began = began;
            link.unsealed_because = std::move(made.unsealed_because);
            greet(link);
            after_event();
        },
        [this, protocol] {
            standby_connectors_.erase(protocol);
            race_.standby_failed(protocol);
            after_event();
        });
}

void ClientLoop::cancel_standby(Protocol protocol) {
    if (const auto found = standby_connectors_.find(protocol); found != standby_connectors_.end())
        found->second->record_unanswered();
    standby_connectors_.erase(protocol);
    for (const auto& [key, link] : links_) {
        if (!link->standby || link->ready || link->close_due || link->carrier->info().protocol != protocol) continue;
        session_.carrier_gone(key, errc::connection_lost, "not needed any more", now());
        close_carrier(key, errc::ok, "not needed any more");
    }
}

std::uint64_t ClientLoop::send_probe(session::CarrierKey key, std::size_t padding) {
    return session_.probe(key, padding);
}

void ClientLoop::on_probe(session::CarrierKey key, std::uint64_t id) { race_.answered(key, id); }

void ClientLoop::close_standby(session::CarrierKey key) {
    session_.carrier_gone(key, errc::connection_lost, "not needed any more", now());
    close_carrier(key, errc::ok, "not needed any more");
}

void ClientLoop::move_to(session::CarrierKey key) {
    Link* link = find(key);
    if (link == nullptr || attempting_ || !session_.activate(key, now())) return;
    base::log().info("the session moves to {}, which was measured to be better", name(link->carrier->info().protocol));
    carry_on(*link, Race::Why::better, true);
}

double ClientLoop::weight(Protocol protocol) { return memory_.weight(protocol, config_.weight(protocol)); }

void ClientLoop::on_measured(const std::map<Protocol, Result>& results, const Verdict& verdict) {
    record_race(results, verdict);
    double sum = 0;
    std::map<Protocol, double> shares;
    for (const auto& [protocol, result] : results) sum += shares[protocol] = racing::score(result.measured, 0.5);
    for (auto& [protocol, share] : shares) share = sum > 0 ? share / sum : 0;
    memory_.measured(shares);
    for (const auto& [protocol, result] : results) {
        ProtocolMetrics& metrics = metrics_[protocol];
        const racing::Measurement& measured = result.measured;
        metrics.available = true;
        ++metrics.races;
        metrics.probes_sent += measured.sent;
        metrics.probes_answered += measured.answered;
        metrics.latency_min = measured.min;
        metrics.latency_median = measured.median;
        metrics.latency_p99 = measured.p99;
        metrics.jitter = measured.jitter;
        metrics.bytes_per_second = measured.bytes_per_second;
        metrics.success_rate = measured.success_rate();
        metrics.weight = result.weight;
        metrics.score = result.score;
    }
    publish();
}

void ClientLoop::on_unreachable(Protocol protocol) {
    if (const auto times = recorder_.worth_a_line(std::string(name(protocol)) + " beside", "unreachable"))
        recorder_.add(recorder_.line("unreachable").add("protocol", record_name(protocol)).add("times", times));
    ++metrics_[protocol].connect_failures;
    metrics_[protocol].available = false;
    metrics_[protocol].score.reset();
    memory_.failed(protocol);
    publish();
}

}  // namespace flare::client
