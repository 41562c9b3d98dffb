// Members of a room are cut off while somebody who is not goes on sending to it, and come back: each is told the log
// from its place on, once and in order. How long that takes counts from the end of the cut until a member has been told
// all that was stored when the cut ended.
//
// Variants: `cut`; `kill`: the server is killed (SIGKILL) during the cut, and started again; `restore`: it is killed,
// and a backup that was made a second before the cut takes the place of its store: each member hears that the log is
// another one, and is told that from its first entry on.
//
// Options: --members N (200), --cut-seconds S (30), --rate R messages a second (100), --transport ws|wss|quic and
// --variant cut|kill|restore (all of them), --heartbeat S (30: as shipped), --runs N (1) of each.
#include "lab/catch_up.hpp"
#include "lab/child.hpp"
#include "lab/lab.hpp"
#include "lab/stored_server.hpp"
#include "support/certificates.hpp"

#include <flare/server.hpp>
#include <flare/session_pool.hpp>
#include <flare/store.hpp>

#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <deque>
#include <filesystem>
#include <stdexcept>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr auto kBefore = 2s;       // messages that all are told live, before the cut
constexpr auto kBackUpAhead = 1s;  // of the cut
constexpr auto kStarting = 30s;
constexpr const char* kPort = "4000";

struct Kind {
    std::string transport;
    std::string variant;
};

struct Sum {
    std::uint64_t lost = 0, repeated = 0, reordered = 0, gaps = 0, ended = 0, refused = 0;
    std::uint64_t incomplete = 0;     // members that were not told everything in time
    std::uint64_t diverged_told = 0;  // members that were told once that the log is another one
    std::uint64_t resumed = 0;        // members that came back to their session
    std::uint64_t entries = 0;        // in the log, in the end
    std::uint64_t missed = 0;         // of them stored during the cut
    Figures complete_ms;

    bool good(const Kind& kind, int members) const {
        const std::uint64_t diverged = kind.variant == "restore" ? static_cast<std::uint64_t>(members) : 0;
        return lost + repeated + reordered + ended + refused + incomplete == 0 && missed != 0 &&
               diverged_told == diverged && gaps == diverged;
    }
};

template <typename Done>
bool wait_until(const Done& done, std::chrono::milliseconds limit) {
    for (const auto until = Clock::now() + limit; Clock::now() < until; std::this_thread::sleep_for(5ms)) {
        if (done()) return true;
    }
    return done();
}

