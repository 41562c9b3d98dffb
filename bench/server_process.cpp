#include "server_process.hpp"

#include "bench.hpp"
#include "client/connect/url.hpp"
#include "pin.hpp"

#include <flare/server.hpp>

#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <new>
#include <stdexcept>

namespace flare::bench {
namespace {

constexpr std::uint32_t kReportBytes = 256;

// Runs in the child: writes its port, or why it has none, and serves until `stop` closes.
[[noreturn]] void serve(const ServerOptions& options, const std::string& store_file, int report, int stop) {
    const auto tell = [&](const std::string& text) {
        if (::write(report, text.data(), text.size()) < 0) std::perror("bench: server");
        ::close(report);
    };
    ServerBuilder builder;
    builder.websocket_addr("127.0.0.1:0")
        .websocket_only()
        .worker_threads(options.workers)
        .heartbeat_interval(options.heartbeat)
        .log_level(LogLevel::warn);
    if (options.transport == "quic") builder.quic_only().quic_addr("127.0.0.1:0");
    if (options.transport == "wss") builder.websocket_tls("certs/server.crt", "certs/server.key");
    if (options.sealed) builder.sealing_key("certs/sealing.key");
    builder.with_message_handler(
        [](const SessionInfo&, const Message& message) { return Message(message.type, message.payload); },
        Execution::worker);
    std::unique_ptr<Server> server;  // the handler is made before it
    const auto publish = [](Server* where, std::atomic<std::uint64_t>* published,
                            Message message) -> Task<HandlerResult> {
        Message copy("published", message.payload);
        (void)co_await where->async_broadcast(std::move(copy));
        if (published != nullptr) ++*published;
        co_return HandlerResult();
    };
    builder.on_message_type("publish", [&server, publish, published = options.published](SessionInfo, Message message) {
        return publish(server.get(), published, std::move(message));
    });
    if (!store_file.empty()) {
        ConversationLimits limits;
        limits.device_per_second = limits.conversation_per_second = limits.direct_per_hour = 0;
        limits.deliveries_per_second = 0;  // none
        builder.store(sqlite(store_file)).conversation_limits(limits);
    }
    if (options.configure) options.configure(builder);
    auto built = builder.build();
    if (built) server = std::make_unique<Server>(std::move(*built));
    const auto started = built ? server->start() : Checked<>(built.error());
    if (!started) {
        tell(started.error().text);
        std::_Exit(1);
    }
    const std::string address = options.transport == "quic" ? server->quic_addr() : server->websocket_addr();
    tell(address.substr(address.rfind(':')));
    char ignored = 0;
    while (::read(stop, &ignored, 1) > 0) {
    }
    std::_Exit(0);  // the load has ended: nothing is left to say goodbye to
}

}  // namespace

bool ServerOptions::take(int argc, char** argv, int& i) {
    const std::string_view option = argv[i];
    if (option == "--sealed") return sealed = true;
    if (option == "--stored") return stored = true;
    if (i + 1 >= argc) return false;
    if (option == "--url") {
        running = RunningServer::at(argv[++i], transport);
        running->ca_file = ca_file;
        return true;
    }
    if (option == "--ca-file") {
        ca_file = argv[++i];
        if (running) running->ca_file = ca_file;
        return true;
    }
    if (option == "--token-file") {
        logins = Logins::read(argv[++i]);
        return true;
    }
    if (option == "--transport") {
        transport = argv[++i];
        if (transport != "ws" && transport != "wss" && transport != "quic")
            throw std::runtime_error("--transport: ws, wss or quic");
    } else if (option == "--workers") {
        workers = static_cast<std::uint32_t>(std::clamp<unsigned long>(std::strtoul(argv[++i], nullptr, 10), 1, 64));
    } else if (option == "--heartbeat") {
        heartbeat = std::chrono::milliseconds(std::lround(std::clamp(std::atof(argv[++i]), 0.1, 3600.0) * 1000));
    } else {
        return false;
    }
    return true;
}

RunningServer RunningServer::at(const std::string& url, std::string& transport) {
    const std::string scheme = boost::to_lower_copy(url.substr(0, std::min(url.find("://"), url.size())));
    if (scheme != "ws" && scheme != "wss" && scheme != "quic")
        throw std::invalid_argument("--url: write it as ws://HOST:PORT, wss://HOST:PORT or quic://HOST:PORT");
    const auto parsed = client::parse_url(url, scheme);
    if (!parsed) throw std::invalid_argument("--url: " + parsed.error().text);
    RunningServer server;
    transport = scheme;
    server.host = parsed->host;
    server.port = parsed->port;
    boost::asio::io_context context;
    boost::system::error_code error;
    const auto found = boost::asio::ip::tcp::resolver(context).resolve(server.host, "", error);
    if (error || found.empty()) throw NotConnected(Failure(errc::host_not_found, "there is no host " + server.host));
    server.address = found.begin()->endpoint().address();
    return server;
}

ServerProcess::ServerProcess(const ServerOptions& options) {
    if (options.running) {
        port_ = options.running->port;
        return;
    }
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    int report[2];
    int stop[2];
    if (::pipe(report) != 0 || ::pipe(stop) != 0) throw std::runtime_error("pipe");
    void* const shared = ::mmap(nullptr, sizeof(HeapCounts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error("mmap");
    heap_ = new (shared) HeapCounts;
    std::string store_file = options.store_file;
    if (options.stored && store_file.empty()) {
        folder_ = std::filesystem::temp_directory_path() / "flare-bench-XXXXXX";
        if (::mkdtemp(folder_.data()) == nullptr) throw std::runtime_error("no folder for the store");
        store_file = folder_ + "/flare.db";
    }
    const bool small = options.workers == 1;
    const ServerCpu placed(!small ? Placing::as_it_is : store_file.empty() ? Placing::alone : Placing::everywhere);
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ == 0) {
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);
        ::close(report[0]);
        ::close(stop[1]);
        count_heap_in(heap_);
        serve(options, store_file, report[1], stop[0]);
    }
    ::close(report[1]);
    ::close(stop[0]);
    stop_ = stop[1];
    std::string told(kReportBytes, '\0');
    const ssize_t got = ::read(report[0], told.data(), told.size());
    ::close(report[0]);
    told.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    if (told.empty() || told.front() != ':') throw std::runtime_error("the server did not start: " + told);
    port_ = static_cast<std::uint16_t>(std::strtoul(told.c_str() + 1, nullptr, 10));
}

ServerProcess::~ServerProcess() {
    if (!seen()) return;
    ::close(stop_);
    ::waitpid(pid_, nullptr, 0);
    ::munmap(heap_, sizeof *heap_);
    std::error_code ignored;
    if (!folder_.empty()) std::filesystem::remove_all(folder_, ignored);
}

ServerProcess::Heap ServerProcess::heap() const noexcept {
    if (!seen()) return {};
    const std::uint64_t by_new = heap_->by_new;
    return {by_new, std::max<std::uint64_t>(heap_->by_malloc, by_new) - by_new};
}

std::uint64_t ServerProcess::cpu_ns() const { return seen() ? process_cpu_ns(pid_) : 0; }

std::uint64_t ServerProcess::worker_cpu_ns() const {
    std::uint64_t sum = 0;
    std::error_code ignored;
    for (const auto& task : std::filesystem::directory_iterator("/proc/" + std::to_string(pid_) + "/task", ignored)) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm"), name);
        std::uint64_t running = 0;
        if (name == "flare-worker") std::ifstream(task.path() / "schedstat") >> running;
        sum += running;
    }
    return sum;
}

std::uint64_t ServerProcess::resident_bytes() const {
    std::ifstream file("/proc/" + std::to_string(pid_) + "/statm");
    std::uint64_t pages = 0;
    std::uint64_t resident = 0;
    std::uint64_t shared = 0;
    file >> pages >> resident >> shared;
    return (resident - shared) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::uint64_t ServerProcess::memory_bytes() const {
    if (!seen()) return 0;
    std::ifstream file("/proc/" + std::to_string(pid_) + "/smaps_rollup");
    std::uint64_t kilobytes = 0;
    for (std::string line; std::getline(file, line);) {
        if (line.starts_with("Private_")) kilobytes += std::strtoull(line.c_str() + line.find(':') + 1, nullptr, 10);
    }
    return kilobytes * 1024;
}

}  // namespace flare::bench
