#include "quic_probe.hpp"

#include "base/random.hpp"
#include "probe_socket.hpp"

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <string_view>

namespace flare::cli {
namespace {

constexpr std::size_t kIdBytes = 8;
constexpr std::chrono::milliseconds kAgain{250};
constexpr int kTries = 4;

std::string packet_of(std::size_t size, std::string_view to_id, std::string_view from_id) {
    std::string packet("\xC0\x1A\x2A\x3A\x4A", 5);  // a long header, and a version of the form 0x?a?a?a?a
    packet.append(1, static_cast<char>(kIdBytes)).append(to_id);
    packet.append(1, static_cast<char>(kIdBytes)).append(from_id);
    packet.resize(size, '\0');
    return packet;
}

// The connection id that the answer is for, which we made up; empty: it is no Version Negotiation packet for us.
std::string_view answered_id(std::string_view packet, std::string_view from_id) {
    const std::size_t ids = 5;
    if (packet.size() < ids + 2 * (1 + kIdBytes) || (packet[0] & 0x80) == 0) return {};
    if (packet.substr(1, 4) != std::string_view("\0\0\0\0", 4)) return {};
    if (packet[ids] != static_cast<char>(kIdBytes) || packet.substr(ids + 1, kIdBytes) != from_id) return {};
    return packet.substr(ids + 2 + kIdBytes, kIdBytes);
}

}  // namespace

QuicProbe probe_quic(const boost::asio::ip::udp::endpoint& endpoint, const std::vector<std::size_t>& sizes,
                     std::chrono::milliseconds limit) {
    QuicProbe result;
    const Descriptor socket(::socket(endpoint.data()->sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    const int fd = socket.get();
    if (fd < 0) {
        result.error = errno;
        return result;
    }
    const bool v6 = endpoint.address().is_v6();
    const int probe = v6 ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;  // whole or not at all
    ::setsockopt(fd, v6 ? IPPROTO_IPV6 : IPPROTO_IP, v6 ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe, sizeof probe);
    if (::connect(fd, endpoint.data(), static_cast<socklen_t>(endpoint.size())) != 0) {
        result.error = errno;
        return result;
    }
    const std::string own_id = base::system_random().bytes(kIdBytes);
    std::map<std::string, std::size_t> waiting;  // by the id made up for the server
    for (const std::size_t size : sizes) waiting[base::system_random().bytes(kIdBytes)] = size;

    const auto began = ProbeClock::now();
    const auto deadline = began + limit;
    for (int tries = 0; tries < kTries && !waiting.empty() && result.error == 0; ++tries) {
        for (const auto& [id, size] : waiting) {
            const std::string packet = packet_of(size, id, own_id);
            if (::send(fd, packet.data(), packet.size(), 0) < 0 && errno != EMSGSIZE) result.error = errno;
        }
        const auto until = tries + 1 == kTries ? deadline : std::min(deadline, began + (tries + 1) * kAgain);
        while (result.error == 0 && !waiting.empty() && wait_for(fd, POLLIN, until)) {
            std::array<char, 2048> block;
            const auto got = ::recv(fd, block.data(), block.size(), 0);
            if (got < 0) {
                result.error = errno == EAGAIN ? 0 : errno;
                continue;
            }
            const auto found =
                waiting.find(std::string(answered_id({block.data(), static_cast<std::size_t>(got)}, own_id)));
            result.stranger = result.stranger || found == waiting.end();
            if (found == waiting.end()) continue;
            if (!result.answered) result.took = ProbeClock::now() - began;
            result.answered = true;
            result.largest = std::max(result.largest, found->second);
            waiting.erase(found);
        }
        // What is larger than the way allows will not come: half a second is enough to know.
        if (result.answered && ProbeClock::now() - began > 2 * kAgain) break;
    }
    return result;
}

}  // namespace flare::cli
