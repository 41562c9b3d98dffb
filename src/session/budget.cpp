#include "session/budget.hpp"

#include "base/assert.hpp"
#include "session/planted.hpp"

#include <algorithm>

namespace flare::session {

bool SharedBudget::lease(std::size_t bytes) noexcept {
    std::size_t leased = leased_.load(std::memory_order_relaxed);
    do {
        if (leased + bytes > limit_) return false;
    } while (!leased_.compare_exchange_weak(leased, leased + bytes, std::memory_order_relaxed));
    return true;
}

Budget::~Budget() { shared_.give_back(leased_); }

bool Budget::take(std::size_t bytes, Use use) noexcept {
    if (use != Use::small && shared_.keeps_) {
        const std::size_t kept = shared_.limit_ / (use == Use::large ? 32 : 4);
        const std::size_t used = shared_.leased() - (leased_ - used_);
        if (used + bytes > shared_.limit_ - kept) return false;
    }
    if (used_ + bytes > leased_) {
        const std::size_t missing = used_ + bytes - leased_;
        // A whole grain if there is one, else just what is needed.
        if (shared_.lease(std::max(missing, grain_))) {
            leased_ += std::max(missing, grain_);
        } else if (shared_.lease(missing)) {
            leased_ += missing;
        } else {
            return false;
        }
    }
    used_ += bytes;
    FLARE_INVARIANT(used_ <= leased_, "more is used than was leased");
    return true;
}

void Budget::take_anyway(std::size_t bytes) noexcept {
    if (take(bytes)) return;
    const std::size_t missing = used_ + bytes - leased_;
    shared_.lease_anyway(missing);
    leased_ += missing;
    used_ += bytes;
}

void Budget::give(std::size_t bytes) noexcept {
    if (planted(Fault::budget_leaks)) return;
    FLARE_INVARIANT(bytes <= used_, "more is given back than was taken");
    used_ -= std::min(used_, bytes);
    // Keeps one grain of slack, so that a lane that breathes does not touch the shared counter.
    if (leased_ - used_ > 2 * grain_) {
        const std::size_t back = leased_ - used_ - grain_;
        leased_ -= back;
        shared_.give_back(back);
    }
}

void Budget::check_invariants() const {
    FLARE_INVARIANT(used_ <= leased_, "more is used than was leased");
    FLARE_INVARIANT(leased_ <= shared_.leased(), "more is leased than all workers have");
}

}  // namespace flare::session
