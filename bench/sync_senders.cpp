#include "sync_senders.hpp"

#include "base/short_slice.hpp"
#include "session_load.hpp"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <deque>
#include <new>
#include <stdexcept>
#include <thread>

namespace flare::bench {
namespace {

constexpr std::size_t kPayload = 64;
constexpr auto kLook = std::chrono::milliseconds(1);
constexpr auto kBeginLimit = std::chrono::seconds(60);

}  // namespace

struct SyncSenders::Shared {
    std::atomic<std::uint32_t> port{0};
    std::atomic<bool> sending{false};
    std::atomic<bool> stop{false};
    std::atomic<bool> ended{false};
    Receipts receipts;
};

SyncSenders::SyncSenders(const ServerOptions& where, std::vector<std::string> rooms, double per_second) {
    void* const shared = ::mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) throw std::runtime_error("mmap");
    shared_ = new (shared) Shared;
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ != 0) return;
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::prctl(PR_SET_TIMERSLACK, 1);
    base::ask_for_short_slice(std::chrono::microseconds(100));
    try {
        run(where, rooms, per_second, *shared_);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sync: a sender: %s\n", error.what());
        ::_exit(1);
    }
}

SyncSenders::~SyncSenders() {
    if (pid_ > 0) {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    ::munmap(shared_, sizeof *shared_);
}

void SyncSenders::begin(std::uint16_t port) {
    shared_->port = port;
    const std::uint64_t limit = now_ns() + static_cast<std::uint64_t>(std::chrono::nanoseconds(kBeginLimit).count());
    while (!shared_->sending) {
        if (now_ns() > limit || ::waitpid(pid_, nullptr, WNOHANG) != 0)
            throw std::runtime_error("sync: the senders cannot connect");
        std::this_thread::sleep_for(kLook);
    }
}

SyncSenders::Receipts SyncSenders::end() {
    shared_->stop = true;
    while (!shared_->ended) {
        if (::waitpid(pid_, nullptr, WNOHANG) != 0) throw std::runtime_error("sync: the senders have failed");
        std::this_thread::sleep_for(kLook);
    }
    return shared_->receipts;
}

void SyncSenders::run(const ServerOptions& where, const std::vector<std::string>& rooms, double per_second,
                      Shared& shared) {
    while (shared.port == 0) std::this_thread::sleep_for(kLook);
    std::vector<std::deque<std::uint64_t>> due(rooms.size());  // of each sender, those without a receipt
    std::size_t open = 0;
    Latencies receipts;
    SessionLoad load([](LoadClient&, std::string_view, std::string_view) {},
                     {[](LoadClient&, const wire::ResponseView&) {}, [](LoadClient&, const wire::im::Feed&) {},
                      [&](LoadClient& client, const session::Outcome&) {
                          receipts.add(now_ns() - due[client.index()].front());
                          due[client.index()].pop_front();
                          --open;
                      }});
    load.connect(where, static_cast<std::uint16_t>(shared.port), rooms.size());
    const std::string payload(kPayload, 'x');
    std::uint64_t sent = 0;
    shared.sending = true;
    const std::uint64_t began = now_ns();
    while (!shared.stop) {
        const std::uint64_t next = began + static_cast<std::uint64_t>(static_cast<double>(sent) * 1e9 / per_second);
        if (const std::uint64_t now = now_ns(); now < next) {
            load.run_for(std::chrono::nanoseconds(std::min<std::uint64_t>(next - now, 1'000'000)));
            continue;
        }
        const std::size_t sender = sent++ % rooms.size();
        due[sender].push_back(next);
        ++open;
        load.clients()[sender]->send("chat", payload, rooms[sender]);
    }
    (void)load.run_until([&] { return open == 0; }, kDrain);
    shared.receipts.sent = sent;
    shared.receipts.lost = open + load.failures();
    shared.receipts.p50_ms = receipts.percentile_us(0.5) / 1000;
    shared.receipts.p99_ms = receipts.percentile_us(0.99) / 1000;
    shared.ended = true;
    for (;;) ::pause();  // until it is ended
}

}  // namespace flare::bench
