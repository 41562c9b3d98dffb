// The durable store alone: what an append costs the thread that commits, how long a message waits until it is on disk,
// and the machine's own fdatasync beside it.
//
//   1. batches of --batch messages (0: 128 and then 1,024), one after the other: CPU time of the commits, with that of
//      the thread that copies the write-ahead log beside them
//   2. --rate messages a second, arriving when they like (Poisson), for --seconds: from arrival to on disk
//   3. with --grow: five million messages, CPU time of each million
//   4. a process that ends without closing its store, after 65,536 messages: how long the next start takes
//
// 256-byte payloads, version 7 ids, 10,000 conversations chosen uniformly: the worst case for locality.
//
// Options: --engine sqlite|memory, --batch N (0), --messages N (500,000), --rate R (10,000), --seconds S (10), --size B
// (256), --conversations N (10,000), --checkpoint-pages N, --cache-kib N (both as shipped), --folder PATH (the system's
// for temporary files), --grow, --json.
#include "store/store.hpp"
#include "allocations.hpp"
#include "base/random.hpp"
#include "base/short_slice.hpp"
#include "bench.hpp"
#include "stats.hpp"
#include "store/memory/memory.hpp"
#include "store/sqlite/sqlite.hpp"

#include <atomic>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace flare::bench {
namespace {

using store::Engine;
using store::WriteBatch;

struct StoreOptions {
    std::string engine = "sqlite";
    std::string folder = std::filesystem::temp_directory_path().string();
    std::size_t batch = 0;
    std::uint64_t messages = 500'000;
    double rate = 10'000;
    double seconds = 10;
    std::size_t size = 256;
    std::uint64_t conversations = 10'000;
    std::uint32_t checkpoint_pages = 0;  // 0: as shipped
    std::uint32_t cache_kib = 0;         // likewise
    bool grow = false;
    bool json = false;
};

std::uint64_t unix_ms() {
    const auto now = std::chrono::system_clock::now().time_since_epoch();
    return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(now).count());
}

// A store in a folder of its own, which goes away with it.
class Ground {
public:
    explicit Ground(const StoreOptions& options) : options_(options) {
        std::string pattern = options.folder + "/flare-bench-XXXXXX";
        if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("no folder in " + options.folder);
        folder_ = pattern;
    }
    ~Ground() {
        std::error_code ignored;
        std::filesystem::remove_all(folder_, ignored);
    }
    Ground(const Ground&) = delete;
    Ground& operator=(const Ground&) = delete;

    std::unique_ptr<Engine> open() {
        if (options_.engine == "memory") return store::memory::open(disk_);
        store::sqlite::Settings settings;
        settings.path = folder_ + "/flare.db";
        settings.min_free_bytes = 0;
        if (options_.cache_kib != 0) settings.cache_kib = options_.cache_kib;
        if (options_.checkpoint_pages != 0) settings.checkpoint_pages = options_.checkpoint_pages;
        auto opened = store::sqlite::open(settings);
        if (!opened) throw std::runtime_error(opened.error().text);
        return std::move(*opened);
    }
    std::string path(const char* name) const { return folder_ + "/" + name; }
    std::uint64_t bytes() const {
        std::error_code ignored;
        const auto size = std::filesystem::file_size(path("flare.db"), ignored);
        return ignored ? 0 : size;
    }

private:
    const StoreOptions& options_;
    std::string folder_;
    store::memory::Disk disk_{1};
};

