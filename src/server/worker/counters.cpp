#include "server/worker/counters.hpp"

namespace flare::server {
namespace {

constexpr std::uint64_t ServerStats::*kSums[] = {
    &ServerStats::sessions,
    &ServerStats::sessions_attached,
    &ServerStats::sessions_detached,
    &ServerStats::connections_accepted,
    &ServerStats::connections_refused,
    &ServerStats::admissions,
    &ServerStats::admissions_refused,
    &ServerStats::tickets_honoured,
    &ServerStats::sessions_created,
    &ServerStats::sessions_resumed,
    &ServerStats::hand_overs,
    &ServerStats::quic_early_data,
    &ServerStats::quic_migrations,
    &ServerStats::quic_misrouted,
    &ServerStats::messages_received,
    &ServerStats::messages_sent,
    &ServerStats::messages_refused,
    &ServerStats::bytes_received,
    &ServerStats::bytes_sent,
    &ServerStats::heartbeats,
    &ServerStats::handler_runs,
    &ServerStats::users_expected,
    &ServerStats::memory_bytes,
    &ServerStats::sessions_refused_busy,
    &ServerStats::sessions_shed_detached,
    &ServerStats::sessions_shed_stalled,
};

}  // namespace

void add(ServerStats& sum, const ServerStats& part) {
    for (const auto member : kSums) sum.*member += part.*member;
    sum.handler_time_total += part.handler_time_total;
    sum.feeds.current += part.feeds.current;
    sum.feeds.frames += part.feeds.frames;
    sum.feeds.pages += part.feeds.pages;
    sum.sync.syncs += part.sync.syncs;
    sum.sync.pages += part.sync.pages;
    sum.sync.feeds += part.sync.feeds;
    sum.sync.marks += part.sync.marks;
    sum.sync.states += part.sync.states;
    sum.push.requested += part.push.requested;
    sum.push.cleared += part.push.cleared;
    sum.push.dropped += part.push.dropped;
    sum.signals.subscriptions += part.signals.subscriptions;
    sum.signals.notices += part.signals.notices;
    sum.signals.notices_dropped += part.signals.notices_dropped;
    sum.signals.typing_dropped += part.signals.typing_dropped;
    for (const auto& [protocol, count] : part.connections) sum.connections[protocol] += count;
    for (const auto& [code, count] : part.errors) sum.errors[code] += count;
}

}  // namespace flare::server
