#include "client/cache/cache_schema.hpp"

#include <array>

namespace flare::client {
namespace {

using sql::Statement;

// SQLite keeps these texts as they are.
constexpr std::array kTables{
    "CREATE TABLE meta(name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID",
    // The epoch, and what is known of the log in it. epoch 0: not known.
    "CREATE TABLE conversation(row INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, epoch INTEGER NOT NULL, "
    "first INTEGER NOT NULL, last INTEGER NOT NULL, messages INTEGER NOT NULL, listed BLOB NOT NULL)",
    "CREATE TABLE entry(conversation INTEGER NOT NULL, epoch INTEGER NOT NULL, offset INTEGER NOT NULL, "
    "bytes BLOB NOT NULL, PRIMARY KEY(conversation, epoch, offset))",
    // Of each epoch those offsets of which no entry is missing; they neither touch nor overlap.
    "CREATE TABLE range(conversation INTEGER NOT NULL, epoch INTEGER NOT NULL, first INTEGER NOT NULL, "
    "last INTEGER NOT NULL, PRIMARY KEY(conversation, epoch, first)) WITHOUT ROWID",
    // How far the application was told.
    "CREATE TABLE position(conversation INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, offset INTEGER NOT NULL, "
    "id BLOB NOT NULL)",
    "CREATE TABLE outbox(place INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, priority INTEGER NOT NULL, "
    "first_sent_ms INTEGER NOT NULL, message BLOB NOT NULL)",
};

}  // namespace

Result<> make_cache(sql::Database& database, const std::string& user, const std::string& device) {
    if (auto begun = database.run("BEGIN IMMEDIATE"); !begun) return begun;
    for (const char* const table : kTables) {
        if (auto made = database.run(table); !made) return made;
    }
    const std::string numbers =
        "PRAGMA application_id=" + std::to_string(kCacheId) + "; PRAGMA user_version=" + std::to_string(kCacheVersion);
    if (auto set = database.run(numbers.c_str()); !set) return set;
    auto owner = Statement::prepare(database, "INSERT INTO meta VALUES('user', ?), ('device', ?)");
    if (!owner) return owner.error();
    if (auto written = owner->run(std::string_view(user), std::string_view(device)); !written) return written;
    return database.run("COMMIT");
}

Result<> check_cache(sql::Database& database, bool small) {
    for (const char* const table : kTables) {
        auto there = Statement::prepare(database, "SELECT count(*) FROM sqlite_master WHERE sql = ?");
        if (!there) return there.error();
        sql::Rows rows = there->rows(sql::Text{table});
        if (!rows.next() || rows.number(0) != 1) {
            if (auto read = rows.error(); !read) return read;
            return errc::store_damaged;
        }
    }
    if (!small) return {};
    auto checked = Statement::prepare(database, "PRAGMA quick_check(1)");
    if (!checked) return checked.error();
    sql::Rows rows = checked->rows();
    if (rows.next() && rows.bytes(0) == "ok") return {};
    if (auto read = rows.error(); !read) return read;
    return errc::store_damaged;
}

}  // namespace flare::client
