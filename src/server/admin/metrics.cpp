#include "server/admin/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

namespace flare::server {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric value(MetricType type, double number) {
    ClientMetric metric;
    if (type == MetricType::Counter) {
        metric.counter.value = number;
    } else {
        metric.gauge.value = number;
    }
    return metric;
}

MetricFamily family(std::string name, std::string help, MetricType type) {
    MetricFamily made;
    made.name = std::move(name);
    made.help = std::move(help);
    made.type = type;
    return made;
}

MetricFamily histogram(std::string name, std::string help, const StoreStats::Histogram& from) {
    MetricFamily made = family(std::move(name), std::move(help), MetricType::Histogram);
    ClientMetric& metric = made.metric.emplace_back();
    for (const auto& [upto, count] : from.buckets) {
        metric.histogram.sample_count += count;
        metric.histogram.bucket.push_back({metric.histogram.sample_count, upto});
    }
    metric.histogram.sample_sum = from.sum;
    return made;
}

void add_hooks(const std::vector<HookStatus>& hooks, std::vector<MetricFamily>& families) {
    const auto add = [&](const char* name, const char* help, MetricType type, auto number) {
        families.push_back(family(name, help, type));
        for (const HookStatus& each : hooks) {
            families.back().metric.push_back(value(type, static_cast<double>(number(each))));
            families.back().metric.back().label.push_back({"hook", each.name});
        }
    };
    using enum MetricType;
    add("flare_hook_events_total", "Events that hooks have taken, and answers of those that are asked", Counter,
        [](const HookStatus& each) { return each.delivered; });
    add("flare_hook_failures_total", "Requests to hooks that have failed", Counter,
        [](const HookStatus& each) { return each.failures; });
    add("flare_hook_dropped_total", "Events that were not told, and questions that were not asked", Counter,
        [](const HookStatus& each) { return each.dropped; });
    add("flare_hook_paused", "1: nothing is sent to the hook", Gauge,
        [](const HookStatus& each) { return each.state == HookStatus::State::paused; });
    add("flare_hook_behind_seconds", "How long the oldest event that the hook has not had has waited", Gauge,
        [](const HookStatus& each) { return static_cast<double>(each.behind.count()) / 1000; });
    add("flare_hook_behind_entries", "Entries of the log behind the hook, at most", Gauge,
        [](const HookStatus& each) { return each.asked ? 0 : each.newest - std::min(each.newest, each.place); });
}

void add_store(const ServerStats& stats, std::vector<MetricFamily>& families) {
    const StoreStats& store = stats.store;
    const FeedStats& feeds = stats.feeds;
    const auto add = [&](const char* name, const char* help, MetricType type, double number) {
        families.push_back(family(name, help, type));
        families.back().metric.push_back(value(type, number));
    };
    const auto counter = [&](const char* name, const char* help, std::uint64_t number) {
        add(name, help, MetricType::Counter, static_cast<double>(number));
    };
    const auto gauge = [&](const char* name, const char* help, double number) {
        add(name, help, MetricType::Gauge, number);
    };
    const auto bytes = [](std::uint64_t number) { return static_cast<double>(number); };
    gauge("flare_store_durable", "1: a message that is stored is on disk", store.durability == Durability::commit);
    gauge("flare_store_bytes", "Bytes of the store's file with its write-ahead log", bytes(store.bytes));
    gauge("flare_store_free_bytes", "Bytes that are free on the store's disk", bytes(store.free_bytes));
    gauge("flare_store_waiting_writes", "Writes that wait for a commit", bytes(store.waiting.writes));
    gauge("flare_store_waiting_bytes", "Bytes of these writes", bytes(store.waiting.bytes));
    gauge("flare_store_waiting_reads", "Reads that wait for a thread", bytes(store.waiting.reads));
    gauge("flare_store_oldest_waiting_seconds", "How long the oldest of the writes has waited",
          std::chrono::duration<double>(store.waiting.oldest).count());
    counter("flare_store_appends_total", "Messages and other entries stored", store.appends);
    counter("flare_store_changes_total", "Changes of conversations, members and users stored", store.changes);
    counter("flare_store_repeats_total", "Writes that were stored already", store.repeats);
    families.push_back(
        family("flare_store_refused_total", "Writes refused by the store, by kind", MetricType::Counter));
    for (const auto& [code, count] : store.refused) {
        families.back().metric.push_back(value(MetricType::Counter, static_cast<double>(count)));
        families.back().metric.back().label.push_back({"code", std::string(name(code))});
    }
    families.push_back(family("flare_store_state", "1 for the state that the store is in", MetricType::Gauge));
    for (const errc code : {errc::ok, errc::storage_full, errc::storage_failed, errc::store_damaged}) {
        families.back().metric.push_back(value(MetricType::Gauge, store.state == code));
        families.back().metric.back().label.push_back({"code", std::string(name(code))});
    }
    families.push_back(histogram("flare_store_commit_seconds", "Duration of commits", store.commit_seconds));
    families.push_back(histogram("flare_store_commit_writes", "Writes in a commit", store.commit_writes));
    gauge("flare_feeds", "Subscriptions of sessions to conversations", bytes(feeds.current));
    counter("flare_feed_frames_total", "Frames with entries of conversations queued for sessions", feeds.frames);
    counter("flare_feed_pages_total", "Pages read from the store for feeds that were behind", feeds.pages);
    counter("flare_syncs_total", "Lists of conversations that clients began to read", stats.sync.syncs);
    counter("flare_sync_pages_total", "Pages of these lists read from the store", stats.sync.pages);
    counter("flare_sync_feeds_total", "Feeds begun for conversations of a list", stats.sync.feeds);
    counter("flare_read_marks_total", "Requests that say how far a user has read", stats.sync.marks);
    counter("flare_states_total", "Changes of a list told without a feed: marks of other devices, and ends of logs",
            stats.sync.states);
    counter("flare_push_requested_total", "Users of whom the push handler was told that messages wait",
            stats.push.requested);
    counter("flare_push_cleared_total", "Conversations of which it was told that they have been read",
            stats.push.cleared);
    counter("flare_push_dropped_total", "Messages and marks that it was not told of", stats.push.dropped);
    gauge("flare_presence_subscriptions", "Users followed by sessions that want to know whether they are there",
          bytes(stats.signals.subscriptions));
    counter("flare_notices_total", "Notices of typing and presence given to sessions", stats.signals.notices);
    counter("flare_notices_dropped_total", "Notices that sessions did not get because they do not keep up",
            stats.signals.notices_dropped);
    counter("flare_typing_dropped_total", "Typing that was said too often, or in too large a conversation",
            stats.signals.typing_dropped);
}

}  // namespace

