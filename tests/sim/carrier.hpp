// A carrier as it may behave in the world: delays, back-pressure, cuts that each side notices in its own time, black
// holes; one stream (like WebSocket) or a control stream and one for each lane, with delays of their own (like QUIC).
#pragma once

#include "sim/world.hpp"
#include "wire/batch.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace flare::sim {

enum class Side : std::uint8_t { client = 0, server = 1 };
constexpr Side other(Side side) noexcept { return side == Side::client ? Side::server : Side::client; }

class Carrier : public std::enable_shared_from_this<Carrier> {
public:
    struct End {
        std::function<void(std::string_view)> on_batch;
        std::function<void()> on_writable;
        std::function<void()> on_gone;
    };
    Carrier(World& world, bool lane_streams);

    void connect(Side side, End end) { ends_[index(side)] = std::move(end); }
    bool writable(Side side) const noexcept { return !dead_ && in_flight_[index(side)] < window_; }
    void send(Side side, const std::string& batch);
    // `side` closes in good order: what it sent arrives, then the other side hears of the end.
    void close(Side side);

    // What the client says first arrives so much later.
    void hold_back(Duration delay) { held_back_ = delay; }
    // Everything under way is lost. Each side notices later; with `one_sided` one of them never does.
    void cut(bool one_sided);
    // From now on nothing arrives, and nobody is told.
    void black_hole() { silent_ = true; }
    bool dead() const noexcept { return dead_; }
    bool lane_streams() const noexcept { return lane_streams_; }

    std::vector<std::string> sent_by_client;  // for replays

private:
    static std::size_t index(Side side) noexcept { return static_cast<std::size_t>(side); }
    void transmit(Side from, std::size_t stream, std::string bytes, std::size_t charge);
    void deliver(Side from, std::size_t stream, const std::string& bytes);
    void tell_gone(Side side, Duration delay);

    World& world_;
    const bool lane_streams_;
    const std::size_t window_;
    const Duration slow_;  // up to this long a batch is under way
    std::array<End, 2> ends_;
    std::array<std::size_t, 2> in_flight_{};
    std::array<bool, 2> spoken_{};
    std::array<bool, 2> begun_{};
    std::array<std::vector<std::string>, 2> early_;  // from each side, for lanes, before its control stream has begun
    std::array<std::array<TimePoint, 1 + wire::kMaxLanes>, 2> last_arrival_{};
    Duration held_back_{0};
    bool dead_ = false;
    bool silent_ = false;
};

}  // namespace flare::sim
