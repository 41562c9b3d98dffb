// The statements of a cache: what reads and writes its tables.
//
// Protocol: docs/client.md, "The cache".
// Threads:  one at a time; everything may wait for the disk.
// Owner:    CacheFile.
#pragma once

#include "client/cache/changes.hpp"
#include "sql/database.hpp"

#include <flare/conversations.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace flare::client {

class CacheTables {
public:
    // Of a conversation; the oldest entries go, those of earlier epochs first. The newest one stays in any case.
    static constexpr std::uint64_t kMostEntries = 1000;
    static constexpr std::uint64_t kMostBytes = 4ull << 20;

    // Errors, here and below: those of SQLite, as sql::code_of() names them, and store_damaged.
    static Result<std::unique_ptr<CacheTables>> prepare(sql::Database& database, std::string user);

    Result<CacheContents> contents();
    // In a transaction of the caller.
    Result<> write(const CacheChanges& changes);
    // Nothing: it has none of the entries that were asked for.
    Result<std::optional<HistoryPage>> history(const std::string& conversation, const HistoryQuery& query);

private:
    struct Log {
        std::uint64_t row = 0;  // 0: the conversation is not known
        LogHead head;
    };
    struct Extent {  // of all entries of a conversation
        std::uint64_t entries = 0;
        std::uint64_t bytes = 0;
    };
    struct Range {
        std::uint64_t first = 0;
        std::uint64_t last = 0;
    };
    explicit CacheTables(std::string user) : user_(std::move(user)) {}

    Result<Log> find(const std::string& conversation);
    Result<Log> find_or_make(const std::string& conversation);
    Result<> write(const std::string& conversation, const KeptChanges& changes);
    Result<> settle(const Uuid& id, const KeptOutcome& outcome);
    Result<> put(const Log& log, std::uint64_t epoch, const Entry& entry);
    Result<> change(const Log& log, std::uint64_t epoch, const Entry& change);
    Result<> cover(const Log& log, std::uint64_t epoch, Range range);
    Result<> uncover(const Log& log, std::uint64_t epoch, std::uint64_t offset);
    Result<> forget(const Log& log, std::uint64_t epoch);
    // The user has cleared its log up to there.
    Result<> clear(Log& log, const Position& upto);
    Result<> blank_changes(const Log& log, const Position& upto);
    Result<> trim(const Log& log);
    Result<Extent*> extent(std::uint64_t row);
    Result<std::uint64_t> messages_at(const Log& log, std::uint64_t epoch, const Entry& entry);
    // The range that has this offset.
    Result<std::optional<Range>> range_of(const Log& log, std::uint64_t epoch, std::uint64_t offset);
    Result<std::optional<Range>> newest_range(const Log& log);
    Result<std::optional<Range>> part_of(const Log& log, const HistoryQuery& query);

    const std::string user_;
    std::map<std::uint64_t, Extent> extents_;  // of conversations that were written to
    struct Logs {
        sql::Statement find, make, set_head, set_position, positions, set_listed, list, set_cursor, cursor;
    } logs_;
    struct Entries {
        sql::Statement read, size, put, remove, forget, clear, extent, page_up, page_down, below, above, oldest;
    } entries_;
    struct Ranges {
        sql::Statement touching, drop, put, newest, at, forget, clear, cut;
    } ranges_;
    struct Outbox {
        sql::Statement put, set_sent, read, remove, all;
    } outbox_;
};

}  // namespace flare::client
