#include "store/sqlite/engine.hpp"

#include "base/log.hpp"
#include "store/sqlite/check.hpp"
#include "store/sqlite/lock_file.hpp"
#include "store/sqlite/reader.hpp"
#include "store/sqlite/schema.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace flare::store::sqlite {
namespace {

constexpr std::size_t kHeadsAtATime = 64;            // 5 us each, while messages may wait
constexpr std::size_t kReplayedAtATime = 16 * 1024;  // conversations
constexpr std::uint64_t kLowWaterEvery = 16 * 1024;  // rows of the log: a start reads at most so many in vain
constexpr std::uint32_t kStarved = 4;    // times the size at which the write-ahead log is to go into the file
constexpr std::uint64_t kIdleMs = 1000;  // heads that have not been written for that long are, when idle
constexpr std::chrono::milliseconds kPatience{50};  // for a lock; it is tried again after 1, 2, 5, 10, 15 and 17 ms

std::uint64_t size_of(const std::string& path) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(path, ignored);
    return ignored ? 0 : size;
}

// UINT64_MAX: nobody knows.
std::uint64_t free_on_disk_of(const std::string& path) {
    struct statvfs found {};
    if (::statvfs(path.c_str(), &found) != 0) return UINT64_MAX;
    return std::uint64_t{found.f_bavail} * found.f_frsize;
}

// Makes the file if it is missing, for this user alone, and its name with it.
Checked<> make_file(const std::string& path) {
    const bool missing = !std::filesystem::exists(path);
    const auto file = base::open_kept_file(path, "the store");
    if (!file) return file.error();
    if (!missing) return {};
    auto folder = std::filesystem::path(path).parent_path();
    if (folder.empty()) folder = ".";
    const base::Descriptor opened(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened) (void)::fsync(opened.get());
    return {};
}

}  // namespace

Checked<std::unique_ptr<Engine>> open(const Settings& settings) {
    auto lock = take_lock(settings.path + ".lock");
    if (!lock) return lock.error();
    if (auto made = make_file(settings.path); !made) return made.error();
    auto engine = std::make_unique<SqliteEngine>(settings, std::move(*lock));
    if (auto started = engine->start(); !started) return started.error();
    return engine;
}

SqliteEngine::SqliteEngine(const Settings& settings, base::Descriptor lock)
    : settings_(settings), lock_(std::move(lock)), note_(settings.path + ".stamp") {
    shared_.path = settings.path;
    shared_.vfs = settings.vfs;
}

SqliteEngine::~SqliteEngine() {
    // The next start has nothing to read again, and finds one file.
    if (opened_ != nullptr) opened_->checkpointer.reset();
    bool written = failed_ == errc::ok;
    while (written && shared_.heads->unwritten_since() != 0) {
        const auto heads = [&] { return write_heads(transaction_.stamp, kReplayedAtATime); };
        written = transact(transaction_.now_ms, heads).has_value();
    }
    if (written && low_water_ < transaction_.stamp)
        written = transact(transaction_.now_ms, [&] { return note_low_water(transaction_.stamp); }).has_value();
    if (!written) return;
    note_.put(shared_.generation, transaction_.stamp);
    const auto complete = opened_->database.checkpoint(true);
    if (complete && *complete) opened_->database.remove_log_when_closed();
}

// ---- opening ----

Checked<> SqliteEngine::start() {
    failed_ = errc::storage_failed;
    auto opened = open_file(false);
    if (opened) failed_ = errc::ok;
    return opened;
}

Result<bool> SqliteEngine::reopen() {
    const auto alone = shared_.door.alone();
    // With the last connection goes what SQLite remembers of the write-ahead log, and how much of it was copied:
    // nothing of that was synced for certain.
    shared_.readers.close();
    opened_.reset();
    if (auto opened = open_file(true); !opened) {
        base::log().error("store: opening it again: {}", opened.error().text);
        opened_.reset();
        failed_ = opened.error().code;
        return failed_;
    }
    base::log().info("store: opened {} again", settings_.path);
    failed_ = told_ = errc::ok;
    const Place before = std::exchange(unknown_, {});
    return before.generation == shared_.generation && before.stamp < transaction_.stamp;
}

