#include "session/held_targets.hpp"

#include "base/assert.hpp"

#include <algorithm>

namespace flare::session {

bool HeldTargets::waits(std::string_view to, Token token) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && held->second.waiting.contains(token);
}

bool HeldTargets::waits_before(std::string_view to, Token token) const {
    const auto held = targets_.find(to);
    return held != targets_.end() && !held->second.waiting.empty() && *held->second.waiting.begin() <= token;
}

bool HeldTargets::put_off(const std::string& to, Token token, TimePoint until, bool piecewise) {
    const auto [found, begins] = targets_.try_emplace(to);
    Held& held = found->second;
    if (begins && !piecewise) held.at_once = kAll;
    if (piecewise && held.at_once == kAll) held.at_once = 1;
    held.until = begins ? until : std::max(held.until, until);
    held.waiting.insert(token);
    settle(found);
    return begins;
}

void HeldTargets::add(const std::string& to, Token token) {
    const auto held = targets_.find(to);
    held->second.waiting.insert(token);
    settle(held);
}

void HeldTargets::note_under_way(std::string_view to) {
    const auto held = targets_.find(to);
    if (held != targets_.end()) ++held->second.under_way;
}

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

void HeldTargets::begin_session() {
    for (auto held = targets_.begin(); held != targets_.end();) {
        const auto next = std::next(held);
        held->second.under_way = held->second.answered = 0;
        settle(held);
        held = next;
    }
}

// Something of it has changed.
void HeldTargets::settle(Targets::iterator held) {
    if (held->second.waiting.empty() && held->second.under_way == 0) {
        targets_.erase(held);
    } else if (held->second.has_room()) {
        due_ = std::min(due_, held->second.until);
    }
}

void HeldTargets::take_from(Held& held, std::vector<Token>& taken) {
    std::uint32_t room = held.at_once - std::min(held.at_once, held.under_way);
    for (; room != 0 && !held.waiting.empty(); --room) {
        taken.push_back(*held.waiting.begin());
        held.waiting.erase(held.waiting.begin());
        ++held.under_way;
    }
}

std::vector<HeldTargets::Token> HeldTargets::take(std::string_view to, TimePoint now) {
    std::vector<Token> taken;
    const auto held = targets_.find(to);
    if (held == targets_.end() || held->second.until > now || !held->second.has_room()) return taken;
    take_from(held->second, taken);
    if (held->second.at_once == kAll) targets_.erase(held);
    return taken;
}

std::vector<HeldTargets::Token> HeldTargets::take_due(TimePoint now) {
    std::vector<Token> taken;
    if (now < due_) return taken;
    due_ = kNever;
    for (auto held = targets_.begin(); held != targets_.end();) {
        if (!held->second.has_room()) {
            ++held;
        } else if (held->second.until > now) {
            due_ = std::min(due_, held->second.until);
            ++held;
        } else {
            take_from(held->second, taken);
            held = held->second.at_once == kAll ? targets_.erase(held) : std::next(held);
        }
    }
    std::sort(taken.begin(), taken.end());
    return taken;
}

void HeldTargets::check_invariants() const {
    for (const auto& [to, held] : targets_) {
        FLARE_INVARIANT(!held.waiting.empty() || held.under_way != 0, "a target is held for nothing");
        FLARE_INVARIANT(held.at_once != 0, "nothing may ever go to a target");
        FLARE_INVARIANT(!held.has_room() || due_ <= held.until, "what waits is looked at too late");
    }
}

}  // namespace flare::session
