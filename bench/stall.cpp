// Slow consumers: a server broadcasts steadily, some of its subscribers stop reading from their sockets. What it may
// cost: a bounded amount of the server's memory, nothing of the others' latency, and the stalled ones learn exactly
// what they have missed.
//
// First and last, for half of the time each, everybody reads; between them, for --seconds, the stalled do not. Latency
// is taken in windows of a second, and what is compared are medians of the windows, so that what else the machine does
// weighs little.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --subscribers N (default 1,000), --stalled N (50),
// --seconds S (60), --rate R (messages a second, 20), --size B (256), --json.
#include "bench.hpp"
#include "session_load.hpp"
#include "socket_memory.hpp"

#include <flare/server.hpp>

#include <sys/mman.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <new>
#include <stdexcept>
#include <vector>

namespace flare::bench {
namespace {

constexpr std::size_t kMost = 100'000;  // subscribers
constexpr double kOfBaseline = 0.05;
constexpr double kMostRatio = 1.10;
constexpr std::uint64_t kSampleNs = 250'000'000;
constexpr std::uint64_t kQuietNs = 20'000'000;  // so long before the next message nothing is under way

struct Head {  // of each payload
    std::uint64_t number = 0;
    std::uint64_t due_at = 0;
};

// What the server's process tells of sessions that end.
struct Told {
    std::atomic<std::uint64_t> published{0};
    struct End {
        std::atomic<int> code{-1};
        std::atomic<std::uint64_t> published{0};  // broadcasts until then
    };
    End ends[kMost];
};

class Recorder final : public EventHandler {
public:
    explicit Recorder(Told& told) : told_(told) {}
    void on_user_disconnected(const SessionInfo& session, const Failure& reason) override {
        const std::size_t index = std::strtoull(session.user.c_str() + std::strlen("load"), nullptr, 10);
        Told::End& end = told_.ends[index];
        int none = -1;
        const std::uint64_t published = told_.published;
        if (end.code.compare_exchange_strong(none, static_cast<int>(reason.code))) end.published = published;
    }

private:
    Told& told_;
};

// Of one period: the percentiles of each window, in microseconds.
struct Windows {
    std::vector<double> p50;
    std::vector<double> p99;
    static double median(std::vector<double> values) {
        if (values.empty()) return 0;
        const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
        std::nth_element(values.begin(), middle, values.end());
        return *middle;
    }
};

struct Options {
    LoadOptions load;
    ServerOptions where;
    std::size_t stalled = 50;
    std::chrono::milliseconds slow_after{};
    std::uint32_t unacked_frames = 0;
    std::uint64_t unacked_bytes = 64 * 1024;
    std::uint64_t queued_bytes = 0;