Checked<> SqliteEngine::open_file(bool again) {
    auto made = Database::open(settings_.path, settings_.vfs, Database::Use::write);
    if (!made) return made.error();
    if (auto good = prepare_file(*made, again); !good) return good;
    const auto says = [&](const boost::system::error_code& code) {
        return Failure(static_cast<errc>(code.value()), "the store " + settings_.path + " cannot be read: " +
                                                            (opened_ ? opened_->database : *made).message());
    };
    const auto generation = read_meta(*made, meta::kGeneration);
    const auto low_water = read_meta(*made, meta::kLowWater);
    const auto stamp = read_meta(*made, meta::kStamp);
    const auto newest = made->number("SELECT max(row) FROM log");
    for (const auto* each : {&generation, &low_water, &stamp, &newest})
        if (!*each) return says(each->error());
    std::uint64_t in_use = *generation;
    if (auto good = renew_if_behind(*made, in_use, std::max(*stamp, *newest)); !good) return says(good.error());
    shared_.generation = in_use;
    shared_.heads = std::make_unique<HeadTable>(settings_.max_heads);
    transaction_ = {};
    transaction_.stamp = std::max(*stamp, *newest);
    shared_.committed.store(transaction_.stamp, std::memory_order_release);
    low_water_ = *low_water;
    opened_ = std::make_unique<Opened>(std::move(*made), *shared_.heads, transaction_, in_use);
    if (auto good = opened_->prepare(); !good) return says(good.error());
    for (;;) {
        const auto more = replay_part();
        if (!more) return says(more.error());
        if (!*more) break;
    }
    checkpoint_at_ = settings_.checkpoint_pages;
    if (!settings_.checkpoint_beside) return {};
    auto beside = Checkpointer::start(settings_.path, settings_.vfs);
    if (!beside) return beside.error();
    opened_->checkpointer = std::move(*beside);
    return {};
}

Checked<> SqliteEngine::prepare_file(Database& database, bool again) {
    if (auto good = examine(database, settings_.path); !good) return good;
    const std::string pragmas =
        "PRAGMA page_size=4096; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; "
        "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-" +
        std::to_string(settings_.cache_kib);
    const auto failure = [&](const boost::system::error_code& code) {
        return Failure(static_cast<errc>(code.value()),
                       "the store " + settings_.path + " cannot be used: " + database.message());
    };
    if (auto good = database.run(pragmas.c_str()); !good) return failure(good.error());
    constexpr std::uint64_t kFull = 2;  // SQLite's number
    const auto synchronous = database.number("PRAGMA synchronous");
    if (!synchronous) return failure(synchronous.error());
    if (*synchronous < kFull)
        return Failure(errc::storage_failed,
                       "the store " + settings_.path + " cannot be used: this SQLite does not sync what it commits");
    if (auto good = bring_up_to_date(database, settings_.path); !good) return good;
    // What a process wrote before it was killed, or before a sync failed, may be in the write-ahead log and not on
    // disk. Nobody may be told of it before it is.
    const auto complete = database.checkpoint(true);
    if (!complete) return failure(complete.error());
    if (*complete) return {};
    // Somebody else needs the log as it is. After a failure its pages have to be written anew: that they could be
    // synced now would mean nothing.
    if (again)
        return Failure(errc::storage_failed,
                       "the store " + settings_.path +
                           " cannot be used: another process reads it, so that what was written before the failure "
                           "cannot be written again; stop it, or wait until it has ended");
    // Else a commit is synced with all that is before it in the same file. This one changes nothing, but is one.
    const std::string same = "PRAGMA user_version=" + std::to_string(kSchemaVersion);
    if (auto good = database.run(same.c_str()); !good) return failure(good.error());
    return {};
}

