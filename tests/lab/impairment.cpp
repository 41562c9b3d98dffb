#include "lab/impairment.hpp"

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace flare::lab {
namespace {

constexpr std::size_t kLargestPacket = 65'536;
constexpr std::size_t kIpv4Header = 20;

// RFC 791 section 3.1: the protocol is byte 9, the destination bytes 16 to 19.
Traffic traffic_of(const std::uint8_t* packet) {
    switch (packet[9]) {
        case IPPROTO_UDP: return Traffic::udp;
        case IPPROTO_TCP: return Traffic::tcp;
        default: return Traffic::other;
    }
}

std::uint32_t destination_of(const std::uint8_t* packet) {
    return static_cast<std::uint32_t>(packet[16]) << 24 | static_cast<std::uint32_t>(packet[17]) << 16 |
           static_cast<std::uint32_t>(packet[18]) << 8 | packet[19];
}

}  // namespace

Impairment::Impairment(const std::string& device, std::uint32_t server, std::uint64_t seed)
    : server_(server), random_(seed) {
    device_ = ::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    device.copy(request.ifr_name, IFNAMSIZ - 1);
    wake_ = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (device_ < 0 || wake_ < 0 || ::ioctl(device_, TUNSETIFF, &request) != 0)
        throw std::runtime_error(std::string("no TUN device: ") + std::strerror(errno));
    thread_ = std::thread([this] { run(); });
}

Impairment::~Impairment() {
    stop_ = true;
    const std::uint64_t one = 1;
    (void)!::write(wake_, &one, sizeof one);
    thread_.join();
    ::close(device_);
    ::close(wake_);
}

void Impairment::set(Traffic traffic, Direction direction, const Conditions& conditions) {
    const std::lock_guard lock(mutex_);
    flows_[static_cast<std::size_t>(traffic)][static_cast<std::size_t>(direction)].conditions = conditions;
}

void Impairment::set(Traffic traffic, const Conditions& both_ways) {
    set(traffic, Direction::to_server, both_ways);
    set(traffic, Direction::to_client, both_ways);
}

void Impairment::set(const Conditions& everything) {
    for (const Traffic traffic : {Traffic::udp, Traffic::tcp, Traffic::other}) set(traffic, everything);
}

void Impairment::run() {
    std::vector<std::uint8_t> buffer(kLargestPacket);
    while (!stop_) {
        wait_for_work();
        for (;;) {
            const ssize_t size = ::read(device_, buffer.data(), buffer.size());
            if (size <= 0) break;
            take(buffer.data(), static_cast<std::size_t>(size));
        }
        give_due();
    }
}

void Impairment::wait_for_work() const {
    pollfd fds[] = {{device_, POLLIN, 0}, {wake_, POLLIN, 0}};
    timespec time{};
    const timespec* limit = nullptr;
    if (!waiting_.empty()) {
        const auto left = std::max<std::chrono::nanoseconds>(waiting_.front().due - Clock::now(), {});
        time.tv_sec = static_cast<time_t>(left.count() / 1'000'000'000);
        time.tv_nsec = static_cast<long>(left.count() % 1'000'000'000);
        limit = &time;
    }
    (void)::ppoll(fds, 2, limit, nullptr);
}

void Impairment::take(const std::uint8_t* packet, std::size_t size) {
    if (size < kIpv4Header || packet[0] >> 4 != 4) return;  // the lab speaks IPv4 only
    const std::lock_guard lock(mutex_);
    const bool to_server = destination_of(packet) == server_;
    Flow& flow = flows_[static_cast<std::size_t>(traffic_of(packet))]
                       [static_cast<std::size_t>(to_server ? Direction::to_server : Direction::to_client)];
    const Conditions& with = flow.conditions;
    const auto happens = [&](double share) { return share > 0 && std::uniform_real_distribution<>()(random_) < share; };
    const Clock::time_point now = Clock::now();
    Clock::time_point due = now;
    if (with.bits_per_second != 0) {
        const auto time_of = [&](std::size_t bytes) {
            return std::chrono::nanoseconds(bytes * 8 * 1'000'000'000ull / with.bits_per_second);
        };
        flow.free_at = std::max(flow.free_at, now);
        if (flow.free_at - now > time_of(with.queue_bytes)) {
            ++dropped_;
            return;
        }
        due = flow.free_at += time_of(size);
    }
    if (size > with.largest_packet || happens(with.loss)) {
        ++dropped_;
        return;
    }
    if (!happens(with.reorder)) {
        due += with.delay;
        if (with.jitter.count() > 0)
            due +=
                std::chrono::microseconds(std::uniform_int_distribution<std::int64_t>(0, with.jitter.count())(random_));
        due = flow.last_due = std::max(due, flow.last_due);
    }
    for (int copies = happens(with.duplicate) ? 2 : 1; copies > 0; --copies) {
        waiting_.push_back({due, next_number_++, {packet, packet + size}});
        std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    }
}

void Impairment::give_due() {
    const Clock::time_point now = Clock::now();
    while (!waiting_.empty() && waiting_.front().due <= now) {
        std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
        const Waiting next = std::move(waiting_.back());
        waiting_.pop_back();
        if (::write(device_, next.packet.data(), next.packet.size()) > 0)
            ++forwarded_;
        else
            ++dropped_;
    }
}

}  // namespace flare::lab
