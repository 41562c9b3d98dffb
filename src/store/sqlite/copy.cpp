#include "store/sqlite/copy.hpp"

#include "base/file.hpp"
#include "base/quiet_writes.hpp"
#include "base/random.hpp"
#include "store/sqlite/check.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/schema.hpp"

#include <exception>
#include <filesystem>
#include <system_error>
#include <utility>

namespace flare::store::sqlite {
namespace {

constexpr std::size_t kMostFaults = 20;

Failure stopped(const std::string& what) { return {errc::cancelled, what + ": it was stopped"}; }

Failure failed(const Database& database, const std::string& what, const boost::system::error_code& code) {
    const auto is = static_cast<errc>(code.value());
    if (is == errc::cancelled) return stopped(what);
    const char* const advice = is == errc::storage_full ? "; make room on that disk, or name another one" : "";
    return {is, what + ": " + database.message() + advice};
}

// Copying::goes_on, which is asked on long after the last page.
class Progress {
public:
    explicit Progress(const Copying& copying) : goes_on_(copying.goes_on) {}

    bool goes_on(std::uint64_t done, std::uint64_t all) {
        done_ = done;
        all_ = all;
        return goes_on();
    }
    bool goes_on() const { return !goes_on_ || goes_on_(done_, all_); }

private:
    const std::function<bool(std::uint64_t, std::uint64_t)>& goes_on_;
    std::uint64_t done_ = 0;
    std::uint64_t all_ = 0;
};

// Of what is committed in `from`, as a file that needs no other beside it.
Checked<> copy(Database& from, const std::string& draft, Progress& progress) {
    const base::QuietWrites quiet;  // a file that may not grow is an error, not the end of the process
    const auto goes_on = [&](std::uint64_t done, std::uint64_t all) { return progress.goes_on(done, all); };
    auto to = Database::open(draft, {}, Database::Use::write);
    if (!to) return to.error();
    const std::string what = "writing " + draft;
    // It is synced when it is complete.
    if (auto good = to->run("PRAGMA synchronous=OFF"); !good) return failed(*to, what, good.error());
    // A transaction that reads, so that the copy is one snapshot although others go on.
    if (auto good = from.run("BEGIN; SELECT count(*) FROM sqlite_schema"); !good)
        return failed(from, "reading the store", good.error());
    const auto copied = from.copy_to(*to, goes_on);
    from.roll_back();
    if (!copied) return failed(*to, "copying the store to " + draft, copied.error());
    // Without a write-ahead log: its header is a copy, too.
    if (auto good = to->run("PRAGMA journal_mode=DELETE"); !good) return failed(*to, what, good.error());
    return {};
}

Checked<> renew_generation(const std::string& draft) {
    auto database = Database::open(draft, {}, Database::Use::write);
    if (!database) return database.error();
    const auto before = read_meta(*database, meta::kGeneration);
    std::uint64_t generation = new_generation();
    while (before && *before == generation) generation = new_generation();
    if (auto good = write_meta(*database, meta::kGeneration, generation); !good)
        return failed(*database, "writing " + draft, good.error());
    return {};
}

Checked<> check(const std::string& draft, const std::string& what, const Progress& progress, CheckReport& report) {
    auto database = Database::open(draft, {}, Database::Use::look);
    if (!database) return database.error();
    std::exception_ptr thrown;  // by whoever hears of the progress; not through SQLite
    database->stop_when([&] {
        try {
            return !progress.goes_on();
        } catch (...) {
            thrown = std::current_exception();
            return true;
        }
    });
    auto found = Checker(*database, kMostFaults).run();
    if (thrown) std::rethrow_exception(thrown);
    if (!found) return failed(*database, "checking " + draft, found.error());
    report = std::move(*found);
    if (report.good()) return {};
    const Finding& first = report.faults.front();
    return Failure(errc::store_damaged, what + " contradicts itself in " + std::to_string(report.fault_count) +
                                            (report.fault_count == 1 ? " place: " : " places, the first of them: ") +
                                            first.where + ": " + first.what);
}

// What SQLite has beside a file.
constexpr const char* kBeside[] = {"-journal", "-wal", "-shm"};

// It leaves that beside a draft when it was stopped.
struct Leftovers {
    std::string draft;
    ~Leftovers() {
        std::error_code ignored;
        for (const char* each : kBeside) std::filesystem::remove(draft + each, ignored);
    }
};

// What a backup may not take the place of: it would lose what is only in the log there, or the log would be applied to
// the backup.
Checked<> may_become_backup(const std::string& to, const std::string& store) {
    std::error_code missing;
    if (std::filesystem::equivalent(to, store, missing))
        return Failure(errc::store_in_use, "the backup " + to + " is the store itself; name another file");
    if (is_held(to))
        return Failure(errc::store_in_use,
                       "the backup " + to + " is a store that a process uses; name another file, or stop it");
    if (has_log(to))
        return Failure(errc::store_in_use, "the backup " + to + " is a store that is in use or was not closed: " + to +
                                               "-wal has what it was told last; name another file");
    return {};
}

// Moves what is only in the write-ahead log of a store into its file, and takes away what is beside that: it is not of
// the file that comes, and SQLite would believe that it is. Precondition: keep_others_out().
Checked<> fold_into_one_file(const std::string& store) {
    const auto fold = [&]() -> Checked<> {
        const base::QuietWrites quiet;
        auto database = Database::open(store, {}, Database::Use::write);
        if (!database) return database.error();
        const std::string what = "what only the write-ahead log of the old store " + store + " has cannot be kept";
        if (auto good = database->run("SELECT count(*) FROM sqlite_schema"); !good)
            return failed(*database, what, good.error());
        const auto complete = database->checkpoint(true);
        if (!complete) return failed(*database, what, complete.error());
        if (*complete && !has_log(store)) return {};
        return Failure(errc::store_in_use,
                       what + ": another process reads that store; stop it, or wait until it has ended");
    };
    std::error_code error;
    const bool unclosed = has_log(store) || std::filesystem::exists(store + "-journal", error);
    const bool holds = unclosed && std::filesystem::exists(store, error);
    // One that is damaged is replaced because it is.
    if (const auto folded = holds ? fold() : Checked<>(); !folded && folded.error().code != errc::store_damaged)
        return folded;
    for (const char* each : kBeside) {
        if (std::filesystem::remove(store + each, error); error)
            return Failure(errc::file_unwritable, store + each + " cannot be removed: " + error.message());
    }
    return {};
}

}  // namespace

Checked<> back_up(const std::string& store, const std::string& to, const Copying& copying, CheckReport& report) {
    auto from = open_to_read(store, copying.vfs, true);
    if (!from) return from.error();
    auto draft = base::Draft::make(to, "the backup", copying.replace);
    if (!draft) return draft.error();
    if (auto may = may_become_backup(to, store); !may) return may;
    const Leftovers leftovers{draft->name()};
    Progress progress(copying);
    const auto copied = copy(*from, draft->name(), progress);
    leave_as_found(*from, store);
    *from = Database();
    if (!copied) return copied;
    if (copying.check)
        if (auto good = check(draft->name(), "the store " + store, progress, report); !good) return good;
    give_to_owner(draft->name(), store);
    if (auto good = draft->sync(); !good) return good;
    if (!progress.goes_on()) return stopped("writing the backup " + to);
    if (auto may = may_become_backup(to, store); !may) return may;  // a server may have begun to use it
    return draft->put();
}

Checked<> restore(const std::string& backup, const std::string& store, const Copying& copying, CheckReport& report) {
    if (auto may = base::may_put_file(store, "the store", copying.replace); !may) return may;
    const auto lock = keep_others_out(store);
    if (!lock) return lock.error();
    auto from = open_to_read(backup, copying.vfs, is_held(backup));
    if (!from) return from.error();
    auto draft = base::Draft::make(store, "the store", copying.replace);
    if (!draft) return draft.error();
    const Leftovers leftovers{draft->name()};
    Progress progress(copying);
    if (auto good = copy(*from, draft->name(), progress); !good) return good;
    *from = Database();
    if (copying.check)
        if (auto good = check(draft->name(), "the backup " + backup, progress, report); !good) return good;
    if (auto good = renew_generation(draft->name()); !good) return good;
    give_to_owner(draft->name(), store);
    // Nothing of the old store goes before the new one lacks nothing but its name.
    if (auto good = draft->sync(); !good) return good;
    if (auto good = fold_into_one_file(store); !good) return good;
    if (!progress.goes_on()) return stopped("restoring " + store);
    return draft->put();
}

}  // namespace flare::store::sqlite
