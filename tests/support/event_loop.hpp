// Turning an event loop until something is true.
#pragma once

#include <boost/asio/io_context.hpp>

#include <chrono>

namespace flare::test {

// False: not within `limit`.
template <typename Condition>
bool run_until(boost::asio::io_context& context, Condition condition,
               std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto deadline = std::chrono::steady_clock::now() + limit;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= deadline) return false;
        context.restart();
        context.run_one_for(std::chrono::milliseconds(10));
    }
    return true;
}

// Turns the loop for a while, for what must not happen.
inline void run_for(boost::asio::io_context& context, std::chrono::milliseconds time) {
    run_until(
        context, [] { return false; }, time);
}

}  // namespace flare::test
