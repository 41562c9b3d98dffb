#include "sql/database.hpp"

#include "sql/gentle_file.hpp"

#include <cstring>
#include <new>
#include <utility>

#include <sqlite3.h>

namespace flare::sql {

errc code_of(int result) {
    switch (result & 0xff) {
        case SQLITE_OK:
        case SQLITE_ROW:
        case SQLITE_DONE: return errc::ok;
        case SQLITE_NOMEM: throw std::bad_alloc();
        case SQLITE_FULL: return errc::storage_full;
        case SQLITE_CORRUPT:
        case SQLITE_NOTADB: return errc::store_damaged;
        case SQLITE_BUSY:
        case SQLITE_LOCKED: return errc::busy;
        case SQLITE_INTERRUPT: return errc::cancelled;
        default: return errc::storage_failed;
    }
}

namespace {

constexpr int kPagesAtATime = 1024;    // of a copy: 4 MiB
constexpr int kStepsAtATime = 10'000;  // of SQLite's machine, before it may be stopped: a few milliseconds

// A name as a URI (RFC 3986), by which SQLite is told that nobody writes to the file.
std::string uri_of(const std::string& path) {
    constexpr std::string_view kHex = "0123456789ABCDEF";
    std::string uri = "file:";
    for (const char each : path) {
        if (each == '%' || each == '?' || each == '#') {
            const auto byte = static_cast<unsigned char>(each);
            uri += {'%', kHex[byte >> 4], kHex[byte & 15]};
        } else {
            uri += each;
        }
    }
    return uri + "?immutable=1";
}

}  // namespace

// ---- Database ----

Database::Database(Database&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      log_pages_(std::move(other.log_pages_)),
      stops_(std::move(other.stops_)) {}
Database& Database::operator=(Database&& other) noexcept {
    std::swap(connection_, other.connection_);
    std::swap(log_pages_, other.log_pages_);
    std::swap(stops_, other.stops_);
    return *this;
}
Database::~Database() { sqlite3_close_v2(connection_); }

Checked<Database> Database::open(const std::string& path, const std::string& vfs, Use use, const std::string& what) {
    Database made;
    // Whoever reads opens for writing, too: it may have to make the index of the write-ahead log.
    const bool looks = use == Use::look;
    const std::string name = looks ? uri_of(path) : path;
    const int flags = SQLITE_OPEN_NOMUTEX | (looks ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE);
    const int result = sqlite3_open_v2(name.c_str(), &made.connection_, flags, vfs.empty() ? nullptr : vfs.c_str());
    if (const errc code = code_of(result); code != errc::ok)
        return Failure(code, what + " " + path + " cannot be opened: " + made.message());
    sqlite3_extended_result_codes(made.connection_, 1);
    sqlite3_busy_timeout(made.connection_, 0);
    // SQLite would ignore the errors of a checkpoint that it makes itself.
    sqlite3_db_config(made.connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
    made.log_pages_ = std::make_unique<int>(0);
    const auto note = [](void* pages, sqlite3*, const char*, int count) {
        *static_cast<int*>(pages) = count;
        return SQLITE_OK;
    };
    sqlite3_wal_hook(made.connection_, note, made.log_pages_.get());
    if (use == Use::write && sqlite3_db_readonly(made.connection_, "main") != 0)
        return Failure(errc::file_unwritable, what + " " + path +
                                                  " can only be read; give it to the user who runs this process, on a "
                                                  "file system that is mounted for writing");
    return made;
}

Result<> Database::run(const char* statements) {
    if (const errc code = code_of(sqlite3_exec(connection_, statements, nullptr, nullptr, nullptr)); code != errc::ok)
        return code;
    return {};
}

Result<> Database::copy_to(Database& to, const GoesOn& goes_on) {
    sqlite3_backup* const copy = sqlite3_backup_init(to.connection_, "main", connection_, "main");
    if (copy == nullptr) return code_of(sqlite3_errcode(to.connection_));
    int result = SQLITE_OK;
    bool stopped = false;
    while (result == SQLITE_OK && !stopped) {
        result = sqlite3_backup_step(copy, kPagesAtATime);
        const auto all = static_cast<std::uint64_t>(sqlite3_backup_pagecount(copy));
        stopped = !goes_on(all - static_cast<std::uint64_t>(sqlite3_backup_remaining(copy)), all);
    }
    const int finished = sqlite3_backup_finish(copy);
    if (stopped && (result == SQLITE_OK || result == SQLITE_DONE)) return errc::cancelled;
    if (const errc code = code_of(result == SQLITE_DONE ? finished : result); code != errc::ok) return code;
    return {};
}

Result<std::uint64_t> Database::number(const char* query) {
    auto statement = Statement::prepare(*this, query);
    if (!statement) return statement.error();
    Rows rows = statement->rows();
    const std::uint64_t value = rows.next() ? rows.number(0) : 0;
    if (auto good = rows.error(); !good) return good.error();
    return value;
}

void Database::write_gently() {
    sqlite3_file* file = nullptr;
    if (sqlite3_file_control(connection_, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK) make_gentle(*file);
}

void Database::wait_for_locks(std::chrono::milliseconds limit) noexcept {
    sqlite3_busy_timeout(connection_, static_cast<int>(limit.count()));
}

void Database::stop_when(std::function<bool()> stops) {
    stops_ = std::make_unique<std::function<bool()>>(std::move(stops));
    const auto ask = [](void* each) noexcept { return (*static_cast<std::function<bool()>*>(each))() ? 1 : 0; };
    sqlite3_progress_handler(connection_, kStepsAtATime, ask, stops_.get());
}

Result<bool> Database::checkpoint(bool empty) {
    const int mode = empty ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE;
    int in_log = 0;
    int copied = 0;
    const int result = sqlite3_wal_checkpoint_v2(connection_, nullptr, mode, &in_log, &copied);
    *log_pages_ = 0;
    const errc code = code_of(result);
    if (code != errc::ok && code != errc::busy) return no_answer(code);
    // busy: somebody needs the log as it is. Whether all of it was copied is another question, and -1 is no answer.
    return code == errc::ok ? copied == in_log : in_log >= 0 && copied == in_log;
}

void Database::remove_log_when_closed() noexcept {
    sqlite3_db_config(connection_, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0, nullptr);
}

void Database::roll_back() noexcept {
    if (sqlite3_get_autocommit(connection_) == 0) sqlite3_exec(connection_, "ROLLBACK", nullptr, nullptr, nullptr);
}
int Database::changes() const noexcept { return sqlite3_changes(connection_); }
std::uint64_t Database::last_row() const noexcept {
    return static_cast<std::uint64_t>(sqlite3_last_insert_rowid(connection_));
}

std::string Database::message() const {
    if (connection_ == nullptr) return "out of memory";
    std::string text = sqlite3_errmsg(connection_);
    text += " (SQLite's error " + std::to_string(sqlite3_extended_errcode(connection_));
    if (const int error = sqlite3_system_errno(connection_); error != 0)
        text += "; the system says: " + std::string(std::strerror(error));
    return text + ")";
}

// ---- Rows ----

Rows::~Rows() { sqlite3_reset(statement_); }

bool Rows::next() {
    result_ = sqlite3_step(statement_);
    return result_ == SQLITE_ROW;
}

Result<> Rows::error() const {
    if (const errc code = code_of(result_); code != errc::ok) return code;
    return {};
}

std::uint64_t Rows::number(int column) const noexcept {
    return static_cast<std::uint64_t>(sqlite3_column_int64(statement_, column));
}

std::string_view Rows::bytes(int column) const noexcept {
    const void* const begin = sqlite3_column_blob(statement_, column);
    return {static_cast<const char*>(begin), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

// ---- Statement ----

Statement::Statement(Statement&& other) noexcept : statement_(std::exchange(other.statement_, nullptr)) {}
Statement& Statement::operator=(Statement&& other) noexcept {
    std::swap(statement_, other.statement_);
    return *this;
}
Statement::~Statement() { sqlite3_finalize(statement_); }

Result<Statement> Statement::prepare(Database& database, const char* text) {
    Statement made;
    const int result =
        sqlite3_prepare_v3(database.connection_, text, -1, SQLITE_PREPARE_PERSISTENT, &made.statement_, nullptr);
    if (const errc code = code_of(result); code != errc::ok) return code;
    return made;
}

Result<> prepare(Database& database, std::initializer_list<Prepared> all) {
    for (const Prepared& each : all) {
        auto made = Statement::prepare(database, each.text);
        if (!made) return made.error();
        *each.statement = std::move(*made);
    }
    return {};
}

// Binding fails only for a position that the statement does not have, or when it is running: bugs, which its run shows.
void Statement::bind(int position, std::uint64_t value) {
    sqlite3_bind_int64(statement_, position, static_cast<std::int64_t>(value));
}
void Statement::bind(int position, std::string_view bytes) {
    // A null pointer would be NULL; no bytes are an empty value.
    sqlite3_bind_blob64(statement_, position, bytes.empty() ? "" : bytes.data(), bytes.size(), SQLITE_STATIC);
}
void Statement::bind(int position, const Text& text) {
    const std::string_view value = text.value;
    sqlite3_bind_text64(statement_, position, value.empty() ? "" : value.data(), value.size(), SQLITE_STATIC,
                        SQLITE_UTF8);
}

}  // namespace flare::sql
