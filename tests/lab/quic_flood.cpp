// First packets of QUIC connections, thousands a second, each from an address of its own that its sender may have
// forged: what they cost the server's memory, and what another user notices.
#include "lab/child.hpp"
#include "lab/lab.hpp"

#include "support/certificates.hpp"
#include "support/network_namespace.hpp"
#include "transport/quic/quic.hpp"

#include <flare/client.hpp>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace flare::lab {

using namespace std::chrono_literals;

namespace {

using Clock = std::chrono::steady_clock;
using Datagrams = std::vector<std::string>;

constexpr int kFloodPerSecond = 15'000;
constexpr auto kFlood = 3s;
constexpr auto kBetweenFloods = 500ms;
constexpr std::size_t kBurst = 15;
constexpr std::size_t kFirstPacket = 1200;      // RFC 9000 section 14.1: no client sends a shorter one
constexpr std::size_t kGrowthMiB = 64;          // so much may a server grow
constexpr double kRoundTripMs = 100;            // so long may another user wait
constexpr std::uint32_t kForged = 0x0a000000u;  // 10.0.0.0/8

[[noreturn]] void give_up(const char* what) {
    throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

// What as many clients of this library say first.
Datagrams first_packets(std::size_t count, const std::string& authority, const std::string& alpn) {
    namespace asio = boost::asio;
    using asio::ip::udp;
    namespace quic = transport::quic;
    asio::io_context io(1);
    udp::socket heard(io, udp::endpoint(asio::ip::address_v4::loopback(), 0));
    quic::ConnectTarget target;
    target.endpoint = heard.local_endpoint();
    target.server_name = "localhost";
    target.share_socket = true;
    const int room = 8 << 20;
    ::setsockopt(heard.native_handle(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
    heard.non_blocking(true);
    const auto keys = quic::ClientContext::load({authority, "", ""}, {alpn}, nullptr).value();
    Datagrams packets;
    std::array<char, 2048> bytes{};
    while (packets.size() < count) {
        std::vector<std::unique_ptr<quic::ConnectAttempt>> attempts;
        const auto hear = [&](bool keep) {
            io.restart();
            io.poll();
            boost::system::error_code none;
            for (std::size_t size = 0; (size = heard.receive(asio::buffer(bytes), 0, none)) != 0 && !none;) {
                if (keep) packets.emplace_back(bytes.data(), size);
            }
        };
        for (int i = 0; i < 200; ++i)
            attempts.push_back(
                quic::connect(io, target, keys, {}, [](std::unique_ptr<transport::Carrier>, const auto&) {}));
        hear(true);
        attempts.clear();
        hear(false);  // they take leave
    }
    packets.resize(count);
    return packets;
}

// First packets by their header alone.
Datagrams garbage(std::size_t count) {
    std::mt19937_64 random(1);
    Datagrams packets;
    while (packets.size() < count) {
        std::string packet(kFirstPacket, '\0');
        for (std::size_t i = 0; i < packet.size(); i += 8) {
            const std::uint64_t word = random();
            std::memcpy(packet.data() + i, &word, 8);
        }
        packet.replace(0, 6, std::string("\xc0\0\0\0\1\x08", 6));
        packet[14] = 8;
        packet.replace(23, 3, std::string("\0\x44\x90", 3));
        packets.push_back(std::move(packet));
    }
    return packets;
}

// Sends these to 127.0.0.1, evenly, each from a random address. Returns how many a second went out.
double flood(const Datagrams& packets, std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) give_up("socket");
    const int few = 1;  // nobody reads the answers
    ::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &few, sizeof few);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::mt19937 random(1);
    const auto began = Clock::now();
    for (std::size_t sent = 0; sent < packets.size();) {
        std::this_thread::sleep_until(began + sent * std::chrono::nanoseconds(1s) / kFloodPerSecond);
        for (std::size_t i = 0; i < kBurst && sent < packets.size(); ++i, ++sent) {
            iovec vector{const_cast<char*>(packets[sent].data()), packets[sent].size()};
            alignas(cmsghdr) char control[CMSG_SPACE(sizeof(in_pktinfo))] = {};
            msghdr header{};
            header.msg_name = &to;
            header.msg_namelen = sizeof to;
            header.msg_iov = &vector;
            header.msg_iovlen = 1;
            header.msg_control = control;
            header.msg_controllen = sizeof control;
            cmsghdr* const part = CMSG_FIRSTHDR(&header);
            part->cmsg_level = IPPROTO_IP;
            part->cmsg_type = IP_PKTINFO;
            part->cmsg_len = CMSG_LEN(sizeof(in_pktinfo));
            in_pktinfo info{};
            info.ipi_spec_dst.s_addr = htonl(kForged | (static_cast<std::uint32_t>(random()) & 0x00ffffffu));
            std::memcpy(CMSG_DATA(part), &info, sizeof info);
            if (::sendmsg(fd, &header, 0) < 0) give_up("sendmsg");
        }
    }
    const std::chrono::duration<double> took = Clock::now() - began;
    ::close(fd);
    return static_cast<double>(packets.size()) / took.count();
}

double cpu_seconds(pid_t pid) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
    std::string line;
    std::getline(file, line);
    std::istringstream fields(line.substr(line.rfind(')') + 1));  // from the third on: proc(5)
    std::string skipped;
    for (int i = 3; i < 14; ++i) fields >> skipped;
    double user = 0;
    double system = 0;
    fields >> user >> system;
    return (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

// Somebody who talks to the server all the time.
class User {
public:
    explicit User(std::unique_ptr<Client> client) : client_(std::move(client)), thread_([this] { talk(); }) {}
    ~User() {
        stop_ = true;
        thread_.join();
    }
    User(const User&) = delete;
    User& operator=(const User&) = delete;

    Figures ms;
    std::size_t failed = 0;

private:
    void talk() {
        while (!stop_) {
            const auto began = Clock::now();
            const bool answered = client_->send_text_message("server", "x").success;
            failed += answered ? 0u : 1u;
            ms.add(std::chrono::duration<double, std::milli>(Clock::now() - began).count());
            std::this_thread::sleep_for(5ms);
        }
    }

    std::unique_ptr<Client> client_;
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

struct Outcome {
    double per_second = 0;
    double before_mib = 0;
    double peak_mib = 0;
    double after_mib = 0;
    double cpu = 0;  // of one core, while it lasted
    Figures quic_ms;
    Figures websocket_ms;
    std::size_t failed = 0;

    bool good() const {
        return failed == 0 && peak_mib - before_mib <= static_cast<double>(kGrowthMiB) &&
               quic_ms.percentile(0.99) < kRoundTripMs && websocket_ms.percentile(0.99) < kRoundTripMs;
    }
};

Outcome withstand(const Datagrams& packets, const test::Certificates& files,
                  const test::Certificates::Identity& authority) {
    const auto identity = files.make("flooded", {.common_name = "flare"}, &authority);
    std::atomic<bool> ready{false};
    const Child server({"/proc/self/exe", "serve", identity.certificate_file, identity.key_file},
                       [&](std::string_view line) { ready = ready || line == "ready"; });
    for (int i = 0; i < 1000 && !ready; ++i) std::this_thread::sleep_for(10ms);
    if (!ready) throw std::runtime_error("the server does not start");
    const auto user = [&](const char* name, ServerAddresses addresses, ProtocolSelection protocol) {
        auto client = ClientBuilder(name)
                          .server_addresses(std::move(addresses))
                          .protocol_selection_mode(protocol)
                          .ca_file(authority.certificate_file)
                          .build();
        if (!client) throw std::runtime_error(client.error().text);
        if (const auto connected = client->connect(); !connected) throw std::runtime_error(connected.error().text);
        return std::make_unique<User>(std::make_unique<Client>(std::move(*client)));
    };
    const std::string quic_url = "quic://localhost:" + std::to_string(kOtherQuicPort);
    const std::string websocket_url = "wss://localhost:" + std::to_string(kOtherWebsocketPort);
    auto over_quic = user("quinn", ServerAddresses().with_quic_url(quic_url), ProtocolSelection::quic);
    auto over_websocket =
        user("wendy", ServerAddresses().with_websocket_tls_url(websocket_url), ProtocolSelection::websocket);
    std::this_thread::sleep_for(kBetweenFloods);

    Outcome outcome;
    outcome.before_mib = resident_mib(server.pid());
    const double cpu_before = cpu_seconds(server.pid());
    const auto began = Clock::now();
    std::atomic<bool> over{false};
    std::thread watch([&] {
        while (!over) {
            outcome.peak_mib = std::max(outcome.peak_mib, resident_mib(server.pid()));
            std::this_thread::sleep_for(20ms);
        }
    });
    outcome.per_second = flood(packets, kOtherQuicPort);
    outcome.cpu =
        (cpu_seconds(server.pid()) - cpu_before) / std::chrono::duration<double>(Clock::now() - began).count();
    std::this_thread::sleep_for(kBetweenFloods);
    over = true;
    watch.join();
    outcome.after_mib = resident_mib(server.pid());
    outcome.quic_ms = over_quic->ms;
    outcome.websocket_ms = over_websocket->ms;
    outcome.failed = over_quic->failed + over_websocket->failed;
    return outcome;
}

}  // namespace

int lab_quic_flood(const Options& options) {
    const test::NetworkNamespace host("flare-flood-" + std::to_string(::getpid()));
    host.run("ip route add local 10.0.0.0/8 dev lo");  // every address there is this host's own
    const test::Certificates files;
    const auto authority = files.authority("ca");
    const auto count = static_cast<std::size_t>(kFloodPerSecond * kFlood.count());
    struct Kind {
        const char* name;
        std::function<Datagrams()> packets;
    };
    const Kind kinds[] = {
        {"refused", [&] { return first_packets(count, authority.certificate_file, "h3"); }},
        {"unfinished", [&] { return first_packets(count, authority.certificate_file, transport::quic::kAlpn); }},
        {"garbage", [&] { return garbage(count); }},
    };
    int failed = 0;
    std::string json;
    for (const Kind& kind : kinds) {
        if (!options.only.empty() && options.only != kind.name) continue;
        Outcome outcome;
        host.on([&] { outcome = withstand(kind.packets(), files, authority); });
        failed += outcome.good() ? 0 : 1;
        const double quic[] = {outcome.quic_ms.median(), outcome.quic_ms.percentile(0.99), outcome.quic_ms.worst()};
        const double ws[] = {outcome.websocket_ms.median(), outcome.websocket_ms.percentile(0.99),
                             outcome.websocket_ms.worst()};
        std::printf("%-10s %6.0f/s, server %.2f of a core, %.1f MiB before, %.1f at most, %.1f after\n", kind.name,
                    outcome.per_second, outcome.cpu, outcome.before_mib, outcome.peak_mib, outcome.after_mib);
        std::printf(
            "           others' round trip in ms (p50, p99, worst): QUIC %.2f %.1f %.1f, wss %.2f %.1f %.1f; %zu "
            "failed%s\n",
            quic[0], quic[1], quic[2], ws[0], ws[1], ws[2], outcome.failed, outcome.good() ? "" : "   WRONG");
        char line[512];
        std::snprintf(line, sizeof line,
                      "%s\"%s\":{\"per_second\":%.0f,\"cpu\":%.2f,\"rss_before_mib\":%.1f,\"rss_peak_mib\":%.1f,"
                      "\"rss_after_mib\":%.1f,\"quic_p50_ms\":%.2f,\"quic_p99_ms\":%.1f,\"quic_max_ms\":%.1f,"
                      "\"wss_p50_ms\":%.2f,\"wss_p99_ms\":%.1f,\"wss_max_ms\":%.1f,\"failed\":%zu}",
                      json.empty() ? "" : ",", kind.name, outcome.per_second, outcome.cpu, outcome.before_mib,
                      outcome.peak_mib, outcome.after_mib, quic[0], quic[1], quic[2], ws[0], ws[1], ws[2],
                      outcome.failed);
        json += line;
    }
    std::printf("quic-flood: %s\n", failed == 0 ? "memory is flat, and others are served" : "FAILED");
    if (options.json) std::printf("{%s}\n", json.c_str());
    return failed == 0 ? 0 : 1;
}

}  // namespace flare::lab