Result<> SqliteEngine::renew_if_behind(Database& database, std::uint64_t& generation, std::uint64_t stamp) {
    if (note_.is_behind(generation, stamp)) {
        base::log().warn(
            "store: {} is older than it was: it ends at stamp {}, and had {}. A copy was put back by hand, or the disk "
            "has lost what was written. All conversations get new epochs, so that clients learn of it. To put a backup "
            "in place, stop the server and use flare store restore",
            settings_.path, stamp, note_.stamp());
        generation = new_generation();
        if (auto good = write_meta(database, meta::kGeneration, generation); !good) return good;
    }
    note_.put(generation, stamp);
    return {};
}

Result<> SqliteEngine::Opened::prepare() {
    if (auto good = log.prepare(); !good) return good;
    if (auto good = changes.prepare(); !good) return good;
    if (auto good = erasures.prepare(); !good) return good;
    if (auto good = backend.prepare(); !good) return good;
    if (auto good = purge.prepare(); !good) return good;
    if (auto good = push.prepare(); !good) return good;
    if (auto good = settings.prepare(); !good) return good;
    return sqlite::prepare(
        database,
        {
            {&begin, "BEGIN IMMEDIATE"},
            {&end, "COMMIT"},
            {&low_water, "UPDATE meta SET value = ? WHERE name = 'low_water'"},
            {&replay,
             "SELECT row, conversation, offset, n, time_ms, length(payload) FROM log WHERE row > ? ORDER BY row"},
        });
}

Result<bool> SqliteEngine::replay_part() {
    std::uint64_t upto = low_water_;
    const auto part = [&]() -> Result<> {
        {
            Rows rows = opened_->replay.rows(low_water_);
            while (shared_.heads->working() < kReplayedAtATime && rows.next()) {
                upto = rows.number(0);
                const LogWriter::Logged logged{upto,           rows.number(1), rows.number(2),
                                               rows.number(3), rows.number(4), rows.number(5)};
                if (auto good = opened_->log.replay(logged); !good) return good;
            }
            if (auto good = rows.error(); !good) return good;
        }
        if (upto == low_water_) return {};
        if (auto good = opened_->log.write_changed(); !good) return good;
        return note_low_water(upto);
    };
    const std::uint64_t before = low_water_;
    if (auto good = transact(0, part); !good) return no_answer(good.error());
    return upto != before;
}

// ---- transactions ----

template <typename Work>
Result<> SqliteEngine::transact(std::uint64_t now_ms, const Work& work) {
    // Whatever happens before the commit, an exception too, leaves all as it was.
    struct Undo {
        SqliteEngine& engine;
        const std::uint64_t stamp = engine.transaction_.stamp;
        const std::uint64_t low_water = engine.low_water_;
        bool needed = true;
        ~Undo() {
            if (!needed) return;
            engine.shared_.heads->discard();
            engine.transaction_.stamp = stamp;
            engine.low_water_ = low_water;
            engine.opened_->database.roll_back();
        }
    };
    Undo undo{*this};
    transaction_.now_ms = now_ms;
    transaction_.full = disk_is_full();
    began_at_ = transaction_.stamp;
    shared_.heads->begin(began_at_ + 1);
    if (auto good = begin(); !good) return failed(good.error());
    if (auto good = work(); !good) return failed(good.error());
    if (auto good = opened_->end.run(); !good) return failed(good.error());
    undo.needed = false;
    shared_.heads->publish();
    shared_.committed.store(transaction_.stamp, std::memory_order_release);
    told_ = errc::ok;
    return {};
}

// A connection that reads takes the lock of those who write for a moment, to look again, when the index of the
// write-ahead log changed while it looked (walIndexReadHdr in SQLite's wal.c). Whoever really writes has it for longer.
Result<> SqliteEngine::begin() {
    Database& database = opened_->database;
    database.wait_for_locks(kPatience);
    const auto good = opened_->begin.run();
    database.wait_for_locks({});  // a checkpoint does not wait for readers
    return good;
}

