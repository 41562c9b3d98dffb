// What a server counts: Server::stats().
//
// Protocol: docs/operations.md, "Metrics", has the same figures by their names in Prometheus.
// Threads:  values.
#pragma once

#include <flare/compression.hpp>
#include <flare/error.hpp>
#include <flare/message.hpp>
#include <flare/server_hooks.hpp>
#include <flare/store.hpp>

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace flare {

// Figures of a store, counted since start() unless marked as current. No engine: the server has no store.
struct StoreStats {
    std::string engine;  // "sqlite"
    std::string file;
    Durability durability = Durability::none;
    std::uint64_t generation = 0;  // drawn when the store was made or restored
    std::uint32_t schema = 0;      // version of the file
    std::uint64_t bytes = 0;       // current: of the file with its write-ahead log
    std::uint64_t free_bytes = 0;  // current: on its disk
    // Current: ok; storage_full (the last commit found no room); storage_failed, store_damaged (it takes nothing).
    errc state = errc::ok;
    // Current: what the store has taken and not done yet.
    struct Waiting {
        std::uint64_t writes = 0;
        std::uint64_t bytes = 0;  // of the writes
        std::uint64_t reads = 0;
        std::chrono::milliseconds oldest{0};  // how long the oldest of the writes has waited
    };
    Waiting waiting;
    std::uint64_t appends = 0;                // messages and other entries
    std::uint64_t changes = 0;                // of conversations, members and users
    std::uint64_t repeats = 0;                // known already: nothing was written
    std::map<errc, std::uint64_t> refused;    // writes
    std::uint64_t commits = 0;                // that succeeded: one for all writes that wait, each with a sync
    std::chrono::microseconds commit_p50{0};  // of the last 1,024
    std::chrono::microseconds commit_p99{0};
    // Histograms: the upper bound of each bucket, and how many values were above the bound before and not above it. The
    // last bound is infinite.
    struct Histogram {
        std::vector<std::pair<double, std::uint64_t>> buckets;
        double sum = 0;
    };
    Histogram commit_seconds;
    Histogram commit_writes;
};

// Live delivery of conversations. All 0 without a store.
struct FeedStats {
    std::uint64_t current = 0;  // feeds: a session that has subscribed to a conversation has one
    std::uint64_t frames = 0;   // queued for sessions, each with one entry or several
    std::uint64_t pages = 0;    // read from the store for feeds that were behind
};

// Lists of users' conversations. All 0 without a store.
struct SyncStats {
    std::uint64_t syncs = 0;   // begun
    std::uint64_t pages = 0;   // of these, read from the store
    std::uint64_t feeds = 0;   // that began because a list named their conversation, or was told of a new one
    std::uint64_t marks = 0;   // requests that say how far a user has read
    std::uint64_t states = 0;  // of conversations without a feed, and marks, told to sessions that follow their list
};

// Pushes. All 0 without a store, or without a push handler.
struct PushStats {
    std::uint64_t requested = 0;  // calls of PushHandler::on_push_requested()
    std::uint64_t cleared = 0;    // and of on_push_cleared()
    std::uint64_t dropped = 0;    // messages and marks that were not told: too much waited, or the store is damaged
};

// Who types, and who is there. All 0 without a store.
struct SignalStats {
    std::uint64_t subscriptions = 0;    // current: each is of one session, to the presence of one user
    std::uint64_t notices = 0;          // given to sessions
    std::uint64_t notices_dropped = 0;  // of sessions that do not keep up, or have no connection
    std::uint64_t typing_dropped = 0;   // said too often, or in a conversation with too many members
};

// Statistics over all workers, counted since start() unless marked as current.
struct ServerStats {
    std::uint64_t sessions = 0;  // current, attached and detached
    std::uint64_t sessions_attached = 0;
    std::uint64_t sessions_detached = 0;
    std::map<Protocol, std::uint64_t> connections;  // currently open
    std::uint64_t connections_accepted = 0;
    std::uint64_t connections_refused = 0;  // by a limit
    std::uint64_t admissions = 0;           // new sessions admitted by admission_rate()
    std::uint64_t admissions_refused = 0;   // new sessions told to come back later
    std::uint64_t tickets_honoured = 0;     // sessions made from a ticket after a restart, without authentication
    std::uint64_t sessions_created = 0;
    std::uint64_t sessions_resumed = 0;  // carriers attached to an existing session
    std::uint64_t hand_overs = 0;        // sockets moved to their user's home worker
    std::uint64_t quic_early_data = 0;   // connections that began with early data (0-RTT)
    std::uint64_t quic_migrations = 0;   // moves of a connection to another client address
    std::uint64_t quic_misrouted = 0;    // packets that the kernel delivered to a worker other than their id names
    std::uint64_t messages_received = 0;
    std::uint64_t messages_sent = 0;  // replies and deliveries queued
    std::uint64_t messages_refused = 0;
    std::uint64_t bytes_received = 0;
    std::uint64_t bytes_sent = 0;
    std::uint64_t heartbeats = 0;
    std::map<errc, std::uint64_t> errors;  // by kind: protocol errors, refusals, ended sessions
    std::chrono::nanoseconds handler_time_total{0};
    std::uint64_t handler_runs = 0;
    std::uint64_t users_expected = 0;      // current: users disconnected by a restart who are not back yet
    std::uint64_t revocations = 0;         // users and tokens currently remembered as revoked
    std::uint32_t capacity = 0;            // connections that this process can hold
    std::uint32_t websocket_capacity = 0;  // how many of these over WebSocket, one file each; 0: not enabled
    std::uint64_t memory_bytes = 0;        // currently used of max_memory_bytes
    // What happens when memory is used up, in this order: new sessions are refused, sessions without a connection end,
    // sessions whose clients read nothing end.
    std::uint64_t sessions_refused_busy = 0;
    std::uint64_t sessions_shed_detached = 0;
    std::uint64_t sessions_shed_stalled = 0;
    CompressionStats compression;
    StoreStats store;
    FeedStats feeds;
    SyncStats sync;
    PushStats push;
    SignalStats signals;
    std::vector<HookStatus> hooks;
    std::uint64_t worker_stalls = 0;  // times that an event loop was blocked for a second, by a handler
};

}  // namespace flare
