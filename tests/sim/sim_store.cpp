#include "sim/sim_store.hpp"

#include <utility>

namespace flare::sim {

using namespace std::chrono_literals;

namespace {

constexpr std::uint64_t kGeneration = 7;
constexpr Duration kLongestWait = 2s;  // as store::Store::Settings::max_waiting_age

}  // namespace

SimStore::SimStore(World& world, LogBook& book)
    : world_(world), book_(book), disk_(kGeneration), engine_(store::memory::open(disk_)) {}

std::uint64_t SimStore::now_ms() const {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::milliseconds>(world_.now().time_since_epoch()).count());
}

void SimStore::later(Duration delay, std::function<void()> run) {
    world_.after(delay, [this, life = life_, run = std::move(run)] {
        if (life == life_) run();
    });
}

bool SimStore::trouble(std::uint64_t one_in) { return !calm_ && world_.chance.one_in(one_in); }

// ---- what is asked of it ----

void SimStore::write(Batch batch, Done done) {
    if (unknown_ != Outcome::none) return done(std::move(batch), errc::storage_failed);
    const bool late = !waiting_.empty() && world_.now() - waiting_.front().since > kLongestWait;
    if (late || trouble(150)) {
        world_.happened("busy store");
        return done(std::move(batch), errc::busy);
    }
    book_.taken(*batch);
    waiting_.push_back({std::move(batch), std::move(done), world_.now()});
    if (group_.empty()) begin();
}

// Two threads read: what was asked first may be answered last, and after a commit that it does not know of.
void SimStore::read(Question question, std::function<void(errc code)> then) {
    if (trouble(400)) return then(errc::busy);
    const Duration takes = world_.chance.between(0ms, world_.chance.one_in(40) ? 400ms : 2ms);
    later(takes, [this, question = std::move(question), then = std::move(then)] {
        const bool fails = trouble(400) || (unknown_ != Outcome::none && world_.chance.one_in(2));
        if (fails) world_.happened("store that cannot read");
        const errc code = fails ? errc::storage_failed : question(*engine_->reader());
        const Duration way = world_.chance.between(0ms, world_.chance.one_in(40) ? 200ms : 1ms);
        later(way, [then, code] { then(code); });
    });
}

// ---- the thread that commits ----

void SimStore::begin() {
    if (waiting_.empty()) return;
    const std::size_t most = world_.chance.one_in(4) ? 1 + world_.chance.below(3) : waiting_.size();
    const std::size_t count = std::min(most, waiting_.size());
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    group_.assign(std::make_move_iterator(waiting_.begin()), std::make_move_iterator(end));
    waiting_.erase(waiting_.begin(), end);
    Duration takes = world_.chance.between(100us, world_.chance.one_in(30) ? 400ms : 4ms);
    if (slow_ > Duration::zero()) takes += world_.chance.between(0ms, slow_);
    later(takes, [this] { commit(false); });
}

// again: after a commit of unknown outcome, of which nothing is said before it is known.
void SimStore::commit(bool again) {
    if (trouble(200)) {
        if (again) return later(500ms, [this] { commit(true); });
        return put_off(world_.chance.one_in(2) ? errc::busy : errc::storage_full);
    }
    const bool fails = std::exchange(fails_next_, false) || trouble(400);
    const bool written = world_.chance.one_in(2);
    if (fails) disk_.fail(written ? 2 : 1);  // the sync, or what comes before it
    std::vector<store::WriteBatch*> batches;
    for (const Waiting& each : group_) batches.push_back(each.batch.get());
    const auto done = engine_->commit(batches, now_ms());
    world_.require(done.has_value() != fails, "a commit fails when the disk does");
    if (fails) {
        unknown_ = written ? Outcome::written : Outcome::not_written;
        return fail();
    }
    note_committed(true);
    committed_ = true;
    later(world_.chance.between(0ms, world_.chance.one_in(40) ? 300ms : 1ms), [this] { answer(errc::ok); });
}

void SimStore::note_committed(bool answered) {
    const auto reader = engine_->reader();
    for (const Waiting& each : group_) book_.committed(*each.batch, answered, *reader);
}

// Nothing of it was written.
void SimStore::put_off(errc code) {
    world_.happened("commit put off");
    answer(code);
}

void SimStore::answer(errc code) {
    Group group = std::exchange(group_, {});
    committed_ = false;
    for (const Waiting& each : group) book_.given_back(*each.batch);
    for (Waiting& each : group) each.done(std::move(each.batch), code);
    begin();
}

// What waits was never in a commit: it may be sent again at once. What was in it waits until it is known.
void SimStore::fail() {
    world_.happened("commit of unknown outcome");
    world_.trace("the store fails");
    Group others = std::exchange(waiting_, {});
    for (const Waiting& each : others) book_.given_back(*each.batch);
    for (Waiting& each : others) each.done(std::move(each.batch), errc::storage_failed);
    Duration takes = world_.chance.between(0ms, world_.chance.one_in(3) ? 4s : 20ms);
    if (std::exchange(opens_slowly_, false)) takes += 3s;
    later(takes, [this] { reopen(); });
}

void SimStore::reopen() {
    const auto written = engine_->reopen();
    world_.require(written.has_value(), "the store is opened again");
    world_.trace("the store works again");
    const bool was_written = std::exchange(unknown_, Outcome::none) == Outcome::written;
    if (was_written) note_committed(*written);
    if (!*written) return commit(true);
    world_.require(was_written, "a group is called written that was");
    world_.happened("group that was written after all");
    committed_ = true;
    answer(errc::ok);
}

// ---- trouble ----

void SimStore::fill(bool full) {
    if (full) world_.happened("full disk");
    disk_.fill(full);
}

// A commit that is under way is there or not; one that has failed, too.
void SimStore::crash() {
    ++life_;
    if (unknown_ != Outcome::none) {
        const bool kept = unknown_ == Outcome::written && world_.chance.one_in(2);
        disk_.lose_unsynced(kept);
        if (kept) note_committed(false);
        world_.happened("crash while an outcome is unknown");
    } else {
        if (!group_.empty() && !committed_ && world_.chance.one_in(2)) {
            std::vector<store::WriteBatch*> batches;
            for (const Waiting& each : group_) batches.push_back(each.batch.get());
            if (engine_->commit(batches, now_ms())) note_committed(true);
            committed_ = true;
        }
        if (committed_) world_.happened("crash between commit and answer");
        disk_.lose_unsynced(false);
    }
    waiting_.clear();
    group_.clear();
    committed_ = false;
    unknown_ = Outcome::none;
    book_.crashed();
    engine_.reset();
    engine_ = store::memory::open(disk_);
}

void SimStore::back_up() {
    if (unknown_ != Outcome::none) return;
    world_.happened("backup");
    disk_.back_up();
    book_.back_up();
    has_copy_ = true;
}

void SimStore::restore(bool new_generation) {
    world_.happened(new_generation ? "restored backup" : "older copy");
    world_.trace(new_generation ? "a backup is restored" : "an older copy takes the place of the store");
    engine_.reset();
    disk_.restore(disk_.generation() + (new_generation ? 1 : 0));
    disk_.back_up();
    engine_ = store::memory::open(disk_);
    book_.restored(new_generation, *engine_->reader());
}

void SimStore::end_trouble() {
    calm_ = true;
    fails_next_ = false;
    slow_ = Duration::zero();
    disk_.fill(false);
}

}  // namespace flare::sim
