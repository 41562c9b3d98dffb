#include "store/store.hpp"

#include "base/log.hpp"
#include "base/quiet_writes.hpp"
#include "base/short_slice.hpp"
#include "base/unix_time.hpp"

#include <algorithm>
#include <exception>
#include <new>
#include <utility>

#include <pthread.h>

namespace flare::store {
namespace {

using namespace std::chrono_literals;

constexpr auto kSlice = 100us;            // of a thread that sleeps in fsync
constexpr auto kMaintainUnderLoad = 1s;   // what may wait does not wait for ever
constexpr auto kPartUnderLoad = 50ms;     // between two parts of what is under way: 512 rows that are deleted
constexpr auto kPauseInUse = 2ms;         // without a batch, between two parts of what can wait
constexpr std::size_t kKeptGroup = 1024;  // batches; the memory of more is given back

// Of what is thrown where there is no memory, the line may be, too.
void tell(const char* what, const std::exception& error) noexcept {
    try {
        base::log().error("store: {}: {}", what, error.what());
    } catch (const std::exception&) {
    }
}

bool is_failure(errc code) { return code == errc::storage_failed || code == errc::store_damaged; }

}  // namespace

Store::Store(std::unique_ptr<Engine> engine, const Settings& settings)
    : settings_(settings), engine_(std::move(engine)), about_(engine_->about()) {
    threads_.emplace_back([this] { write_loop(); });
    for (unsigned i = 0; i < settings_.readers; ++i) threads_.emplace_back([this] { read_loop(); });
}

Store::~Store() { stop(); }

void Store::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
    }
    written_.notify_all();
    to_read_.notify_all();
    for (std::thread& each : threads_) each.join();
    threads_.clear();
}

// ---- what others call ----

errc Store::submit(std::unique_ptr<WriteBatch>& batch, BatchOwner& owner) {
    const auto now = Clock::now();
    const std::lock_guard lock(mutex_);
    if (stopping_) return errc::shutting_down;
    if (is_failure(code_)) {
        tally_.turned_away(code_, batch->writes.size());
        return code_;
    }
    const std::size_t writes = waiting_writes_ + batch->writes.size();
    const std::size_t bytes = waiting_bytes_ + batch->bytes.size();
    const bool late = !waiting_.empty() && now - waiting_.front().since > settings_.max_waiting_age;
    const bool fits = writes <= settings_.max_waiting_writes && bytes <= settings_.max_waiting_bytes;
    if (late || (!fits && !waiting_.empty())) {
        tally_.turned_away(errc::busy, batch->writes.size());
        return errc::busy;
    }
    waiting_.emplace_back();  // what throws is this, and nothing has changed
    waiting_.back() = {std::move(batch), &owner, now};
    waiting_writes_ = writes;
    waiting_bytes_ = bytes;
    if (waiting_.size() == 1) written_.notify_one();
    return errc::ok;
}

errc Store::read(Read read) {
    const std::lock_guard lock(mutex_);
    if (stopping_) return errc::shutting_down;
    if (reads_.size() >= settings_.max_waiting_reads) return errc::busy;
    reads_.push_back(std::move(read));
    to_read_.notify_one();
    return errc::ok;
}

Store::Health Store::health() const {
    const std::lock_guard lock(mutex_);
    Health health;
    health.code = code_;
    health.waiting_writes = waiting_writes_;
    health.waiting_bytes = waiting_bytes_;
    health.waiting_reads = reads_.size();
    if (!waiting_.empty())
        health.oldest = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - waiting_.front().since);
    health.commits = times_.count();
    health.writes = writes_;
    health.last_commit = times_.last();
    health.p50 = times_.quantile(0.5);
    health.p99 = times_.quantile(0.99);
    return health;
}

Tally Store::tally() const {
    const std::lock_guard lock(mutex_);
    return tally_;
}

About Store::about() const {
    const std::lock_guard lock(mutex_);
    return about_;
}

// ---- the thread that commits ----

void Store::write_loop() {
    pthread_setname_np(pthread_self(), "flare-store");
    const base::QuietWrites quiet;  // a file that may not grow is an error, not the end of the process
    base::ask_for_short_slice(kSlice);
    maintained_ = Clock::now();
    Group group;
    group.reserve(kKeptGroup);
    group_.reserve(kKeptGroup);
    while (next_group(group)) {
        if (group.empty()) {
            maintain();
            continue;
        }
        commit(group);
        if (Clock::now() - maintained_ >= (more_to_maintain_ ? kPartUnderLoad : kMaintainUnderLoad)) maintain();
    }
}

bool Store::next_group(Group& group) {
    std::unique_lock lock(mutex_);
    const auto ready = [this] { return stopping_ || !waiting_.empty(); };
    written_.wait_for(lock, more_to_maintain_ ? kPauseInUse : settings_.idle, ready);
    if (stopping_ && waiting_.empty()) return false;
    take(group);
    return true;
}

void Store::take(Group& group) {
    std::size_t writes = 0;
    std::size_t bytes = 0;
    std::size_t batches = 0;
    for (; batches < waiting_.size(); ++batches) {
        writes += waiting_[batches].batch->writes.size();
        bytes += waiting_[batches].batch->bytes.size();
        const bool fits = writes <= settings_.max_group_writes && bytes <= settings_.max_group_bytes;
        if (!fits && batches != 0) break;
    }
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(std::min(batches, make_room(group, batches)));
    for (auto each = waiting_.begin(); each != end; ++each) {
        waiting_writes_ -= each->batch->writes.size();
        waiting_bytes_ -= each->batch->bytes.size();
    }
    group.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    if (waiting_.empty() && waiting_.capacity() > kKeptGroup) Group().swap(waiting_);
}

