#include "client/cache/cache_file.hpp"

#include "base/aside.hpp"
#include "base/lock_file.hpp"
#include "base/random.hpp"
#include "client/cache/cache_schema.hpp"

#include <array>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace flare::client {
namespace {

constexpr const char* kWhat = "cache_file";
constexpr std::uintmax_t kSmall = 64u << 20;  // its pages are compared at a start: about 0.2 s
constexpr int kLogPages = 1000;               // 4 MiB; then the write-ahead log goes into the file

std::string named(const std::string& path) { return std::string(kWhat) + " " + path + ": "; }
std::string lock_of(const std::string& path) { return path + ".lock"; }
std::string aside(const std::string& path) { return path + ".damaged"; }

bool is_there(const std::string& path) {
    struct stat found {};
    return ::lstat(path.c_str(), &found) == 0;
}

// Every database begins with that: https://sqlite.org/fileformat.html.
bool begins_like_sqlite(const std::string& path) {
    constexpr std::string_view kBegin("SQLite format 3\0", 16);
    std::array<char, kBegin.size()> bytes{};
    const base::Descriptor file(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
    return file && ::pread(file.get(), bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()) &&
           std::string_view(bytes.data(), bytes.size()) == kBegin;
}

Result<std::string> meta(sql::Database& database, const char* name) {
    auto statement = sql::Statement::prepare(database, "SELECT value FROM meta WHERE name = ?");
    if (!statement) return statement.error();
    sql::Rows rows = statement->rows(sql::Text{name});
    if (rows.next()) return std::string(rows.bytes(0));
    if (auto read = rows.error(); !read) return read.error();
    return errc::store_damaged;
}

Checked<> put_aside(const std::string& path) {
    for (const char* const part : {"", "-wal", "-journal"}) {
        if (!is_there(path + part)) continue;
        if (auto done = base::set_aside(path + part, aside(path) + part, kWhat); !done) return done;
    }
    return {};
}

}  // namespace

Checked<CacheFile::Opened> CacheFile::open(const std::string& path, const std::string& user) {
    // Whatever is at `path`, it is only taken for a damaged cache if there was a cache before.
    const bool was_cache = is_there(lock_of(path));
    auto lock = base::take_lock(lock_of(path), std::string(kWhat) + ": its lock");
    if (!lock && lock.error().code == errc::busy)
        return Failure(errc::cache_in_use, named(path) + "another client uses it (" + lock.error().text +
                                               "); give each client a file of its own");
    if (!lock) return lock.error();
    Opened opened;
    opened.file.reset(new CacheFile(path, std::move(*lock)));
    auto contents = opened.file->begin(user, was_cache);
    if (!contents && contents.error().code == errc::cache_damaged) {
        opened.damaged = contents.error();
        opened.file->database_ = {};
        opened.file->tables_.reset();
        if (auto moved = put_aside(path); !moved) return moved.error();
        opened.damaged->text += "; it was renamed to " + aside(path) + ", and a new one is filled from the server";
        contents = opened.file->begin(user, was_cache);
    }
    if (!contents) {
        if (!was_cache) ::unlink(lock_of(path).c_str());
        return contents.error();
    }
    opened.contents = std::move(*contents);
    return opened;
}

CacheFile::~CacheFile() {
    if (!tables_) return;
    if (const auto moved = database_.checkpoint(true); moved && *moved) database_.remove_log_when_closed();
}

Checked<CacheContents> CacheFile::begin(const std::string& user, bool was_cache) {
    {
        // Made private; and closed before SQLite takes locks of this process on it.
        const auto made = base::open_kept_file(path_, kWhat);
        if (!made) return made.error();
    }
    auto database = sql::Database::open(path_, {}, sql::Database::Use::write, kWhat);
    if (!database) return Failure(errc::file_unwritable, database.error().text);
    database_ = std::move(*database);
    if (auto set = database_.run("PRAGMA locking_mode=EXCLUSIVE"); !set)
        return failure(static_cast<errc>(set.error().value()), true);
    const auto id = database_.number("PRAGMA application_id");
    if (!id) {
        const auto code = static_cast<errc>(id.error().value());
        if (code == errc::store_damaged && !was_cache && !begins_like_sqlite(path_))
            return Failure(errc::invalid_config, named(path_) + "is no cache of Flare; name a file of its own");
        return failure(code, true);
    }
    const auto tables = database_.number("SELECT count(*) FROM sqlite_master");
    if (!tables) return failure(static_cast<errc>(tables.error().value()), true);
    if (*id == 0 && *tables == 0) {
        if (auto made = make_cache(database_, user, base::system_random().uuid().str()); !made) {
            const Failure why = failure(static_cast<errc>(made.error().value()), true);
            database_.roll_back();
            return why;
        }
    } else if (*id != kCacheId) {
        return Failure(errc::invalid_config, named(path_) + "is a database of another program; name a file of its own");
    }
    return read(user);
}

Checked<CacheContents> CacheFile::read(const std::string& user) {
    const auto failed = [this](const auto& result) { return failure(static_cast<errc>(result.error().value()), true); };
    const auto version = database_.number("PRAGMA user_version");
    if (!version) return failed(version);
    if (*version > kCacheVersion)
        return Failure(errc::invalid_config, named(path_) + "was written by a later version of Flare (format " +
                                                 std::to_string(*version) + "; this one reads " +
                                                 std::to_string(kCacheVersion) +
                                                 "); update this program, or delete the file");
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path_, ignored);
    if (auto good = check_cache(database_, size <= kSmall); !good) return failed(good);
    const auto owner = meta(database_, "user");
    if (!owner) return failed(owner);
    if (*owner != user)
        return Failure(errc::cache_of_another_user,
                       named(path_) + "belongs to another user; give each user a file of their own, or delete it");
    const auto device = meta(database_, "device");
    if (!device) return failed(device);
    // A crash of the process loses nothing; one of the machine may lose the last seconds, which the server has.
    if (auto set = database_.run("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"); !set) return failed(set);
    auto tables = CacheTables::prepare(database_, user);
    if (!tables) return failed(tables);
    auto contents = (*tables)->contents();
    if (!contents) return failed(contents);
    tables_ = std::move(*tables);
    contents->device = *device;
    return std::move(*contents);
}