class CutOff {
public:
    CutOff(Kind kind, const Options& options)
        : kind_(std::move(kind)),
          members_(static_cast<std::size_t>(options.members)),
          cut_(options.cut_seconds),
          rate_(options.rate),
          heartbeat_(options.heartbeat) {
        std::string pattern = std::filesystem::temp_directory_path() / "flare-catch-up-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the store");
        folder_ = pattern;
    }
    ~CutOff() {
        pool_.reset();
        server_.reset();
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    CutOff(const CutOff&) = delete;
    CutOff& operator=(const CutOff&) = delete;

    Sum go() {
        serve();
        Sender sender(hosts_, client("sender").reconnect_delay(20ms));
        gather(sender.client());
        sender.start(rate_);
        std::this_thread::sleep_for(kBefore - kBackUpAhead);
        std::size_t kept = sender.stored();  // receipts of what must be there in the end, in any epoch
        // What is stored behind it while members are cut off is what they miss: of a log that is put back, behind its
        // backup.
        std::uint64_t before = sender.last().offset;
        if (restores()) back_up();
        std::this_thread::sleep_for(kBackUpAhead);
        if (!restores()) {
            kept = 0;  // all are of one epoch
            before = sender.last().offset;
        }
        hosts_.cut();
        const auto ends = Clock::now() + std::chrono::duration_cast<Clock::duration>(cut_);
        if (kind_.variant != "cut") {
            std::this_thread::sleep_for(cut_ / 3);
            interrupt();
            sender.forget();
            if (!wait_until([&] { return sender.last().offset != 0; }, kStarting))
                throw std::runtime_error("nothing is stored after the server's return");
        }
        std::this_thread::sleep_until(ends);
        const Position goal = sender.last();
        for (Member& each : members_) each.expect(goal);
        hosts_.mend();
        const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(3 * cut_) + 60s;
        wait_until([&] { return std::ranges::all_of(members_, &Member::complete); }, patience);

        sender.stop();
        Sum sum;
        sum.missed = goal.offset - std::min(before, goal.offset);
        sum.refused = sender.refused();
        judge(sender, kept, sum);
        return sum;
    }

private:
    bool restores() const { return kind_.variant == "restore"; }
    std::string file() const { return folder_ + "/flare.db"; }
    std::string backup() const { return folder_ + "/backup.db"; }

    void serve() {
        ready_ = false;
        hosts_.on_server([&] {
            server_ = std::make_unique<Child>(
                std::vector<std::string>{std::filesystem::read_symlink("/proc/self/exe"), "serve-room", kind_.transport,
                                         std::string(Hosts::kServer) + ":" + kPort, file(), identity_.certificate_file,
                                         identity_.key_file, std::to_string(heartbeat_)},
                [this](std::string_view line) { ready_ = ready_ || line == "serving"; });
        });
        if (!wait_until([&] { return ready_.load(); }, kStarting))
            throw std::runtime_error("the server does not start");
    }
    void back_up() const {
        const auto made = back_up_store(file(), backup());
        if (!made) throw std::runtime_error("the backup: " + made.error().text);
    }
    void interrupt() {
        ::kill(server_->pid(), SIGKILL);
        server_.reset();  // waits for its end: until then the store is its
        if (restores()) {
            StoreCopy over;
            over.replace = true;
            const auto restored = restore_store(backup(), file(), over);
            if (!restored) throw std::runtime_error("restoring the backup: " + restored.error().text);
        }
        serve();
    }
    ClientBuilder client(const std::string& name) const {
        const std::string where = "://" + std::string(Hosts::kServer) + ":" + kPort;
        ServerAddresses addresses;
        if (kind_.transport == "quic") {
            addresses.with_quic_url("quic" + where);
        } else if (kind_.transport == "wss") {
            addresses.with_websocket_tls_url("wss" + where);
        } else {
            addresses.with_websocket_url("ws" + where);
        }
        ClientBuilder builder(name);
        builder.server_addresses(addresses).device_id("lab");
        if (kind_.transport != "ws") builder.ca_file(authority_.certificate_file).server_name("localhost");
        return builder;
    }
    // All are in the room, and are told what is written from now on.
    void gather(Client& owner) {
        const auto made = owner.conversations().create(
            kCatchUpRoom, RoomOptions().with_join(JoinPolicy::open).with_visibility(HistoryVisibility::all));
        if (!made) throw std::runtime_error("making the room: " + made.error().text);
        hosts_.on_members([&] {
            pool_ = std::make_unique<SessionPool>();
            for (std::size_t i = 0; i < members_.size(); ++i) {
                auto added =
                    pool_->add(client("member" + std::to_string(i)).with_event_callback([this, i](const Event& event) {
                        members_[i].hear(event);
                    }));
                if (!added) throw std::runtime_error(added.error().text);
                clients_.push_back(std::move(*added));
            }
        });
        if (const auto warm = pool_->warm_up(); !warm.failed.empty())
            throw std::runtime_error("connecting: " + warm.failed.begin()->second.text);
        for (const auto& each : clients_) {
            if (const auto joined = each->conversations().join(kCatchUpRoom); !joined)
                throw std::runtime_error("joining: " + joined.error().text);
        }
        for (std::size_t i = 0; i < clients_.size(); ++i) {
            // `complete`: 30 seconds are more than the 1,000 entries that a new session is told without it.
            const auto begun = clients_[i]->conversations().subscribe(kCatchUpRoom, SubscribeOptions().with_complete());
            if (!begun) throw std::runtime_error("subscribing: " + begun.error().text);
            members_[i].begin(begun->after);
        }
    }
    void judge(Sender& sender, std::size_t kept, Sum& sum) {
        const auto [epoch, log] = read_log(sender.client());
        const Position end{epoch, log.size() - 1};
        wait_until([&] { return std::ranges::all_of(members_, [&](Member& each) { return each.told(end); }); }, 30s);
        pool_->disconnect();
        sum.entries = end.offset;
        sum.lost = sender.lost(epoch, log, kept);
        for (const Member& each : members_) {
            const Member::Account account = each.account(epoch, log);
            sum.lost += account.lost;
            sum.repeated += account.repeated;
            sum.reordered += account.reordered;
            sum.gaps += account.gaps;
            sum.diverged_told += account.diverged == 1;
            sum.ended += account.ended;
            sum.resumed += account.resumed;
            sum.incomplete += !account.complete_after;
            if (account.complete_after) sum.complete_ms.add(milliseconds(*account.complete_after));
        }
    }

    const Kind kind_;
    const Hosts hosts_;
    const test::Certificates certificates_;
    const test::Certificates::Identity authority_ = certificates_.authority("ca");
    const test::Certificates::Identity identity_ = certificates_.make("server", {.common_name = "flare"}, &authority_);
    std::string folder_;
    std::deque<Member> members_;
    const std::chrono::duration<double> cut_;
    const double rate_;
    const int heartbeat_;
    std::atomic<bool> ready_{false};
    std::unique_ptr<Child> server_;
    std::unique_ptr<SessionPool> pool_;
    std::vector<std::shared_ptr<Client>> clients_;
};

std::string json_of(const Sum& sum) {
    char line[512];
    std::snprintf(line, sizeof line,
                  "\"lost\":%llu,\"repeated\":%llu,\"reordered\":%llu,\"gaps\":%llu,\"ended\":%llu,\"refused\":%llu,"
                  "\"incomplete\":%llu,\"diverged_told\":%llu,\"resumed\":%llu,\"entries\":%llu,\"missed\":%llu,"
                  "\"complete_p50_ms\":%.0f,\"complete_p95_ms\":%.0f,\"complete_max_ms\":%.0f",
                  static_cast<unsigned long long>(sum.lost), static_cast<unsigned long long>(sum.repeated),
                  static_cast<unsigned long long>(sum.reordered), static_cast<unsigned long long>(sum.gaps),
                  static_cast<unsigned long long>(sum.ended), static_cast<unsigned long long>(sum.refused),
                  static_cast<unsigned long long>(sum.incomplete), static_cast<unsigned long long>(sum.diverged_told),
                  static_cast<unsigned long long>(sum.resumed), static_cast<unsigned long long>(sum.entries),
                  static_cast<unsigned long long>(sum.missed), sum.complete_ms.median(),
                  sum.complete_ms.percentile(0.95), sum.complete_ms.worst());
    return line;
}