// Makes messages.
class Source {
public:
    explicit Source(const StoreOptions& options) : options_(options), payload_(options.size, '\0') {
        for (char& each : payload_) each = static_cast<char>(chance_());
    }
    void make_conversations(Engine& engine) {
        WriteBatch batch;
        for (std::uint64_t i = 0; i < options_.conversations; ++i) {
            store::Change made;
            made.key = model::ConversationKey::room("room " + std::to_string(i));
            batch.writes.push_back({made});
        }
        commit(engine, batch);
        for (const store::Write& each : batch.writes) rows_.push_back(each.outcome.row);
    }
    void add(WriteBatch& batch) {
        store::NewEntry entry;
        entry.conversation = rows_[chance_() % rows_.size()];
        entry.sender = chance_() % 20'000 + 1;
        std::array<std::uint8_t, 10> rest{};
        for (std::uint8_t& each : rest) each = static_cast<std::uint8_t>(chance_());
        entry.id = Uuid::v7(unix_ms(), rest);
        entry.content = static_cast<std::uint32_t>(chance_());
        entry.type = batch.add("text");
        entry.payload = batch.add(payload_);
        batch.writes.push_back({std::move(entry)});
    }
    static void commit(Engine& engine, WriteBatch& batch) {
        WriteBatch* const group[] = {&batch};
        if (const auto done = engine.commit(group, unix_ms()); !done)
            throw std::runtime_error("commit: " + done.error().message());
        for (const store::Write& each : batch.writes)
            if (each.outcome.code != errc::ok || each.outcome.repeat) throw std::runtime_error("a message was refused");
    }
    double wait_seconds(double rate) { return -std::log(1 - uniform_(chance_)) / rate; }

private:
    const StoreOptions& options_;
    std::mt19937_64 chance_{base::system_random().next_u64()};
    std::uniform_real_distribution<double> uniform_{0, 1};
    std::string payload_;
    std::vector<store::Row> rows_;
};

// ---- 1, 3: one batch after the other ----

struct Appended {
    double per_core_second = 0;
    double bytes_per_message = 0;
    double allocations_per_message = 0;  // of operator new, in the second half
    std::vector<double> us_of_each_million;
};

Appended append(const StoreOptions& options, std::size_t batch_size, std::uint64_t messages) {
    Ground ground(options);
    auto engine = ground.open();
    Source source(options);
    source.make_conversations(*engine);
    Appended result;
    WriteBatch batch;
    // Of all threads, but for what making the messages takes of this one.
    const std::uint64_t began = process_cpu_ns(::getpid());
    std::uint64_t making = 0;
    std::uint64_t done = 0;
    std::uint64_t allocated = 0;
    std::uint64_t cpu_before = 0;
    std::uint64_t done_before = 0;
    while (done < messages) {
        const std::uint64_t made_from = cpu_ns(::pthread_self());
        batch.clear();
        for (std::size_t i = 0; i < batch_size; ++i) source.add(batch);
        making += cpu_ns(::pthread_self()) - made_from;
        const std::uint64_t before = allocations();
        Source::commit(*engine, batch);
        if (done >= messages / 2) allocated += allocations() - before;
        done += batch_size;
        if (done - done_before < 1'000'000) continue;
        const std::uint64_t cpu = process_cpu_ns(::getpid()) - began - making;
        result.us_of_each_million.push_back(static_cast<double>(cpu - cpu_before) / 1e3 /
                                            static_cast<double>(done - done_before));
        std::fprintf(for_people(options.json), "store: %.1f M messages: %.2f us of CPU each\n",
                     static_cast<double>(done) / 1e6, result.us_of_each_million.back());
        cpu_before = cpu;
        done_before = done;
    }
    const std::uint64_t cpu = process_cpu_ns(::getpid()) - began - making;
    engine.reset();
    result.per_core_second = static_cast<double>(done) * 1e9 / static_cast<double>(cpu);
    result.allocations_per_message = 2 * static_cast<double>(allocated) / static_cast<double>(done);
    result.bytes_per_message = static_cast<double>(ground.bytes()) / static_cast<double>(done);
    return result;
}

// ---- 2: arrivals of their own ----

// Batches come back on the thread that commits, and are used again.
class Arrivals final : public store::BatchOwner {
public:
    explicit Arrivals(std::size_t expected) { latencies.reserve(expected); }
    void done(std::unique_ptr<WriteBatch> batch, const store::Answer& answer) noexcept override {
        const std::uint64_t now = now_ns();
        const std::lock_guard lock(mutex_);
        lost += answer.code != errc::ok;
        latencies.add(now - due_.at(batch.get()));
        free_.push_back(std::move(batch));
    }
    std::unique_ptr<WriteBatch> take(std::uint64_t due) {
        const std::lock_guard lock(mutex_);
        if (free_.empty()) free_.push_back(std::make_unique<WriteBatch>());
        auto batch = std::move(free_.back());
        free_.pop_back();
        due_[batch.get()] = due;
        return batch;
    }
    Latencies latencies;
    std::uint64_t lost = 0;

private:
    std::mutex mutex_;
    std::vector<std::unique_ptr<WriteBatch>> free_;
    std::map<const WriteBatch*, std::uint64_t> due_;
};

