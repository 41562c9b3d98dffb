// What sessions cost a server that have nothing to do: memory, and CPU time for their heartbeats.
//
// Options: --transport ws|wss|quic, --workers W (default 1), --sessions N (default 5,000), --heartbeat S (default 30),
// --seconds S of quiet in which CPU time is measured (default 3) or --messages N (heartbeats), --feeds N of each
// session (default 0), of as many rooms in which all of them are members, --json.
#include "bench.hpp"
#include "session_load.hpp"

#include "wire/feeds.hpp"
#include "wire/requests.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

namespace flare::bench {
namespace {

constexpr std::size_t kFirst = 64;  // what every server has that has ever served: tables, arenas
constexpr auto kQuiet = std::chrono::seconds(3);
constexpr std::size_t kAsked = 64;         // requests under way
constexpr std::size_t kAddedAtOnce = 100;  // members

// Rooms of all sessions, each of which has a feed of each.
class Rooms {
public:
    Rooms(SessionLoad& load, std::size_t count) : load_(load) {
        for (std::size_t i = 0; i < count; ++i) names_.push_back("room:idle" + std::to_string(i));
    }
    void answered() { --unanswered_; }

    // The first session makes them.
    void make() {
        for (const std::string& name : names_) {
            wire::im::ConversationCreate create;
            create.name = std::string_view(name).substr(5);
            ask(0, wire::Verb::conversation_create, wire::im::encode(create), name);
        }
        finish();
    }
    // Sessions from that number on become members.
    void add(std::size_t from) {
        std::vector<std::string> users;
        for (std::size_t i = std::max<std::size_t>(from, 1); i < load_.clients().size(); ++i)
            users.push_back(load_.user_of(i));
        for (const std::string& name : names_) {
            for (std::size_t i = 0; i < users.size(); i += kAddedAtOnce) {
                wire::im::MemberChange change;
                change.conversation = name;
                change.users.assign(
                    users.begin() + static_cast<std::ptrdiff_t>(i),
                    users.begin() + static_cast<std::ptrdiff_t>(std::min(i + kAddedAtOnce, users.size())));
                ask(0, wire::Verb::member_add, wire::im::encode(change), name);
            }
        }
        finish();
    }
    // All of them, some times over: the store has their pages in memory then, in each of its readers, as it has after a
    // while whatever sessions do.
    void read_members() {
        constexpr std::size_t kTimes = 8;
        std::size_t asks = 0;
        for (std::size_t i = 0; i < kTimes * names_.size(); ++i) {
            wire::im::MemberQuery query;
            query.conversation = names_[i % names_.size()];
            query.limit = wire::im::kMaxPage;
            for (std::size_t first = 0; first < load_.clients().size(); first += wire::im::kMaxPage) {
                const std::string after = load_.user_of(first);
                query.after = after;
                ask(1 + asks++ % (kFirst - 1), wire::Verb::member_list, wire::im::encode(query), query.conversation);
            }
        }
        finish();
    }
    void subscribe(std::size_t from) {
        for (const std::string& name : names_) {
            wire::im::Subscribe body;
            body.conversation = name;
            const std::string encoded = wire::im::encode(body);
            for (std::size_t i = from; i < load_.clients().size(); ++i) ask(i, wire::Verb::subscribe, encoded, name);
        }
        finish();
    }

private:
    void ask(std::size_t client, wire::Verb verb, std::string_view body, std::string_view conversation) {
        // One session has at most so many open.
        const std::size_t most = client == 0 ? 8 : kAsked;
        await([&] { return unanswered_ < most; });
        ++unanswered_;
        load_.clients()[client]->ask(verb, body, conversation);
        load_.clients()[client]->flush();
    }
    void finish() {
        await([this] { return unanswered_ == 0; });
    }
    void await(const std::function<bool()>& done) {
        if (done()) return;
        if (!load_.run_until(done, std::chrono::seconds(60)) || load_.failures() != 0)
            throw std::runtime_error("idle: the server does not answer as it should");
    }

