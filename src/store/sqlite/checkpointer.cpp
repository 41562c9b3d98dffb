#include "store/sqlite/checkpointer.hpp"

#include "base/quiet_writes.hpp"
#include "base/short_slice.hpp"

#include <chrono>
#include <new>
#include <utility>

#include <pthread.h>

namespace flare::store::sqlite {

Checked<std::unique_ptr<Checkpointer>> Checkpointer::start(const std::string& path, const std::string& vfs) {
    auto database = Database::open(path, vfs, Database::Use::write);
    if (!database) return database.error();
    database->write_gently();
    // Until it has read something, it does not know that there is a log.
    auto good = database->run("PRAGMA synchronous=FULL");
    if (good) good = database->run("SELECT count(*) FROM sqlite_schema");
    if (!good)
        return Failure(static_cast<errc>(good.error().value()),
                       "the store " + path + " cannot be used: " + database->message());
    return std::make_unique<Checkpointer>(std::move(*database));
}

Checkpointer::Checkpointer(Database database) : database_(std::move(database)), thread_([this] { loop(); }) {}

Checkpointer::~Checkpointer() {
    {
        const std::lock_guard lock(mutex_);
        phase_ = Phase::over;
    }
    changed_.notify_all();
    thread_.join();
}

void Checkpointer::begin() {
    busy_ = true;
    {
        const std::lock_guard lock(mutex_);
        phase_ = Phase::wanted;
    }
    changed_.notify_all();
}

std::optional<Checkpointer::End> Checkpointer::take_end(bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) changed_.wait(lock, [this] { return phase_ == Phase::ended; });
    if (phase_ != Phase::ended) return std::nullopt;
    phase_ = Phase::idle;
    busy_ = false;
    return std::exchange(end_, {});
}

void Checkpointer::loop() {
    pthread_setname_np(pthread_self(), "flare-copy");
    const base::QuietWrites quiet;
    base::ask_for_short_slice(std::chrono::microseconds(100));
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return phase_ == Phase::wanted || phase_ == Phase::over; });
        if (phase_ == Phase::over) return;
        lock.unlock();
        End end = copy();
        lock.lock();
        if (phase_ == Phase::over) return;
        end_ = std::move(end);
        phase_ = Phase::ended;
        lock.unlock();
        changed_.notify_all();
    }
}

// What a reader needs stays in the log, and is copied the next time.
Checkpointer::End Checkpointer::copy() {
    try {
        const auto done = database_.checkpoint(false);
        if (!done) return {done.error(), kCopying + database_.message()};
        return {};
    } catch (const std::bad_alloc&) {
        return {errc::storage_failed, "out of memory"};
    }
}

}  // namespace flare::store::sqlite
