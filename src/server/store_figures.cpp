#include "server/store_figures.hpp"

#include <array>
#include <cstdio>
#include <limits>

namespace flare::server {
namespace {

template <typename Powers>
StoreStats::Histogram histogram_of(const Powers& from, double unit) {
    StoreStats::Histogram made;
    const auto& counts = from.counts();
    for (std::size_t i = 0; i < counts.size(); ++i) {
        const bool last = i + 1 == counts.size();
        made.buckets.emplace_back(
            last ? std::numeric_limits<double>::infinity() : static_cast<double>(Powers::upto(i)) * unit, counts[i]);
    }
    made.sum = static_cast<double>(from.sum()) * unit;
    return made;
}

Durability durability_of(const store::About& about) { return about.durable ? Durability::commit : Durability::memory; }

std::string size_text(std::uint64_t bytes) {
    static constexpr std::array<const char*, 5> kUnits = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    auto number = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; number >= 1024 && unit + 1 < kUnits.size(); ++unit) number /= 1024;
    std::array<char, 48> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", number, kUnits[unit]);
    return text.data();
}

}  // namespace

StoreStats figures_of(const store::Store& store) {
    const store::About about = store.about();
    const store::Store::Health health = store.health();
    const store::Tally tally = store.tally();
    StoreStats stats;
    stats.engine = about.engine;
    stats.file = about.place;
    stats.durability = durability_of(about);
    stats.generation = about.generation;
    stats.schema = about.schema;
    stats.bytes = about.bytes;
    stats.free_bytes = about.free_bytes;
    stats.state = health.code;
    stats.waiting.writes = health.waiting_writes;
    stats.waiting.bytes = health.waiting_bytes;
    stats.waiting.reads = health.waiting_reads;
    stats.waiting.oldest = health.oldest;
    stats.appends = tally.appends();
    stats.changes = tally.changes();
    stats.repeats = tally.repeats();
    stats.refused.insert(tally.refused().begin(), tally.refused().end());
    stats.commits = health.commits;
    stats.commit_p50 = health.p50;
    stats.commit_p99 = health.p99;
    stats.commit_seconds = histogram_of(tally.commit_us, 1e-6);
    stats.commit_writes = histogram_of(tally.commit_writes, 1);
    return stats;
}

std::string introduction_of(const store::About& about) {
    std::array<char, 17> generation{};
    std::snprintf(generation.data(), generation.size(), "%016llx", static_cast<unsigned long long>(about.generation));
    return "conversations are kept in " + about.place + ": a message that is stored is " +
           (about.durable ? "on disk" : "in memory only") + " (" + about.engine + (about.by.empty() ? "" : ", ") +
           about.by + ", schema " + std::to_string(about.schema) + ", generation " + generation.data() + "); " +
           size_text(about.bytes) + " are used" +
           (about.free_bytes == 0 ? std::string() : ", " + size_text(about.free_bytes) + " are free on its disk");
}

}  // namespace flare::server
