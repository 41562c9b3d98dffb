#include "echo_load.hpp"

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

constexpr std::uint64_t kReadyNs = 30'000'000'000;
constexpr std::uint64_t kDrainNs = 2'000'000'000;

// A number in letters, as much of it as there is room for: systems that carry text carry it, too.
void put_number(char* to, std::size_t room, std::uint64_t number) {
    for (std::size_t i = 0; i < std::min<std::size_t>(room, 8); ++i, number >>= 4)
        to[i] = static_cast<char>('a' + (number & 15));
}

class Load {
public:
    Load(const System& system, std::uint16_t port, const LoadOptions& options)
        : system_(system), options_(options), port_(port), payload_(options.size, 'x'), expected_(options.size, 'x') {
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
        const std::uint64_t patience = now_ns() + kReadyNs;
        while (ready_ < connections_.size() && now_ns() < patience) turn_until(now_ns() + 1'000'000);
        if (ready_ < connections_.size()) throw std::runtime_error("not every connection was ready in time");
        if (options_.fan_out) {
            publish();
        } else {
            for (const auto& connection : connections_) {
                for (std::size_t i = 0; i < options_.in_flight; ++i) add_message(*connection);
                flush(*connection);
            }
        }
        turn_until(now_ns() + options_.warm_up_ns());
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
    struct Connection final : Dialect::Sink {
        Connection(Load& of, std::unique_ptr<Dialect> speaks) : load(of), dialect(std::move(speaks)) {}
        void send(std::string_view unit) override { load.add_unit(*this, unit); }
        void ready() override { ++load.ready_; }
        void received(std::string_view payload) override { load.take(*this, payload); }

        Load& load;
        const std::unique_ptr<Dialect> dialect;
        int fd = -1;
        Parser parser{Role::client, Accept::any, std::size_t{1} << 24};
        std::deque<std::uint64_t> sent_at;  // of the messages under way, in order
        std::uint64_t sent = 0;
        std::uint64_t received_count = 0;
        std::string unread;  // the beginning of what is not whole yet
        std::string unsent;
        bool wants_write = false;
    };

    std::uint64_t outstanding() const {
        std::uint64_t count = missing_;
        if (options_.fan_out) return count;
        for (const auto& connection : connections_) count += connection->sent - connection->received_count;
        return count;
    }

    void open() {
        auto connection = std::make_unique<Connection>(*this, system_.speak(connections_.size()));
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
        const timeval patience{5, 0};
        ::setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        std::string first = system_.websocket ? upgrade(connection->fd) : std::string();
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.ptr = connection.get();
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connection->fd, &event);
        connections_.push_back(std::move(connection));
        Connection& opened = *connections_.back();
        opened.dialect->begin(opened);
        take_bytes(opened, {first.data(), first.size()});
        flush(opened);
    }

    // Returns what has come after the response.
    std::string upgrade(int fd) {
        std::string request = std::string("GET ") + system_.path +
                              " HTTP/1.1\r\nHost: 127.0.0.1:" + std::to_string(port_) +
                              "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
                              "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + make_key() + "\r\n";
        if (*system_.subprotocol != '\0')
            request += std::string("Sec-WebSocket-Protocol: ") + system_.subprotocol + "\r\n";
        request += "\r\n";
        if (::send(fd, request.data(), request.size(), MSG_NOSIGNAL) < 0) throw std::runtime_error("send");
        std::string response;
        for (;;) {
            const ssize_t got = ::recv(fd, buffer_.data(), buffer_.size(), 0);
            if (got <= 0) throw std::runtime_error("the server closed, or said nothing, during the upgrade");
            response.append(buffer_.data(), static_cast<std::size_t>(got));
            const std::size_t end = response.find("\r\n\r\n");
            if (end == std::string::npos) continue;
            if (!response.starts_with("HTTP/1.1 101")) throw std::runtime_error(response.substr(0, end));
            return response.substr(end + 4);
        }
    }

    void add_message(Connection& connection) {
        put_number(payload_.data(), payload_.size(), connection.sent);
        ++connection.sent;
        connection.sent_at.push_back(now_ns());
        connection.dialect->send(payload_, connection);
    }