Checked<> CacheFile::write(const CacheChanges& changes) {
    auto done = database_.run("BEGIN IMMEDIATE");
    if (done) done = tables_->write(changes);
    if (done) done = database_.run("COMMIT");
    if (!done) {
        const Failure why = failure(static_cast<errc>(done.error().value()), false);
        database_.roll_back();
        return why;
    }
    if (database_.log_pages() > kLogPages) {
        if (const auto moved = database_.checkpoint(false); !moved)
            return failure(static_cast<errc>(moved.error().value()), false);
    }
    return {};
}

Checked<HistoryPage> CacheFile::history(const std::string& conversation, const HistoryQuery& query) {
    auto page = tables_->history(conversation, query);
    if (!page) return failure(static_cast<errc>(page.error().value()), false);
    if (!*page)
        return Failure(errc::not_connected, "there is no session, and these entries of " + conversation +
                                                " are not in the cache: connect, and ask again");
    return std::move(**page);
}

std::string CacheFile::set_aside() {
    tables_.reset();
    database_ = {};
    (void)put_aside(path_);
    return aside(path_);
}

Failure CacheFile::failure(errc code, bool opening) const {
    if (code == errc::store_damaged) return {errc::cache_damaged, named(path_) + "is damaged: " + database_.message()};
    if (opening && code == errc::busy)
        return {errc::cache_in_use, named(path_) + "another program has it open; close it there"};
    const std::string full = code == errc::storage_full ? "its disk is full: " : "";
    return {opening ? errc::file_unwritable : errc::cache_failed,
            named(path_) + "cannot be written: " + full + database_.message()};
}

}  // namespace flare::client
