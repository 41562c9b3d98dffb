#include "client/connect/race.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <utility>

namespace flare::client {
namespace {

using racing::Duration;
using racing::TimePoint;

constexpr Duration kLinger = std::chrono::seconds(1);        // what was sent on the carrier before still arrives
constexpr Duration kAnswerLimit = std::chrono::seconds(1);   // of a probe, on a connection that is not in use
constexpr Duration kGrace = std::chrono::milliseconds(300);  // for the one in use to answer the rest of its probes
constexpr Duration kRound = std::chrono::seconds(1);         // between the rounds of a probation
constexpr Duration kTick = std::chrono::milliseconds(20);

std::int64_t micros(Duration time) { return std::chrono::duration_cast<std::chrono::microseconds>(time).count(); }

}  // namespace

Race::Race(Settings settings, Host& host, Track& track)
    : settings_(std::move(settings)), host_(host), track_(track), referee_(settings_.interval) {
    for (const Protocol protocol : settings_.protocols) runners_[protocol];
}

Race::Runner* Race::find(session::CarrierKey key) {
    for (auto& [protocol, runner] : runners_) {
        if (runner.key == key && key != session::kNoCarrier) return &runner;
    }
    return nullptr;
}

// ---- what happens to carriers ----

void Race::in_use(Protocol protocol, session::CarrierKey key, Why why, Duration connection_latency, TimePoint now) {
    if (current_) {
        Runner& before = runners_[*current_];
        if (before.key != session::kNoCarrier && before.key != key) {
            before.probing.reset();
            if (settings_.warm_standby && why == Why::better && *current_ != protocol) {
                before.phase = Phase::waiting;
                referee_.measured(*current_, now);
            } else {
                retiring_.push_back({before.key, now + kLinger});
                before = {};
            }
        }
    }
    Runner& runner = runners_[protocol];
    if (runner.key != key && runner.key != session::kNoCarrier) host_.close_standby(runner.key);
    if (runner.phase == Phase::opening) host_.cancel_standby(protocol);
    const Duration latency = runner.key == key ? runner.connection_latency : connection_latency;
    runner = {};
    runner.key = key;
    runner.connection_latency = latency;
    current_ = protocol;
    paused_ = false;
    slow_age_ = {};
    referee_.in_use(protocol, why, now);
    std::erase_if(retiring_, [&](const Retiring& retiring) { return retiring.key == key; });
    arm(now);
}

void Race::failed_in_use(Protocol protocol, TimePoint now) { referee_.failed(protocol, now); }

void Race::standby_ready(Protocol protocol, session::CarrierKey key, Duration connection_latency, TimePoint now) {
    Runner& runner = runners_[protocol];
    runner.key = key;
    runner.attached_at = now;
    runner.connection_latency = connection_latency;
    begin_measuring(runner, now);
    tick(now);
}

void Race::standby_failed(Protocol protocol, TimePoint now) {
    Runner& runner = runners_[protocol];
    if (current_ == protocol || runner.phase == Phase::idle) return;
    runner = {};
    referee_.unreachable(protocol, now);
    track_.on_unreachable(protocol);
    arm(now);
}

void Race::gone(session::CarrierKey key, TimePoint now) {
    std::erase_if(retiring_, [&](const Retiring& retiring) { return retiring.key == key; });
    for (auto& [protocol, runner] : runners_) {
        if (runner.key != key) continue;
        if (current_ == protocol) {
            runner = {};
        } else {
            standby_failed(protocol, now);
        }
        return;
    }
}

void Race::answered(session::CarrierKey key, std::uint64_t probe, TimePoint now) {
    Runner* runner = find(key);
    if (runner == nullptr || !runner->probing) return;
    runner->probing->answered(probe, now);
    tick(now);
}

void Race::slow(Duration age, TimePoint now) {
    if (paused_ || !settings_.measures) return;
    slow_age_ = std::max(slow_age_, age);
    for (auto& [protocol, runner] : runners_) {
        // One that failed lately has its own times.
        if (protocol == *current_ || referee_.probation(protocol) != Duration::zero()) continue;
        if (runner.phase == Phase::idle) {
            runner.phase = Phase::opening;
            runner.since = now;
            host_.open_standby(protocol, now);
        } else if (runner.phase == Phase::waiting) {
            begin_measuring(runner, now);
        }
    }
    tick(now);
}

void Race::network_changed(TimePoint now) {
    referee_.forget(now);
    arm(now);
}

void Race::pause(TimePoint now) {
    paused_ = true;
    for (auto& [protocol, runner] : runners_) {
        runner.probing.reset();
        if (protocol == current_) continue;
        const Runner stopped = std::exchange(runner, {});
        if (stopped.phase == Phase::opening) host_.cancel_standby(protocol);
        if (stopped.key != session::kNoCarrier) host_.close_standby(stopped.key);
    }
    arm(now);
}

void Race::resume(TimePoint now) {
    paused_ = !current_;
    arm(now);
}

void Race::reset() {
    paused_ = true;
    current_.reset();
    retiring_.clear();
    for (auto& [protocol, runner] : runners_) runner = {};
    wake_at_ = racing::kNever;
}

std::optional<session::CarrierKey> Race::standby() const {
    for (const auto& [protocol, runner] : runners_) {
        const bool attached = runner.phase == Phase::measuring || runner.phase == Phase::waiting;
        if (protocol != current_ && attached && referee_.probation(protocol) == Duration::zero()) return runner.key;
    }
    return std::nullopt;
}

// ---- measuring ----

void Race::begin_measuring(Runner& runner, TimePoint now) {
    runner.phase = Phase::measuring;
    runner.since = now;
    runner.complete_at = racing::kNever;
    runner.probing.emplace(settings_.probes, runner.connection_latency);
    if (!current_) return;
    Runner& current = runners_[*current_];
    current.probing.emplace(settings_.probes, current.connection_latency);
}

void Race::send_due(Runner& runner, TimePoint now) {
    if (!runner.probing) return;
    const racing::Probing::Due due = runner.probing->due(now);
    for (std::uint32_t i = 0; i < due.probes; ++i) {
        const std::uint64_t id = track_.send_probe(runner.key, due.padding);
        if (id == 0) return;
        runner.probing->sent(id, due.padding, now);
    }
}

void Race::on_time(TimePoint now) {
    if (now >= wake_at_) tick(now);
}

void Race::tick(TimePoint now) {
    while (!retiring_.empty() && retiring_.front().at <= now) {
        const session::CarrierKey key = retiring_.front().key;
        retiring_.erase(retiring_.begin());
        host_.close_standby(key);
    }
    if (!paused_ && settings_.measures) {
        for (const Protocol protocol : settings_.protocols) {
            if (paused_) break;
            Runner& runner = runners_[protocol];
            send_due(runner, now);
            if (protocol != *current_) advance(protocol, runner, now);
        }
    }
    arm(now);
}

void Race::advance(Protocol protocol, Runner& runner, TimePoint now) {
    switch (runner.phase) {
        case Phase::idle:
            if (now < referee_.measure_at(protocol)) return;
            runner.phase = Phase::opening;
            runner.since = now;
            return host_.open_standby(protocol, now);
        case Phase::opening:
            if (now - runner.since < settings_.timeout) return;
            host_.cancel_standby(protocol);
            return standby_failed(protocol, now);
        case Phase::waiting:
            if (now >= referee_.measure_at(protocol)) begin_measuring(runner, now);
            return;
        case Phase::measuring: break;
    }
    if (!runner.probing->answers_within(kAnswerLimit, now)) return give_up(protocol, runner, now);
    if (!runner.probing->complete()) return;
    if (runner.complete_at == racing::kNever) runner.complete_at = now;
    if (now - runner.attached_at < referee_.probation(protocol)) {
        if (now - runner.since >= kRound) begin_measuring(runner, now);
        return;
    }
    const Runner& current = runners_[*current_];
    if (current.probing && !current.probing->complete() && now - runner.complete_at < kGrace) return;
    judge(protocol, runner, now);
}

// It is attached, and does not answer: not one to move to.
void Race::give_up(Protocol protocol, Runner& runner, TimePoint now) {
    const session::CarrierKey key = runner.key;
    runner = {};
    referee_.unreachable(protocol, now);
    track_.on_unreachable(protocol);
    host_.close_standby(key);
}

void Race::judge(Protocol protocol, Runner& runner, TimePoint now) {
    Runner& current = runners_[*current_];
    std::map<Protocol, Result> results;
    const auto result_of = [&](Protocol of, Runner& measured) {
        Result& result = results[of];
        result.measured = measured.probing ? measured.probing->result(now) : racing::Measurement{};
        if (of == *current_) result.measured.median = std::max(result.measured.median, slow_age_);
        result.weight = track_.weight(of);
        result.score = racing::score(result.measured, result.weight);
    };
    result_of(*current_, current);
    result_of(protocol, runner);
    const double in_use = results[*current_].score;
    const double challenger = results[protocol].score;
    current.probing.reset();
    runner.probing.reset();
    Verdict verdict{*current_, protocol};
    verdict.slow = std::exchange(slow_age_, Duration::zero());
    referee_.measured(protocol, now);
    for (const auto& [of, result] : results) {
        base::log().debug(
            "measured: {}{} scores {:.2f}: median {} us, jitter {} us, connected in {} us, {:.0f} B/s, weight {:.2f}",
            name(of), of == *current_ ? " (in use)" : "", result.score, micros(result.measured.median),
            micros(result.measured.jitter), micros(result.measured.connection_latency),
            result.measured.bytes_per_second.value_or(0), result.weight);
    }
    const session::CarrierKey key = runner.key;
    const bool move = referee_.should_move(in_use, challenger, now);
    verdict.moves = move;
    verdict.too_early = referee_.too_early(now);
    if (!move && settings_.warm_standby) {
        runner.phase = Phase::waiting;
    } else if (!move) {
        runner = {};
    }
    track_.on_measured(results, verdict);
    if (move) return host_.move_to(key, now);
    if (!settings_.warm_standby) host_.close_standby(key);
}

// ---- time ----

TimePoint Race::due_after(TimePoint now) const {
    TimePoint next = retiring_.empty() ? racing::kNever : retiring_.front().at;
    if (paused_ || !settings_.measures) return next;
    for (const auto& [protocol, runner] : runners_) {
        if (runner.probing) next = std::min(next, now + kTick);
        if (protocol == *current_) continue;
        switch (runner.phase) {
            case Phase::idle:
            case Phase::waiting: next = std::min(next, std::max(now, referee_.measure_at(protocol))); break;
            case Phase::opening: next = std::min(next, runner.since + settings_.timeout); break;
            case Phase::measuring: next = std::min(next, now + kTick); break;
        }
    }
    return next;
}

}  // namespace flare::client
