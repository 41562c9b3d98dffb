// Remembers for each network which protocol won, how well each did, and which failed. Entries fade with time.
//
// Protocol: docs/racing.md, "Racing memory", with the text form.
// Threads:  one at a time; the wall clock's time is an argument.
// Owner:    client::ClientLoop.
#pragma once

#include <flare/message.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

namespace flare::racing {

class Memory {
public:
    using Time = std::chrono::system_clock::time_point;
    static constexpr std::chrono::hours kHalfLife{1};  // of what was measured
    static constexpr std::chrono::hours kWinnerLife{24};
    static constexpr std::chrono::minutes kDoubtLife{10};  // of one failure; doubles with each one after it
    static constexpr std::uint32_t kMaxDoublings = 6;
    static constexpr std::size_t kMaxNetworks = 64;  // the one used longest ago is forgotten

    void won(const std::string& network, Protocol protocol, Time now);
    void failed(const std::string& network, Protocol protocol, Time now);
    // Of one race: each protocol's score without its weight, as a share of their sum (0..1).
    void measured(const std::string& network, const std::map<Protocol, double>& shares, Time now);

    // The configured weight, moved towards what was measured here: half way when that is fresh.
    double weight(const std::string& network, Protocol protocol, double configured, Time now) const;
    // The last winner, unless it has failed since or it is too long ago.
    std::optional<Protocol> winner(const std::string& network, Time now) const;
    // It has failed lately and not won since.
    bool doubtful(const std::string& network, Protocol protocol, Time now) const;

    std::string text() const;
    // Replaces everything. A line that makes no sense is left out. False: it is no such text; nothing is changed.
    bool read(std::string_view text);

private:
    struct Record {
        double share = 0;
        Time measured_at{};  // the epoch: never
        Time won_at{};
        Time failed_at{};
        std::uint32_t failures = 0;  // in a row
    };
    struct Network {
        std::map<Protocol, Record> protocols;
        Time used_at{};
    };
    Record& record(const std::string& network, Protocol protocol, Time now);
    const Record* find(const std::string& network, Protocol protocol) const;

    std::map<std::string, Network> networks_;
};

}  // namespace flare::racing