    std::uint64_t per_session() const { return unacked_bytes + queued_bytes; }
    // A sixth of the time for what may be unacknowledged to fill up, a quarter until that ends the session.
    void derive() {
        slow_after = std::chrono::milliseconds(std::lround(std::min(load.seconds / 4, 15.0) * 1000));
        unacked_frames = static_cast<std::uint32_t>(std::max(64.0, load.rate * load.seconds / 6));
        unacked_bytes = std::max<std::uint64_t>(unacked_bytes, unacked_frames * load.size);
        const double fills = load.rate * static_cast<double>(load.size + 100) * load.seconds / 4;
        queued_bytes = std::max<std::uint64_t>(64 * 1024, static_cast<std::uint64_t>(1.5 * fills));
    }
};

class Stall {
public:
    explicit Stall(const Options& options) : options_(options), received_(options.load.connections, 0) {
        void* const shared = ::mmap(nullptr, sizeof(Told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (shared == MAP_FAILED) throw std::runtime_error("mmap");
        told_ = new (shared) Told;
        ServerOptions where = options_.where;
        where.published = &told_->published;
        where.configure = [&](ServerBuilder& builder) {
            builder.max_message_bytes(options_.queued_bytes / 2)
                .max_unacked(options_.unacked_frames, options_.unacked_bytes)
                .max_queued(20'000, options_.queued_bytes)
                .slow_consumer_after(options_.slow_after)
                .with_event_handler(std::make_shared<Recorder>(*told_));
        };
        server_ = std::make_unique<ServerProcess>(where);
        payload_.assign(options_.load.size, 'x');
        load_ = std::make_unique<SessionLoad>(
            [this](LoadClient& client, std::string_view, std::string_view got) { take(client, got); });
    }
    ~Stall() {
        load_.reset();
        server_.reset();
        ::munmap(told_, sizeof *told_);
    }

    int run() {
        load_->connect(options_.where, server_->port(), options_.load.connections);
        load_->stay_awake();
        first_stalled_ = options_.load.connections - options_.stalled;
        next_due_ = now_ns();
        period(2.0, nullptr);
        const double half = options_.load.seconds / 2;
        Windows calm;
        Windows stalled;
        sample(base_, base_kernel_);
        period(half, &calm);
        base_ = std::max(base_, peak_);
        base_kernel_ = peak_kernel_;
        peak_ = 0;
        peak_kernel_ = {};
        for (std::size_t i = first_stalled_; i < load_->clients().size(); ++i) load_->clients()[i]->stall();
        period(options_.load.seconds, &stalled);
        const std::uint64_t peak = peak_;
        const SocketMemory peak_kernel = peak_kernel_;
        for (std::size_t i = first_stalled_; i < load_->clients().size(); ++i) load_->clients()[i]->read_again();
        const auto back = [this] {
            const auto& clients = load_->clients();
            return std::all_of(clients.begin() + static_cast<std::ptrdiff_t>(first_stalled_), clients.end(),
                               [](const auto& client) { return client->ready() && !client->gaps().empty(); });
        };
        period(std::min(half, 5.0), nullptr, back);
        const bool all_back = load_->run_until(back, std::chrono::seconds(20));
        judge_ends();
        period(half, &calm);
        return report(calm, stalled, peak, peak_kernel, all_back);
    }

private:
    void take(LoadClient& client, std::string_view got) {
        Head head;
        if (got.size() < sizeof head) return;
        std::memcpy(&head, got.data(), sizeof head);
        std::uint64_t& next = received_[client.index()];
        if (client.index() >= first_stalled_) {
            // Until it has missed something it gets every one; what comes later belongs to its next session.
            if (client.gaps().empty()) {
                lost_ += head.number == next ? 0 : 1;
                next = head.number + 1;
            }
            return;
        }
        lost_ += head.number == next ? 0 : 1;
        next = head.number + 1;
        latencies_.add(now_ns() - head.due_at);
    }

    // Publishes at the rate for so long; `windows`: where the latency goes, a window a second.
    void period(double seconds, Windows* windows, const std::function<bool()>& enough = {}) {
        const std::uint64_t end = now_ns() + static_cast<std::uint64_t>(seconds * 1e9);
        const auto step = static_cast<std::uint64_t>(1e9 / options_.load.rate);
        if (next_due_ < now_ns()) next_due_ = now_ns();
        std::uint64_t window_ends = now_ns() + 1'000'000'000;
        latencies_.clear();
        while (now_ns() < end && !(enough && enough())) {
            if (next_due_ > now_ns()) load_->run_for(std::chrono::nanoseconds(next_due_ - now_ns()));
            const Head head{published_++, next_due_};
            std::memcpy(payload_.data(), &head, sizeof head);
            load_->clients().front()->send("publish", payload_);
            next_due_ += step;
            load_->run_for(std::chrono::nanoseconds(std::min<std::uint64_t>(step / 2, kQuietNs)));
            const std::uint64_t now = now_ns();
            if (windows != nullptr && now >= window_ends && latencies_.size() != 0) {
                windows->p50.push_back(latencies_.percentile_us(0.50));
                windows->p99.push_back(latencies_.percentile_us(0.99));
                latencies_.clear();
                window_ends = now + 1'000'000'000;
            }
            // In the quiet between two messages, so that asking disturbs none.
            if (now >= next_sample_) {
                next_sample_ = now + kSampleNs;
                std::uint64_t memory = 0;
                SocketMemory kernel;
                sample(memory, kernel);
                peak_ = std::max(peak_, memory);
                if (kernel.to_send > peak_kernel_.to_send) peak_kernel_ = kernel;
            }
        }
    }

    void sample(std::uint64_t& memory, SocketMemory& kernel) const {
        memory = server_->resident_bytes();
        if (options_.where.transport != "quic") kernel = socket_memory(server_->port());
    }

    // Each stalled session: why it ended, and whether its client was told exactly what it has missed.
    void judge_ends() {
        for (std::size_t i = first_stalled_; i < load_->clients().size(); ++i) {
            const Told::End& end = told_->ends[i];
            ++reasons_[end.code < 0 ? "none" : std::string(name(static_cast<errc>(end.code.load())))];
            const auto& gaps = load_->clients()[i]->gaps();
            if (gaps.size() != 1) continue;
            std::uint64_t received = 0;
            std::uint64_t sent = 0;
            bool exact = true;
            for (const auto& lane : gaps.front().lanes) {
                received += lane.received;
                sent += lane.server_sent;
                exact = exact && lane.exact;
            }
            missing_ += sent - received;
            if (exact && received == received_[i] && sent == end.published) {
                ++exact_gaps_;
            } else if (exact_gaps_ + 3 > i - first_stalled_) {
                std::fprintf(for_people(options_.load.json),
                             "%s: exact %d, received %llu and told %llu, sent %llu and told %llu\n",
                             load_->user_of(i).c_str(), exact ? 1 : 0, static_cast<unsigned long long>(received_[i]),
                             static_cast<unsigned long long>(received),
                             static_cast<unsigned long long>(end.published.load()),
                             static_cast<unsigned long long>(sent));
            }
        }
    }

    int report(const Windows& calm, const Windows& stalled, std::uint64_t peak, const SocketMemory& kernel,
               bool all_back) {
        const auto mib = [](std::uint64_t bytes) { return static_cast<double>(bytes) / (1 << 20); };
        const std::uint64_t allowed = options_.stalled * options_.per_session() +
                                      static_cast<std::uint64_t>(kOfBaseline * static_cast<double>(base_));
        const std::uint64_t grown = peak > base_ ? peak - base_ : 0;
        const double p50 = Windows::median(calm.p50);
        const double p99 = Windows::median(calm.p99);
        const double stalled_p50 = Windows::median(stalled.p50);
        const double stalled_p99 = Windows::median(stalled.p99);
        const double ratio = p99 == 0 ? 0 : stalled_p99 / p99;
        lost_ += load_->failures();
        std::fprintf(
            for_people(options_.load.json),
            "stall: %zu subscribers over %s, %.0f messages/s of %zu bytes; %zu do not read for %.0f s\n"
            "a session may hold %.0f KiB: %u frames or %.0f KiB unacknowledged, %.0f KiB waiting; it ends after %.1f "
            "s\n"
            "server memory %.1f MiB, at its peak %.1f: %.2f MiB more, %.2f would be allowed\n"
            "the kernel held %.2f MiB for the server's sockets, %.1f KiB a stalled one, and %.2f MiB unread in those "
            "of the "
            "clients\n"
            "latency of the others: p50 %.0f us, p99 %.0f us; during the stall p50 %.0f us, p99 %.0f us: p99 ratio "
            "%.2f\n",
            options_.load.connections, options_.where.transport.c_str(), options_.load.rate, options_.load.size,
            options_.stalled, options_.load.seconds, static_cast<double>(options_.per_session()) / 1024,
            options_.unacked_frames, static_cast<double>(options_.unacked_bytes) / 1024,
            static_cast<double>(options_.queued_bytes) / 1024, static_cast<double>(options_.slow_after.count()) / 1000,
            mib(base_), mib(peak), mib(grown), mib(allowed), mib(kernel.to_send),
            static_cast<double>(kernel.to_send) / 1024 / static_cast<double>(options_.stalled), mib(kernel.unread), p50,
            p99, stalled_p50, stalled_p99, ratio);
        std::string reasons;
        for (const auto& [reason, count] : reasons_)
            reasons += (reasons.empty() ? "" : ", ") + reason + " " + std::to_string(count);
        std::fprintf(
            for_people(options_.load.json),
            "the stalled sessions ended: %s; %zu of %zu clients were told an exact gap, %llu messages in all; %s\n",
            reasons.c_str(), exact_gaps_, options_.stalled, static_cast<unsigned long long>(missing_),
            all_back ? "all came back" : "NOT all came back");
        std::fprintf(for_people(options_.load.json), "%llu lost, repeated or reordered for the others\n",
                     static_cast<unsigned long long>(lost_));
        const std::size_t slow = reasons_["slow_consumer"];
        const bool good = grown <= allowed && ratio <= kMostRatio && slow == options_.stalled &&
                          exact_gaps_ == options_.stalled && all_back && lost_ == 0;
        if (options_.load.json) {
            std::printf(
                "{\"memory_before_bytes\":%llu,\"memory_peak_bytes\":%llu,\"memory_allowed_bytes\":%llu,"
                "\"kernel_bytes_per_stalled\":%.0f,\"p50_us\":%.0f,\"p99_us\":%.0f,\"stalled_p50_us\":%.0f,"
                "\"stalled_p99_us\":%.0f,\"p99_ratio\":%.3f,\"stalled\":%zu,\"slow_consumer\":%zu,\"exact_gaps\":%zu,"
                "\"missed\":%llu,\"lost\":%llu}\n",
                static_cast<unsigned long long>(base_), static_cast<unsigned long long>(peak),
                static_cast<unsigned long long>(base_ + allowed),
                static_cast<double>(kernel.to_send) / static_cast<double>(options_.stalled), p50, p99, stalled_p50,
                stalled_p99, ratio, options_.stalled, slow, exact_gaps_, static_cast<unsigned long long>(missing_),
                static_cast<unsigned long long>(lost_));
        }
        return good ? 0 : 1;
    }

    const Options& options_;
    Told* told_ = nullptr;
    std::unique_ptr<ServerProcess> server_;
    std::string payload_;
    std::vector<std::uint64_t> received_;  // of each client: the number that it must get next
    std::size_t first_stalled_ = kMost;
    std::uint64_t published_ = 0;
    std::uint64_t next_due_ = 0;
    std::uint64_t next_sample_ = 0;
    std::uint64_t base_ = 0;
    std::uint64_t peak_ = 0;
    SocketMemory base_kernel_;
    SocketMemory peak_kernel_;
    std::uint64_t lost_ = 0;
    std::uint64_t missing_ = 0;
    std::size_t exact_gaps_ = 0;
    std::map<std::string, std::size_t> reasons_;
    Latencies latencies_;
    std::unique_ptr<SessionLoad> load_;  // made behind the server's process, which must not have it
};

}  // namespace

int bench_stall(int argc, char** argv) {
    Options options;
    options.load.connections = 1000;
    options.load.size = 256;
    options.load.seconds = 60;
    options.load.rate = 20;
    for (int i = 1; i < argc; ++i) {
        const bool more = i + 1 < argc;
        if (more && std::strcmp(argv[i], "--subscribers") == 0) {
            options.load.connections = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 2, kMost);
        } else if (more && std::strcmp(argv[i], "--stalled") == 0) {
            options.stalled = std::strtoull(argv[++i], nullptr, 10);
        } else if (!options.load.take(argc, argv, i) && !options.where.take(argc, argv, i)) {
            std::fprintf(stderr, "stall: unknown option %s\n", argv[i]);
            return 2;
        }
    }
    options.stalled = std::clamp<std::size_t>(options.stalled, 1, options.load.connections - 1);
    options.load.size = std::max(options.load.size, sizeof(Head));
    options.load.rate = std::max(options.load.rate, 1.0);
    options.derive();
    return Stall(options).run();
}

}  // namespace flare::bench
