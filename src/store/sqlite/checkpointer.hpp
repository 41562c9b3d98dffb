// Copies the write-ahead log into the file on a thread and a connection of its own, beside commits: a copy of 16 MiB
// takes as long as fifty commits. What is committed meanwhile stays in the log, and is left to the thread that commits.
//
// Protocol: https://sqlite.org/wal.html, "Checkpointing" (passive).
// Threads:  that of the engine.
// Owner:    SqliteEngine.
#pragma once

#include "store/sqlite/database.hpp"

#include <flare/failure.hpp>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace flare::store::sqlite {

// What a failure of it begins with, also where the engine copies the rest itself.
inline constexpr char kCopying[] = "copying the write-ahead log: ";

class Checkpointer {
public:
    static Checked<std::unique_ptr<Checkpointer>> start(const std::string& path, const std::string& vfs);
    explicit Checkpointer(Database database);
    ~Checkpointer();  // waits for the copy that is under way
    Checkpointer(const Checkpointer&) = delete;
    Checkpointer& operator=(const Checkpointer&) = delete;

    // Precondition: no copy is under way, and the end of the last one was taken.
    void begin();
    // From begin() until its end was taken.
    bool busy() const noexcept { return busy_; }
    struct End {
        Result<> result{};
        std::string message{};  // of an error: what SQLite says
    };
    // How the copy that was begun has ended; nothing: it has not. With `wait`, it has. Precondition: busy().
    std::optional<End> take_end(bool wait);

private:
    enum class Phase : std::uint8_t { idle, wanted, ended, over };
    void loop();
    End copy();

    Database database_;  // of its thread
    bool busy_ = false;  // of the engine's
    std::mutex mutex_;   // of what follows
    std::condition_variable changed_;
    Phase phase_ = Phase::idle;
    End end_{};
    std::thread thread_;
};

}  // namespace flare::store::sqlite
