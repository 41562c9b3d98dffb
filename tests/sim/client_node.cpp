#include "sim/client_node.hpp"

#include "sim/dial.hpp"

#include <algorithm>

namespace flare::sim {

using namespace std::chrono_literals;
using session::CarrierKey;

namespace {

// The world's time, as what is remembered of networks counts it.
racing::Memory::Time wall_clock(const World& world) {
    return racing::Memory::Time(
        std::chrono::duration_cast<racing::Memory::Time::duration>(world.now().time_since_epoch()));
}

}  // namespace

ClientNode::ClientNode(World& world, Ledger& ledger, RequestLedger& requests, LogBook* book, ServerNode& server,
                       session::ClientSettings settings, client::Connectivity::Settings connecting,
                       std::size_t budget_bytes)
    : world_(world),
      ledger_(ledger),
      requests_(requests),
      book_(book),
      server_(server),
      settings_(std::move(settings)),
      connecting_(std::move(connecting)),
      budget_bytes_(budget_bytes),
      keeps_list_(world.chance.one_in(2)) {
    make_session();
}

ClientNode::~ClientNode() = default;

void ClientNode::make_session() {
    if (listener_) places_ = listener_->places();
    listener_.reset();
    connectivity_.reset();
    session_.reset();
    budget_.reset();
    shared_budget_ = std::make_unique<session::SharedBudget>(budget_bytes_);
    budget_ = std::make_unique<session::Budget>(*shared_budget_, 4096);
    session::ClientSessionListener& listener = *this;
    session_ = std::make_unique<session::ClientSession>(settings_, world_.chance, *budget_, listener);
    credential_ = std::make_unique<client::Credential>([] { return std::string(kToken); }, true);
    client::Effects& effects = *this;
    client::Race::Track& track = *this;
    client::ConnectListener& told = *this;
    connectivity_ =
        std::make_unique<client::Connectivity>(connecting_, world_.chance, *credential_, effects, track, told);
    ++incarnation_;
    const Talker::Client asks{
        settings_.user, name(),
        [this](const wire::RequestView& request, const std::string& room) { return ask_room(request, room); },
        [this](Duration delay, std::function<void()> run) { later(delay, std::move(run)); }};
    if (book_ != nullptr) {
        talker_ = std::make_unique<Talker>(world_, *book_, asks);
        listener_ = std::make_unique<Listener>(
            world_, *book_,
            Listener::Client{settings_.user, name(), session_.get(), asks.ask,
                             [this](const Uuid& id) { return sent_.contains(id); }, [this] { schedule(); }, asks.later,
                             keeps_list_ && settings_.conversations, settings_.dedupe_window,
                             server_.tells_ends_only()});
    }
    wake_at_ = session::kNever;
    ordinals_.clear();
    held_.clear();
    sent_.clear();
    targets_.clear();
    uncertain_.clear();
    last_id_.reset();
    probes_.clear();
}

std::string ClientNode::name() const {
    return settings_.user + "." + settings_.device + "." + std::to_string(incarnation_);
}

void ClientNode::later(Duration delay, std::function<void()> run) {
    world_.after(delay, [this, incarnation = incarnation_, run = std::move(run)] {
        if (incarnation == incarnation_) run();
    });
}

// ---- connecting ----

void ClientNode::start() { connect(world_.chance.between(0ms, 100ms)); }

void ClientNode::connect(Duration delay) {
    later(delay, [this] {
        const ClientStatus status = connectivity_->status();
        if (!wanted_ || (status != ClientStatus::disconnected && status != ClientStatus::failed)) return;
        connectivity_->connect(world_.now());
        schedule();
    });
}

std::unique_ptr<client::Dialling> ClientNode::dial(const client::Plan& plan) {
    if (plan.why == client::Plan::Why::beside) world_.happened("standby");
    if (plan.why == client::Plan::Why::fallback) world_.happened("fallback");
    const Dial::Network network{
        world_,
        connecting_.addresses,
        [this](Duration delay, std::function<void()> run) { later(delay, std::move(run)); },
        [this](Dial::Why why, Protocol protocol, Duration took) {
            connectivity_->made({open(protocol), protocol, why, took, false}, world_.now());
        },
        [this](Dial::Why why, Protocol protocol) { connectivity_->exhausted(why, protocol, world_.now()); },
        [this] { schedule(); }};
    return std::make_unique<Dial>(network, plan);
}

racing::Entrant ClientNode::standing(Protocol protocol) {
    const racing::Memory::Time now = wall_clock(world_);
    return {protocol, weight(protocol), memory_.winner({}, now) == protocol, memory_.doubtful({}, protocol, now)};
}

void ClientNode::remember_won(Protocol protocol) { memory_.won({}, protocol, wall_clock(world_)); }

void ClientNode::remember_failed(Protocol protocol) { memory_.failed({}, protocol, wall_clock(world_)); }

// QUIC has a stream for each lane.
CarrierKey ClientNode::open(Protocol protocol) {
    const CarrierKey key = next_key_++;
    auto carrier = std::make_shared<Carrier>(world_, protocol == Protocol::quic);
    carriers_[key].carrier = carrier;
    carrier->connect(Side::client, {[this, key, incarnation = incarnation_](std::string_view bytes) {
                                        if (incarnation != incarnation_) return;
                                        const auto found = carriers_.find(key);
                                        if (found == carriers_.end()) return;
                                        ++found->second.batches;
                                        if (cut_at_batch_ == found->second.batches && !is_ready(key)) {
                                            cut_at_batch_ = 0;
                                            world_.happened("lost welcome");
                                            return found->second.carrier->cut(false);
                                        }
                                        session_->on_batch(key, bytes, world_.now());
                                        schedule();
                                    },
                                    [this, key, incarnation = incarnation_] {
                                        if (incarnation == incarnation_) write(key);
                                    },
                                    [this, key, incarnation = incarnation_] {
                                        if (incarnation == incarnation_) gone(key);
                                    }});
    if (delay_next_) {
        world_.happened("late hello");
        carrier->hold_back(world_.chance.between(1s, 8s));
    }
    delay_next_ = false;
    server_.accept(carrier, ServerNode::Who::client);
    return key;
}

bool ClientNode::is_ready(CarrierKey key) const {
    const auto found = connectivity_->carriers().find(key);
    return found != connectivity_->carriers().end() && found->second.ready;
}

void ClientNode::say_hello(CarrierKey key, bool standby) { session_->open(key, world_.now(), standby); }

void ClientNode::leave(CarrierKey key, const std::string& text) {
    session_->carrier_gone(key, errc::connection_lost, text, world_.now());
    close_carrier(key, errc::ok, text);
}

void ClientNode::drop_carriers() {
    const auto dropped = std::exchange(carriers_, {});
    for (const auto& [key, open] : dropped) {
        lost_carrier_ = true;
        remember(*open.carrier);
        open.carrier->cut(false);
        session_->carrier_gone(key, errc::connection_lost, "dropped", world_.now());
    }
}

void ClientNode::write(CarrierKey key) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end() || !found->second.carrier->writable(Side::client)) return;
    const auto carrier = found->second.carrier;
    wire::Batch batch;
    const bool more = session_->write(key, batch, world_.now(), 8192);
    if (!batch.empty()) {
        const std::string bytes = batch.str();
        std::string_view rest;
        const auto hello =
            is_ready(key) ? Result<wire::Hello>(errc::unexpected_frame) : session::read_hello(bytes, rest);
        if (hello) found->second.resumed_at = hello->resume ? session_->epoch() : 0;
        carrier->send(Side::client, bytes);
    }
    if (more) output_ready(key);
    schedule();
}

