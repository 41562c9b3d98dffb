#include "lab/network.hpp"

#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <exception>
#include <stdexcept>
#include <thread>

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
    if (::geteuid() != 0) return "it needs root, for network namespaces";
    if (std::system("command -v ip nft >/dev/null 2>&1") != 0)
        return "it needs iproute2 and nftables (scripts/setup.sh)";
    const std::string probe = host_name("probe", 0);
    if (std::system(("ip netns add " + probe + " 2>/dev/null").c_str()) != 0)
        return "network namespaces cannot be made here";
    const bool used = std::system(("ip -n " + probe + " link set lo up 2>/dev/null").c_str()) == 0;
    if (std::system(("ip netns del " + probe).c_str()) != 0 || !used)
        return "network namespaces cannot be used here: / must be a mount, which it is not after a mere chroot";
    if (::access("/dev/net/tun", R_OK | W_OK) != 0) return "there is no /dev/net/tun";
    return {};
}

Network::Network(std::uint64_t seed) : Network(seed, ++networks) {}

Network::Network(std::uint64_t seed, int number)
    : client_(host_name("client", number)), router_(host_name("router", number)), server_(host_name("server", number)) {
    for (const std::string& host : {client_, router_, server_})
        shell("ip netns add " + host + " && ip -n " + host + " link set lo up");
    const auto cable = [](const std::string& host, const std::string& name, const std::string& address,
                          const std::string& to, const std::string& far_name, const std::string& far_address) {
        shell("ip -n " + host + " link add " + name + " type veth peer name " + far_name + " netns " + to);
        // Packets as they are on a wire: one that stands for several would be delayed, lost and judged as one. Without
        // the generic offload (ETHTOOL_SGSO) UDP_SEGMENT would still make such.
        for (const auto& [end, interface] : {std::pair{host, name}, std::pair{to, far_name}})
            shell("ip -n " + end + " link set dev " + interface + " gso_max_segs 1");
        shell("ip -n " + host + " addr add " + address + "/24 dev " + name + " && ip -n " + host + " link set " + name +
              " up");
        shell("ip -n " + to + " addr add " + far_address + "/24 dev " + far_name + " && ip -n " + to + " link set " +
              far_name + " up");
    };
    cable(client_, "uplink", kFirstAddress, router_, "clients", "10.78.1.1");
    cable(server_, "uplink", kServer, router_, "servers", "10.78.2.1");
    shell("ip -n " + client_ + " route add default via 10.78.1.1");
    shell("ip -n " + server_ + " route add default via 10.78.2.1");
    on_client([] { switch_off_receive_offload("uplink"); });
    on_server([] { switch_off_receive_offload("uplink"); });
    on_router([&] {
        switch_off_receive_offload("clients");
        switch_off_receive_offload("servers");
        line_ = std::make_unique<Impairment>("line", kServerAddress, seed);
    });
    shell("ip -n " + router_ + " link set line up mtu 1500 txqueuelen 10000");
    shell("ip netns exec " + router_ +
          " sh -c 'cd /proc/sys/net/ipv4; echo 1 >ip_forward; for d in all default clients servers line; do echo 0 "
          ">conf/$d/rp_filter; done'");
    // When the first address of an interface goes, the others stay.
    shell("ip netns exec " + client_ + " sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/promote_secondaries'");
    // What comes from either side goes to the line first; what the line gives back takes the way to its destination.
    for (const char* side : {"clients", "servers"}) shell("ip -n " + router_ + " rule add iif " + side + " lookup 100");
    shell("ip -n " + router_ + " route add default dev line table 100");
}

Network::~Network() {
    line_.reset();
    for (const std::string& host : {client_, router_, server_}) (void)!std::system(("ip netns del " + host).c_str());
}

void Network::round_trip(std::chrono::milliseconds time) {
    Conditions conditions;
    conditions.delay = time / 2;
    line_->set(conditions);
}

void Network::rules(const std::string& forward, const std::string& translate) {
    shell("ip netns exec " + router_ +
          " nft -f - <<'END'\n"
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
    const std::string ip = "ip -n " + client_ + " ";
    shell(ip + "addr add " + next + "/24 dev uplink && " + ip + "addr del " + now + "/24 dev uplink && " + ip +
          "route replace default via 10.78.1.1");
}

void Network::on(const std::string& host, const std::function<void()>& task) {
    std::exception_ptr thrown;
    std::thread thread([&] {
        try {
            const int fd = ::open(("/run/netns/" + host).c_str(), O_RDONLY | O_CLOEXEC);
            const bool entered = fd >= 0 && ::setns(fd, CLONE_NEWNET) == 0;
            if (fd >= 0) ::close(fd);
            if (!entered) throw std::runtime_error("cannot enter the network namespace " + host);
            task();
        } catch (...) {
            thrown = std::current_exception();
        }
    });
    thread.join();
    if (thrown) std::rethrow_exception(thrown);
}

void Network::shell(const std::string& command) {
    if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

}  // namespace flare::lab