    SessionLoad& load_;
    std::vector<std::string> names_;
    std::size_t unanswered_ = 0;
};

}  // namespace

int bench_idle(int argc, char** argv) {
    LoadOptions options;
    options.connections = 5000;
    ServerOptions where;
    std::size_t feeds = 0;
    for (int i = 1; i < argc; ++i) {
        if (std::string_view(argv[i]) == "--feeds" && i + 1 < argc) {
            feeds = std::clamp<std::size_t>(std::strtoull(argv[++i], nullptr, 10), 0, 500);
            where.stored = where.stored || feeds != 0;
            continue;
        }
        if (options.take(argc, argv, i) || where.take(argc, argv, i)) continue;
        std::fprintf(stderr, "idle: unknown option %s\n", argv[i]);
        return 2;
    }
    const ServerProcess server(where);
    std::uint64_t answers = 0;
    Rooms* asking = nullptr;
    Conversing conversing;
    if (feeds != 0) {
        conversing.on_response = [&](LoadClient&, const wire::ResponseView&) { asking->answered(); };
        conversing.on_feed = [](LoadClient&, const wire::im::Feed&) {};
    }
    SessionLoad load([&](LoadClient&, std::string_view, std::string_view) { ++answers; }, conversing);
    Rooms rooms(load, feeds);
    asking = &rooms;
    const auto connect_and_talk = [&](std::size_t sessions) {
        const std::size_t before = load.clients().size();
        load.connect(where, server.port(), sessions, true);
        for (std::size_t i = before; i < load.clients().size(); ++i) load.clients()[i]->send("echo", "hello");
        const bool all = load.run_until([&] { return answers == load.clients().size(); }, std::chrono::seconds(60));
        load.run_for(kQuiet);
        return all && load.failures() == 0;
    };
    const auto of_each = [&](std::uint64_t before, std::uint64_t after) {
        return (static_cast<double>(after) - static_cast<double>(before)) / static_cast<double>(options.connections);
    };
    bool good = connect_and_talk(kFirst);
    rooms.make();
    rooms.add(0);
    rooms.subscribe(0);
    const std::uint64_t before = server.memory_bytes();
    good = connect_and_talk(options.connections) && good;
    double each = of_each(before, server.memory_bytes());
    double of_feeds = 0;
    if (feeds != 0) {
        rooms.add(kFirst);  // what the server keeps of rooms and members is not a session's
        rooms.read_members();
        load.run_for(kQuiet);
        const std::uint64_t joined = server.memory_bytes();
        rooms.subscribe(kFirst);
        load.run_for(kQuiet);
        of_feeds = of_each(joined, server.memory_bytes());
        each += of_feeds;
    }
    const std::uint64_t began = now_ns();
    const std::uint64_t cpu = server.cpu_ns();
    if (options.messages != 0) {
        const std::uint64_t enough = load.heartbeats() + options.messages;
        good = load.run_until([&] { return load.heartbeats() >= enough; }, kLongest) && good;
    } else {
        load.run_for(std::chrono::nanoseconds(static_cast<std::int64_t>(options.seconds * 1e9)));
    }
    const double percent = 100 * static_cast<double>(server.cpu_ns() - cpu) / static_cast<double>(now_ns() - began);
    const bool held =
        std::all_of(load.clients().begin(), load.clients().end(), [](const auto& client) { return client->ready(); });
    good = good && held && load.failures() == 0;
    std::fprintf(for_people(options.json),
                 "idle: %zu sessions with %zu feeds over %s: %.0f bytes of server memory each, %.0f of them for feeds; "
                 "%.2f %% of a CPU for all; %s\n",
                 options.connections, feeds, where.transport.c_str(), each, of_feeds, percent,
                 good ? "all held" : "NOT all held");
    if (options.json)
        std::printf(
            "{\"sessions\":%zu,\"bytes_per_session\":%.0f,\"bytes_for_feeds\":%.0f,\"server_cpu_percent\":%.2f}\n",
            options.connections, each, of_feeds, percent);
    return good ? 0 : 1;
}

}  // namespace flare::bench