void ClientNode::output_ready(CarrierKey key) {
    later(0ms, [this, key] { write(key); });
}

void ClientNode::schedule() {
    TimePoint due = std::min(session_->next_deadline(), connectivity_->next_deadline());
    if (listener_) due = std::min(due, listener_->next_deadline());
    const TimePoint next = std::max(due, world_.now());
    if (due == session::kNever || next >= wake_at_) return;
    wake_at_ = next;
    later(next - world_.now(), [this, next] {
        if (wake_at_ != next) return;  // it has been woken before: one wake is planned at a time
        wake_at_ = session::kNever;
        if (session_->next_deadline() <= world_.now()) session_->on_time(world_.now());
        if (connectivity_->next_deadline() <= world_.now()) connectivity_->on_time(world_.now());
        if (listener_ && listener_->next_deadline() <= world_.now()) listener_->on_time();
        schedule();
    });
}

void ClientNode::remember(const Carrier& carrier) {
    if (!carrier.sent_by_client.empty() && heard_.size() < 20) heard_.push_back(carrier.sent_by_client);
}

void ClientNode::gone(CarrierKey key) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    lost_carrier_ = true;
    remember(*found->second.carrier);
    carriers_.erase(found);
    session_->carrier_gone(key, errc::connection_lost, "cut", world_.now());
    connectivity_->gone(key, Failure(errc::connection_lost, "cut"), world_.now());
    schedule();
}

// ---- what the session tells ----

void ClientNode::on_ready(CarrierKey key, bool resumed) {
    world_.trace(name() + " ready " + (resumed ? "resumed" : "new"));
    if (!resumed) {
        world_.require(!last_id_ || gap_told_, "a session that is not continued is told by a gap");
        held_.clear();
    }
    gap_told_ = false;
    last_id_ = session_->id();
    connectivity_->welcomed(key, resumed, world_.now());
    if (listener_) listener_->ready(resumed);
}