struct Waited {
    double p50_ms = 0;
    double p99_ms = 0;
    std::uint64_t lost = 0;
    double messages_a_commit = 0;
};

Waited wait_for_disk(const StoreOptions& options) {
    Ground ground(options);
    auto engine = ground.open();
    Source source(options);
    source.make_conversations(*engine);
    Arrivals arrivals(static_cast<std::size_t>(options.rate * options.seconds * 1.1));
    store::Store store(std::move(engine), {});
    std::uint64_t due = now_ns();
    const std::uint64_t end = due + static_cast<std::uint64_t>(options.seconds * 1e9);
    while (due < end) {
        due += static_cast<std::uint64_t>(source.wait_seconds(options.rate) * 1e9);
        auto batch = arrivals.take(due);
        batch->clear();
        source.add(*batch);
        if (const std::uint64_t now = now_ns(); now < due)
            std::this_thread::sleep_for(std::chrono::nanoseconds(due - now));
        if (store.submit(batch, arrivals) != errc::ok) ++arrivals.lost;
    }
    store.stop();
    const auto health = store.health();
    return {arrivals.latencies.percentile_us(0.5) / 1000, arrivals.latencies.percentile_us(0.99) / 1000, arrivals.lost,
            static_cast<double>(health.writes) / static_cast<double>(std::max<std::uint64_t>(health.commits, 1))};
}

