// The file of a cache: an SQLite database of one user, which one client at a time uses.
//
// Protocol: docs/client.md, "The cache"; docs/decisions/0036-a-cache-of-one-user.md.
// Threads:  one at a time; everything may wait for the disk.
// Owner:    Cache.
#pragma once

#include "base/file.hpp"
#include "client/cache/cache_tables.hpp"
#include "client/cache/changes.hpp"
#include "sql/database.hpp"

#include <flare/conversations.hpp>

#include <memory>
#include <optional>
#include <string>

namespace flare::client {

class CacheFile {
public:
    struct Opened {
        std::unique_ptr<CacheFile> file;
        CacheContents contents;
        std::optional<Failure> damaged;  // cache_damaged: the file was set aside, and this is a new one
    };
    // Made if it is missing (0600); its folder must exist. A damaged one is set aside as PATH.damaged.
    // Errors: cache_in_use, cache_of_another_user, invalid_config (it is no cache, or one of a later version),
    // file_not_found (its folder), file_unwritable, permission_denied.
    static Checked<Opened> open(const std::string& path, const std::string& user);
    CacheFile(const CacheFile&) = delete;
    CacheFile& operator=(const CacheFile&) = delete;
    // Moves the write-ahead log into the file.
    ~CacheFile();

    // All of it, or nothing. Errors: cache_damaged, cache_failed.
    Checked<> write(const CacheChanges& changes);
    // Entries next to each other, of the present epoch. Errors: not_connected (it has none of those asked for, and only
    // a server knows what there is), cache_damaged, cache_failed.
    Checked<HistoryPage> history(const std::string& conversation, const HistoryQuery& query);
    // Renames a damaged file, as open() does, and returns its name. Nothing but the destructor may be called after
    // that.
    std::string set_aside();

private:
    CacheFile(std::string path, base::Descriptor lock) : path_(std::move(path)), lock_(std::move(lock)) {}
    Checked<CacheContents> begin(const std::string& user, bool was_cache);
    Checked<CacheContents> read(const std::string& user);
    Failure failure(errc code, bool opening) const;

    const std::string path_;
    const base::Descriptor lock_;
    sql::Database database_;
    std::unique_ptr<CacheTables> tables_;  // goes before its database
};

}  // namespace flare::client