Result<> SqliteEngine::commit(std::span<WriteBatch* const> group, std::uint64_t now_ms) {
    if (failed_ != errc::ok) return failed_;
    const auto work = [&]() -> Result<> {
        std::size_t writes = 0;
        for (WriteBatch* const batch : group) {
            if (auto good = write(*batch); !good) return good;
            writes += batch->writes.size();
        }
        const std::uint64_t stamp = transaction_.stamp;
        return write_heads(stamp - std::min(stamp, settings_.max_unwritten), 2 * writes);  // more than become due
    };
    const Place before{shared_.generation, transaction_.stamp};
    if (auto good = transact(now_ms, work); !good) {
        if (failed_ != errc::ok) unknown_ = before;
        return good;
    }
    checkpoint_if_due();
    return {};
}

Result<> SqliteEngine::write(WriteBatch& batch) {
    for (Write& each : batch.writes) {
        Result<> good;
        if (const auto* entry = std::get_if<NewEntry>(&each.what))
            good = opened_->log.append(batch, *entry, each.outcome);
        else if (const auto* change = std::get_if<Change>(&each.what))
            good = opened_->changes.change(batch, *change, each.outcome);
        else if (const auto* mark = std::get_if<Mark>(&each.what))
            good = opened_->changes.mark(*mark, each.outcome);
        else if (const auto* settings = std::get_if<SettingsChange>(&each.what))
            good = opened_->settings.change(*settings, each.outcome);
        else if (const auto* erasure = std::get_if<Erasure>(&each.what))
            good = erase(*erasure, each.outcome);
        else if (const auto* push = std::get_if<PushChange>(&each.what))
            good = opened_->push.change(*push, each.outcome);
        else if (const auto* mark_of_hook = std::get_if<HookMark>(&each.what))
            good = opened_->backend.write(*mark_of_hook, each.outcome);
        else if (const auto* answer = std::get_if<KeptAnswer>(&each.what))
            good = opened_->backend.write(*answer, each.outcome);
        else
            good = opened_->changes.add_user(std::get<NewUser>(each.what), each.outcome);
        if (!good) return good;
    }
    return {};
}

Result<> SqliteEngine::erase(const Erasure& erasure, Outcome& outcome) {
    if (erasure.done) {
        if (auto good = opened_->settings.forget(erasure.user); !good) return good;
    }
    return opened_->erasures.write(erasure, outcome);
}

Result<> SqliteEngine::write_heads(std::uint64_t upto, std::size_t most) {
    if (auto good = opened_->log.write_overdue(upto, most); !good) return good;
    // What other transactions have left unwritten; that this one has written some of it counts the next time.
    const std::uint64_t since = shared_.heads->unwritten_since();
    const std::uint64_t written = since == 0 ? began_at_ : since - 1;
    return written - std::min(written, low_water_) >= kLowWaterEvery ? note_low_water(written) : Result<>();
}

Result<> SqliteEngine::note_low_water(std::uint64_t row) {
    low_water_ = row;
    return opened_->low_water.run(row);
}

// A group that was committed stays so, whatever becomes of this.
void SqliteEngine::checkpoint_if_due() {
    const auto pages = static_cast<std::uint64_t>(opened_->database.log_pages());
    const bool starved = pages >= settings_.checkpoint_pages * std::uint64_t{kStarved};
    Checkpointer* const beside = opened_->checkpointer.get();
    if (beside != nullptr && beside->busy()) {
        const auto ended = beside->take_end(starved);
        if (!ended) return;
        if (!ended->result) return (void)failed(ended->result.error(), ended->message);
        return finish_checkpoint(starved);  // which has little to copy
    }
    if (pages < settings_.checkpoint_pages) checkpoint_at_ = settings_.checkpoint_pages;  // it has begun anew
    if (pages < checkpoint_at_) return;
    if (beside == nullptr || starved) return finish_checkpoint(starved);
    beside->begin();
}

