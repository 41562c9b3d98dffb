#include "client/connect/racing_memory.hpp"

#include "base/file.hpp"
#include "base/log.hpp"
#include "client/connect/address_monitor.hpp"

#include <boost/asio/ip/network_v4.hpp>
#include <boost/asio/ip/network_v6.hpp>

namespace flare::client {
namespace {

namespace ip = boost::asio::ip;

// Addresses that stand for "somewhere else" (RFC 5737, RFC 3849): nothing is sent there.
constexpr const char* kElsewhere[] = {"192.0.2.1", "2001:db8::1"};

constexpr const char* kMemoryWhat = "racing memory";
constexpr std::size_t kMaxMemoryBytes = 1u << 20;  // 64 networks with two protocols take a few KB

std::chrono::system_clock::time_point now() { return std::chrono::system_clock::now(); }

}  // namespace

std::string network_of(const std::string& local_address) {
    boost::system::error_code wrong;
    const ip::address address = ip::make_address(local_address, wrong);
    if (wrong) return "unknown";
    if (address.is_v4()) return ip::make_network_v4(address.to_v4(), 24).canonical().to_string();
    ip::address_v6 plain = address.to_v6();
    plain.scope_id(0);
    return ip::make_network_v6(plain, 64).canonical().to_string();
}

RacingMemory::RacingMemory(const Config& config)
    : file_(config.racing.memory_file), server_(config.addresses.empty() ? "" : config.addresses.front().host) {
    if (file_.empty()) return;
    const auto text = base::read_file(file_, kMemoryWhat, kMaxMemoryBytes);
    if (!text) {
        if (text.error().code != errc::file_not_found) base::log().warn("{}", text.error().text);
        return;
    }
    if (!memory_.read(*text)) base::log().warn("{}: is not a racing memory file; it will be replaced", file_);
}

void RacingMemory::look_at_network() {
    std::string source;
    for (const char* elsewhere : kElsewhere) {
        source = source_address_to(elsewhere);
        if (!source.empty()) break;
    }
    place_ = network_of(source) + "|" + server_;
}

void RacingMemory::won(Protocol protocol) {
    memory_.won(place_, protocol, now());
    save();
}

void RacingMemory::failed(Protocol protocol) {
    memory_.failed(place_, protocol, now());
    save();
}

void RacingMemory::measured(const std::map<Protocol, double>& shares) {
    memory_.measured(place_, shares, now());
    save();
}

double RacingMemory::weight(Protocol protocol, double configured) const {
    return memory_.weight(place_, protocol, configured, now());
}

std::optional<Protocol> RacingMemory::winner() const { return memory_.winner(place_, now()); }

bool RacingMemory::doubtful(Protocol protocol) const { return memory_.doubtful(place_, protocol, now()); }

void RacingMemory::save() {
    if (file_.empty()) return;
    const auto written = base::put_file(file_, kMemoryWhat, memory_.text(), {});
    if (!written) base::log().warn("{}", written.error().text);
}

}  // namespace flare::client
