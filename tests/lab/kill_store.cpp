// 2,000 messages a second from 20 clients into 10 rooms and 10 direct conversations, half of the sessions compressed,
// while the server, or the clients, are killed (SIGKILL) and started again. Then the history is read back: what was
// said to be stored is there, once, at its position; what was not was sent again, and is there once, too.
//
// Options: --runs N (20), --only server|clients (both, N runs each).
#include "lab/kill_store.hpp"
#include "lab/lab.hpp"
#include "lab/own_process.hpp"

#include <flare/client.hpp>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <random>
#include <set>
#include <stdexcept>
#include <thread>

namespace flare::lab {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr int kProcesses = 4;  // that the clients are in
constexpr int kKills = 3;      // of a run

struct Counts {
    std::uint64_t sent = 0, stored = 0;
    std::uint64_t stored_lost = 0, repeated = 0, reordered = 0, holes = 0, missing = 0, refused = 0;
    bool good() const { return stored != 0 && stored_lost + repeated + reordered + holes + missing + refused == 0; }
};

class Run {
public:
    Run(bool kills_server, unsigned seed)
        : kills_server_(kills_server), chance_(seed), address_("127.0.0.1:" + std::to_string(free_port())) {
        std::string pattern = std::filesystem::temp_directory_path() / "flare-kill-store-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder for the store");
        folder_ = pattern;
    }
    ~Run() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Run(const Run&) = delete;
    Run& operator=(const Run&) = delete;

    Counts go() {
        serve();
        prepare();
        for (int i = 0; i < kProcesses; ++i) speakers_.push_back(speak(i));
        for (const auto& each : speakers_) each->await_ready();
        for (int kill = 0; kill < kKills; ++kill) {
            pause();
            kills_server_ ? kill_server() : kill_speaker(static_cast<int>(chance_() % kProcesses));
        }
        pause();
        for (const auto& each : speakers_) each->say("enough");
        for (const auto& each : speakers_) each->await_silence();
        speakers_.clear();
        return read_back();
    }

private:
    void pause() { std::this_thread::sleep_for(std::chrono::milliseconds(300 + chance_() % 500)); }
    void serve() {
        server_ =
            std::make_unique<OwnProcess>(std::vector<std::string>{"serve-stored", address_, folder_ + "/flare.db"});
        server_->await_ready();
    }
    void kill_server() {
        server_->kill();
        server_.reset();  // waits for its end: until then the store is its
        serve();
    }
    std::string journal(int process) const { return folder_ + "/journal" + std::to_string(process); }
    std::unique_ptr<OwnProcess> speak(int process) const {
        constexpr int kEach = kClients / kProcesses;
        return std::make_unique<OwnProcess>(std::vector<std::string>{"speak", address_, std::to_string(process * kEach),
                                                                     std::to_string(kEach), journal(process)});
    }
    void kill_speaker(int process) {
        speakers_[static_cast<std::size_t>(process)]->kill();
        auto again = speak(process);
        again->await_ready();
        speakers_[static_cast<std::size_t>(process)] = std::move(again);
    }
    std::unique_ptr<Client> client(int number) const {
        auto built = ClientBuilder(client_name(number))
                         .server_addresses(ServerAddresses().with_websocket_url("ws://" + address_))
                         .device_id("reader")
                         .build();
        if (!built) throw std::runtime_error(built.error().text);
        auto made = std::make_unique<Client>(std::move(*built));
        if (const auto connected = made->connect(); !connected) throw std::runtime_error(connected.error().text);
        return made;
    }
    // All users are known, and are in all rooms.
    void prepare() const {
        std::vector<std::string> others;
        for (int i = 1; i < kClients; ++i) {
            client(i)->disconnect();
            others.push_back(client_name(i));
        }
        const auto owner = client(0);
        for (int room = 0; room < kRooms; ++room) {
            const auto made = owner->conversations().create(
                room_name(room), RoomOptions().with_visibility(HistoryVisibility::all).with_members(others));
            if (!made) throw std::runtime_error("making a room: " + made.error().text);
        }
        owner->disconnect();
    }

    std::vector<Entry> history(Client& reader, const std::string& conversation, Counts& counts, std::uint64_t& epoch) {
        std::vector<Entry> all;
        for (;;) {
            const std::uint64_t after = all.empty() ? 0 : all.back().offset;
            const auto page = reader.conversations().history(conversation, HistoryQuery::after(after, 200));
            if (!page) throw std::runtime_error("reading " + conversation + ": " + page.error().text);
            epoch = page->head.epoch;
            for (const Entry& entry : page->entries) {
                counts.holes += entry.offset - (all.empty() ? 0 : all.back().offset) - 1;
                all.push_back(entry);
            }
            if (!page->more) {
                counts.holes += page->head.last - (all.empty() ? 0 : all.back().offset);
                return all;
            }
        }
    }

