#include "racing/memory.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

namespace flare::racing {
namespace {

constexpr std::string_view kFirstLine = "flare-racing 1";
constexpr double kLearning = 0.5;  // how far a new measurement moves the old one, and a weight moves at most

std::int64_t seconds_of(Memory::Time time) {
    return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}
Memory::Time time_of(std::int64_t seconds) { return Memory::Time(std::chrono::seconds(seconds)); }

}  // namespace

Memory::Record& Memory::record(const std::string& network, Protocol protocol, Time now) {
    if (networks_.size() >= kMaxNetworks && !networks_.contains(network)) {
        networks_.erase(std::min_element(networks_.begin(), networks_.end(), [](const auto& a, const auto& b) {
            return a.second.used_at < b.second.used_at;
        }));
    }
    Network& here = networks_[network];
    here.used_at = now;
    return here.protocols[protocol];
}

const Memory::Record* Memory::find(const std::string& network, Protocol protocol) const {
    const auto here = networks_.find(network);
    if (here == networks_.end()) return nullptr;
    const auto found = here->second.protocols.find(protocol);
    return found == here->second.protocols.end() ? nullptr : &found->second;
}

void Memory::won(const std::string& network, Protocol protocol, Time now) {
    Record& winner = record(network, protocol, now);
    winner.won_at = now;
    winner.failures = 0;
}

void Memory::failed(const std::string& network, Protocol protocol, Time now) {
    Record& loser = record(network, protocol, now);
    loser.failed_at = now;
    ++loser.failures;
}

void Memory::measured(const std::string& network, const std::map<Protocol, double>& shares, Time now) {
    for (const auto& [protocol, share] : shares) {
        Record& of = record(network, protocol, now);
        of.share = of.measured_at == Time{} ? share : of.share + kLearning * (share - of.share);
        of.measured_at = now;
    }
}

double Memory::weight(const std::string& network, Protocol protocol, double configured, Time now) const {
    const Record* of = find(network, protocol);
    if (of == nullptr || of->measured_at == Time{}) return configured;
    const auto age = std::max<std::chrono::duration<double>>(now - of->measured_at, std::chrono::seconds(0));
    const double fresh = std::exp2(-(age / std::chrono::duration<double>(kHalfLife)));
    return std::clamp(configured + fresh * kLearning * (of->share - configured), 0.0, 1.0);
}

std::optional<Protocol> Memory::winner(const std::string& network, Time now) const {
    const auto here = networks_.find(network);
    if (here == networks_.end()) return std::nullopt;
    std::optional<Protocol> best;
    Time best_at{};
    for (const auto& [protocol, of] : here->second.protocols) {
        if (of.won_at <= best_at || of.failures != 0 || now - of.won_at > kWinnerLife) continue;
        best = protocol;
        best_at = of.won_at;
    }
    return best;
}

bool Memory::doubtful(const std::string& network, Protocol protocol, Time now) const {
    const Record* of = find(network, protocol);
    if (of == nullptr || of->failures == 0) return false;
    return now - of->failed_at < kDoubtLife * (1 << std::min(of->failures - 1, kMaxDoublings));
}

std::string Memory::text() const {
    std::string text = std::string(kFirstLine) + "\n";
    for (const auto& [network, here] : networks_) {
        for (const auto& [protocol, of] : here.protocols) {
            char numbers[160];
            std::snprintf(numbers, sizeof numbers, " %.3f %lld %lld %lld %u\n", of.share,
                          static_cast<long long>(seconds_of(of.measured_at)),
                          static_cast<long long>(seconds_of(of.won_at)),
                          static_cast<long long>(seconds_of(of.failed_at)), of.failures);
            text += network + " " + std::string(name(protocol)) + numbers;
        }
    }
    return text;
}

bool Memory::read(std::string_view text) {
    std::istringstream lines{std::string(text)};
    std::string line;
    if (!std::getline(lines, line) || line != kFirstLine) return false;
    std::map<std::string, Network> read;
    while (std::getline(lines, line)) {
        std::istringstream words(line);
        std::string network, protocol_name, rest;
        Record of;
        std::int64_t measured = 0, won = 0, failed = 0;
        if (!(words >> network >> protocol_name >> of.share >> measured >> won >> failed >> of.failures)) continue;
        if (words >> rest || !(of.share >= 0 && of.share <= 1)) continue;
        if (read.size() >= kMaxNetworks && !read.contains(network)) continue;
        // Times that the clock's type cannot hold would wrap.
        constexpr std::int64_t kLatest = 4'102'444'800;  // the year 2100
        if (std::min({measured, won, failed}) < 0 || std::max({measured, won, failed}) > kLatest) continue;
        for (const Protocol protocol : {Protocol::websocket, Protocol::quic}) {
            if (name(protocol) != protocol_name) continue;
            of.measured_at = time_of(measured);
            of.won_at = time_of(won);
            of.failed_at = time_of(failed);
            Network& here = read[network];
            here.protocols[protocol] = of;
            here.used_at = std::max({here.used_at, of.measured_at, of.won_at, of.failed_at});
        }
    }
    networks_ = std::move(read);
    return true;
}

}  // namespace flare::racing
