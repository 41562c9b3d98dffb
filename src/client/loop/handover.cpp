// How a session goes from one connection to another: welcomed, fallen back, switched, raced, moved to another address.
#include "base/log.hpp"
#include "client/loop/client_loop.hpp"
#include "client/loop/link.hpp"

#include <utility>

namespace flare::client {

// ---- a carrier is welcomed ----

void ClientLoop::on_ready(session::CarrierKey key, bool resumed) { connectivity_.welcomed(key, resumed, now()); }

void ClientLoop::on_standby(session::CarrierKey key) { connectivity_.standby_welcomed(key, now()); }

void ClientLoop::on_attached(session::CarrierKey key, Protocol protocol, session::Duration took, bool beside) {
    ++metrics_[protocol].connects;
    metrics_[protocol].connection_latency = took;
    if (!beside) return;
    if (const auto times = recorder_.worth_a_line(std::string(name(protocol)) + " beside", "attached")) {
        recorder_.add(recorder_.line("beside")
                          .add("protocol", record_name(protocol))
                          .add("carrier", key)
                          .add("times", times)
                          .ms("took_ms", took));
    }
}

void ClientLoop::on_in_use(const InUse& in_use) {
    Link* const link = find(in_use.key);
    if (link == nullptr) return;
    record_in_use(*link, in_use);
    stats_.last_activity = std::chrono::system_clock::now();
    if (!addresses_) addresses_ = std::make_unique<AddressMonitor>(context_, [this] { addresses_changed(); });
    switch (in_use.news) {
        case InUse::News::first:
            stats_.connection_time = in_use.took;
            emit(event::Connected{in_use.protocol});
            if (!told_unavailable_) {
                told_unavailable_ = true;
                for (const auto& each : config_.unavailable) emit(each);
                tell_compression();
            }
            break;
        case InUse::News::again:
            ++stats_.reconnect_count;
            emit(event::Reconnected{in_use.protocol, in_use.resumed});
            break;
        case InUse::News::moved:
            if (in_use.before && *in_use.before != in_use.protocol)
                emit(event::ProtocolSwitched{*in_use.before, in_use.protocol});
    }
    tell_unsealed(link->unsealed_because);
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

void ClientLoop::on_detached(errc reason, const std::string& text) {
    if (closed_) return;
    if (connectivity_.status() == ClientStatus::connected && disconnect_waiters_.empty())
        record_failure("detached", reason, text);
    connectivity_.detached(Failure(reason, text), now());
}

void ClientLoop::on_suspect(session::CarrierKey key) {
    if (!closed_) connectivity_.suspected(key, now());
}

void ClientLoop::on_suspected(session::CarrierKey key) {
    if (const Link* link = find(key)) record_suspicion(*link);
}

void ClientLoop::on_recovered(session::CarrierKey key) {
    if (key != session_.active()) return;
    recorder_.add(
        recorder_.line("recovered")
            .add("carrier", key)
            .ms("still_ms", still_since_ == session::kNever ? session::Duration::zero() : now() - still_since_));
    still_since_ = session::kNever;
    connectivity_.recovered(key, now());
}

void ClientLoop::on_slow(session::CarrierKey key, session::Duration age) {
    if (const Link* link = find(key)) {
        flight::Line line = recorder_.line("slow");
        line.add("protocol", record_name(link->carrier->info().protocol)).ms("age_ms", age);
        record_path(line, *link->carrier);
        recorder_.add(line);
    }
    connectivity_.race().slow(age, now());
}

// ---- addresses ----

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
    if (closed_) return;
    connectivity_.network_changed(now());
    Link* const link = find(session_.active());
    if (link != nullptr && connectivity_.status() == ClientStatus::connected) move_along(*link);
    after_event();
}

void ClientLoop::move_along(Link& link) {
    const transport::CarrierInfo& info = link.carrier->info();
    const std::string source = source_address_to(info.peer_address);
    if (source.empty() || source == info.local_address) return;
    base::log().info("this machine's address changed from {} to {}", info.local_address, source);
    const bool migrates = migrate({}).has_value();
    recorder_.add(recorder_.line("address_changed")
                      .add("protocol", record_name(info.protocol))
                      .add("from", info.local_address)
                      .add("to", source)
                      .add("migrates", migrates));
    still_since_ = session_.queue_length() != 0 ? session_.heard_at(link.key) : now();
    connectivity_.address_changed(link.key, migrates, now());
}

// ---- the race behind the session ----

std::uint64_t ClientLoop::send_probe(session::CarrierKey key, std::size_t padding) {
    return session_.probe(key, padding);
}

void ClientLoop::on_probe(session::CarrierKey key, std::uint64_t id) { connectivity_.race().answered(key, id, now()); }

double ClientLoop::weight(Protocol protocol) { return memory_.weight(protocol, config_.weight(protocol)); }

void ClientLoop::on_measured(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) {
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
