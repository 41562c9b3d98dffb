// Compares what a store's file says in one table with what it says in the others: pages, logs, blocks, ids, heads,
// marks, members. Nothing is changed, and nothing is repaired: a store that contradicts itself is replaced by a backup.
//
// Protocol: docs/store.md, "Checking".
// Threads:  one at a time.
// Owner:    check_file(), SqliteEngine.
#pragma once

#include "store/check.hpp"
#include "store/sqlite/database.hpp"

#include <boost/unordered/unordered_flat_map.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace flare::store::sqlite {

class Checker {
public:
    // most: faults that are named.
    Checker(Database& database, std::size_t most) : database_(database), most_(most) {}

    // In one snapshot. Damage is in the report. Errors: the others of Database.
    Result<CheckReport> run();

private:
    // Of one conversation: what its row says, and what its log has told so far.
    struct Log {
        std::uint64_t first = 1, last = 0, messages = 0, first_n = 0, bytes = 0, last_ms = 0, stamp = 0;
        std::uint64_t next = 0;  // offset that is to follow; 0: no entry was seen
        std::uint64_t n = 0, time_ms = 0;
        // Up to `stamp`, which is as far as the row says anything.
        std::uint64_t known_last = 0, known_n = 0, known_ms = 0, known_row = 0, known_bytes = 0;
        bool removed = false;
        bool gap = false;   // told
        bool tail = false;  // told

        std::uint64_t end() const noexcept { return next == 0 ? last : next - 1; }  // newest offset that was seen
    };
    struct Logged;  // a row of the log
    using Logs = boost::unordered_flat_map<std::uint64_t, Log>;

    // Runs a part. What is damaged so that it cannot be read is a fault, and the next part goes on.
    template <typename Part>
    Result<> part(const char* what, const Part& part);
    Result<> pages();
    Result<> numbers();
    Result<> counts();
    Result<> logs();
    Result<> read_some(std::uint64_t& after, Logs& logs);
    Result<> read_log(std::uint64_t after, std::uint64_t upto, Logs& logs);
    void see(const Logged& row, Log& log);
    void see_itself(const Logged& row);
    void see_behind(const Logged& row, const Log& log);
    void compare(std::uint64_t conversation, const Log& log);
    Result<> marks(std::uint64_t after, std::uint64_t upto, const Logs& logs);
    // Of the entry at an offset; nothing: it cannot be found, which others tell.
    Result<std::optional<std::uint64_t>> messages_at(std::uint64_t conversation, std::uint64_t offset, const Log& log);
    Result<> blocks();
    Result<> blocks_of(std::uint64_t conversation, std::uint64_t first, std::uint64_t last);
    Result<> ids();
    Result<> members();
    Result<> invitations();
    Result<> reactions();
    Result<> devices();
    Result<> hooks();
    // Each row that the query finds is a fault. Its first column is a conversation, unless `where` is given; the text
    // goes on with the others, each behind one of the words.
    Result<> none(const char* query, std::string_view where, std::initializer_list<std::string_view> words);

    std::string place(std::uint64_t conversation);
    void add(std::string where, std::string what) { report_.add(std::move(where), std::move(what), most_); }

    Database& database_;
    const std::size_t most_;
    CheckReport report_{};
    std::uint64_t low_water_ = 0;
    std::uint64_t newest_ = 0;  // the last number that was given
    // Entries that are in no block yet, of the conversations that are being read: their offset, and the count there.
    boost::unordered_flat_map<std::pair<std::uint64_t, std::uint64_t>, std::uint64_t> tail_;
    Statement key_, blocks_, block_, entry_;
    bool usable_ = false;  // they are there
};

// A store that no server holds. Errors: store_in_use, file_not_found, store_too_new, store_damaged (it is no database),
// invalid_config (a database of something else), storage_failed.
Checked<CheckReport> check_file(const std::string& path, const std::string& vfs, std::size_t most_faults);

}  // namespace flare::store::sqlite