void ClientNode::on_standby(CarrierKey key) { connectivity_->standby_welcomed(key, world_.now()); }

void ClientNode::on_detached(errc reason, const std::string& text) {
    connectivity_->detached(Failure(reason, text), world_.now());
}

void ClientNode::on_refused(CarrierKey key, errc code, const std::string& text, std::uint32_t retry_after_ms) {
    world_.trace(name() + " refused " + std::string(flare::name(code)));
    const bool overtaken = code == errc::stale_carrier || session::SessionTable::may_say_hello_again(code);
    world_.require(code == errc::busy || overtaken, ("an honest hello is not refused: " + text).c_str());
    const auto found = carriers_.find(key);
    world_.require(
        code != errc::stale_carrier || found == carriers_.end() || found->second.resumed_at != session_->epoch(),
        "the newest resume of a client is not called stale");
    connectivity_->refused(key, Failure(code, text), std::chrono::milliseconds(retry_after_ms), world_.now());
}

void ClientNode::on_ended(errc code, const std::string& text, std::uint32_t retry_after_ms) {
    world_.trace(name() + " ended " + std::string(flare::name(code)));
    if (code == errc::shutting_down && session_->drained()) {
        world_.happened("orderly end");
        for (const Uuid& id : sent_) {
            world_.require(uncertain_.contains(id) || !ledger_.acted_on(id),
                           "after an orderly end what has no receipt was not acted on");
        }
    }
    last_id_.reset();  // its end was told by name
    connectivity_->ended(Failure(code == errc::ok ? errc::session_ended : code, text),
                         std::chrono::milliseconds(retry_after_ms), world_.now());
}

// ---- what is decided about connections ----

void ClientNode::on_status(ClientStatus status) {
    world_.trace(name() + " status " + std::to_string(static_cast<int>(status)));
    // Its application does not give up.
    if (status == ClientStatus::failed || status == ClientStatus::disconnected)
        connect(world_.chance.between(500ms, 1500ms));
}

void ClientNode::on_in_use(const client::InUse& in_use) {
    world_.trace(name() + " uses " + std::string(flare::name(in_use.protocol)));
    world_.require(in_use.key == session_->active(), "what is in use is what the session uses");
    if (in_use.why == client::Connectivity::Why::better) world_.happened("move to a better connection");
}

void ClientNode::on_gave_up(const Failure& failure, bool) {
    world_.trace(name() + " gave up " + std::string(flare::name(failure.code)));
    world_.happened("given up");
}

void ClientNode::on_measured(const std::map<Protocol, client::Race::Result>&, const client::Race::Verdict&) {
    world_.happened("race");
}

std::uint64_t ClientNode::send_probe(CarrierKey key, std::size_t padding) {
    const std::uint64_t id = session_->probe(key, padding);
    if (id != 0) probes_.emplace(key, id);
    return id;
}

void ClientNode::on_gap(const session::GapReport& report) {
    world_.trace(name() + " gap " + std::string(flare::name(report.reason)) + " resent " +
                 std::to_string(report.resent.size()));
    gap_told_ = true;
    world_.require(report.reason != errc::ticket_invalid, "the newest ticket of a client is good");
    for (const auto& lane : report.lanes) {
        world_.require(lane.acked <= lane.sent, "a gap report agrees with itself");
        if (!lane.exact) continue;
        world_.happened("exact gap");
        world_.require(lane.acked <= lane.server_received && lane.server_received <= lane.sent,
                       "an exact gap agrees with what was sent");
        world_.require(lane.received <= lane.server_sent, "an exact gap agrees with what was received");
    }
    uncertain_.insert(report.resent.begin(), report.resent.end());
    for (const Uuid& id : report.resent) world_.require(sent_.contains(id), "a gap names messages without an outcome");
}

void ClientNode::on_message(session::LaneIndex lane, const wire::DataView& data, const Bytes&, std::uint64_t cost) {
    const Letter letter = read_letter(world_, data.message->payload);
    world_.trace(name() + " gets " + letter.conversation + " " + std::to_string(letter.ordinal));
    if (data.from == kServerTarget) {
        ledger_.client_takes(*session_->id(), letter);
        ledger_.compare(*session_->id(), false);
    } else {
        ledger_.delivered_to(name(), *session_->id(), data.message->id, letter);
        if (listener_) return listener_->on_data(data, when_consumed(lane, cost));
    }
    consume(lane, cost);
}

std::shared_ptr<void> ClientNode::when_consumed(session::LaneIndex lane, std::uint64_t cost) {
    return {nullptr, [this, lane, cost, id = session_->id()](void*) {
                if (session_->id() == id) consume(lane, cost);
            }};
}