    // The next when all have got the last: fan-out.
    void publish() {
        published_at_ = now_ns();
        missing_ = options_.in_flight * connections_.size();
        for (std::size_t i = 0; i < options_.in_flight; ++i) add_message(*connections_.front());
        flush(*connections_.front());
    }

    void add_unit(Connection& connection, std::string_view unit) {
        if (!system_.websocket) {
            connection.unsent.append(unit);
            return;
        }
        add_frame(connection, system_.text ? Opcode::text : Opcode::binary, unit);
    }

    // Nobody answers it, and the kernel sees a connection that is used both ways, whose TCP acknowledgements wait for
    // company; one that only reads sends each at once, which here is work of the load's CPU.
    void add_ack(Connection& connection) { add_frame(connection, Opcode::pong, "received"); }

    void add_frame(Connection& connection, Opcode opcode, std::string_view unit) {
        FrameHead head;
        head.opcode = opcode;
        head.masked = true;
        head.length = unit.size();
        base::system_random().fill(head.key);
        char bytes[kMaxFrameHeaderBytes];
        connection.unsent.append(bytes, encode_frame_head(bytes, head));
        const std::size_t start = connection.unsent.size();
        connection.unsent.append(unit);
        char* const payload = connection.unsent.data() + start;
        mask_into(payload, payload, unit.size(), head.key);
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

    // Never sleeps: see SessionLoad::stay_awake().
    void turn_until(std::uint64_t deadline) {
        epoll_event events[256];
        while (now_ns() < deadline) {
            const int count = ::epoll_wait(epoll_, events, 256, 0);
            for (int i = 0; i < count; ++i) read(*static_cast<Connection*>(events[i].data.ptr));
        }
    }

    void read(Connection& connection) {
        const ssize_t got = ::recv(connection.fd, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            ::epoll_ctl(epoll_, EPOLL_CTL_DEL, connection.fd, nullptr);  // what is outstanding counts as lost
            return;
        }
        now_ = now_ns();
        take_bytes(connection, {buffer_.data(), got < 0 ? 0 : static_cast<std::size_t>(got)});
        flush(connection);
    }

    void take_bytes(Connection& connection, std::span<char> input) {
        if (!system_.websocket) return take_stretch(connection, {input.data(), input.size()});
        while (!input.empty()) {
            const transport::websocket::Event event = connection.parser.next(input);
            if (event.kind == EventKind::message) take_stretch(connection, event.payload);
        }
    }

    void take_stretch(Connection& connection, std::string_view bytes) {
        if (connection.unread.empty()) {
            const std::size_t done = connection.dialect->take(bytes, connection);
            connection.unread.assign(bytes.substr(done));
        } else {
            connection.unread.append(bytes);
            connection.unread.erase(0, connection.dialect->take(connection.unread, connection));
        }
    }

    void take(Connection& connection, std::string_view payload) {
        put_number(expected_.data(), expected_.size(), connection.received_count);
        if (payload != expected_) ++wrong_;
        if (options_.fan_out) {
            latencies_.add(now_ - published_at_);
            ++connection.received_count;
            ++messages_;
            if (options_.ack_every != 0 && connection.received_count % options_.ack_every == 0) add_ack(connection);
            if (--missing_ == 0 && !stopping_) publish();
            return;
        }
        if (connection.sent_at.empty()) return;
        latencies_.add(now_ - connection.sent_at.front());
        connection.sent_at.pop_front();
        ++connection.received_count;
        ++messages_;
        if (!stopping_) add_message(connection);
    }

    const System& system_;
    const LoadOptions& options_;
    std::uint16_t port_;
    int epoll_ = -1;
    std::vector<char> buffer_;
    std::string payload_, expected_;
    std::vector<std::unique_ptr<Connection>> connections_;
    std::size_t ready_ = 0;
    Latencies latencies_;
    std::uint64_t now_ = 0;
    std::uint64_t messages_ = 0;
    std::uint64_t wrong_ = 0;
    std::uint64_t missing_ = 0;  // deliveries of what was published last
    std::uint64_t published_at_ = 0;
    bool stopping_ = false;
};

}  // namespace

LoadResult echo_load(const System& system, std::uint16_t port, const LoadOptions& options,
                     const std::function<std::uint64_t()>& server_cpu_ns) {
    return Load(system, port, options).run(server_cpu_ns);
}

}  // namespace flare::bench
