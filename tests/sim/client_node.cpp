#include "sim/client_node.hpp"

#include <algorithm>

namespace flare::sim {

using namespace std::chrono_literals;
using session::CarrierKey;

ClientNode::ClientNode(World& world, Ledger& ledger, ServerNode& server, session::ClientSettings settings,
                       std::size_t budget_bytes)
    : world_(world), ledger_(ledger), server_(server), settings_(std::move(settings)), budget_bytes_(budget_bytes) {
    make_session();
}

ClientNode::~ClientNode() = default;

void ClientNode::make_session() {
    session_.reset();
    budget_.reset();
    shared_budget_ = std::make_unique<session::SharedBudget>(budget_bytes_);
    budget_ = std::make_unique<session::Budget>(*shared_budget_, 4096);
    session::ClientSessionListener& listener = *this;
    session_ = std::make_unique<session::ClientSession>(settings_, world_.chance, *budget_, listener);
    ++incarnation_;
    wake_at_ = session::kNever;
    ordinals_.clear();
    held_.clear();
    sent_.clear();
    uncertain_.clear();
    last_id_.reset();
    connecting_ = false;
    suspect_ = 0;
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
    if (connecting_ || !wanted_) return;
    connecting_ = true;
    const std::uint64_t attempt = ++attempts_;
    later(delay, [this, attempt] {
        if (!wanted_ || attempt != attempts_) return;
        session_->begin_attempt(std::string(kToken));
        const CarrierKey key = open(false);
        if (world_.chance.one_in(6)) open(world_.chance.one_in(2));  // a race of two carriers, one attempt
        // Patience for one attempt; then another.
        later(4s, [this, key, attempt] {
            if (!connecting_ || attempt != attempts_) return;
            connecting_ = false;
            const auto found = carriers_.find(key);
            if (found != carriers_.end() && !found->second.welcomed) {
                remember(*found->second.carrier);
                found->second.carrier->close(Side::client);
                carriers_.erase(found);
                session_->carrier_gone(key, errc::connect_timeout, "too slow", world_.now());
            }
            connect(world_.chance.between(100ms, 1s));
        });
    });
}

CarrierKey ClientNode::open(bool standby) {
    const CarrierKey key = next_key_++;
    auto carrier = std::make_shared<Carrier>(world_, world_.chance.one_in(3));
    carriers_[key].carrier = carrier;
    carrier->connect(Side::client, {[this, key, incarnation = incarnation_](std::string_view bytes) {
                                        if (incarnation != incarnation_) return;
                                        const auto found = carriers_.find(key);
                                        if (found == carriers_.end()) return;
                                        ++found->second.batches;
                                        if (cut_at_batch_ == found->second.batches && !found->second.welcomed) {
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
    const Duration delay = world_.chance.between(0ms, 60ms);
    if (delay_next_) {
        world_.happened("late hello");
        carrier->hold_back(world_.chance.between(1s, 8s));
    }
    delay_next_ = false;
    world_.after(delay, [this, carrier] { server_.accept(carrier, ServerNode::Who::client); });
    // The Hello waits for the transport's own handshake.
    later(delay, [this, key, standby] {
        if (!carriers_.contains(key)) return;
        session_->open(key, world_.now(), standby);
        schedule();
    });
    return key;
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
            found->second.welcomed ? Result<wire::Hello>(errc::unexpected_frame) : session::read_hello(bytes, rest);
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
    const TimePoint due = session_->next_deadline();
    const TimePoint next = std::max(due, world_.now());
    if (due == session::kNever || next >= wake_at_) return;
    wake_at_ = next;
    later(next - world_.now(), [this] {
        wake_at_ = session::kNever;
        session_->on_time(world_.now());
        schedule();
    });
}

void ClientNode::remember(const Carrier& carrier) {
    if (!carrier.sent_by_client.empty() && heard_.size() < 20) heard_.push_back(carrier.sent_by_client);
}

void ClientNode::gone(CarrierKey key) {
    const auto found = carriers_.find(key);
    if (found == carriers_.end()) return;
    const bool welcomed = found->second.welcomed;
    lost_carrier_ = true;
    remember(*found->second.carrier);
    carriers_.erase(found);
    session_->carrier_gone(key, errc::connection_lost, "cut", world_.now());
    schedule();
    if (!welcomed && carriers_.empty()) {
        connecting_ = false;
        connect(world_.chance.between(50ms, 500ms));
    }
}

// ---- what the session tells ----

void ClientNode::on_ready(CarrierKey key, bool resumed) {
    world_.trace(name() + " ready " + (resumed ? "resumed" : "new"));
    connecting_ = false;
    for (auto& [each, open] : carriers_) open.welcomed = open.welcomed || each == key;
    if (!resumed) {
        world_.require(!last_id_ || gap_told_, "a session that is not continued is told by a gap");
        held_.clear();
    }
    gap_told_ = false;
    last_id_ = session_->id();
    if (suspect_ != 0 && suspect_ != key) {
        const CarrierKey old = suspect_;
        suspect_ = 0;
        session_->carrier_gone(old, errc::connection_lost, "replaced", world_.now());
        close_carrier(old, errc::ok, {});
    }
}

void ClientNode::on_detached(errc, const std::string&) {
    connecting_ = false;
    connect(world_.chance.between(20ms, 800ms));
}

void ClientNode::on_refused(CarrierKey key, errc code, const std::string& text, std::uint32_t) {
    world_.trace(name() + " refused " + std::string(flare::name(code)));
    const bool overtaken = code == errc::stale_carrier || session::SessionTable::may_say_hello_again(code);
    world_.require(code == errc::busy || overtaken, ("an honest hello is not refused: " + text).c_str());
    const auto found = carriers_.find(key);
    world_.require(
        code != errc::stale_carrier || found == carriers_.end() || found->second.resumed_at != session_->epoch(),
        "the newest resume of a client is not called stale");
    carriers_.erase(key);
    if (session_->attached()) return;
    connecting_ = false;
    connect(world_.chance.between(500ms, 1500ms));
}

void ClientNode::on_ended(errc code, const std::string&, std::uint32_t) {
    world_.trace(name() + " ended " + std::string(flare::name(code)));
    if (code == errc::shutting_down && session_->drained()) {
        world_.happened("orderly end");
        for (const Uuid& id : sent_) {
            world_.require(uncertain_.contains(id) || !ledger_.acted_on(id),
                           "after an orderly end what has no receipt was not acted on");
        }
    }
    connecting_ = false;
    last_id_.reset();  // its end was told by name
    connect(world_.chance.between(100ms, 1s));
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
    }
    if (!consuming_) {
        held_.push_back({lane, cost});
        return;
    }
    later(world_.chance.between(0ms, 5ms), [this, lane, cost, id = session_->id()] {
        if (session_->id() == id) session_->consumed(lane, cost, world_.now());
        schedule();
    });
}

void ClientNode::on_outcome(const session::Outcome& outcome) {
    if (outcome.error == errc::not_connected) world_.happened("calls that waited long enough");
    sent_.erase(outcome.message_id);
    ledger_.client_hears(outcome);
}

void ClientNode::on_suspect(CarrierKey key) {
    world_.happened("suspected carrier");
    suspect_ = key;
    open(false);
}

void ClientNode::close_carrier(CarrierKey key, errc code, const std::string& text) {
    const bool fault = boost::system::error_code(code) == errcond::protocol;
    lost_carrier_ = lost_carrier_ || code != errc::ok;
    if (fault) world_.violated("two honest sides find no fault with each other: " + text);
    later(0ms, [this, key] {
        write(key);
        const auto found = carriers_.find(key);
        if (found == carriers_.end()) return;
        remember(*found->second.carrier);
        found->second.carrier->close(Side::client);
        carriers_.erase(found);
    });
}

void ClientNode::on_disconnected(bool drained) {
    world_.trace(name() + (drained ? " disconnected" : " disconnected, not drained"));
    const bool in_time = world_.now() < disconnect_at_ + settings_.goodbye_limit;
    const bool cut_short = last_id_ && ledger_.cut_short(*last_id_);
    world_.require(drained || !in_time || lost_carrier_ || cut_short, "a goodbye waits for what was sent before it");
    // It has left a session in which they may have been acted on: the orderly end of another one says nothing of them.
    uncertain_.insert(sent_.begin(), sent_.end());
    last_id_.reset();
    connecting_ = false;
    // The application comes back later, with what is left in its outbox.
    later(world_.chance.between(500ms, 5s), [this] {
        wanted_ = true;
        connect(0ms);
    });
}

// ---- the application ----

void ClientNode::send(const std::string& target, std::size_t size) {
    const std::string conversation = name() + ">" + target;
    const std::uint64_t ordinal = ordinals_[conversation] + 1;
    const std::string payload = write_letter(conversation, ordinal, size);
    wire::MessageView message;
    message.id = world_.chance.uuid();
    message.type = "chat";
    message.payload = payload;
    message.to = target;
    const auto queued = session_->send(message, Priority::normal, world_.now(), true);
    if (!queued) return world_.happened("outbox refused");
    ordinals_[conversation] = ordinal;
    sent_.insert(message.id);
    ledger_.client_sends(message.id, conversation, ordinal);
    schedule();
}

void ClientNode::stop_consuming(bool stopped) {
    consuming_ = !stopped;
    if (stopped) return;
    const auto held = std::move(held_);
    held_.clear();
    for (const Held& each : held) session_->consumed(each.lane, each.cost, world_.now());
    schedule();
}

void ClientNode::disconnect() {
    if (!wanted_ || !session_->attached()) return;
    world_.happened("client disconnects");
    wanted_ = false;
    lost_carrier_ = false;
    disconnect_at_ = world_.now();
    session_->disconnect(world_.now());
    schedule();
}

void ClientNode::crash_and_restart() {
    world_.happened("client crash");
    ledger_.client_dies(name() + ">");
    for (auto& [key, open] : carriers_) open.carrier->cut(world_.chance.one_in(3));
    carriers_.clear();
    wanted_ = true;
    make_session();
    gap_told_ = false;
    connect(world_.chance.between(100ms, 3s));
}

// ---- trouble ----

void ClientNode::cut(bool one_sided) {
    if (carriers_.empty()) return;
    world_.happened(one_sided ? "one-sided cut" : "cut");
    std::next(carriers_.begin(), static_cast<std::ptrdiff_t>(world_.chance.below(carriers_.size())))
        ->second.carrier->cut(one_sided);
}

void ClientNode::cut_before_welcome() {
    cut_at_batch_ = 1 + world_.chance.below(2);
    cut(false);
}

void ClientNode::black_hole() {
    if (carriers_.empty()) return;
    world_.happened("black hole");
    for (auto& [key, open] : carriers_) open.carrier->black_hole();
}

void ClientNode::open_another(bool standby) {
    if (!session_->attached() || carriers_.size() > 3 || !wanted_) return;
    world_.happened(standby ? "standby" : "second carrier");
    open(standby);
}

void ClientNode::activate_any() {
    for (const auto& [key, open] : carriers_) {
        if (key != session_->active() && session_->activate(key, world_.now())) {
            world_.happened("activate");
            break;
        }
    }
    schedule();
}

void ClientNode::probe() {
    for (const auto& [key, open] : carriers_) {
        for (std::size_t i = 0; i <= session::ClientSession::kMaxProbes; ++i) {
            if (const std::uint64_t id = session_->probe(key, i % 2 == 0 ? 0 : 1000); id != 0) probes_.emplace(key, id);
        }
    }
    world_.happened("probes");
    schedule();
}

void ClientNode::on_probe(CarrierKey key, std::uint64_t id) {
    world_.require(probes_.erase({key, id}) == 1, "a probe is answered once, where it was sent");
    world_.happened("probe answered");
}

void ClientNode::on_recovered(CarrierKey key) {
    world_.happened("recovered");
    if (suspect_ == key) suspect_ = 0;
}

namespace {

// The first frame of a recorded carrier, when it is a Hello.
std::optional<wire::Hello> recorded_hello(const std::vector<std::string>& recorded) {
    std::string_view rest;
    auto hello = session::read_hello(recorded.front(), rest);
    if (!hello) return std::nullopt;
    return *hello;
}

}  // namespace

void ClientNode::replay_hello() {
    if (heard_.empty()) return;
    const auto& recorded = heard_[world_.chance.below(heard_.size())];
    if (!recorded_hello(recorded)) return;
    world_.happened("replayed hello");
    auto carrier = std::make_shared<Carrier>(world_, false);
    server_.accept(carrier, ServerNode::Who::repeater);
    carrier->send(Side::client, recorded.front());
    world_.after(20s, [carrier] { carrier->cut(false); });
}

void ClientNode::replay_beginning() {
    if (heard_.empty()) return;
    const auto& recorded = heard_[world_.chance.below(heard_.size())];
    if (!recorded_hello(recorded)) return;
    world_.happened("replayed beginning");
    auto carrier = std::make_shared<Carrier>(world_, false);
    server_.accept(carrier, ServerNode::Who::repeater);
    for (const std::string& batch : recorded) carrier->send(Side::client, batch);
    world_.after(20s, [carrier] { carrier->cut(false); });
}

void ClientNode::forge_hello() {
    for (const auto& recorded : heard_) {
        auto hello = recorded_hello(recorded);
        if (!hello || !hello->resume) continue;
        world_.happened("forged hello");
        // The latest ticket that was seen, a new attempt, a made-up proof.
        hello->attempt_id = world_.chance.uuid();
        hello->epoch += 1000;
        hello->resume->mac = world_.chance.bytes(32);
        wire::Batch batch;
        batch.add({}, wire::encode(*hello));
        auto carrier = std::make_shared<Carrier>(world_, false);
        server_.accept(carrier, ServerNode::Who::forger);
        carrier->send(Side::client, batch.str());
        world_.after(20s, [carrier] { carrier->cut(false); });
        return;
    }
}

// ---- checks ----

void ClientNode::check_at_rest() {
    world_.require(session_->attached(), "every client is ready again");
    world_.require(session_->queue_length() == 0, "every message has its outcome");
}

void ClientNode::tear_down() {
    wanted_ = false;
    for (auto& [key, open] : carriers_) open.carrier->cut(false);
    carriers_.clear();
    ++incarnation_;  // nothing planned runs any more
    session_.reset();
    world_.require(budget_->used() == 0, "a client's budget returns to zero");
}

void ClientNode::check_invariants() const {
    if (session_) session_->check_invariants();
}

}  // namespace flare::sim
