// A bad network in user space: takes IP packets from a TUN device and gives them back later, twice, in another order,
// or not at all. (For kernels without netem.)
//
// Threads: set() from any; run() on one of its own, in the network namespace of the device.
// Owner:   lab::Network.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace flare::lab {

enum class Traffic : std::uint8_t { udp, tcp, other };
enum class Direction : std::uint8_t { to_server, to_client };

// What happens to the packets of one kind in one direction.
struct Conditions {
    std::chrono::microseconds delay{0};
    std::chrono::microseconds jitter{0};  // added, drawn evenly from 0 to this; the order is kept
    double loss = 0;                      // shares, 0..1
    double duplicate = 0;
    double reorder = 0;                     // goes without delay, before those that wait
    std::uint64_t bits_per_second = 0;      // 0: no limit
    std::size_t queue_bytes = 64 * 1024;    // of what waits for the rate; beyond it packets are dropped
    std::size_t largest_packet = SIZE_MAX;  // bytes of the IP packet; larger ones vanish
};

class Impairment {
public:
    // Makes the TUN device in the namespace of the calling thread, and the thread that serves it. `server`: the packets
    // to this IPv4 address (host order) go to the server. Throws std::runtime_error.
    Impairment(const std::string& device, std::uint32_t server, std::uint64_t seed);
    ~Impairment();
    Impairment(const Impairment&) = delete;
    Impairment& operator=(const Impairment&) = delete;

    void set(Traffic traffic, Direction direction, const Conditions& conditions);
    void set(Traffic traffic, const Conditions& both_ways);
    void set(const Conditions& everything);
    std::uint64_t forwarded() const { return forwarded_.load(std::memory_order_relaxed); }
    std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

private:
    using Clock = std::chrono::steady_clock;
    struct Flow {  // of one kind and direction
        Conditions conditions;
        Clock::time_point free_at{};  // when the line has sent what was queued before
        Clock::time_point last_due{};
    };
    struct Waiting {
        Clock::time_point due;
        std::uint64_t number;  // keeps those that are due together in order
        std::vector<std::uint8_t> packet;
        bool operator>(const Waiting& other) const {
            return std::pair(due, number) > std::pair(other.due, other.number);
        }
    };

    void run();
    void take(const std::uint8_t* packet, std::size_t size);
    void give_due();
    void wait_for_work() const;

    int device_ = -1;
    int wake_ = -1;
    const std::uint32_t server_;
    std::mutex mutex_;  // flows_
    std::array<std::array<Flow, 2>, 3> flows_;
    std::vector<Waiting> waiting_;  // heap
    std::uint64_t next_number_ = 0;
    std::mt19937_64 random_;
    std::atomic<std::uint64_t> forwarded_{0};
    std::atomic<std::uint64_t> dropped_{0};
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace flare::lab
