#include "lab/traffic.hpp"

#include <algorithm>

namespace flare::lab {

void Arrivals::add(std::uint64_t number) {
    const std::lock_guard lock(mutex_);
    const Clock::time_point now = Clock::now();
    silence_ = std::max<std::chrono::nanoseconds>(silence_, now - last_);
    last_ = now;
    if (number >= times_.size()) times_.resize(number + 1);
    if (times_[number]++ == 0) ++distinct_;
    if (number < next_)
        reordered_ += times_[number] == 1 ? 1 : 0;  // a repeated one is counted as that
    else
        next_ = number + 1;
    changed_.notify_all();
}

void Arrivals::mark() {
    const std::lock_guard lock(mutex_);
    marked_at_ = distinct_;
    silence_ = {};
}

std::uint64_t Arrivals::since_mark() const {
    const std::lock_guard lock(mutex_);
    return distinct_ - marked_at_;
}

bool Arrivals::wait_for(std::uint64_t count, std::chrono::milliseconds limit) const {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return distinct_ >= count; });
}

Arrivals::Verdict Arrivals::verdict(std::uint64_t sent) const {
    const std::lock_guard lock(mutex_);
    Verdict verdict;
    verdict.reordered = reordered_;
    verdict.silence = std::max<std::chrono::nanoseconds>(silence_, Clock::now() - last_);
    for (const std::uint8_t count : times_) verdict.repeated += count > 1 ? count - 1u : 0u;
    verdict.lost = sent > distinct_ ? sent - distinct_ : 0;
    return verdict;
}

Pacer::Pacer(double per_second, std::function<void(std::uint64_t)> send)
    : thread_([this, per_second, send = std::move(send)] {
          const std::chrono::nanoseconds step(static_cast<std::int64_t>(1e9 / per_second));
          auto next = std::chrono::steady_clock::now();
          while (!stop_) {
              send(sent_);
              ++sent_;
              std::this_thread::sleep_until(next += step);
          }
      }) {}

std::uint64_t Pacer::stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
    return sent_;
}

}  // namespace flare::lab
