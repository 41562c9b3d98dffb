// Part of `sync`: what a page of a user's list and pages of history cost a thread that reads the store, without a
// server around it.
//
// Threads: one.
#pragma once

#include <cstddef>

namespace flare::bench {

struct SyncPageOptions {
    std::size_t conversations = 2000;  // of the user
    std::size_t changed = 30;
    std::size_t messages = 20'000;  // of the log that history is read of
};

struct SyncPageCost {
    std::size_t round_trips = 0;        // until everything that has changed was told
    std::size_t told = 0;               // conversations
    double warm_ms = 0;                 // CPU of a page
    double while_written_ms = 0;        // the same behind a commit, of which each reader's cache of the file learns
    double with_feeds_ms = 0;           // the same as warm_ms, with what is needed for feeds of the unchanged ones
    double cold_ms = 0;                 // of a store that was opened just now
    double history_per_second_200 = 0;  // entries, of a core, at so many a page
    double history_per_second_50 = 0;
};

// Throws std::runtime_error.
SyncPageCost cost_of_sync_page(const SyncPageOptions& options);

}  // namespace flare::bench
