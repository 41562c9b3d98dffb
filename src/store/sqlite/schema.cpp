#include "store/sqlite/schema.hpp"

#include "base/random.hpp"

#include <array>

namespace flare::store::sqlite {
namespace {

// Integers are small where values are mostly small: SQLite stores 0 and 1 in no bytes. The narrow columns of the log
// come first, so that the scan at a start does not touch the pages of long payloads.
constexpr const char* kFirst = R"(
CREATE TABLE meta(
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE user(
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    created_ms INTEGER NOT NULL
);

CREATE TABLE conversation(
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL,
    title TEXT NOT NULL,
    open_to_join INTEGER NOT NULL,
    visibility INTEGER NOT NULL,
    max_payload_bytes INTEGER NOT NULL,
    slow_mode_ms INTEGER NOT NULL,
    frozen INTEGER NOT NULL,
    members INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    first_n INTEGER NOT NULL,
    bytes INTEGER NOT NULL,
    last_ms INTEGER NOT NULL,
    pruned_ms INTEGER NOT NULL,
    stamp INTEGER NOT NULL
);
CREATE UNIQUE INDEX conversation_key ON conversation(key) WHERE removed_ms = 0;
CREATE INDEX conversation_gone ON conversation(key, removed_ms) WHERE removed_ms <> 0;

CREATE TABLE member(
    conversation INTEGER NOT NULL,
    user INTEGER NOT NULL,
    role INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    left_at INTEGER NOT NULL,
    visible_from INTEGER NOT NULL,
    muted_until INTEGER NOT NULL,
    banned_until INTEGER NOT NULL,
    blocks INTEGER NOT NULL,
    read_offset INTEGER NOT NULL DEFAULT 0,
    read_n INTEGER NOT NULL DEFAULT 0,
    own_after_read BLOB,
    delivered_offset INTEGER NOT NULL DEFAULT 0,
    unread_from INTEGER NOT NULL DEFAULT 0,
    cleared_to INTEGER NOT NULL DEFAULT 0,
    notify INTEGER NOT NULL DEFAULT 0,
    pinned INTEGER NOT NULL DEFAULT 0,
    hidden INTEGER NOT NULL DEFAULT 0,
    stamp INTEGER NOT NULL,
    PRIMARY KEY(conversation, user)
) WITHOUT ROWID;
CREATE INDEX member_user ON member(user, conversation);

CREATE TABLE log(
    row INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    encoding INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    ref INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    n INTEGER NOT NULL,
    time_ms INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    id BLOB NOT NULL,
    type TEXT NOT NULL,
    payload BLOB NOT NULL
);

CREATE TABLE block(
    conversation INTEGER NOT NULL,
    first INTEGER NOT NULL,
    rows BLOB NOT NULL,
    PRIMARY KEY(conversation, first)
) WITHOUT ROWID;

CREATE TABLE ids(
    id BLOB NOT NULL,
    conversation INTEGER NOT NULL,
    sender INTEGER NOT NULL,
    row INTEGER NOT NULL,
    content INTEGER NOT NULL,
    PRIMARY KEY(id, conversation, sender)
) WITHOUT ROWID;

CREATE TABLE mention(
    user INTEGER NOT NULL,
    conversation INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    PRIMARY KEY(user, conversation, offset)
) WITHOUT ROWID;
CREATE INDEX mention_entry ON mention(conversation, offset);

CREATE TABLE reaction(
    conversation INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    key TEXT NOT NULL,
    user INTEGER NOT NULL,
    PRIMARY KEY(conversation, offset, key, user)
) WITHOUT ROWID;

CREATE TABLE purge(
    conversation INTEGER PRIMARY KEY,
    upto INTEGER NOT NULL
);
)";

// A list of conversations asks the index alone for members, which has the memberships of a user beside each other: in
// the table each would be on another page.
constexpr const char* kListed = R"(
DROP INDEX member_user;
CREATE INDEX member_user ON member(user, conversation, stamp, role, visible_from, joined_at, left_at, muted_until,
                                   banned_until, blocks, read_offset, read_n);
INSERT INTO meta(name, value) VALUES('forgotten', 0);
)";

// A page shows how many users have reacted to each message, and must not read each of them: the table `reaction` may
// have as many as a room has members.
constexpr const char* kCounted = R"(
CREATE TABLE reaction_count(
    conversation INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    key TEXT NOT NULL,
    users INTEGER NOT NULL,
    rev INTEGER NOT NULL,
    PRIMARY KEY(conversation, offset, key)
) WITHOUT ROWID;
)";

// Users who are being erased.
constexpr const char* kErased = R"(
CREATE TABLE erasure(
    user INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL
);
)";

// Bans are few among the members of a room, and are listed without reading the others.
constexpr const char* kPush = R"(
CREATE TABLE push_device(
    user INTEGER NOT NULL,
    device TEXT NOT NULL,
    service TEXT NOT NULL,
    token TEXT NOT NULL,
    app TEXT NOT NULL,
    stamp INTEGER NOT NULL,
    PRIMARY KEY(user, device)
) WITHOUT ROWID;
CREATE UNIQUE INDEX push_token ON push_device(token, service, app);
CREATE INDEX member_banned ON member(conversation, user) WHERE banned_until <> 0;
)";

// Lists show what their user has marked as unread, and ask the index alone. The other index is of who has read an
// entry: among a hundred thousand members, only those who have.
constexpr const char* kMarked = R"(
DROP INDEX member_user;
CREATE INDEX member_user ON member(user, conversation, stamp, role, visible_from, joined_at, left_at, muted_until,
                                   banned_until, blocks, read_offset, read_n, unread_from);