    Counts read_back() {
        Counts counts;
        std::map<Uuid, Sent> journal_of_all;
        for (int process = 0; process < kProcesses; ++process)
            for (const Sent& each : Journal::read(journal(process))) journal_of_all[each.id] = each;
        std::map<Uuid, Position> found;
        const auto look_at = [&](Client& reader, const std::string& conversation) {
            std::uint64_t epoch = 0;
            std::map<int, std::uint64_t> newest;  // number by client
            for (const Entry& entry : history(reader, conversation, counts, epoch)) {
                if (entry.kind != EntryKind::message) continue;
                const auto sent = journal_of_all.find(entry.id);
                if (sent == journal_of_all.end()) throw std::runtime_error("nobody has sent " + entry.id.str());
                counts.repeated += !found.emplace(entry.id, Position{epoch, entry.offset}).second;
                const auto [at, first] = newest.try_emplace(sent->second.client, sent->second.number);
                counts.reordered += !first && sent->second.number <= at->second;
                at->second = sent->second.number;
            }
        };
        for (int number = 0; number < kClients; number += 2) {
            const auto reader = client(number);
            look_at(*reader, client_name(partner_of(number)));
            for (int room = 0; number == 0 && room < kRooms; ++room) look_at(*reader, room_name(room));
            reader->disconnect();
        }
        for (const auto& [id, sent] : journal_of_all) {
            const auto at = found.find(id);
            ++counts.sent;
            counts.stored += sent.stored.has_value();
            counts.refused += !sent.refused.empty();
            if (sent.stored)
                counts.stored_lost += at == found.end() || at->second != *sent.stored;
            else
                counts.missing += at == found.end();
        }
        return counts;
    }

    const bool kills_server_;
    std::mt19937 chance_;
    const std::string address_;
    std::string folder_;
    std::unique_ptr<OwnProcess> server_;
    std::vector<std::unique_ptr<OwnProcess>> speakers_;
};

}  // namespace

int lab_kill_store(const Options& options) {
    const int runs = options.runs_or(20);
    std::FILE* const out = options.json ? stderr : stdout;
    std::fprintf(
        out,
        "kill-store: %d clients, %d messages a second, %d rooms and %d direct conversations; without limits of "
        "rates (as shipped: 20/s a device, 50/s a conversation); %d kills a run\n",
        kClients, kClients * kSendsPerSecond, kRooms, kClients / 2, kKills);
    Counts sum;
    const unsigned seed = std::random_device{}();
    for (const char* const victim : {"server", "clients"}) {
        if (!options.only.empty() && options.only != victim) continue;
        for (int run = 0; run < runs; ++run) {
            const Counts counts = Run(std::string_view(victim) == "server", seed + static_cast<unsigned>(run)).go();
            std::fprintf(
                out,
                "  %s killed, run %d: %llu sent, %llu said to be stored, %llu of those lost, %llu missing, "
                "%llu repeated, %llu reordered, %llu holes, %llu refused\n",
                victim, run + 1, static_cast<unsigned long long>(counts.sent),
                static_cast<unsigned long long>(counts.stored), static_cast<unsigned long long>(counts.stored_lost),
                static_cast<unsigned long long>(counts.missing), static_cast<unsigned long long>(counts.repeated),
                static_cast<unsigned long long>(counts.reordered), static_cast<unsigned long long>(counts.holes),
                static_cast<unsigned long long>(counts.refused));
            sum.sent += counts.sent;
            sum.stored += counts.stored;
            sum.stored_lost += counts.stored_lost;
            sum.missing += counts.missing;
            sum.repeated += counts.repeated;
            sum.reordered += counts.reordered;
            sum.holes += counts.holes;
            sum.refused += counts.refused;
        }
    }
    if (options.json)
        std::printf(
            "{\"runs\":%d,\"stored\":%llu,\"stored_lost\":%llu,\"repeated\":%llu,\"reordered\":%llu,\"holes\":%llu,"
            "\"sent\":%llu,\"missing\":%llu,\"refused\":%llu}\n",
            runs, static_cast<unsigned long long>(sum.stored), static_cast<unsigned long long>(sum.stored_lost),
            static_cast<unsigned long long>(sum.repeated), static_cast<unsigned long long>(sum.reordered),
            static_cast<unsigned long long>(sum.holes), static_cast<unsigned long long>(sum.sent),
            static_cast<unsigned long long>(sum.missing), static_cast<unsigned long long>(sum.refused));
    return sum.good() ? 0 : 1;
}

}  // namespace flare::lab
