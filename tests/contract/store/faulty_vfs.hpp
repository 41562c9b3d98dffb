// A file system for SQLite that fails on command and forgets what was not synced, around the usual one. Files are real;
// syncs are not done, only noted.
//
// Threads: one test at a time; SQLite's connections on any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace flare::store::test {

class FaultyVfs {
public:
    enum class Fault : std::uint8_t { none, error, full, death };

    // Registers itself with SQLite as name().
    FaultyVfs();
    ~FaultyVfs();
    FaultyVfs(const FaultyVfs&) = delete;
    FaultyVfs& operator=(const FaultyVfs&) = delete;

    const char* name() const noexcept { return "flare-faulty"; }

    // The n-th write, truncation, removal or sync from now on does this; n counts from 1. error: that one fails. full:
    // from there on writes find no room. death: nothing changes the disk from there on, and all of it fails.
    void plan(std::uint64_t n, Fault fault);
    void heal();
    bool struck() const;  // the planned fault happened
    std::uint64_t operations() const;
    bool has_unsynced(const std::string& path) const;  // something of that file would be lost
    void refuse_writing(bool on);                      // files can be opened for reading only
    // Syncs of the database itself, not of its write-ahead log. held: they wait until they are done or failing, and so
    // do its writes: SQLite does not sync a copy that is out of date when it is complete. For ten seconds at most; they
    // fail then.
    enum class FileSyncs : std::uint8_t { done, held, failing };
    void set_file_syncs(FileSyncs how);
    // The next `times` that a connection wants the lock of those who write, another one has it.
    void hold_write_lock(int times);
    int write_lock_held() const;  // so many of them are left

    // The machine goes down: of what was not synced, each write is on disk or not, as chance has it. For files that
    // nobody has open.
    void lose_unsynced(std::uint64_t seed);

    struct State;

private:
    std::unique_ptr<State> state_;
};

}  // namespace flare::store::test