CREATE INDEX member_read ON member(conversation, read_offset, visible_from, role) WHERE role <> 0;
)";

// What users choose for conversations; the columns that version 1 has not foreseen. Lists show it, and ask the index
// alone.
constexpr const char* kChosen = R"(
ALTER TABLE member ADD COLUMN wakes_from INTEGER NOT NULL DEFAULT 0;
DROP INDEX member_user;
CREATE INDEX member_user ON member(user, conversation, stamp, role, visible_from, joined_at, left_at, muted_until,
                                   banned_until, blocks, read_offset, read_n, unread_from, notify, wakes_from, pinned,
                                   hidden, cleared_to);
)";

// Invitations are few among the members of a room, and among the conversations of a user; a list asks the index of its
// user alone for them, too.
constexpr const char* kInvited = R"(
ALTER TABLE member ADD COLUMN invited_by INTEGER NOT NULL DEFAULT 0;
ALTER TABLE member ADD COLUMN invited_ms INTEGER NOT NULL DEFAULT 0;
DROP INDEX member_user;
CREATE INDEX member_user ON member(user, conversation, stamp, role, visible_from, joined_at, left_at, muted_until,
                                   banned_until, blocks, invited_by, invited_ms, read_offset, read_n, unread_from,
                                   notify, wakes_from, pinned, hidden, cleared_to);
CREATE INDEX member_invited ON member(conversation, user) WHERE invited_ms <> 0;
CREATE INDEX member_invitation ON member(user, conversation) WHERE invited_ms <> 0;
)";

// For back-ends. What is to be deleted waits for hooks that have not had it: `row` is the highest row of the log in it.
constexpr const char* kHooked = R"(
CREATE TABLE hook(
    name TEXT PRIMARY KEY,
    place INTEGER NOT NULL,
    paused INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE kept_answer(
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    key BLOB NOT NULL UNIQUE,
    asked BLOB NOT NULL,
    status INTEGER NOT NULL,
    content_type TEXT NOT NULL,
    body BLOB NOT NULL,
    made_ms INTEGER NOT NULL
);
CREATE INDEX conversation_ended ON conversation(stamp) WHERE removed_ms <> 0;
ALTER TABLE purge ADD COLUMN row INTEGER NOT NULL DEFAULT 0;
INSERT INTO meta(name, value) VALUES('purged', 0);
)";

// In order: the n-th makes version n + 1 of version n. One that was released is never changed.
constexpr std::array<const char*, kSchemaVersion> kMigrations = {kFirst,  kListed, kCounted, kErased, kPush,
                                                                 kMarked, kChosen, kInvited, kHooked};

Failure failed(Database& database, const std::string& path, const char* what, const boost::system::error_code& code) {
    return {static_cast<errc>(code.value()), "the store " + path + ": " + what + ": " + database.message()};
}

Result<> migrate(Database& database, std::uint64_t from) {
    if (auto good = database.run("BEGIN IMMEDIATE"); !good) return good;
    if (auto good = database.run(kMigrations[from]); !good) return good;
    if (from == 0) {
        if (auto good = database.run(("PRAGMA application_id=" + std::to_string(kApplicationId)).c_str()); !good)
            return good;
        if (auto good = write_meta(database, meta::kGeneration, new_generation()); !good) return good;
        if (auto good = write_meta(database, meta::kLowWater, 0); !good) return good;
        if (auto good = write_meta(database, meta::kStamp, 0); !good) return good;
    }
    if (auto good = database.run(("PRAGMA user_version=" + std::to_string(from + 1)).c_str()); !good) return good;
    return database.run("COMMIT");
}

}  // namespace

std::uint64_t new_generation() { return (base::system_random().next_u64() >> 1) | 1; }

Checked<> examine(Database& database, const std::string& path) {
    const auto application = database.number("PRAGMA application_id");
    if (!application) return failed(database, path, "reading it", application.error());
    const auto version = database.number("PRAGMA user_version");
    const auto tables = database.number("SELECT count(*) FROM sqlite_schema");
    if (!version || !tables) return failed(database, path, "reading it", (!version ? version : tables).error());
    const bool empty = *application == 0 && *tables == 0;
    if (!empty && *application != kApplicationId)
        return Failure(errc::invalid_config,
                       path + " is a database of another program, not a store of Flare; name another file");
    if (*version > kSchemaVersion)
        return Failure(errc::store_too_new, "the store " + path + " has schema version " + std::to_string(*version) +
                                                ", and this program knows " + std::to_string(kSchemaVersion) +
                                                "; update the program, or restore a backup");
    return {};
}

Checked<> bring_up_to_date(Database& database, const std::string& path) {
    const auto version = database.number("PRAGMA user_version");
    if (!version) return failed(database, path, "reading it", version.error());
    for (std::uint64_t from = *version; from < kSchemaVersion; ++from) {
        const auto made = migrate(database, from);
        if (made) continue;
        Failure failure = failed(database, path, "bringing it up to date", made.error());
        database.roll_back();
        return failure;
    }
    return {};
}

Result<std::uint64_t> read_meta(Database& database, const char* name) {
    auto statement = Statement::prepare(database, "SELECT value FROM meta WHERE name = ?");
    if (!statement) return statement.error();
    Rows rows = statement->rows(Text{name});
    if (rows.next()) return rows.number(0);
    if (auto good = rows.error(); !good) return good.error();
    return errc::store_damaged;  // every store has all of them
}

Result<> write_meta(Database& database, const char* name, std::uint64_t value) {
    auto statement = Statement::prepare(database, "REPLACE INTO meta(name, value) VALUES(?, ?)");
    if (!statement) return statement.error();
    return statement->run(Text{name}, value);
}

}  // namespace flare::store::sqlite
