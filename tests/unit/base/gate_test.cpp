#include "base/gate.hpp"

#include <gtest/gtest.h>

#include <thread>

namespace flare::base {
namespace {

using namespace std::chrono_literals;

TEST(Gate, IsEmptyWhenTheLastPassIsGivenBack) {
    Gate gate;
    auto first = gate.enter();
    auto second = gate.enter();
    ASSERT_TRUE(first && second);
    first.reset();
    EXPECT_FALSE(gate.wait_until(std::chrono::steady_clock::now()));
    second.reset();
    EXPECT_TRUE(gate.wait_until(std::chrono::steady_clock::now()));
}

TEST(Gate, APassThatIsMovedIsGivenBackOnce) {
    Gate gate;
    {
        Gate::Pass pass = *gate.enter();
        Gate::Pass moved = std::move(pass);
        EXPECT_FALSE(gate.wait_until(std::chrono::steady_clock::now()));
    }
    EXPECT_TRUE(gate.wait_until(std::chrono::steady_clock::now()));
}

TEST(Gate, LetsNobodyInWhileItIsClosed) {
    Gate gate;
    const auto inside = gate.enter();
    gate.close();
    EXPECT_FALSE(gate.enter());
    gate.open();
    EXPECT_TRUE(gate.enter());
}

TEST(Gate, WakesWhoWaitsForTheLastOne) {
    Gate gate;
    auto pass = gate.enter();
    std::thread waits([&] { gate.wait(); });
    pass.reset();
    waits.join();
}

}  // namespace
}  // namespace flare::base
