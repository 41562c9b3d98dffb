// What the admin address asks the workers, put together.
#include "base/json/writer.hpp"
#include "flight/line.hpp"
#include "server/admin/session_report.hpp"
#include "server/impl.hpp"

#include <ctime>

#include <algorithm>

namespace flare {
namespace {

constexpr std::size_t kMostSessions = 100;  // of a list

using flight::Part;

struct Figures {
    ServerStats stats;
    std::vector<std::string> workers;
};

// On the worker's own thread.
double cpu_seconds() {
    timespec time{};
    if (::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) != 0) return 0;
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string text_of(const StoreStats& store) {
    if (store.engine.empty()) return "null";
    Part refused;
    for (const auto& [code, count] : store.refused) refused.add(name(code), count);
    Part part;
    part.add("engine", store.engine)
        .add("file", store.file)
        .add("durability", name(store.durability))
        .add("generation", std::to_string(store.generation))
        .add("schema", store.schema)
        .add("bytes", store.bytes)
        .add("free_bytes", store.free_bytes)
        .add("state", name(store.state))
        .add("waiting_writes", store.waiting.writes)
        .add("waiting_bytes", store.waiting.bytes)
        .add("waiting_reads", store.waiting.reads)
        .ms("oldest_waiting_ms", store.waiting.oldest)
        .add("appends", store.appends)
        .add("changes", store.changes)
        .add("repeats", store.repeats)
        .add("commits", store.commits)
        .ms("commit_p50_ms", store.commit_p50)
        .ms("commit_p99_ms", store.commit_p99)
        .raw("refused", refused.text());
    return part.text();
}

std::string text_of(const FeedStats& feeds) {
    Part part;
    part.add("current", feeds.current).add("frames", feeds.frames).add("pages", feeds.pages);
    return part.text();
}

std::string text_of(const SyncStats& sync) {
    Part part;
    part.add("syncs", sync.syncs).add("pages", sync.pages).add("feeds", sync.feeds).add("marks", sync.marks);
    part.add("states", sync.states);
    return part.text();
}

std::string text_of(const PushStats& push) {
    Part part;
    part.add("requested", push.requested).add("cleared", push.cleared).add("dropped", push.dropped);
    return part.text();
}

std::string text_of(const SignalStats& signals) {
    Part part;
    part.add("subscriptions", signals.subscriptions).add("notices", signals.notices);
    part.add("notices_dropped", signals.notices_dropped).add("typing_dropped", signals.typing_dropped);
    return part.text();
}

std::string text_of(const std::vector<HookStatus>& hooks) {
    Part part;
    for (const HookStatus& each : hooks) {
        Part hook;
        hook.add("state", name(each.state)).add("delivered", each.delivered).add("failures", each.failures);
        hook.add("dropped", each.dropped).ms("behind_ms", each.behind);
        part.raw(each.name, hook.text());
    }
    return part.text();
}

std::string text_of(const Figures& figures, std::chrono::nanoseconds up) {
    const ServerStats& stats = figures.stats;
    Part connections;
    for (const auto& [protocol, count] : stats.connections)
        connections.add(protocol == Protocol::quic ? "quic" : "websocket", count);
    Part errors;
    for (const auto& [code, count] : stats.errors) errors.add(name(code), count);
    Part part;
    part.ms("up_ms", up)
        .raw("connections", connections.text())
        .add("capacity", stats.capacity)
        .add("websocket_capacity", stats.websocket_capacity)
        .add("users_expected", stats.users_expected)
        .add("connections_accepted", stats.connections_accepted)
        .add("connections_refused", stats.connections_refused)
        .add("sessions", stats.sessions)
        .add("sessions_attached", stats.sessions_attached)
        .add("sessions_detached", stats.sessions_detached)
        .add("sessions_created", stats.sessions_created)
        .add("sessions_resumed", stats.sessions_resumed)
        .add("sessions_shed", stats.sessions_refused_busy + stats.sessions_shed_detached + stats.sessions_shed_stalled)
        .add("messages_received", stats.messages_received)
        .add("messages_sent", stats.messages_sent)
        .add("messages_refused", stats.messages_refused)
        .add("bytes_received", stats.bytes_received)
        .add("bytes_sent", stats.bytes_sent)
        .add("heartbeats", stats.heartbeats)
        .add("quic_migrations", stats.quic_migrations)
        .add("handler_runs", stats.handler_runs)
        .ms("handler_time_ms", stats.handler_time_total)
        .add("memory_bytes", stats.memory_bytes)
        .add("worker_stalls", stats.worker_stalls)
        .raw("errors", errors.text())
        .raw("store", text_of(stats.store))
        .raw("feeds", text_of(stats.feeds))
        .raw("sync", text_of(stats.sync))
        .raw("push", text_of(stats.push))
        .raw("signals", text_of(stats.signals))
        .raw("hooks", text_of(stats.hooks))
        .raw("workers", base::json_list(figures.workers));
    return part.text();
}

}  // namespace

server::Admin::Questions Server::Impl::questions() {
    const auto text = [this](auto begin) { return wait_for<std::string>(std::move(begin), server::Admin::kPatience); };
    return {
        [this] {
            return wait_for<ServerStats>([this](Done<ServerStats> done) { stats(std::move(done)); },
                                         server::Admin::kPatience);
        },
        [this, text] { return text([this](Done<std::string> done) { stats_json(std::move(done)); }); },
        [this, text](const std::string& user) {
            return text([this, user](Done<std::string> done) { list_sessions(user, std::move(done)); });
        },
        [this, text](const session::SessionId& id) {
            return text([this, id](Done<std::string> done) { session_report(id, std::move(done)); });
        },
    };
}

void Server::Impl::stats_json(Done<std::string> done) {
    const auto up =
        session::TimePoint::clock::now() - (group_ ? group_->state.started : session::TimePoint::clock::now());
    ask_all<Figures>(
        [this](server::Shard& shard, Figures& figures) {
            figures.stats = group_->stats_of(shard);
            Part part;
            part.add("worker", shard.index()).add("sessions", shard.table().size()).add("cpu_seconds", cpu_seconds());
            figures.workers.push_back(part.text());
        },
        [](Figures& sum, Figures&& part) {
            server::add(sum.stats, part.stats);
            append(sum.workers, std::move(part.workers));
        },
        [this, done = std::move(done), up](Checked<Figures> figures) {
            if (!figures) return done(figures.error());
            group_->complete(figures->stats);
            figures->stats.hooks = hooks_.status();
            done(text_of(*figures, up));
        });
}

void Server::Impl::list_sessions(std::string user, Done<std::string> done) {
    using server::Listed;
    ask_all<Listed>(
        [user = std::move(user)](server::Shard& shard, Listed& listed) {
            server::list_sessions(shard, user, kMostSessions, listed);
        },
        append<Listed::value_type>,
        [done = std::move(done)](Checked<Listed> listed) {
            if (!listed) return done(listed.error());
            std::sort(listed->begin(), listed->end(), [](const auto& a, const auto& b) { return a.first > b.first; });
            std::vector<std::string> parts;
            for (auto& [made, object] : *listed) {
                if (parts.size() < kMostSessions) parts.push_back(std::move(object));
            }
            const bool all = parts.size() == listed->size();
            Part part;
            part.raw("sessions", base::json_list(parts)).add("more", !all || parts.size() == kMostSessions);
            done(part.text());
        });
}

void Server::Impl::session_report(session::SessionId id, Done<std::string> done) {
    ask_all<std::string>(
        [id](server::Shard& shard, std::string& found) {
            if (auto report = server::session_report(shard, id)) found = std::move(*report);
        },
        [](std::string& found, std::string&& part) {
            if (found.empty()) found = std::move(part);
        },
        std::move(done));
}

}  // namespace flare
