// Counts running operations, so that their owner can wait for all of them without polling.
//
// Threads: any.
// Owner:   whoever waits; it must outlive every pass.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <utility>

namespace flare::base {

class Gate {
public:
    // One thing that is under way, until it is destroyed.
    class Pass {
    public:
        Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
        Pass& operator=(Pass&& other) noexcept {
            std::swap(gate_, other.gate_);
            return *this;
        }
        ~Pass() {
            if (gate_ != nullptr) gate_->leave();
        }

    private:
        friend class Gate;
        explicit Pass(Gate& gate) noexcept : gate_(&gate) {}
        Gate* gate_;
    };

    Gate() = default;
    Gate(const Gate&) = delete;
    Gate& operator=(const Gate&) = delete;

    // Nothing: it is closed, and nothing may begin.
    std::optional<Pass> enter() {
        const std::lock_guard lock(mutex_);
        if (closed_) return std::nullopt;
        ++inside_;
        return Pass(*this);
    }
    // It begins open.
    void open() {
        const std::lock_guard lock(mutex_);
        closed_ = false;
    }
    void close() {
        const std::lock_guard lock(mutex_);
        closed_ = true;
    }
    void wait() {
        std::unique_lock lock(mutex_);
        empty_.wait(lock, [this] { return inside_ == 0; });
    }
    // False: something was still under way at `until`.
    bool wait_until(std::chrono::steady_clock::time_point until) {
        std::unique_lock lock(mutex_);
        return empty_.wait_until(lock, until, [this] { return inside_ == 0; });
    }

private:
    // Told under the lock: whoever waits may destroy the gate as soon as it is empty.
    void leave() noexcept {
        const std::lock_guard lock(mutex_);
        if (--inside_ == 0) empty_.notify_all();
    }

    std::mutex mutex_;
    std::condition_variable empty_;
    std::size_t inside_ = 0;
    bool closed_ = false;
};

}  // namespace flare::base
