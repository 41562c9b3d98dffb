#include "client/cache/cache.hpp"

#include "client/cache/records.hpp"

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>

namespace flare::client {
namespace {

constexpr std::size_t kEntryOverhead = 256;

std::size_t size_of(const Entry& entry) { return entry.payload.size() + kEntryOverhead; }

}  // namespace

// The thread shares it, so that a client can be destroyed while a disk takes long.
struct Cache::State {
    struct Read {
        std::string conversation;
        HistoryQuery query;
        HistoryDone done;
    };

    std::unique_ptr<CacheFile> file;  // the thread's once it runs
    std::optional<Failure> damaged;
    CacheContents contents;
    std::string user;
    OnError on_error;
    std::thread thread;

    mutable std::mutex mutex;
    std::condition_variable changed;  // there is something to do, or to know
    CacheChanges changes;
    std::vector<Read> reads;
    std::map<std::string, ToldUpto, std::less<>> told;
    std::map<Uuid, Ticket> open;  // posted in this run, and not settled
    Ticket newest = 0;            // that was given
    Ticket written = 0;           // all up to it are in the file
    bool closing = false;
    bool failed = false;
    bool over = false;  // the thread is at its end

    // Under the mutex. Null: nothing is kept any more.
    CacheChanges* to_keep() noexcept { return closing || failed ? nullptr : &changes; }
    void put(KeptChanges& kept, std::uint64_t epoch, Entry entry) {
        if (changes.bytes >= kMostQueued) return;
        changes.bytes += size_of(entry);
        kept.entries.emplace_back(epoch, std::move(entry));
    }
    void move(const std::string& conversation, const ToldUpto& upto) {
        told[conversation] = upto;
        if (CacheChanges* const kept = to_keep()) kept->conversations[conversation].upto = upto;
    }

