#include "client/loop/connecting.hpp"

#include "base/log.hpp"

#include <utility>

namespace flare::client {

Connecting::Connecting(boost::asio::io_context& context, const Config& config, session::ClientSession& session,
                       Connectivity& connectivity, Links& links, Figures& figures, FlightNotes& notes, Waiters& waiters,
                       std::function<void()> after_event)
    : context_(context),
      config_(config),
      session_(session),
      connectivity_(connectivity),
      links_(links),
      figures_(figures),
      notes_(notes),
      waiters_(waiters),
      after_event_(std::move(after_event)),
      memory_(config) {}

// ---- connections ----

void Connecting::begin_attempt(std::string token) {
    session_.begin_attempt(std::move(token));
    memory_.look_at_network();
}

std::unique_ptr<Dialling> Connecting::dial(const Plan& plan) {
    const bool beside = plan.why == Plan::Why::beside;
    if (!beside) notes_.connecting(plan);
    std::vector<Connector::Start> starts;
    for (const Plan::Start& start : plan.starts) starts.push_back({&config_.addresses[start.address], start.after});
    const auto first_flight = [this](wire::Batch& batch) { write_first_flight(batch); };
    return std::make_unique<Connector>(
        context_, config_, notes_.recorder(), starts, beside ? std::function<void(wire::Batch&)>() : first_flight,
        [this, why = plan.why](Connector::Made made) { connected(why, std::move(made)); },
        [this, why = plan.why, protocol = starts.front().url->protocol] {
            connectivity_.exhausted(why, protocol, steady_now());
            after_event_();
        });
}

// A connection that may never be made takes the session's first flight along; another one may still win.
void Connecting::write_first_flight(wire::Batch& batch) {
    if (early_ != session::kNoCarrier || !session_.may_go_early()) return;
    early_ = links_.next_key();
    session_.open(early_, steady_now());
    session_.write(early_, batch, steady_now());
}

void Connecting::take_back_early() {
    if (early_ == session::kNoCarrier) return;
    session_.carrier_gone(early_, errc::connection_lost, "the early connection was not made", steady_now());
    early_ = session::kNoCarrier;
}

void Connecting::connected(Plan::Why why, Connector::Made made) {
    const transport::CarrierInfo& info = made.carrier->info();
    MadeCarrier carrier{session::kNoCarrier, info.protocol, why, made.round_trip, false};
    if (why != Plan::Why::beside) {
        ProtocolMetrics& metrics = figures_.of(info.protocol);
        metrics.early_data_accepted += info.early_data == transport::EarlyData::accepted ? 1u : 0u;
        metrics.early_data_rejected += info.early_data == transport::EarlyData::rejected ? 1u : 0u;
        if (info.protocol == Protocol::quic && info.early_data == transport::EarlyData::none) take_back_early();
        carrier.said_hello = info.protocol == Protocol::quic && early_ != session::kNoCarrier;
    }
    carrier.key = carrier.said_hello ? std::exchange(early_, session::kNoCarrier) : links_.next_key();
    links_.add(carrier.key, std::move(made.carrier), std::move(made.unsealed_because));
    connectivity_.made(carrier, steady_now());
    after_event_();
}

void Connecting::say_hello(session::CarrierKey key, bool standby) { session_.open(key, steady_now(), standby); }

void Connecting::leave(session::CarrierKey key, const std::string& text) {
    session_.carrier_gone(key, errc::connection_lost, text, steady_now());
    close(key, errc::ok, text);
}

void Connecting::close(session::CarrierKey key, errc code, const std::string& text) {
    if (!links_.close(key, code, text)) return;
    connectivity_.closing(key);
    if (code != errc::ok) notes_.closing(*links_.find(key), code, text);
}

void Connecting::fail_all(const std::string& text) { session_.fail_all(errc::not_connected, text, steady_now()); }

racing::Entrant Connecting::standing(Protocol protocol) {
    return {protocol, weight(protocol), memory_.winner() == protocol, memory_.doubtful(protocol)};
}

// ---- addresses ----

Checked<> Connecting::migrate(const std::string& local_address) {
    boost::system::error_code wrong;
    boost::asio::ip::address from;
    if (!local_address.empty()) from = boost::asio::ip::make_address(local_address, wrong);
    if (wrong) return Failure(errc::invalid_config, "'" + local_address + "' is not an IP address");
    Link* const link = links_.find(session_.active());
    if (link == nullptr) return Failure(errc::not_connected);
    const auto moved = transport::quic::migrate(*link->carrier, from);
    if (!moved) return Failure(static_cast<errc>(moved.error().value()));
    base::log().debug("the QUIC connection migrates to another socket");
    return {};
}

void Connecting::watch_addresses() {
    if (!addresses_) addresses_ = std::make_unique<AddressMonitor>(context_, [this] { addresses_changed(); });
}

// Packets of the connection in use may leave from another address now, or its own may be gone.
void Connecting::addresses_changed() {
    const Link* const link = links_.find(session_.active());
    if (link != nullptr && connectivity_.status() == ClientStatus::connected) {
        move_along(*link);
    } else {
        connectivity_.network_changed(session::kNoCarrier, steady_now());
    }
    after_event_();
}

void Connecting::move_along(const Link& link) {
    const transport::CarrierInfo& info = link.carrier->info();
    const std::string source = source_address_to(info.peer_address);
    if (source.empty() || source == info.local_address) return;
    base::log().info("this machine's address changed from {} to {}", info.local_address, source);
    const bool migrates = migrate({}).has_value();
    notes_.address_changed(link, source, migrates);
    connectivity_.network_changed(link.key, steady_now());
}

// ---- the race behind the session ----

std::uint64_t Connecting::send_probe(session::CarrierKey key, std::size_t padding) {
    return session_.probe(key, padding);
}

double Connecting::weight(Protocol protocol) { return memory_.weight(protocol, config_.weight(protocol)); }

void Connecting::on_measured(const std::map<Protocol, Race::Result>& results, const Race::Verdict& verdict) {
    notes_.race(results, verdict);
    double sum = 0;
    std::map<Protocol, double> shares;
    for (const auto& [protocol, result] : results) sum += shares[protocol] = racing::score(result.measured, 0.5);
    for (auto& [protocol, share] : shares) share = sum > 0 ? share / sum : 0;
    memory_.measured(shares);
    for (const auto& [protocol, result] : results) {
        ProtocolMetrics& metrics = figures_.of(protocol);
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
    figures_.publish();
}

void Connecting::on_unreachable(Protocol protocol) {
    notes_.unreachable(protocol);
    ProtocolMetrics& metrics = figures_.of(protocol);
    ++metrics.connect_failures;
    metrics.available = false;
    metrics.score.reset();
    memory_.failed(protocol);
    figures_.publish();
}

}  // namespace flare::client
