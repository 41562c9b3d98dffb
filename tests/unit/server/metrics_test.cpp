// What /metrics says.
#include "server/admin/metrics.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace flare::server::test {
namespace {

TEST(Metrics, TellWhatCompressionHasDone) {
    ServerStats stats;
    stats.compression = {1, 2000, 300, 4, 500, 6000, 7};
    const std::string text = metrics_text(stats);
    for (const char* line : {"flare_compressed_messages_total 1\n", "flare_compressed_from_bytes_total 2000\n",
                             "flare_compressed_to_bytes_total 300\n", "flare_inflated_messages_total 4\n",
                             "flare_inflated_from_bytes_total 500\n", "flare_inflated_to_bytes_total 6000\n",
                             "flare_compression_refused_total 7\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line;
    }
}

TEST(Metrics, TellWhatTheStoreHasDone) {
    ServerStats stats;
    EXPECT_EQ(metrics_text(stats).find("flare_store"), std::string::npos) << "there is none";
    stats.store.engine = "sqlite";
    stats.store.durability = Durability::commit;
    stats.store.state = errc::storage_full;
    stats.store.bytes = 1;
    stats.store.free_bytes = 2;
    stats.store.waiting.writes = 3;
    stats.store.waiting.bytes = 4;
    stats.store.waiting.reads = 5;
    stats.store.waiting.oldest = std::chrono::milliseconds(6500);
    stats.store.appends = 7;
    stats.store.changes = 8;
    stats.store.repeats = 9;
    stats.store.refused[errc::too_old] = 10;
    stats.store.commit_seconds = {{{0.5, 2}, {1, 0}, {std::numeric_limits<double>::infinity(), 1}}, 4.25};
    const std::string text = metrics_text(stats);
    for (const char* line :
         {"flare_store_durable 1\n", "flare_store_bytes 1\n", "flare_store_free_bytes 2\n",
          "flare_store_waiting_writes 3\n", "flare_store_waiting_bytes 4\n", "flare_store_waiting_reads 5\n",
          "flare_store_oldest_waiting_seconds 6.5\n", "flare_store_appends_total 7\n", "flare_store_changes_total 8\n",
          "flare_store_repeats_total 9\n", "flare_store_refused_total{code=\"too_old\"} 10\n",
          "flare_store_state{code=\"ok\"} 0\n", "flare_store_state{code=\"storage_full\"} 1\n",
          "flare_store_commit_seconds_bucket{le=\"0.5\"} 2\n", "flare_store_commit_seconds_bucket{le=\"1\"} 2\n",
          "flare_store_commit_seconds_bucket{le=\"+Inf\"} 3\n", "flare_store_commit_seconds_sum 4.25\n",
          "flare_store_commit_seconds_count 3\n"}) {
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
    }
}

TEST(Metrics, TellOfHooks) {
    ServerStats stats;
    EXPECT_EQ(metrics_text(stats).find("flare_hook"), std::string::npos);
    HookStatus hook;
    hook.name = "orders";
    hook.delivered = 1;
    hook.failures = 2;
    hook.dropped = 3;
    hook.state = HookStatus::State::paused;
    hook.behind = std::chrono::milliseconds(4500);
    hook.place = 5;
    hook.newest = 11;
    stats.hooks = {hook};
    const std::string text = metrics_text(stats);
    for (const char* line :
         {"flare_hook_events_total{hook=\"orders\"} 1\n", "flare_hook_failures_total{hook=\"orders\"} 2\n",
          "flare_hook_dropped_total{hook=\"orders\"} 3\n", "flare_hook_paused{hook=\"orders\"} 1\n",
          "flare_hook_behind_seconds{hook=\"orders\"} 4.5\n", "flare_hook_behind_entries{hook=\"orders\"} 6\n"})
        EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Metrics, TellOfFeedsWhereThereIsAStore) {
    ServerStats stats;
    stats.feeds = {1, 2, 3};
    stats.sync = {4, 5, 6, 7, 8};
    stats.push = {9, 10, 11};
    EXPECT_EQ(metrics_text(stats).find("flare_feed"), std::string::npos);
    stats.store.engine = "sqlite";
    const std::string text = metrics_text(stats);
    for (const char* line : {"flare_feeds 1\n", "flare_feed_frames_total 2\n", "flare_feed_pages_total 3\n",
                             "flare_syncs_total 4\n", "flare_sync_pages_total 5\n", "flare_sync_feeds_total 6\n",
                             "flare_read_marks_total 7\n", "flare_states_total 8\n", "flare_push_requested_total 9\n",
                             "flare_push_cleared_total 10\n", "flare_push_dropped_total 11\n"})
        EXPECT_NE(text.find(line), std::string::npos) << line;
}

}  // namespace
}  // namespace flare::server::test
