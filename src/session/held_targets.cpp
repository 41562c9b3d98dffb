#include "session/held_targets.hpp"

#include "base/assert.hpp"

#include <algorithm>
#include <utility>

namespace flare::session {

bool HeldTargets::waits(std::string_view to, Token token) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && held->second.waiting.contains(token);
}

bool HeldTargets::waits_before(std::string_view to, Token token) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && !held->second.waiting.empty() && *held->second.waiting.begin() <= token;
}

std::vector<HeldTargets::Token> HeldTargets::waiting(std::string_view to) const {
    const auto held = targets_.find(to);
    if (held == targets_.end()) return {};
    return {held->second.waiting.begin(), held->second.waiting.end()};
}

bool HeldTargets::watches(std::string_view to) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && held->second.at_once != kAll;
}

bool HeldTargets::under_way(std::string_view to) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && held->second.under_way != 0;
}

TimePoint HeldTargets::stuck_since(std::string_view to) const {
    const auto held = targets_.find(to);
    return held == targets_.end() ? TimePoint::min() : held->second.stuck_since;
}

bool HeldTargets::put_off(const std::string& to, Token token, TimePoint now, TimePoint until, bool piecewise) {
    const auto found = targets_.try_emplace(to).first;
    Held& held = found->second;
    const bool begins = !std::exchange(held.put_off, true);
    if (piecewise && held.at_once == kAll) {
        held.at_once = 1;
        held.stuck_since = now;
    }
    held.owed = true;
    held.until = std::max(held.until, until);
    held.waiting.insert(token);
    settle(found);
    return begins;
}

void HeldTargets::add(const std::string& to, Token token) {
    const auto held = targets_.find(to);
    held->second.waiting.insert(token);
    settle(held);
}

void HeldTargets::note_under_way(const std::string& to) { ++targets_[to].under_way; }

void HeldTargets::forget_waiting(std::string_view to, Token token) {
    const auto held = targets_.find(to);
    if (held == targets_.end()) return;
    held->second.waiting.erase(token);
    settle(held);
}

void HeldTargets::forget_under_way(std::string_view to, End end) {
    const auto found = targets_.find(to);
    if (found == targets_.end()) return;
    Held& held = found->second;
    --held.under_way;
    held.owed = held.owed || end == End::put_off;
    if (held.at_once == kAll) {
        // The others wait for the last of them.
    } else if (end == End::put_off) {
        held.at_once = std::max<std::uint32_t>(1, held.at_once / 2);
        held.answered = 0;
    } else if (end == End::answered && ++held.answered >= 2 * held.at_once) {
        // Twice as many as there is room for at once: what has room for one by chance is not given two.
        held.at_once = std::min(held.at_once * 2, kMostAtOnce);
        held.answered = 0;
    }
    settle(found);
}

void HeldTargets::note_success(std::string_view to, TimePoint now) {
    const auto found = targets_.find(to);
    if (found != targets_.end() && found->second.at_once != kAll) found->second.stuck_since = now;
}

void HeldTargets::keep_behind(const std::string& to, Token upto) {
    if (upto == kEverything && !holds(to)) return;
    const auto found = targets_.try_emplace(to).first;
    found->second.upto = upto;
    settle(found);
}

HeldTargets::Token HeldTargets::kept_behind(std::string_view to) const {
    const auto held = targets_.find(to);
    return held == targets_.end() ? kEverything : held->second.upto;
}

void HeldTargets::begin_session() {
    for (auto held = targets_.begin(); held != targets_.end();) {
        const auto next = std::next(held);
        held->second.under_way = held->second.answered = 0;
        settle(held);
        held = next;
    }
}

// Something of it has changed.
void HeldTargets::settle(Targets::iterator found) {
    Held& held = found->second;
    const bool idle = held.waiting.empty() && held.under_way == 0;
    if (idle && held.upto == kEverything) {
        targets_.erase(found);
    } else if (idle) {
        Held fresh;
        fresh.upto = held.upto;
        held = std::move(fresh);
    } else if (held.has_room()) {
        due_ = std::min(due_, held.until);
    }
}

void HeldTargets::take_from(Held& held, std::vector<Token>& taken) {
    const bool all = held.at_once == kAll;
    for (std::uint32_t room = held.at_once - held.under_way; room != 0 && held.may_go(); --room) {
        taken.push_back(*held.waiting.begin());
        held.waiting.erase(held.waiting.begin());
        if (!all) ++held.under_way;
    }
    held.owed = false;
    if (!all) return;
    held.put_off = false;
    held.until = TimePoint::min();
}

std::vector<HeldTargets::Token> HeldTargets::take(std::string_view to, TimePoint now) {
    std::vector<Token> taken;
    const auto held = targets_.find(to);
    if (held == targets_.end() || held->second.until > now || !held->second.has_room()) return taken;
    take_from(held->second, taken);
    settle(held);
    return taken;
}

std::vector<HeldTargets::Token> HeldTargets::take_due(TimePoint now) {
    std::vector<Token> taken;
    if (now < due_) return taken;
    due_ = kNever;
    for (auto held = targets_.begin(); held != targets_.end();) {
        const auto next = std::next(held);
        if (held->second.has_room() && held->second.until <= now) take_from(held->second, taken);
        settle(held);
        held = next;
    }
    std::sort(taken.begin(), taken.end());
    return taken;
}

void HeldTargets::check_invariants() const {
    for (const auto& [to, held] : targets_) {
        FLARE_INVARIANT(!held.waiting.empty() || held.under_way != 0 || held.upto != kEverything,
                        "a target is held for nothing");
        FLARE_INVARIANT(held.at_once != 0, "nothing may ever go to a target");
        FLARE_INVARIANT(held.put_off || held.at_once == kAll, "a target is held by a server that has put nothing off");
        FLARE_INVARIANT(!held.has_room() || due_ <= held.until, "what waits is looked at too late");
    }
}

}  // namespace flare::session
