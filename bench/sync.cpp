// The list of a user's conversations, caught up.
//
//   1. the store alone: a user of 2,000 conversations, of which 30 have changed. CPU of the thread that reads a page of
//      the list with unread counts and the newest 10 entries of each; then pages of history
//   2. a server that was started on a store with --clients users of --conversations rooms each, when all of them come
//      back at once, each with its cursor: until everybody has the list and a feed of each conversation. Meanwhile
//      others send at a steady rate: when their receipts come
//
// Options: --clients N (default 10,000; 0: part 1 alone), --conversations N of each client (200), --members N of a room
// (100), --changed N conversations of each client since its cursor (15), --rate R messages a second (100), --listed N
// conversations of the user of part 1 (2,000), --transport ws|wss|quic, --workers W (1), --json.
#include "bench.hpp"
#include "session_load.hpp"
#include "sync_ground.hpp"
#include "sync_page.hpp"
#include "sync_senders.hpp"

#include "server/conversations/sync_token.hpp"
#include "wire/sync.hpp"

#include <flare/server.hpp>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>

namespace flare::bench {
namespace {

constexpr std::size_t kSenders = 10;
constexpr std::uint32_t kFirstPage = 20;  // as the client library asks
constexpr std::uint32_t kFirstEntries = 10;
constexpr std::uint32_t kNextPage = 200;
constexpr std::uint32_t kNextEntries = 1;
constexpr std::uint32_t kFillCacheKib = 256 * 1024;

struct SyncOptions {
    SyncShape shape{10'000, 200, 100, 12, 256};
    std::size_t changed = 15;
    std::size_t listed = 2000;
    double rate = 100;
    bool json = false;
    ServerOptions where;

    bool take(int argc, char** argv, int& i) {
        const std::string_view option = argv[i];
        if (option == "--json") return json = true;
        if (where.take(argc, argv, i)) return true;
        if (i + 1 >= argc) return false;
        const auto number = [&](std::size_t least, std::size_t most) {
            return std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
        };
        if (option == "--clients") {
            shape.users = number(0, 100'000);
        } else if (option == "--conversations") {
            shape.conversations = number(1, 500);  // as many feeds as a session may have
        } else if (option == "--members") {
            shape.members = number(1, 256);  // a larger room has no feed by itself
        } else if (option == "--changed") {
            changed = number(0, 500);
        } else if (option == "--listed") {
            listed = number(10, 10'000);
        } else if (option == "--rate") {
            rate = static_cast<double>(number(1, 100'000));
        } else {
            return false;
        }
        return true;
    }
};

// All clients, each of which asks for its list as soon as it has a session.
class Returning {
public:
    Returning(const SyncOptions& options, const std::string& cursor)
        : options_(options),
          states_(options.shape.users, State{.cursor = cursor}),
          load_(
              [](LoadClient&, std::string_view, std::string_view) {},
              {.on_response = [this](LoadClient& client, const wire::ResponseView& page) { take(client, page); },
               .on_feed = [this](LoadClient&, const wire::im::Feed& feed) { failed_feeds_ += feed.failed != errc::ok; },
               .asks_again = true}) {
        load_.on_ready([this](LoadClient& client) {
            ask_again();
            ask(client, {});
        });
    }

    void come(std::uint16_t port) {
        const std::uint64_t began = now_ns();
        load_.connect(options_.where, port, states_.size());
        connected_seconds_ = static_cast<double>(now_ns() - began) / 1e9;
        const bool all = load_.run_until(
            [this] {
                ask_again();
                return synced_ == states_.size();
            },
            kLongest);
        seconds_ = static_cast<double>(now_ns() - began) / 1e9;
        if (!all) throw std::runtime_error("sync: " + std::to_string(states_.size() - synced_) + " have no list");
    }

    double seconds() const noexcept { return seconds_; }
    double connected_seconds() const noexcept { return connected_seconds_; }
    std::size_t requests() const noexcept { return requests_; }
    std::size_t put_off() const noexcept { return put_off_; }  // of the requests
    std::uint64_t lost() const noexcept { return lost_ + failed_feeds_ + load_.failures(); }

private:
    struct State {
        std::size_t told = 0;   // conversations
        std::size_t feeds = 0;  // by this sync
        std::size_t pages = 0;  // likewise
        std::string cursor{};
        std::string page{};  // that it has asked for
    };

    void ask(LoadClient& client, std::string_view page) {
        wire::im::Sync sync;
        sync.cursor = states_[client.index()].cursor;
        sync.page = page;
        sync.limit = page.empty() ? kFirstPage : kNextPage;
        sync.entries = page.empty() ? kFirstEntries : kNextEntries;
        sync.feeds = true;
        client.ask(wire::Verb::sync, wire::im::encode(sync), {});
        states_[client.index()].page = page;
        ++requests_;
    }
    // Those that were told to come later, and for whom it is later.
    void ask_again() {
        while (!later_.empty() && later_.begin()->first <= now_ns()) {
            const std::size_t index = later_.begin()->second;
            later_.erase(later_.begin());
            ask(*load_.clients()[index], std::string(states_[index].page));
        }
    }
    void take(LoadClient& client, const wire::ResponseView& response) {
        State& state = states_[client.index()];
        if (response.code == errc::busy && response.retry_after_ms != 0) {
            ++put_off_;
            later_.emplace(now_ns() + std::uint64_t{response.retry_after_ms} * 1'000'000, client.index());
            return;
        }
        const auto page = wire::im::decode<wire::im::SyncPage>(response.body);
        if (response.code != errc::ok || !page) {
            ++lost_;
            return;
        }
        state.told += page->conversations.size();
        state.feeds += page->feeds.size();
        for (const auto& each : page->conversations) state.feeds += each.feed != 0;
        ++state.pages;
        if (!page->next.empty()) return ask(client, page->next);
        if (state.pages > 1) {
            // What has changed between its pages is on none of them (docs/protocol.md, "Sync").
            state.cursor = page->cursor;
            state.feeds = state.pages = 0;
            return ask(client, {});
        }
        ++synced_;
        // At least those that have changed before it went; what was sent since is told, too.
        lost_ += state.told < options_.changed || state.feeds != options_.shape.conversations;
    }

    const SyncOptions& options_;
    std::vector<State> states_;
    SessionLoad load_;
    std::size_t synced_ = 0;
    std::size_t requests_ = 0;
    std::size_t put_off_ = 0;
    std::multimap<std::uint64_t, std::size_t> later_;  // clients by the time at which they ask again
    std::uint64_t lost_ = 0;
    std::uint64_t failed_feeds_ = 0;
    double seconds_ = 0;
    double connected_seconds_ = 0;
};

struct Storm {
    double seconds = 0;
    double connected_seconds = 0;
    double server_cpu_seconds = 0;
    double requests_a_client = 0;
    std::size_t put_off = 0;
    std::uint64_t lost = 0;
    SyncSenders::Receipts receipts{};
};

Storm come_back(const SyncOptions& options) {
    SyncGround ground(options.shape);
    std::string cursor;
    {
        const auto engine = ground.open(kFillCacheKib);
        ground.fill(*engine);
        cursor = server::reading::cursor_of(engine->about().generation, engine->about().stamp);
        ground.change(*engine, options.changed);
    }
    ServerOptions where = options.where;
    where.store_file = ground.file();
    where.configure = [&](ServerBuilder& builder) {
        builder.max_connections(static_cast<std::uint32_t>(2 * options.shape.users + kSenders));
    };
    std::vector<std::string> rooms;
    for (std::size_t i = 0; i < std::min(kSenders, options.shape.users); ++i)
        rooms.push_back("room:" + SyncGround::room_name(options.shape.room_of(i, 0)));
    SyncSenders senders(where, rooms, options.rate);
    const ServerProcess server(where);
    senders.begin(server.port());
    Returning clients(options, cursor);
    clients.come(server.port());
    Storm storm;
    storm.receipts = senders.end();
    storm.seconds = clients.seconds();
    storm.connected_seconds = clients.connected_seconds();
    storm.server_cpu_seconds = static_cast<double>(server.cpu_ns()) / 1e9;
    storm.requests_a_client = static_cast<double>(clients.requests()) / static_cast<double>(options.shape.users);
    storm.put_off = clients.put_off();
    storm.lost = clients.lost() + storm.receipts.lost;
    return storm;
}

}  // namespace

int bench_sync(int argc, char** argv) {
    SyncOptions options;
    for (int i = 1; i < argc; ++i) {
        if (options.take(argc, argv, i)) continue;
        std::fprintf(stderr, "sync: unknown option or value %s\n", argv[i]);
        return 2;
    }
    options.shape.members = std::min(options.shape.members, options.shape.users);
    options.changed = std::min(options.changed, options.shape.conversations);
    std::FILE* const out = for_people(options.json);
    // The clients first: their part forks, and so before anything has threads.
    Storm storm;
    if (options.shape.users != 0) {
        storm = come_back(options);
        std::fprintf(out,
                     "sync: %zu clients of %zu conversations came back in %.2f s (connected after %.2f s), %.2f "
                     "requests each, %zu of them put off, server CPU %.2f s; meanwhile %llu messages were sent: stored "
                     "after %.3f ms p50, "
                     "%.3f ms p99; %llu lost\n",
                     options.shape.users, options.shape.conversations, storm.seconds, storm.connected_seconds,
                     storm.requests_a_client, storm.put_off, storm.server_cpu_seconds,
                     static_cast<unsigned long long>(storm.receipts.sent), storm.receipts.p50_ms, storm.receipts.p99_ms,
                     static_cast<unsigned long long>(storm.lost));
    }
    SyncPageOptions one;
    one.conversations = options.listed;
    one.changed = std::min(one.changed, options.listed);
    const SyncPageCost cost = cost_of_sync_page(one);
    std::fprintf(out,
                 "sync: a user of %zu conversations, %zu of them changed: %zu round trip(s); CPU of the reader %.3f ms "
                 "warm, %.3f ms behind a commit, %.3f ms with feeds, %.3f ms cold\n"
                 "sync: history: %.0f entries per core-second at 200 a page, %.0f at 50\n",
                 one.conversations, cost.told, cost.round_trips, cost.warm_ms, cost.while_written_ms,
                 cost.with_feeds_ms, cost.cold_ms, cost.history_per_second_200, cost.history_per_second_50);
    if (options.json) {
        std::printf(
            "{\"round_trips\":%zu,\"changed\":%zu,\"reader_cpu_ms_warm\":%.3f,\"reader_cpu_ms_behind_commit\":%.3f,"
            "\"reader_cpu_ms_with_feeds\":%.3f,\"reader_cpu_ms_cold\":%.3f,\"history_per_second_200\":%.0f,"
            "\"history_per_second_50\":%.0f,\"clients\":%zu,\"conversations\":%zu,\"requests_a_client\":%.2f,"
            "\"put_off\":%zu,"
            "\"seconds_until_all_back\":%.3f,\"server_cpu_seconds\":%.3f,\"receipt_p50_ms\":%.3f,"
            "\"receipt_p99_ms\":%.3f,\"lost\":%llu}\n",
            cost.round_trips, cost.told, cost.warm_ms, cost.while_written_ms, cost.with_feeds_ms, cost.cold_ms,
            cost.history_per_second_200, cost.history_per_second_50, options.shape.users, options.shape.conversations,
            storm.requests_a_client, storm.put_off, storm.seconds, storm.server_cpu_seconds, storm.receipts.p50_ms,
            storm.receipts.p99_ms, static_cast<unsigned long long>(storm.lost));
    }
    return storm.lost == 0 ? 0 : 1;
}

}  // namespace flare::bench