// Of the disk itself: 4 KiB at the end of a file. Where the p99 is high, others use the machine, and most messages
// arrive while a commit waits for them.
struct Sync {
    double p50_ms = 0;
    double p99_ms = 0;
};
Sync fdatasync_of(const StoreOptions& options) {
    Ground ground(options);
    const int file = ::open(ground.path("sync").c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("no file in " + options.folder);
    const std::string block(4096, 'x');
    Latencies latencies;
    for (int i = 0; i < 1000; ++i) {
        const std::uint64_t began = now_ns();
        if (::write(file, block.data(), block.size()) < 0 || ::fdatasync(file) != 0)
            throw std::runtime_error("fdatasync");
        latencies.add(now_ns() - began);
    }
    ::close(file);
    return {latencies.percentile_us(0.5) / 1000, latencies.percentile_us(0.99) / 1000};
}

// ---- 4: a start after a crash ----

double restart_ms(const StoreOptions& options) {
    if (options.engine != "sqlite") return 0;
    Ground ground(options);
    const pid_t child = ::fork();
    if (child == 0) {
        auto* const engine = ground.open().release();  // nobody closes it
        Source source(options);
        source.make_conversations(*engine);
        WriteBatch batch;
        for (int i = 0; i < 64; ++i) {
            batch.clear();
            for (int k = 0; k < 1024; ++k) source.add(batch);
            Source::commit(*engine, batch);
        }
        ::_exit(0);
    }
    int status = 0;
    if (::waitpid(child, &status, 0) != child || status != 0) throw std::runtime_error("the process that is to end");
    const std::uint64_t began = now_ns();
    const auto engine = ground.open();
    return static_cast<double>(now_ns() - began) / 1e6;
}

bool take(StoreOptions& options, int argc, char** argv, int& i) {
    const std::string_view option = argv[i];
    if (option == "--json") return options.json = true;
    if (option == "--grow") return options.grow = true;
    if (i + 1 >= argc) return false;
    const auto number = [&](std::uint64_t least, std::uint64_t most) {
        return std::clamp<std::uint64_t>(std::strtoull(argv[++i], nullptr, 10), least, most);
    };
    if (option == "--engine") {
        options.engine = argv[++i];
        return options.engine == "sqlite" || options.engine == "memory";
    }
    if (option == "--folder") {
        options.folder = argv[++i];
    } else if (option == "--batch") {
        options.batch = number(0, 100'000);
    } else if (option == "--messages") {
        options.messages = number(1000, 100'000'000);
    } else if (option == "--rate") {
        options.rate = static_cast<double>(number(1, 1'000'000));
    } else if (option == "--seconds") {
        options.seconds = static_cast<double>(number(1, 600));
    } else if (option == "--size") {
        options.size = number(1, 65'536);
    } else if (option == "--checkpoint-pages") {
        options.checkpoint_pages = static_cast<std::uint32_t>(number(1, 1'000'000));
    } else if (option == "--cache-kib") {
        options.cache_kib = static_cast<std::uint32_t>(number(64, 10'000'000));
    } else if (option == "--conversations") {
        options.conversations = number(1, 1'000'000);
    } else {
        return false;
    }
    return true;
}

double load_average() {
    double loads[1] = {0};
    return ::getloadavg(loads, 1) == 1 ? loads[0] : 0;
}

}  // namespace

int bench_store(int argc, char** argv) {
    StoreOptions options;
    for (int i = 1; i < argc; ++i) {
        if (take(options, argc, argv, i)) continue;
        std::fprintf(stderr, "store: unknown option or value %s\n", argv[i]);
        return 2;
    }
    std::FILE* const out = for_people(options.json);
    std::fprintf(out, "store: engine %s, load average %.1f\n", options.engine.c_str(), load_average());
    // As the store's own threads do: who sleeps for less than a slice is measured, not who else computes here.
    base::ask_for_short_slice(std::chrono::microseconds(100));
    ::prctl(PR_SET_TIMERSLACK, 1);  // or each message would be 50 us late before it is sent
    // The restart first: it forks, and so before there are threads.
    const double restart = restart_ms(options);
    const Appended small = append(options, options.batch == 0 ? 128 : options.batch, options.messages);
    const Appended large = options.batch == 0 ? append(options, 1024, options.messages) : small;
    const Sync before = fdatasync_of(options);
    const Waited waited = wait_for_disk(options);
    const Sync after = fdatasync_of(options);
    const Sync sync{(before.p50_ms + after.p50_ms) / 2, (before.p99_ms + after.p99_ms) / 2};
    std::fprintf(out,
                 "store: %.0f and %.0f appends per core-second, %.0f bytes and %.4f calls of operator new a message\n"
                 "store: %.0f/s: on disk after %.3f ms p50, %.3f ms p99, %.1f messages a commit, %llu lost; fdatasync "
                 "of this disk %.3f ms p50, %.3f ms p99\n"
                 "store: a start after a crash, with 65,536 messages to read again: %.0f ms; load average %.1f\n",
                 small.per_core_second, large.per_core_second, small.bytes_per_message, small.allocations_per_message,
                 options.rate, waited.p50_ms, waited.p99_ms, waited.messages_a_commit,
                 static_cast<unsigned long long>(waited.lost), sync.p50_ms, sync.p99_ms, restart, load_average());
    std::vector<double> grown;
    if (options.grow) grown = append(options, 512, 5'010'000).us_of_each_million;
    if (options.json) {
        std::string growth;
        for (const double each : grown) growth += (growth.empty() ? "" : ",") + std::to_string(each);
        std::printf(
            "{\"appends_per_core_second_128\":%.0f,\"appends_per_core_second_1024\":%.0f,\"p50_ms\":%.3f,"
            "\"p99_ms\":%.3f,\"fdatasync_p50_ms\":%.3f,\"fdatasync_p99_ms\":%.3f,\"bytes_per_message\":%.1f,\"restart_"
            "ms\":%.1f,\"lost\":%llu,"
            "\"us_of_each_million\":[%s]}\n",
            small.per_core_second, large.per_core_second, waited.p50_ms, waited.p99_ms, sync.p50_ms, sync.p99_ms,
            small.bytes_per_message, restart, static_cast<unsigned long long>(waited.lost), growth.c_str());
    }
    return waited.lost == 0 ? 0 : 1;
}

}  // namespace flare::bench
