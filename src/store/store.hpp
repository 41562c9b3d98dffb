// The threads around an engine: one that commits whatever waits, and two that read. Whoever gives it a batch does not
// wait, and is answered when the batch is on disk.
//
// Protocol: docs/store.md, "Threads".
// Threads:  any; answers come on the store's threads.
// Owner:    the server. It outlives whoever gives it batches, or stop() was called before they go.
#pragma once

#include "store/commit_times.hpp"
#include "store/engine.hpp"
#include "store/tally.hpp"

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace flare::store {

// What became of a batch. Anything but ok: nothing of it is in the log, as far as anybody knows, and it may be sent
// again: storage_full, storage_failed, busy (another process holds the file), shutting_down.
struct Answer {
    errc code = errc::ok;
};

// Whoever gives batches to a store.
class BatchOwner {
public:
    virtual ~BatchOwner() = default;
    // Gives a batch back, once, on the thread that commits: it must not wait.
    virtual void done(std::unique_ptr<WriteBatch> batch, const Answer& answer) noexcept = 0;
};

class Store {
public:
    struct Settings {
        // What may wait to be committed, whichever is met first. Beyond it: `busy`.
        std::size_t max_waiting_writes = 100'000;
        std::size_t max_waiting_bytes = 64 * 1024 * 1024;
        std::chrono::milliseconds max_waiting_age{2000};
        // What is committed together; one batch is in any case.
        std::size_t max_group_writes = 4096;
        std::size_t max_group_bytes = 8 * 1024 * 1024;
        std::size_t max_waiting_reads = 10'000;
        unsigned readers = 2;
        std::chrono::milliseconds idle{250};          // without a batch, before the engine may do what can wait
        std::chrono::milliseconds reopen_every{500};  // after a failure; and a group of unknown outcome is tried again
        std::function<void()> committed{};            // after each commit, on the thread that commits: it must not wait
    };
    struct Health {
        errc code =
            errc::ok;  // storage_failed, store_damaged: it takes nothing; storage_full: the last group had no room
        std::size_t waiting_writes = 0;
        std::size_t waiting_bytes = 0;
        std::size_t waiting_reads = 0;
        std::chrono::milliseconds oldest{0};  // how long the oldest batch has waited
        std::uint64_t commits = 0;            // that succeeded
        std::uint64_t writes = 0;             // in those
        std::chrono::microseconds last_commit{0};
        std::chrono::microseconds p50{0};  // of the newest commits
        std::chrono::microseconds p99{0};
    };
    using Read = std::function<void(Reader& reader)>;

    Store(std::unique_ptr<Engine> engine, const Settings& settings);
    ~Store();  // stop()
    Store(const Store&) = delete;
    Store& operator=(const Store&) = delete;

    // Takes the batch and answers ok; or leaves it where it is: busy, shutting_down, storage_failed, store_damaged; or
    // std::bad_alloc. `owner` must live until it has it back.
    errc submit(std::unique_ptr<WriteBatch>& batch, BatchOwner& owner);
    // Runs on a thread that reads. busy, shutting_down: it was not taken. What it throws is logged.
    errc read(Read read);
    Health health() const;
    Tally tally() const;
    // Its stamp and its bytes may be a second old; after a failure, as old as the last try to open it again.
    About about() const;
    // Commits what was taken, answers all of it and ends the threads. No answer comes after that. Again: nothing.
    void stop();

private:
    using Clock = std::chrono::steady_clock;
    struct Waiting {
        std::unique_ptr<WriteBatch> batch;
        BatchOwner* owner;
        Clock::time_point since;
    };
    using Group = std::vector<Waiting>;

    void write_loop();
    void read_loop();
    // Waits for something to do. False: it is over.
    bool next_group(Group& group);
    void take(Group& group);
    // For so many, or for as many as there is memory for. Returns how many.
    std::size_t make_room(Group& group, std::size_t batches) noexcept;
    void commit(Group& group);
    errc try_commit(const Group& group);
    enum class Recovery {
        given_up,  // the engine is damaged, or the store is being stopped
        open,
        written,  // and the group whose commit failed is in the log
    };
    // After a failure: answers what waits, and opens the engine again. again: it failed as soon as it was open, so that
    // it takes its time.
    Recovery recover(bool again);
    void note_committed(const Group& group, Clock::duration took);
    // False: the store is being stopped.
    bool wait_to_try_again();
    void maintain();
    // Without memory it stays as it was.
    void refresh_about();
    // A call of the engine. What it throws is an outcome that is not known: storage_failed.
    template <typename Call>
    errc guarded(const char* what, const Call& call);
    void note(errc code);
    void turned_away(const Group& group, errc code);
    static void answer(Group& group, const Answer& answer);

    const Settings settings_;
    const std::unique_ptr<Engine> engine_;  // of the thread that commits

    mutable std::mutex mutex_;  // of what follows
    std::condition_variable written_;
    std::condition_variable to_read_;
    Group waiting_;
    std::size_t waiting_writes_ = 0;
    std::size_t waiting_bytes_ = 0;
    std::deque<Read> reads_;
    CommitTimes times_;
    Tally tally_;
    std::uint64_t writes_ = 0;
    About about_;
    errc code_ = errc::ok;  // Health::code
    bool stopping_ = false;

    std::vector<WriteBatch*> group_;  // of the thread that commits
    Clock::time_point maintained_{};  // likewise
    bool more_to_maintain_ = false;   // likewise
    std::vector<std::thread> threads_;
};

}  // namespace flare::store
