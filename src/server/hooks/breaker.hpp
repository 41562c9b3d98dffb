// Keeps from asking an endpoint that does not answer: after some failures in a row nobody asks for a while, and then
// one does.
//
// Threads: one at a time. Pure state: time is an argument.
// Owner:   BeforeHook.
#pragma once

#include <chrono>

namespace flare::server::hooks {

class Breaker {
public:
    using Clock = std::chrono::steady_clock;
    static constexpr unsigned kFailures = 10;
    static constexpr std::chrono::seconds kOpen{5};

    bool lets_ask(Clock::time_point now) noexcept {
        if (failed_ < kFailures) return true;
        if (now < open_until_) return false;
        open_until_ = now + kOpen;  // the others wait for what this one finds
        return true;
    }
    void succeeded() noexcept { failed_ = 0; }
    void failed(Clock::time_point now) noexcept {
        if (++failed_ >= kFailures) open_until_ = now + kOpen;
    }
    bool open() const noexcept { return failed_ >= kFailures; }

private:
    unsigned failed_ = 0;  // in a row
    Clock::time_point open_until_{};
};

}  // namespace flare::server::hooks
