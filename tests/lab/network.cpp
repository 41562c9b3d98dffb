#include "lab/network.hpp"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <stdexcept>

namespace flare::lab {
namespace {

constexpr std::uint32_t kServerAddress = 10u << 24 | 78u << 16 | 2u << 8 | 2u;
constexpr const char* kFirstAddress = "10.78.1.2";
constexpr const char* kSecondAddress = "10.78.1.3";

std::string host_name(const char* role, int network) {
    return "flare-lab-" + std::string(role) + "-" + std::to_string(::getpid()) + "-" + std::to_string(network);
}

std::atomic<int> networks{0};  // of this process, so far

void switch_off_receive_offload(const std::string& interface) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    ethtool_value off{ETHTOOL_SGRO, 0};
    ifreq request{};
    interface.copy(request.ifr_name, IFNAMSIZ - 1);
    request.ifr_data = reinterpret_cast<char*>(&off);
    const bool done = ::ioctl(fd, SIOCETHTOOL, &request) == 0;
    ::close(fd);
    if (!done) throw std::runtime_error("cannot switch off the receive offload of " + interface);
}

}  // namespace

std::string Network::why_not() {
    if (std::string reason = test::NetworkNamespace::why_not(); !reason.empty()) return reason;
    if (std::system("command -v nft >/dev/null 2>&1") != 0) return "it needs nftables (scripts/setup.sh)";
    if (::access("/dev/net/tun", R_OK | W_OK) != 0) return "there is no /dev/net/tun";
    return {};
}

Network::Network(std::uint64_t seed) : Network(seed, ++networks) {}

Network::Network(std::uint64_t seed, int number)
    : client_(host_name("client", number)), router_(host_name("router", number)), server_(host_name("server", number)) {
    // Packets as they are on a wire: one that stands for several would be delayed, lost and judged as one. Without the
    // generic offload (ETHTOOL_SGSO) UDP_SEGMENT would still make such.
    const auto plug = [](const test::NetworkNamespace& host, const std::string& interface, const std::string& address) {
        host.run("ip link set dev " + interface + " gso_max_segs 1 && ip addr add " + address + "/24 dev " + interface +
                 " && ip link set " + interface + " up");
    };
    const auto cable = [&](const test::NetworkNamespace& host, const std::string& address, const std::string& socket,
                           const std::string& gateway) {
        host.run("ip link add uplink type veth peer name " + socket + " netns " + router_.name());
        plug(host, "uplink", address);
        plug(router_, socket, gateway);
        host.run("ip route add default via " + gateway);
    };
    cable(client_, kFirstAddress, "clients", "10.78.1.1");
    cable(server_, kServer, "servers", "10.78.2.1");
    on_client([] { switch_off_receive_offload("uplink"); });
    on_server([] { switch_off_receive_offload("uplink"); });
    on_router([&] {
        switch_off_receive_offload("clients");
        switch_off_receive_offload("servers");
        line_ = std::make_unique<Impairment>("line", kServerAddress, seed);
    });
    router_.run("ip link set line up mtu 1500 txqueuelen 10000");
    router_.run(
        "cd /proc/sys/net/ipv4; echo 1 >ip_forward; for d in all default clients servers line; do echo 0 "
        ">conf/$d/rp_filter; done");
    // When the first address of an interface goes, the others stay.
    client_.run("echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries");
    // What comes from either side goes to the line first; what the line gives back takes the way to its destination.
    for (const char* side : {"clients", "servers"}) router_.run("ip rule add iif " + std::string(side) + " lookup 100");
    router_.run("ip route add default dev line table 100");
}

void Network::round_trip(std::chrono::milliseconds time) {
    Conditions conditions;
    conditions.delay = time / 2;
    line_->set(conditions);
}

void Network::rules(const std::string& forward, const std::string& translate) {
    router_.run(
        "nft -f - <<'END'\n"
        "add table inet lab\n"
        "delete table inet lab\n"
        "table inet lab {\n"
        "  chain forward { type filter hook forward priority 0;\n" +
        forward +
        "\n  }\n"
        "  chain translate { type nat hook prerouting priority -100;\n" +
        translate +
        "\n  }\n"
        "}\n"
        "END");
}

void Network::change_client_address() {
    const std::string now = second_address_ ? kSecondAddress : kFirstAddress;
    const std::string next = second_address_ ? kFirstAddress : kSecondAddress;
    second_address_ = !second_address_;
    client_.run("ip addr add " + next + "/24 dev uplink && ip addr del " + now +
                "/24 dev uplink && ip route replace default via 10.78.1.1");
}

}  // namespace flare::lab
