#include "store/sqlite/copy.hpp"

#include "base/file.hpp"
#include "base/quiet_writes.hpp"
#include "base/random.hpp"
#include "store/sqlite/check.hpp"
#include "store/sqlite/opening.hpp"
#include "store/sqlite/schema.hpp"

#include <filesystem>
#include <utility>

namespace flare::store::sqlite {
namespace {

constexpr std::size_t kMostFaults = 20;

Failure failed(const Database& database, const std::string& what, const boost::system::error_code& code) {
    const auto is = static_cast<errc>(code.value());
    if (is == errc::cancelled) return {is, what + ": it was stopped"};
    const char* const advice = is == errc::storage_full ? "; make room on that disk, or name another one" : "";
    return {is, what + ": " + database.message() + advice};
}

// Of what is committed in `from`, as a file that needs no other beside it.
Checked<> copy(Database& from, const std::string& draft, const Copying& copying) {
    const base::QuietWrites quiet;  // a file that may not grow is an error, not the end of the process
    const auto goes_on = [&](std::uint64_t done, std::uint64_t all) {
        return !copying.goes_on || copying.goes_on(done, all);
    };
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

Checked<> check(const std::string& draft, const std::string& what, CheckReport& report) {
    auto database = Database::open(draft, {}, Database::Use::look);
    if (!database) return database.error();
    auto found = Checker(*database, kMostFaults).run();
    if (!found) return failed(*database, "checking " + draft, found.error());
    report = std::move(*found);
    if (report.good()) return {};
    const Finding& first = report.faults.front();
    return Failure(errc::store_damaged, what + " contradicts itself in " + std::to_string(report.fault_count) +
                                            (report.fault_count == 1 ? " place: " : " places, the first of them: ") +
                                            first.where + ": " + first.what);
}

// SQLite leaves its files beside a draft when it was stopped.
struct Leftovers {
    std::string draft;
    ~Leftovers() {
        std::error_code ignored;
        for (const char* each : {"-journal", "-wal", "-shm"}) std::filesystem::remove(draft + each, ignored);
    }
};

}  // namespace

Checked<> back_up(const std::string& store, const std::string& to, const Copying& copying, CheckReport& report) {
    auto from = open_to_read(store, copying.vfs, true);
    if (!from) return from.error();
    auto draft = base::Draft::make(to, "the backup", copying.replace);
    if (!draft) return draft.error();
    const Leftovers leftovers{draft->name()};
    const auto copied = copy(*from, draft->name(), copying);
    leave_as_found(*from, store);
    *from = Database();
    if (!copied) return copied;
    if (copying.check)
        if (auto good = check(draft->name(), "the store " + store, report); !good) return good;
    give_to_owner(draft->name(), store);
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
    if (auto good = copy(*from, draft->name(), copying); !good) return good;
    *from = Database();
    if (copying.check)
        if (auto good = check(draft->name(), "the backup " + backup, report); !good) return good;
    if (auto good = renew_generation(draft->name()); !good) return good;
    give_to_owner(draft->name(), store);
    // What is beside the old file is not of this one, and SQLite would believe that it is.
    std::error_code ignored;
    for (const char* each : {"-wal", "-shm"}) std::filesystem::remove(store + each, ignored);
    return draft->put();
}

}  // namespace flare::store::sqlite