void SqliteEngine::finish_checkpoint(bool starved) {
    checkpoint_at_ = static_cast<std::uint64_t>(opened_->database.log_pages()) + settings_.checkpoint_pages / 4;
    // The log begins anew when no reader needs it. Where there is always one, they are let out for this.
    std::unique_lock<std::shared_mutex> alone;
    if (starved) alone = shared_.door.alone();
    if (auto good = opened_->database.checkpoint(starved); !good)
        (void)failed(good.error(), kCopying + opened_->database.message());
}

Result<> SqliteEngine::failed(const boost::system::error_code& code, const std::string& message) {
    const auto is = static_cast<errc>(code.value());
    if (is != errc::storage_full && is != errc::busy) failed_ = is;
    if (std::exchange(told_, is) != is)
        base::log().error("store: writing to {}: {}: {}", settings_.path, name(is),
                          message.empty() ? opened_->database.message() : message);
    return is;
}

bool SqliteEngine::disk_is_full() const {
    return settings_.min_free_bytes != 0 && free_on_disk_of(settings_.path) < settings_.min_free_bytes;
}

Result<bool> SqliteEngine::maintain(std::uint64_t now_ms) {
    if (failed_ != errc::ok) return failed_;
    const auto purge = opened_->purge.due(now_ms, disk_is_full());
    if (!purge) return no_answer(failed(purge.error()).error());
    const auto answers = opened_->backend.due(now_ms);
    if (!answers) return no_answer(failed(answers.error()).error());
    Result<> done;
    bool more = true;
    const std::uint64_t since = shared_.heads->unwritten_since();
    if (*purge) {
        done = transact(now_ms, [&] { return opened_->purge.run_part(); });
    } else if (*answers) {
        done = transact(now_ms, [&] { return opened_->backend.drop_old_answers(); });
    } else if (choose_heads(now_ms); since != 0 && since <= write_upto_) {
        done = transact(now_ms, [&] { return write_heads(write_upto_, kHeadsAtATime); });
    } else {
        more = false;
        // Nothing has happened for a while: a start now would have nothing to read again.
        if (since == 0 && low_water_ < write_upto_)
            done = transact(now_ms, [&] { return note_low_water(transaction_.stamp); });
    }
    if (!done) return no_answer(done.error());
    checkpoint_if_due();
    note_.put(shared_.generation, transaction_.stamp);
    return more;
}

// Those that are unwritten since the time before last.
void SqliteEngine::choose_heads(std::uint64_t now_ms) {
    if (now_ms >= looked_ms_ && now_ms < looked_ms_ + kIdleMs) return;
    looked_ms_ = now_ms;
    write_upto_ = std::exchange(next_upto_, transaction_.stamp);
}

std::unique_ptr<Reader> SqliteEngine::reader() { return std::make_unique<SqliteReader>(shared_); }

// Over a connection of its own: what is in memory only is as after a crash.
Result<CheckReport> SqliteEngine::check(std::size_t most_faults) {
    auto opened = Database::open(shared_.path, shared_.vfs, Database::Use::read);
    if (!opened) {
        base::log().error("store: {}", opened.error().text);
        return opened.error().code;
    }
    return Checker(*opened, most_faults).run();
}

About SqliteEngine::about() const {
    About about;
    about.engine = "sqlite";
    about.place = settings_.path;
    about.durable = true;  // else prepare_file() would have refused
    about.by = "synchronous=FULL";
    about.generation = shared_.generation;
    about.schema = kSchemaVersion;
    about.stamp = transaction_.stamp;
    about.bytes = size_of(settings_.path) + size_of(settings_.path + "-wal");
    const std::uint64_t free = free_on_disk_of(settings_.path);
    about.free_bytes = free == UINT64_MAX ? 0 : free;
    return about;
}

}  // namespace flare::store::sqlite
