#include "store/sqlite/checkpointer.hpp"

#include "base/log.hpp"
#include "base/quiet_writes.hpp"
#include "base/short_slice.hpp"
#include "store/sqlite/gentle_vfs.hpp"

#include <chrono>
#include <exception>
#include <utility>

#include <pthread.h>

namespace flare::store::sqlite {

Checked<std::unique_ptr<Checkpointer>> Checkpointer::start(const std::string& path, const std::string& vfs) {
    auto database = Database::open(path, vfs.empty() ? gentle_vfs() : vfs, Database::Use::write);
    if (!database) return database.error();
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

std::optional<Result<>> Checkpointer::take_end(bool wait) {
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
        Result<> end;
        try {
            end = database_.checkpoint(false);
        } catch (const std::exception& error) {
            base::log().error("store: copying the write-ahead log: {}", error.what());
            end = errc::storage_failed;
        }
        lock.lock();
        if (phase_ == Phase::over) return;
        end_ = end;
        phase_ = Phase::ended;
        lock.unlock();
        changed_.notify_all();
    }
}

}  // namespace flare::store::sqlite