bool among(const std::string& one, std::initializer_list<const char*> all) {
    return one.empty() || std::ranges::find(all, one) != all.end();
}

}  // namespace

int lab_catch_up(const Options& given) {
    Options options = given;
    if (!among(options.transport, {"ws", "wss", "quic"}) || !among(options.variant, {"cut", "kill", "restore"})) {
        std::fputs("catch-up: --transport ws|wss|quic, --variant cut|kill|restore\n", stderr);
        return 2;
    }
    if (options.members <= 0) options.members = 200;
    if (options.cut_seconds <= 0) options.cut_seconds = 30;
    if (options.rate <= 0) options.rate = 100;
    if (options.heartbeat <= 0) options.heartbeat = 30;
    std::FILE* const out = options.json ? stderr : stdout;
    std::fprintf(out, "catch-up: %d members, cut off for %g s, %g messages a second, heartbeats every %d s\n",
                 options.members, options.cut_seconds, options.rate, options.heartbeat);
    Sum all;
    double slowest = 0;
    bool good = true;
    std::optional<std::uint64_t> diverged;
    std::string runs;
    for (const char* const variant : {"cut", "kill", "restore"}) {
        for (const char* const transport : {"ws", "wss", "quic"}) {
            if (!options.variant.empty() && options.variant != variant) continue;
            if (!options.transport.empty() && options.transport != transport) continue;
            for (int run = 0; run < options.runs_or(1); ++run) {
                const Kind kind{transport, variant};
                const Sum sum = CutOff(kind, options).go();
                const bool right = sum.good(kind, options.members);
                good = good && right;
                std::fprintf(out,
                             "  %-7s over %-4s: complete after %.0f ms (p50), %.0f (p95), %.0f (worst); %llu entries, "
                             "%llu stored meanwhile; %llu lost, %llu repeated, %llu reordered, %llu gaps, %llu told of "
                             "another log, %llu sessions resumed%s\n",
                             variant, transport, sum.complete_ms.median(), sum.complete_ms.percentile(0.95),
                             sum.complete_ms.worst(), static_cast<unsigned long long>(sum.entries),
                             static_cast<unsigned long long>(sum.missed), static_cast<unsigned long long>(sum.lost),
                             static_cast<unsigned long long>(sum.repeated),
                             static_cast<unsigned long long>(sum.reordered), static_cast<unsigned long long>(sum.gaps),
                             static_cast<unsigned long long>(sum.diverged_told),
                             static_cast<unsigned long long>(sum.resumed), right ? "" : "   WRONG");
                all.lost += sum.lost + sum.incomplete;
                all.repeated += sum.repeated;
                all.reordered += sum.reordered;
                slowest = std::max(slowest, sum.complete_ms.percentile(0.95));
                if (kind.variant == "restore")
                    diverged = std::min(diverged.value_or(sum.diverged_told), sum.diverged_told);
                runs += (runs.empty() ? "{" : ",{") + ("\"transport\":\"" + kind.transport) + "\",\"variant\":\"" +
                        kind.variant + "\"," + json_of(sum) + "}";
            }
        }
    }
    if (options.json)
        std::printf("{\"lost\":%llu,\"repeated\":%llu,\"reordered\":%llu,\"complete_p95_ms\":%.0f%s,\"runs\":[%s]}\n",
                    static_cast<unsigned long long>(all.lost), static_cast<unsigned long long>(all.repeated),
                    static_cast<unsigned long long>(all.reordered), slowest,
                    diverged ? (",\"diverged_told\":" + std::to_string(*diverged)).c_str() : "", runs.c_str());
    return good ? 0 : 1;
}

// Its server.
int lab_serve_room(const std::string& transport, const std::string& address, const std::string& file,
                   const std::string& certificate, const std::string& key, int heartbeat) {
    ConversationLimits limits;  // one client sends for many
    limits.device_per_second = 0;
    limits.conversation_per_second = 0;
    ServerBuilder builder;
    builder.worker_threads(2)
        .allow_insecure(true)  // nobody else is in these networks
        .store(sqlite(file))
        .conversation_limits(limits)
        .heartbeat_interval(std::chrono::seconds(heartbeat))
        .log_level(LogLevel::error);
    if (transport == "quic") {
        builder.quic_only().quic_addr(address).quic_tls(certificate, key);
    } else {
        builder.websocket_only().websocket_addr(address);
        if (transport == "wss") builder.websocket_tls(certificate, key);
    }
    return serve_until_killed(std::move(builder));
}

}  // namespace flare::lab
