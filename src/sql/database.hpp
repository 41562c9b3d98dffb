// A connection to an SQLite file and its prepared statements: the only place that knows how SQLite reports values and
// errors.
//
// Protocol: https://sqlite.org/c3ref/intro.html.
// Threads:  one at a time; a connection is opened without SQLite's own locks.
// Owner:    store::sqlite's engine and readers; client::cache::CacheFile.
#pragma once

#include <flare/failure.hpp>

#include <chrono>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace flare::sql {

// What an error of SQLite is to Flare. busy: another process writes to the file. cancelled: stop_when() has stopped it.
// Out of memory is std::bad_alloc.
errc code_of(int result);

// An error_code is also a bool: to return one as Result<bool>, this says which of the two is meant.
inline Result<bool> no_answer(const boost::system::error_code& code) { return {boost::system::in_place_error, code}; }

// Bound as text; a std::string_view is bound as bytes.
struct Text {
    std::string_view value;
};

class Database {
public:
    enum class Use : std::uint8_t {
        write,
        read,
        look,  // a file that nobody writes to, and that has no write-ahead log: nothing is made or changed beside it
    };

    Database() = default;
    Database(Database&& other) noexcept;
    Database& operator=(Database&& other) noexcept;
    ~Database();

    // The file must exist. vfs: the name of one that is registered; empty: SQLite's own. `what` begins the text of an
    // error. Errors: file_unwritable (Use::write), storage_failed, store_damaged.
    static Checked<Database> open(const std::string& path, const std::string& vfs, Use use,
                                  const std::string& what = "the store");

    // Puts a copy of what this connection sees, which is one snapshot while it has a transaction open, into `to`, whose
    // content is no more. After each part `goes_on` hears how many pages are done and how many there are; false ends it
    // with `cancelled`. Errors: those of either file; to.message() says what it was.
    using GoesOn = std::function<bool(std::uint64_t done, std::uint64_t all)>;
    Result<> copy_to(Database& to, const GoesOn& goes_on);

    // Statements without values.
    Result<> run(const char* statements);
    // The first value of the first row; 0 if there is none.
    Result<std::uint64_t> number(const char* query);
    // For who copies much beside somebody who waits for the disk: gentle_file.hpp.
    void write_gently();
    // A lock that another connection has is tried again for so long before it is `busy`. 0, as it is at first: not at
    // all.
    void wait_for_locks(std::chrono::milliseconds limit) noexcept;
    // From now on a statement that takes long ends with `cancelled` when `stops`, which is called many times a second,
    // says true. It must not throw. Some steps are not interrupted: SQLite 3.40 compares all pages of a file in one,
    // 3 s for 1 GB.
    void stop_when(std::function<bool()> stops);
    // Ends the transaction that is open, if there is one: SQLite ends one by itself after some errors.
    void roll_back() noexcept;
    // Moves the write-ahead log into the file, as far as no reader needs it; `empty`: and makes it a file of no bytes,
    // if no reader needs that either. True: all of it is in the file, and on disk. Precondition: something was read.
    Result<bool> checkpoint(bool empty);
    // Closing removes the write-ahead log, too. Only after checkpoint(true), whose errors closing would not show.
    void remove_log_when_closed() noexcept;
    // Pages in the write-ahead log since the last commit of this connection.
    int log_pages() const noexcept { return log_pages_ == nullptr ? 0 : *log_pages_; }
    // Rows that the last statement changed.
    int changes() const noexcept;
    std::uint64_t last_row() const noexcept;
    // What SQLite says of its last error, with its numbers: for the log.
    std::string message() const;
    explicit operator bool() const noexcept { return connection_ != nullptr; }

private:
    friend class Statement;
    sqlite3* connection_ = nullptr;
    std::unique_ptr<int> log_pages_;
    std::unique_ptr<std::function<bool()>> stops_;
};

// The rows of one run of a statement, which it resets in the end. Views are valid until the next row.
class Rows {
public:
    explicit Rows(sqlite3_stmt* statement) noexcept : statement_(statement) {}
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows();

    // True: there is a row. False: no more, or an error.
    bool next();
    Result<> error() const;
    std::uint64_t number(int column) const noexcept;  // from 0
    std::string_view bytes(int column) const noexcept;

private:
    sqlite3_stmt* statement_;
    int result_ = 0;
};

// Prepared once, for the life of its database.
class Statement {
public:
    Statement() = default;
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&& other) noexcept;
    ~Statement();

    static Result<Statement> prepare(Database& database, const char* text);

    // The values by position. What views name must live until the run is over.
    template <typename... Values>
    Rows rows(const Values&... values) {
        [[maybe_unused]] int position = 0;
        (bind(++position, values), ...);
        return Rows(statement_);
    }
    // For what returns no rows.
    template <typename... Values>
    Result<> run(const Values&... values) {
        Rows made = rows(values...);
        made.next();
        return made.error();
    }

private:
    void bind(int position, std::uint64_t value);
    void bind(int position, std::string_view bytes);
    void bind(int position, const Text& text);

    sqlite3_stmt* statement_ = nullptr;
};

// What each statement of a class is, for all of them to be prepared at once.
struct Prepared {
    Statement* statement;
    const char* text;
};
Result<> prepare(Database& database, std::initializer_list<Prepared> all);

}  // namespace flare::sql
