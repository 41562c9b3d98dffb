// What the scenario catch-up is made of: two hosts with one cable, members of a room who keep account of what they are
// told, and one who sends to it and keeps account of what was stored.
//
// Threads: Member and Sender any: they are told on threads of their clients. Hosts one at a time.
// Owner:   the scenario.
#pragma once

#include "lab/traffic.hpp"
#include "support/network_namespace.hpp"

#include <flare/client.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace flare::lab {

inline constexpr const char* kCatchUpRoom = "room:catch-up";

// The host of the server, where the sender is too, and that of the members.
class Hosts {
public:
    static constexpr const char* kServer = "10.79.0.1";

    Hosts();
    void on_server(const std::function<void()>& task) const { server_.on(task); }
    void on_members(const std::function<void()>& task) const { members_.on(task); }
    // Whatever goes from one to the other vanishes, and nobody is told.
    void cut() const;
    void mend() const;

private:
    const test::NetworkNamespace server_, members_;
};

// A log as somebody knows it: what is at each offset, from 0 on. 0: nothing that they know of.
using KnownLog = std::vector<std::uint32_t>;
inline constexpr std::uint32_t kNoMessage = 1;  // a change of members
constexpr std::uint32_t known_as(std::uint64_t number) { return static_cast<std::uint32_t>(number) + 2; }
// Of a payload that begins with its number.
std::uint64_t number_in(const Bytes& payload);

// What one member is told.
class Member {
public:
    using Clock = std::chrono::steady_clock;
    struct Account {
        std::uint64_t lost = 0;
        std::uint64_t repeated = 0;   // a position that was told before
        std::uint64_t reordered = 0;  // one below another that was told
        std::uint64_t gaps = 0;       // that were told
        std::uint64_t diverged = 0;   // of them, with a reason that only a restored log has
        bool ended = false;           // the subscription did
        bool resumed = false;         // came back to its session, at least once
        std::optional<std::chrono::nanoseconds> complete_after{};
    };

    void begin(const Position& after);
    void hear(const Event& event);
    // From now on it counts until everything up to this position was told.
    void expect(const Position& goal);
    bool complete() const;
    bool told(const Position& upto) const;
    // Beside the log as it is in the end.
    Account account(std::uint64_t epoch, const KnownLog& log) const;

private:
    struct Told {
        std::uint64_t epoch = 0;
        std::uint64_t newest = 0;
        KnownLog log;
    };
    void tell(const Position& at, std::uint32_t what);
    bool has(const Position& upto) const;  // with the mutex

    mutable std::mutex mutex_;
    Position after_;
    std::vector<Told> told_;  // by epoch, as they came
    std::optional<Position> goal_;
    Clock::time_point goal_since_;
    Account account_;
};

// Numbered messages at a steady pace, from a client on the host of the server.
class Sender {
public:
    Sender(const Hosts& hosts, ClientBuilder builder);
    ~Sender();
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    Client& client() { return *client_; }
    void start(double per_second);
    // Ends it, and waits for what is under way.
    void stop();
    // The newest position that it was told. Empty: none since forget().
    Position last() const;
    void forget();
    // How many were said to be stored up to now.
    std::size_t stored() const;
    std::uint64_t refused() const;
    // Of those that were said to be stored: the ones that are not there in the log. Only those of this epoch are looked
    // for, and the first `kept` of all.
    std::uint64_t lost(std::uint64_t epoch, const KnownLog& log, std::size_t kept) const;

private:
    void hear(const Event& event);

    mutable std::mutex mutex_;
    std::map<Uuid, std::uint64_t> numbers_;
    std::vector<std::pair<std::uint64_t, Position>> stored_;  // as they were told
    Position last_;
    std::uint64_t refused_ = 0;
    std::optional<Client> client_;
    std::optional<Pacer> pacer_;
};

// All of it.
std::pair<std::uint64_t, KnownLog> read_log(Client& reader);

}  // namespace flare::lab