std::size_t Store::make_room(Group& group, std::size_t batches) noexcept {
    try {
        group.reserve(batches);
        group_.reserve(batches);
    } catch (const std::bad_alloc&) {  // there is room for those of before
    }
    return std::min(group.capacity(), group_.capacity());
}

void Store::commit(Group& group) {
    for (bool retried = false;; retried = true) {
        const auto began = Clock::now();
        const errc code = try_commit(group);
        if (is_failure(code)) {
            const Recovery now = recover(retried);
            if (now == Recovery::open) continue;
            if (now == Recovery::written) {
                note_committed(group, Clock::now() - began);
                return answer(group, {});
            }
        }
        // This try has written nothing; the one before may have.
        const bool unknown = retried && (code == errc::busy || code == errc::storage_full);
        if (unknown && wait_to_try_again()) continue;
        if (code != errc::ok) turned_away(group, code);
        return answer(group, {code});
    }
}

errc Store::try_commit(const Group& group) {
    group_.clear();
    for (const Waiting& each : group) group_.push_back(each.batch.get());
    const auto began = Clock::now();
    const errc code = guarded("committing", [&] { return engine_->commit(group_, base::unix_ms_now()); });
    if (code == errc::ok) note_committed(group, Clock::now() - began);
    note(code == errc::busy ? errc::ok : code);
    return code;
}

// Precondition: group_ holds what the group does.
void Store::note_committed(const Group& group, Clock::duration took) {
    std::size_t writes = 0;
    for (const Waiting& each : group) writes += each.batch->writes.size();
    const Tally::Counted counted = Tally::count(group_);
    {
        const std::lock_guard lock(mutex_);
        times_.add(took);
        tally_.committed(counted, writes, took);
        writes_ += writes;
    }
    if (settings_.committed) settings_.committed();
}

template <typename Call>
errc Store::guarded(const char* what, const Call& call) {
    try {
        const auto done = call();
        return done ? errc::ok : static_cast<errc>(done.error().value());
    } catch (const std::exception& error) {
        tell(what, error);
        return errc::storage_failed;
    }
}

Store::Recovery Store::recover(bool again) {
    Group others;  // they were never in a commit, and may be sent again at once
    std::unique_lock lock(mutex_);
    others.swap(waiting_);
    waiting_writes_ = waiting_bytes_ = 0;
    const errc code = code_;
    lock.unlock();
    turned_away(others, code);
    answer(others, {code});
    if (code == errc::store_damaged) return Recovery::given_up;  // opening it again would not fix it
    for (;; again = true) {
        lock.lock();
        const auto stopping = [this] { return stopping_; };
        if (again && written_.wait_for(lock, settings_.reopen_every, stopping)) return Recovery::given_up;
        lock.unlock();
        bool written = false;
        const errc said = guarded("opening it again", [&] {
            const auto opened = engine_->reopen();
            written = opened && *opened;
            return opened;
        });
        refresh_about();
        if (said != errc::ok && said != errc::store_damaged) continue;
        note(said);
        if (said != errc::ok) return Recovery::given_up;
        return written ? Recovery::written : Recovery::open;
    }
}

bool Store::wait_to_try_again() {
    refresh_about();
    std::unique_lock lock(mutex_);
    return !written_.wait_for(lock, settings_.reopen_every, [this] { return stopping_; });
}

void Store::maintain() {
    maintained_ = Clock::now();
    more_to_maintain_ = false;
    const errc code = guarded("maintaining", [&] {
        const auto more = engine_->maintain(base::unix_ms_now());
        more_to_maintain_ = more && *more;
        return more;
    });
    refresh_about();
    if (!is_failure(code)) return;
    note(code);
    (void)recover(false);
}

void Store::refresh_about() {
    try {
        About about = engine_->about();
        const std::lock_guard lock(mutex_);
        about_ = std::move(about);
    } catch (const std::bad_alloc&) {
    }
}

void Store::note(errc code) {
    const std::lock_guard lock(mutex_);
    code_ = code;
}

void Store::turned_away(const Group& group, errc code) {
    std::size_t writes = 0;
    for (const Waiting& each : group) writes += each.batch->writes.size();
    const std::lock_guard lock(mutex_);
    if (writes != 0) tally_.turned_away(code, writes);
}

void Store::answer(Group& group, const Answer& answer) {
    for (Waiting& each : group) each.owner->done(std::move(each.batch), answer);
    group.clear();
}

// ---- the threads that read ----

void Store::read_loop() {
    pthread_setname_np(pthread_self(), "flare-read");
    base::ask_for_short_slice(kSlice);
    const auto reader = engine_->reader();
    for (;;) {
        Read read;
        {
            std::unique_lock lock(mutex_);
            to_read_.wait(lock, [this] { return stopping_ || !reads_.empty(); });
            if (reads_.empty()) return;
            read = std::move(reads_.front());
            reads_.pop_front();
        }
        try {
            read(*reader);
        } catch (const std::exception& error) {
            tell("reading", error);
        }
    }
}

}  // namespace flare::store
