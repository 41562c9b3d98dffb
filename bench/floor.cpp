// The floor: what a WebSocket echo, or a broadcast, costs with nothing around it. One thread with
// epoll, the raw codec, one read and one write (a broadcast: to each connection) for all that a read brought.
//
// Options: --connections N, --in-flight K, --size B, --seconds S (default 3), --fan-out, --json.
#include "bench.hpp"
#include "echo_load.hpp"
#include "pin.hpp"

#include "transport/websocket/parser.hpp"
#include "transport/websocket/upgrade.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace flare::bench {
namespace {

using namespace transport::websocket;

class EchoServer {
public:
    // fan_out: what comes goes to all connections.
    explicit EchoServer(bool fan_out) : fan_out_(fan_out) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 4096) != 0 ||
            ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
            throw std::runtime_error(std::string("listen: ") + std::strerror(errno));
        }
        port_ = ntohs(address.sin_port);
        stop_ = ::eventfd(0, EFD_CLOEXEC);
        epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
        watch(listener_, &listener_);
        watch(stop_, &stop_);
        buffer_.resize(256 * 1024);
        const ServerCpu first;
        thread_ = std::thread([this] { run(); });
    }
    ~EchoServer() {
        const std::uint64_t one = 1;
        if (::write(stop_, &one, sizeof one) < 0) std::perror("floor: stop");
        thread_.join();
        for (const auto& [key, connection] : connections_) ::close(connection->fd);
        for (const int fd : {listener_, stop_, epoll_}) ::close(fd);
    }
    EchoServer(const EchoServer&) = delete;
    EchoServer& operator=(const EchoServer&) = delete;

    std::uint16_t port() const { return port_; }
    std::uint64_t cpu() { return cpu_ns(thread_.native_handle()); }

private:
    struct Connection {
        int fd = -1;
        std::unique_ptr<RequestReader> request = std::make_unique<RequestReader>(16 * 1024);  // until the upgrade
        Parser parser{Role::server, Accept::any, std::size_t{1} << 24};
        std::string unsent;  // while it is not empty the connection is not read
    };

    void watch(int fd, void* key) const {
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = key;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event);
    }

    void run() {
        epoll_event events[256];
        for (;;) {
            const int count = ::epoll_wait(epoll_, events, 256, -1);
            for (int i = 0; i < count; ++i) {
                void* const key = events[i].data.ptr;
                if (key == &stop_) return;
                if (key == &listener_) {
                    accept();
                } else if ((events[i].events & EPOLLOUT) != 0) {
                    write(*static_cast<Connection*>(key), {});
                } else {
                    read(*static_cast<Connection*>(key));
                }
            }
        }
    }

    void accept() {
        const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        auto connection = std::make_unique<Connection>();
        connection->fd = fd;
        watch(fd, connection.get());
        Connection* const key = connection.get();
        connections_.emplace(key, std::move(connection));
        in_order_.push_back(key);
    }

    void read(Connection& connection) {
        const ssize_t got = ::recv(connection.fd, buffer_.data(), buffer_.size(), 0);
        if (got < 0 && errno == EAGAIN) return;
        if (got <= 0) return drop(connection);
        std::span<char> input(buffer_.data(), static_cast<std::size_t>(got));
        if (connection.request != nullptr) return upgrade(connection, {input.data(), input.size()});
        out_.clear();
        while (!input.empty()) {
            const transport::websocket::Event event = connection.parser.next(input);
            if (event.kind == EventKind::none || event.kind == EventKind::pong) continue;
            if (event.kind == EventKind::close || event.kind == EventKind::violation) return drop(connection);
            FrameHead head;
            head.opcode = event.kind == EventKind::ping ? Opcode::pong : event.text ? Opcode::text : Opcode::binary;
            head.length = event.payload.size();
            char bytes[kMaxFrameHeaderBytes];
            out_.append(bytes, encode_frame_head(bytes, head));
            out_.append(event.payload);
        }
        if (!fan_out_) {
            write(connection, out_);
        } else if (!out_.empty()) {
            for (Connection* const each : in_order_) write(*each, out_);
        }
    }

    void upgrade(Connection& connection, std::string_view bytes) {
        const RequestReader::State state = connection.request->feed(bytes);
        if (state == RequestReader::State::incomplete) return;
        if (!write(connection, connection.request->answer())) return;
        if (state != RequestReader::State::upgrade) return drop(connection);
        connection.request.reset();
    }

    // False: the connection has gone.
    bool write(Connection& connection, std::string_view bytes) {
        const bool waited = !connection.unsent.empty();
        if (waited) bytes = connection.unsent;
        if (bytes.empty()) return true;
        const ssize_t sent = ::send(connection.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            drop(connection);
            return false;
        }
        std::string rest(bytes.substr(sent < 0 ? 0u : static_cast<std::size_t>(sent)));
        const bool waits = !rest.empty();
        connection.unsent = std::move(rest);
        if (waits == waited) return true;
        epoll_event event{};
        event.events = waits ? static_cast<std::uint32_t>(EPOLLOUT) : static_cast<std::uint32_t>(EPOLLIN);
        event.data.ptr = &connection;
        ::epoll_ctl(epoll_, EPOLL_CTL_MOD, connection.fd, &event);
        return true;
    }

    void drop(Connection& connection) {
        ::close(connection.fd);
        std::erase(in_order_, &connection);
        connections_.erase(&connection);
    }

    const bool fan_out_;
    int listener_ = -1;
    int stop_ = -1;
    int epoll_ = -1;
    std::uint16_t port_ = 0;
    std::vector<char> buffer_;
    std::string out_;
    std::unordered_map<Connection*, std::unique_ptr<Connection>> connections_;
    std::vector<Connection*> in_order_;
    std::thread thread_;
};

LoadResult floor_load(const LoadOptions& options) {
    EchoServer server(options.fan_out);
    return echo_load(find_system("websocket"), server.port(), options, [&] { return server.cpu(); });
}

}  // namespace

double floor_cpu_us_per_message(const LoadOptions& options) { return floor_load(options).server_cpu_us_per_message(); }

int bench_floor(int argc, char** argv) {
    LoadOptions options;
    for (int i = 1; i < argc; ++i) {
        if (std::strcmp(argv[i], "--fan-out") == 0) {
            options.fan_out = true;
            continue;
        }
        if (options.take(argc, argv, i)) continue;
        std::fprintf(stderr, "floor: unknown option %s\n", argv[i]);
        return 2;
    }
    return floor_load(options).print("floor", options);
}

}  // namespace flare::bench
