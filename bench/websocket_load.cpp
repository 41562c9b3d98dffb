#include "websocket_load.hpp"

#include "base/random.hpp"
#include "transport/websocket/parser.hpp"
#include "transport/websocket/upgrade.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <deque>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

using namespace transport::websocket;
using transport::WireFormat;

constexpr std::uint64_t kWarmUpNs = 500'000'000;
constexpr std::uint64_t kDrainNs = 2'000'000'000;

struct Connection {
    int fd = -1;
    Parser parser{Role::client, Accept::any, std::size_t{1} << 24};
    std::deque<std::uint64_t> sent_at;  // of the messages under way, in order
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::string unsent;
    bool wants_write = false;
};

class Load {
public:
    Load(std::uint16_t port, const LoadOptions& options) : options_(options), port_(port) {
        rlimit files{};
        ::getrlimit(RLIMIT_NOFILE, &files);
        files.rlim_cur = files.rlim_max;
        ::setrlimit(RLIMIT_NOFILE, &files);
        buffer_.resize(256 * 1024);
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    }
    ~Load() {
        for (const auto& connection : connections_) ::close(connection->fd);
        ::close(epoll_);
    }
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    LoadResult run(const std::function<std::uint64_t()>& server_cpu_ns) {
        for (std::size_t i = 0; i < options_.connections; ++i) open();
        for (const auto& connection : connections_) {
            for (std::size_t i = 0; i < options_.in_flight; ++i) add_message(*connection);
            flush(*connection);
        }
        turn_until(now_ns() + kWarmUpNs);
        messages_ = 0;
        latencies_.clear();
        latencies_.reserve(8'000'000);

        LoadResult result;
        const std::uint64_t start = now_ns();
        const std::uint64_t cpu = server_cpu_ns();
        turn_until(start + static_cast<std::uint64_t>(options_.seconds * 1e9));
        result.server_cpu_seconds = static_cast<double>(server_cpu_ns() - cpu) / 1e9;
        result.seconds = static_cast<double>(now_ns() - start) / 1e9;
        result.messages = messages_;
        result.latencies = std::move(latencies_);

        stopping_ = true;
        const std::uint64_t deadline = now_ns() + kDrainNs;
        while (outstanding() != 0 && now_ns() < deadline) turn_until(now_ns() + 10'000'000);
        result.lost = wrong_ + outstanding();
        return result;
    }

private:
    std::uint64_t outstanding() const {
        std::uint64_t count = 0;
        for (const auto& connection : connections_) count += connection->sent - connection->received;
        return count;
    }

    void open() {
        auto connection = std::make_unique<Connection>();
        connection->fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port_);
        if (connection->fd < 0 ||
            ::connect(connection->fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
            throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
        }
        const int on = 1;
        ::setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        ConnectTarget target;
        target.host_header = "127.0.0.1";
        const std::string key = make_key();
        const std::string request = upgrade_request(target, key);
        if (::send(connection->fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send");
        ResponseReader response(key, WireFormat::protobuf, 16 * 1024);
        ResponseReader::State state = ResponseReader::State::incomplete;
        while (state == ResponseReader::State::incomplete) {
            const ssize_t got = ::recv(connection->fd, buffer_.data(), buffer_.size(), 0);
            if (got <= 0) throw std::runtime_error("the server closed during the upgrade");
            state = response.feed({buffer_.data(), static_cast<std::size_t>(got)});
        }
        if (state != ResponseReader::State::upgraded) throw std::runtime_error(response.error().text);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = connection.get();
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
        connections_.push_back(std::move(connection));
    }

    // A message carries its number, as far as it has room for it.
    void add_message(Connection& connection) {
        FrameHead head;
        head.masked = true;
        head.length = options_.size;
        base::system_random().fill(head.key);
        char bytes[kMaxFrameHeaderBytes];
        connection.unsent.append(bytes, encode_frame_head(bytes, head));
        const std::size_t start = connection.unsent.size();
        connection.unsent.append(options_.size, 'x');
        char* const payload = connection.unsent.data() + start;
        std::memcpy(payload, &connection.sent, std::min(sizeof connection.sent, options_.size));
        mask_into(payload, payload, options_.size, head.key);
        ++connection.sent;
        connection.sent_at.push_back(now_ns());
    }

    void flush(Connection& connection) {
        while (!connection.unsent.empty()) {
            const ssize_t sent =
                ::send(connection.fd, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
            if (sent < 0) break;
            connection.unsent.erase(0, static_cast<std::size_t>(sent));
        }
        const bool wants_write = !connection.unsent.empty();
        if (wants_write == connection.wants_write) return;
        connection.wants_write = wants_write;
        epoll_event event{};
        event.events = EPOLLIN | (wants_write ? static_cast<std::uint32_t>(EPOLLOUT) : 0u);
        event.data.ptr = &connection;
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
    }

    void turn_until(std::uint64_t deadline) {
        epoll_event events[256];
        while (now_ns() < deadline) {
            const int count = ::epoll_wait(epoll_, events, 256, 5);
            for (int i = 0; i < count; ++i) read(*static_cast<Connection*>(events[i].data.ptr));
        }
    }

    void read(Connection& connection) {
        const ssize_t got = ::recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.fd, nullptr);  // what is outstanding counts as lost
            return;
        }
        std::span<char> input(buffer_.data(), got < 0 ? 0 : static_cast<std::size_t>(got));
        const std::uint64_t now = now_ns();
        while (!input.empty()) {
            const Event event = connection.parser.next(input);
            if (event.kind == EventKind::message) take(connection, event.payload, now);
        }
        flush(connection);
    }

    void take(Connection& connection, std::string_view payload, std::uint64_t now) {
        const std::size_t shown = std::min(sizeof connection.received, options_.size);
        if (payload.size() != options_.size || std::memcmp(payload.data(), &connection.received, shown) != 0) ++wrong_;
        if (connection.sent_at.empty()) return;
        latencies_.add(now - connection.sent_at.front());
        connection.sent_at.pop_front();
        ++connection.received;
        ++messages_;
        if (!stopping_) add_message(connection);
    }

    const LoadOptions& options_;
    std::uint16_t port_;
    int epoll_ = -1;
    std::vector<char> buffer_;
    std::vector<std::unique_ptr<Connection>> connections_;
    Latencies latencies_;
    std::uint64_t messages_ = 0;
    std::uint64_t wrong_ = 0;
    bool stopping_ = false;
};

}  // namespace

LoadResult websocket_echo_load(std::uint16_t port, const LoadOptions& options,
                               const std::function<std::uint64_t()>& server_cpu_ns) {
    return Load(port, options).run(server_cpu_ns);
}

}  // namespace flare::bench