    void run();
    Checked<> write(const CacheChanges& all);
    Checked<HistoryPage> read(const Read& read);
    void fail(Failure why);
};

Checked<> Cache::State::write(const CacheChanges& all) {
    try {
        return file->write(all);
    } catch (const std::exception& error) {  // no memory
        return Failure(errc::cache_failed, std::string("cache_file: cannot be written: ") + error.what());
    }
}

Checked<HistoryPage> Cache::State::read(const Read& read) {
    if (!file) return Failure(errc::cache_failed);
    try {
        return file->history(read.conversation, read.query);
    } catch (const std::exception& error) {
        return Failure(errc::cache_failed, std::string("cache_file: cannot be read: ") + error.what());
    }
}

void Cache::State::fail(Failure why) {
    if (why.code == errc::cache_damaged) why.text += "; it was renamed to " + file->set_aside();
    file.reset();
    why.text += "; this client goes on without a cache until it is built anew";
    {
        const std::lock_guard lock(mutex);
        failed = true;
        changes = {};
    }
    if (on_error) on_error(why);
}

void Cache::State::run() {
    std::unique_lock lock(mutex);
    for (;;) {
        changed.wait(lock, [this] { return closing || !changes.empty() || !reads.empty(); });
        const CacheChanges all = std::exchange(changes, {});
        const std::vector<Read> asked = std::exchange(reads, {});
        const Ticket upto = newest;
        const bool last = closing;
        lock.unlock();
        if (file && !all.empty()) {
            if (const auto done = write(all); !done) fail(done.error());
        }
        for (const Read& each : asked) {
            auto page = read(each);
            if (!page && file && page.error().code != errc::not_connected) fail(page.error());
            each.done(std::move(page));
        }
        lock.lock();
        written = upto;
        changed.notify_all();
        if (last) break;
    }
    lock.unlock();
    file.reset();
    on_error = nullptr;  // it may hold what holds this
    lock.lock();
    over = true;
    changed.notify_all();
}

Cache::Cache(CacheFile::Opened opened, std::string user) : state_(std::make_shared<State>()) {
    state_->file = std::move(opened.file);
    state_->damaged = std::move(opened.damaged);
    state_->told = opened.contents.told;
    state_->contents = std::move(opened.contents);
    state_->user = std::move(user);
}

Cache::~Cache() { close(true); }

void Cache::start(OnError on_error) {
    state_->on_error = std::move(on_error);
    state_->thread = std::thread([state = state_] { state->run(); });
}

void Cache::close(bool wait) {
    std::unique_lock lock(state_->mutex);
    if (std::exchange(state_->closing, true) && !state_->thread.joinable()) return;
    state_->changed.notify_all();
    if (!state_->thread.joinable()) return;
    if (wait) state_->changed.wait_for(lock, kLongestClose, [this] { return state_->over; });
    std::thread thread = std::move(state_->thread);
    const bool over = state_->over;
    lock.unlock();
    if (over && thread.get_id() != std::this_thread::get_id()) {
        thread.join();
    } else {
        thread.detach();
    }
}

std::optional<Failure> Cache::take_damaged() { return std::exchange(state_->damaged, std::nullopt); }
CacheContents Cache::take_contents() { return std::exchange(state_->contents, {}); }

// ---- the outbox ----

Cache::Ticket Cache::post(KeptMessage message) {
    const std::lock_guard lock(state_->mutex);
    const Ticket ticket = ++state_->newest;
    if (CacheChanges* const kept = state_->to_keep()) {
        state_->open[message.id] = ticket;
        kept->posted.push_back(std::move(message));
        state_->changed.notify_all();
    }
    return ticket;
}

Cache::Ticket Cache::newest() const {
    const std::lock_guard lock(state_->mutex);
    return state_->newest;
}

void Cache::sent(const Uuid& id, std::int64_t first_sent_ms) {
    const std::lock_guard lock(state_->mutex);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    const auto posted =
        std::find_if(kept->posted.begin(), kept->posted.end(), [&](const KeptMessage& each) { return each.id == id; });
    if (posted != kept->posted.end()) {
        posted->first_sent_ms = first_sent_ms;
    } else {
        kept->sent[id] = first_sent_ms;
        state_->changed.notify_all();
    }
}

void Cache::settled(const Uuid& id, Ticket ticket, const KeptOutcome& outcome, const std::optional<ToldUpto>& upto) {
    const std::lock_guard lock(state_->mutex);
    if (upto) state_->move(outcome.to, *upto);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    if (const auto open = state_->open.find(id); open != state_->open.end()) {
        if (open->second != ticket) return;
        state_->open.erase(open);
    }
    kept->sent.erase(id);
    const auto posted =
        std::find_if(kept->posted.begin(), kept->posted.end(), [&](const KeptMessage& each) { return each.id == id; });
    if (posted != kept->posted.end()) {
        auto entry = outcome.stored ? entry_of(*posted, state_->user, *outcome.stored) : std::nullopt;
        if (entry) {
            const std::uint64_t epoch = outcome.stored->position.epoch;
            state_->put(kept->conversations[outcome.to], epoch, std::move(*entry));
        }
        kept->posted.erase(posted);
    } else {
        kept->settled[id] = outcome;
    }
    state_->changed.notify_all();
}

bool Cache::wait_for(Ticket ticket, std::chrono::milliseconds time) {
    std::unique_lock lock(state_->mutex);
    const auto done = [&] { return state_->written >= ticket || state_->failed || state_->over; };
    state_->changed.wait_for(lock, time, done);
    return state_->written >= ticket && !state_->failed;
}

// ---- conversations ----

void Cache::told(const std::string& conversation, Entry entry, const ToldUpto& upto) {
    const std::lock_guard lock(state_->mutex);
    state_->move(conversation, upto);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    state_->put(kept->conversations[conversation], upto.position.epoch, std::move(entry));
    state_->changed.notify_all();
}

void Cache::left_out(const HistoryGap& gap, const ToldUpto& upto) {
    const std::lock_guard lock(state_->mutex);
    state_->move(gap.conversation, upto);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    KeptChanges& changes = kept->conversations[gap.conversation];
    if (gap.reason == HistoryGapReason::diverged) {
        changes.diverged = true;
        changes.entries.clear();
        changes.head.reset();
    }
    changes.epoch = upto.position.epoch;
    state_->changed.notify_all();
}

void Cache::cleared(const std::string& conversation, const Position& upto) {
    const std::lock_guard lock(state_->mutex);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    KeptChanges& changes = kept->conversations[conversation];
    if (changes.cleared && changes.cleared->epoch == upto.epoch && changes.cleared->offset >= upto.offset) return;
    changes.cleared = upto;
    state_->changed.notify_all();
}

void Cache::moved(const std::string& conversation, const ToldUpto& upto) {
    const std::lock_guard lock(state_->mutex);
    state_->move(conversation, upto);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    kept->conversations[conversation].epoch = upto.position.epoch;
    state_->changed.notify_all();
}

std::optional<ToldUpto> Cache::told_upto(const std::string& conversation) const {
    const std::lock_guard lock(state_->mutex);
    const auto found = state_->told.find(conversation);
    return found == state_->told.end() ? std::nullopt : std::optional(found->second);
}

void Cache::listed(const std::string& conversation, const ListedConversation* now) {
    std::string bytes = now == nullptr ? std::string() : bytes_of(*now);
    const std::lock_guard lock(state_->mutex);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    kept->conversations[conversation].listed = std::move(bytes);
    state_->changed.notify_all();
}

void Cache::synced(const std::string& cursor) {
    const std::lock_guard lock(state_->mutex);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    kept->cursor = cursor;
    state_->changed.notify_all();
}

void Cache::page(const std::string& conversation, const HistoryPage& page) {
    if (page.from_cache || page.head.epoch == 0) return;
    const std::lock_guard lock(state_->mutex);
    CacheChanges* const kept = state_->to_keep();
    if (kept == nullptr) return;
    KeptChanges& changes = kept->conversations[conversation];
    changes.head = page.head;
    changes.epoch = page.head.epoch;
    for (const Entry& entry : page.entries) state_->put(changes, page.head.epoch, entry);
    state_->changed.notify_all();
}

void Cache::history(const std::string& conversation, const HistoryQuery& query, HistoryDone done) {
    {
        const std::lock_guard lock(state_->mutex);
        if (!state_->closing) {
            state_->reads.push_back({conversation, query, std::move(done)});
            state_->changed.notify_all();
            return;
        }
    }
    done(Failure(errc::client_closed));
}

}  // namespace flare::client