void ClientNode::consume(session::LaneIndex lane, std::uint64_t cost) {
    if (!consuming_) {
        held_.push_back({lane, cost});
        return;
    }
    later(world_.chance.between(0ms, 5ms), [this, lane, cost, id = session_->id()] {
        if (session_->id() == id) session_->consumed(lane, cost, world_.now());
        schedule();
    });
}

void ClientNode::on_response(session::LaneIndex lane, const wire::ResponseView& response, const Bytes& whole,
                             std::uint64_t cost) {
    world_.trace(name() + " gets a response " + std::string(flare::name(response.code)));
    requests_.client_hears(response);
    const bool listens = listener_ && listener_->hears(response, whole);
    if (talker_ && !listens) talker_->hears(response);
    consume(lane, cost);
}

void ClientNode::on_request_failed(const Uuid& id, errc code, const std::string& text) {
    requests_.client_gives_up(id, code);
    const bool listens = listener_ && listener_->gave_up(id, code, text);
    if (talker_ && !listens) talker_->gave_up(id);
}

void ClientNode::on_feed(session::LaneIndex lane, std::uint32_t feed_id, const wire::im::Feed& feed, const Bytes& whole,
                         std::uint64_t cost) {
    listener_->on_feed(feed_id, feed, whole, when_consumed(lane, cost));
}

void ClientNode::on_feed_refused(session::LaneIndex, std::uint32_t feed_id, errc) {
    world_.happened("feed without memory");
    listener_->on_feed_refused(feed_id);
    schedule();
}

void ClientNode::on_outcome(const session::Outcome& outcome) {
    if (outcome.error == errc::not_connected) world_.happened("calls that waited long enough");
    if (const auto target = targets_.find(outcome.message_id); target != targets_.end()) {
        if (listener_ && outcome.stored.position.epoch != 0)
            listener_->stored(target->second, outcome.message_id, outcome.stored);
        targets_.erase(target);
    }
    sent_.erase(outcome.message_id);
    ledger_.client_hears(outcome);
    if (book_ != nullptr) book_->outcome(outcome);
}

void ClientNode::on_suspect(CarrierKey key) {
    world_.happened("suspected carrier");
    connectivity_->suspected(key, world_.now());
}

void ClientNode::on_slow(CarrierKey, session::Duration age) { connectivity_->race().slow(age, world_.now()); }

void ClientNode::close_carrier(CarrierKey key, errc code, const std::string& text) {
    const bool fault = boost::system::error_code(code) == errcond::protocol;
    lost_carrier_ = lost_carrier_ || code != errc::ok;
    if (fault) world_.violated("two honest sides find no fault with each other: " + text);
    connectivity_->closing(key);
    later(0ms, [this, key, code] {
        write(key);
        const auto found = carriers_.find(key);
        if (found == carriers_.end()) return;
        remember(*found->second.carrier);
        found->second.carrier->close(Side::client);
        carriers_.erase(found);
        connectivity_->gone(key, Failure(code), world_.now());
        schedule();
    });
}

void ClientNode::on_disconnected(bool drained) {
    world_.trace(name() + (drained ? " disconnected" : " disconnected, not drained"));
    const bool in_time = world_.now() < disconnect_at_ + settings_.goodbye_limit;
    const bool cut_short = last_id_ && ledger_.cut_short(*last_id_);
    // It does not wait for what the server has put off, and what stands behind that.
    if (!session_->holds_back() && (book_ == nullptr || !book_->puts_off(name())))
        world_.require(drained || !in_time || lost_carrier_ || cut_short, "a goodbye waits for what was sent");
    // It has left a session in which they may have been acted on: the orderly end of another one says nothing of them.
    uncertain_.insert(sent_.begin(), sent_.end());
    last_id_.reset();
    connectivity_->disconnected();
    // The application comes back later.
    later(world_.chance.between(500ms, 5s), [this] {
        wanted_ = true;
        connect(0ms);
    });
}

// ---- checks ----

void ClientNode::check_at_rest() {
    world_.require(session_->attached(), "every client is ready again");
    world_.require(connectivity_->status() == ClientStatus::connected, "who is ready knows it");
    const auto found = connectivity_->carriers().find(session_->active());
    const bool known = found != connectivity_->carriers().end() && found->second.ready && !found->second.closing;
    world_.require(known && connectivity_->in_use() == found->second.protocol, "what is in use is known");
    world_.require(session_->queue_length() == 0, "every message has its outcome");
    if (listener_) listener_->check_at_rest();
}

void ClientNode::tear_down() {
    wanted_ = false;
    for (auto& [key, open] : carriers_) open.carrier->cut(false);
    carriers_.clear();
    ++incarnation_;  // nothing planned runs any more
    connectivity_.reset();
    session_.reset();
    world_.require(budget_->used() == 0, "a client's budget returns to zero");
}

void ClientNode::check_invariants() const {
    if (session_) session_->check_invariants();
}

}  // namespace flare::sim