std::string metrics_text(const ServerStats& stats) {
    std::vector<MetricFamily> families;
    const auto add = [&](const char* name, const char* help, MetricType type, double number) {
        families.push_back(family(name, help, type));
        families.back().metric.push_back(value(type, number));
    };
    const auto counter = [&](const char* name, const char* help, std::uint64_t number) {
        add(name, help, MetricType::Counter, static_cast<double>(number));
    };
    const auto gauge = [&](const char* name, const char* help, std::uint64_t number) {
        add(name, help, MetricType::Gauge, static_cast<double>(number));
    };
    gauge("flare_sessions", "Sessions, attached or detached", stats.sessions);
    gauge("flare_sessions_attached", "Sessions with a live connection", stats.sessions_attached);
    gauge("flare_sessions_detached", "Sessions waiting for their client to come back", stats.sessions_detached);
    gauge("flare_connections_capacity", "Connections that this process can hold", stats.capacity);
    gauge("flare_websocket_capacity", "WebSocket connections that this process can hold", stats.websocket_capacity);
    gauge("flare_users_expected", "Users of the previous process who are not back yet", stats.users_expected);
    counter("flare_connections_accepted_total", "Connections accepted", stats.connections_accepted);
    counter("flare_connections_refused_total", "Connections refused by a limit", stats.connections_refused);
    counter("flare_admissions_total", "New sessions admitted by the admission rate", stats.admissions);
    counter("flare_admissions_refused_total", "New sessions told to come back later", stats.admissions_refused);
    counter("flare_tickets_honoured_total", "Sessions made from a ticket after a restart", stats.tickets_honoured);
    counter("flare_sessions_created_total", "Sessions made", stats.sessions_created);
    counter("flare_sessions_resumed_total", "Connections that joined an existing session", stats.sessions_resumed);
    counter("flare_hand_overs_total", "Sockets moved to their user's home worker", stats.hand_overs);
    counter("flare_quic_early_data_total", "Connections that began with early data (0-RTT)", stats.quic_early_data);
    counter("flare_quic_migrations_total", "Moves of a QUIC connection to another client address",
            stats.quic_migrations);
    counter("flare_quic_misrouted_total", "QUIC packets delivered to the wrong worker", stats.quic_misrouted);
    gauge("flare_memory_bytes", "Memory of sessions in use, of max_memory_bytes", stats.memory_bytes);
    counter("flare_messages_received_total", "Messages received, each counted once", stats.messages_received);
    counter("flare_messages_sent_total", "Replies and deliveries queued", stats.messages_sent);
    counter("flare_messages_refused_total", "Messages refused", stats.messages_refused);
    counter("flare_bytes_received_total", "Bytes read from connections", stats.bytes_received);
    counter("flare_bytes_sent_total", "Bytes written to connections", stats.bytes_sent);
    counter("flare_heartbeats_total", "Pings answered", stats.heartbeats);
    counter("flare_handler_runs_total", "Runs of message handlers", stats.handler_runs);
    gauge("flare_revocations", "Users and tokens currently revoked", stats.revocations);
    counter("flare_worker_stalls_total", "Times that an event loop was blocked for a second", stats.worker_stalls);
    const CompressionStats& zip = stats.compression;
    counter("flare_compressed_messages_total", "Payloads compressed", zip.compressed);
    counter("flare_compressed_from_bytes_total", "Payload bytes before compression", zip.compressed_from);
    counter("flare_compressed_to_bytes_total", "Payload bytes after compression", zip.compressed_to);
    counter("flare_inflated_messages_total", "Payloads inflated", zip.inflated);
    counter("flare_inflated_from_bytes_total", "Payload bytes before decompression", zip.inflated_from);
    counter("flare_inflated_to_bytes_total", "Payload bytes after decompression", zip.inflated_to);
    counter("flare_compression_refused_total", "Compressed payloads that were damaged, too large or not negotiated",
            zip.refused);
    add("flare_handler_seconds_total", "Time from a message's turn to the end of its handler", MetricType::Counter,
        std::chrono::duration<double>(stats.handler_time_total).count());

    families.push_back(family("flare_connections", "Open connections", MetricType::Gauge));
    for (const auto& [protocol, count] : stats.connections) {
        families.back().metric.push_back(value(MetricType::Gauge, static_cast<double>(count)));
        families.back().metric.back().label.push_back({"protocol", std::string(name(protocol))});
    }
    families.push_back(family("flare_sessions_shed_total", "Sessions refused or ended because memory was used up",
                              MetricType::Counter));
    const std::pair<const char*, std::uint64_t> shed[] = {{"new", stats.sessions_refused_busy},
                                                          {"detached", stats.sessions_shed_detached},
                                                          {"stalled", stats.sessions_shed_stalled}};
    for (const auto& [kind, count] : shed) {
        families.back().metric.push_back(value(MetricType::Counter, static_cast<double>(count)));
        families.back().metric.back().label.push_back({"kind", kind});
    }
    families.push_back(family("flare_errors_total", "Errors by kind: docs/errors.md", MetricType::Counter));
    for (const auto& [code, count] : stats.errors) {
        families.back().metric.push_back(value(MetricType::Counter, static_cast<double>(count)));
        families.back().metric.back().label.push_back({"code", std::string(name(code))});
    }
    if (!stats.store.engine.empty()) add_store(stats, families);
    if (!stats.hooks.empty()) add_hooks(stats.hooks, families);
    return prometheus::TextSerializer().Serialize(families);
}

}  // namespace flare::server
